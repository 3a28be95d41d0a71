-- Management: sessions, what was asked and answered, configuration items, content.

-- One row an enrolment. reply is sealed: it may carry what rests sealed elsewhere. version rises with every write, so
-- that two messages at once can't both win.
CREATE TABLE management (
    tenant TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    session_no BIGINT NOT NULL,
    session_id TEXT NOT NULL,
    last_msg BIGINT NOT NULL,
    messages INTEGER NOT NULL,
    session_open INTEGER NOT NULL,
    challenged INTEGER NOT NULL,
    user_active INTEGER NOT NULL,
    inventory INTEGER NOT NULL,
    max_msg BIGINT NOT NULL,
    phase INTEGER NOT NULL,
    phase_since BIGINT NOT NULL,
    failed INTEGER NOT NULL,
    computer_name TEXT NOT NULL,
    owed TEXT NOT NULL,
    body_hash BYTEA NOT NULL,
    reply BYTEA NOT NULL,
    PRIMARY KEY (tenant, enrolment_id)
);

-- policy/ledger.h, as text; apart, because most messages leave it as it is.
CREATE TABLE management_ledger (
    tenant TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    ledger TEXT NOT NULL,
    PRIMARY KEY (tenant, enrolment_id)
);

-- A value that the device sends in parts.
CREATE TABLE management_chunk (
    tenant TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    uri TEXT NOT NULL,
    size BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (tenant, enrolment_id)
);

CREATE TABLE management_report (
    tenant TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    uri TEXT NOT NULL,
    value TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, enrolment_id, uri)
);

CREATE TABLE management_item (
    tenant TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    item TEXT NOT NULL,
    state TEXT NOT NULL,
    status INTEGER NOT NULL,
    hresult BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, enrolment_id, item)
);
CREATE INDEX management_item_state ON management_item(tenant, item, state);

-- body is the item's JSON without secrets; sealed is the whole of it where it has some.
CREATE TABLE configuration (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    revision BIGINT NOT NULL,
    body TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX configuration_name ON configuration(tenant, name_key);

-- group_id '' is all devices.
CREATE TABLE configuration_assignment (
    tenant TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, group_id, configuration_id)
);
CREATE INDEX configuration_assignment_item ON configuration_assignment(tenant, configuration_id);

-- Bytes rest in the data folder under their SHA-256.
CREATE TABLE content (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, sha256)
);
