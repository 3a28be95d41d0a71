-- Directory devices. A deleted one keeps its id for ever and loses its registration, which then has a fresh object.

CREATE TABLE directory_device (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    registration_id TEXT,
    serial TEXT NOT NULL,
    group_tag TEXT NOT NULL,
    purchase_order TEXT NOT NULL,
    hardware_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    os TEXT NOT NULL,
    os_version TEXT NOT NULL,
    trust_type TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    owner_upn TEXT NOT NULL,
    alt_security_id TEXT NOT NULL,
    key_sha256 BYTEA,
    transport_key BYTEA,
    enabled INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    joined_at BIGINT NOT NULL,
    deleted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX directory_device_registration ON directory_device(tenant, registration_id);
CREATE INDEX directory_device_owner ON directory_device(tenant, owner_id);
CREATE INDEX directory_device_key ON directory_device(tenant, key_sha256);
