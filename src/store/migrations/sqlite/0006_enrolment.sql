-- Enrolments: devices under management. secrets is sealed; state is 0 active, 1 replaced, 2 ended (store/enrolment.h).
CREATE TABLE enrolment (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    registration_id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_upn TEXT NOT NULL,
    type TEXT NOT NULL,
    provider TEXT NOT NULL,
    dm_id TEXT NOT NULL,
    hw_dev_id TEXT NOT NULL,
    device_name TEXT NOT NULL,
    device_type TEXT NOT NULL,
    os_version TEXT NOT NULL,
    os_edition TEXT NOT NULL,
    locale TEXT NOT NULL,
    in_oobe INTEGER NOT NULL,
    plug_and_forget INTEGER NOT NULL,
    white_glove INTEGER NOT NULL,
    version INTEGER NOT NULL,
    cert_sha256 BYTEA NOT NULL,
    cert_not_after BIGINT NOT NULL,
    secrets BYTEA NOT NULL,
    state INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    renewed_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    last_contact_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX enrolment_device ON enrolment(tenant, device_id);
CREATE INDEX enrolment_hardware ON enrolment(tenant, hw_dev_id);
CREATE INDEX enrolment_user ON enrolment(tenant, user_id, state);
