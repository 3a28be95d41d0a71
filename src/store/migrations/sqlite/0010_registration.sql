-- What stands around registrations: imports under way, devices that ask, corporate identifiers, facts of devices that
-- enrolled before anybody registered them, and the moment of the last synchronisation.

-- An imported device identity: kept until somebody deletes it. hardware is the text of the hash, emptied when it was
-- looked at. state is that of deviceImportStatus: 0 waits, 3 complete, 4 error.
CREATE TABLE import_record (
    pos INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    import_id TEXT NOT NULL,
    serial TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    product_key TEXT NOT NULL,
    group_tag TEXT NOT NULL,
    assigned_user TEXT NOT NULL,
    purchase_order TEXT NOT NULL,
    hardware TEXT NOT NULL,
    hardware_sha256 BYTEA NOT NULL,
    repeats INTEGER NOT NULL,
    actor TEXT NOT NULL,
    state INTEGER NOT NULL,
    code INTEGER NOT NULL,
    name TEXT NOT NULL,
    detail TEXT NOT NULL,
    registration_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX import_record_serial ON import_record(tenant, serial_key);
-- finder: whose imports wait; then that tenant's in their order, without looking at what is done
CREATE INDEX import_record_open ON import_record(pos) WHERE state = 0;
CREATE INDEX import_record_waiting ON import_record(tenant, pos) WHERE state = 0;

-- A device that asked and is not registered. tenant is '' until somebody claims it, unless the installation has one
-- tenant. identity is a digest of its facts, so that it keeps its code while it asks. state: 0 waits, 1 approved, 2
-- rejected.
CREATE TABLE device_request (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    code TEXT NOT NULL UNIQUE,
    identity TEXT NOT NULL UNIQUE,
    serial TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    hardware TEXT NOT NULL,
    address TEXT NOT NULL,
    state INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    registration_id TEXT NOT NULL
);
CREATE INDEX device_request_tenant ON device_request(tenant, state, asked_at);
CREATE INDEX device_request_address ON device_request(address);
CREATE INDEX device_request_expires ON device_request(expires_at);

-- Corporate identifiers. identifier_key is the normal form in which they are compared.
CREATE TABLE corporate_identifier (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    identifier_key TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, kind, identifier_key)
);

-- Facts that managed devices reported while nobody had registered them: a registration that comes later finds their way.
CREATE TABLE way_identity (
    tenant TEXT NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    way_id TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, value, way_id)
);
CREATE INDEX way_identity_way ON way_identity(tenant, way_id);

CREATE TABLE registration_sync (
    tenant TEXT PRIMARY KEY REFERENCES tenant(id),
    manual_at BIGINT NOT NULL
);
