-- Connectors to Active Directory and their work (store/connector.h, store/domain_join.h).

CREATE TABLE connector (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,        -- lower case
    code BLOB,                     -- SHA-256 of what the administrator hands out; stays with the key that used it
    code_until INTEGER NOT NULL,
    key_sha256 BLOB,               -- null: not registered yet
    encryption_key BLOB,
    version TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_contact INTEGER NOT NULL, -- 0: never
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX connector_name ON connector(tenant, name_key);
-- finders: both are drawn at random, and tell whose connector it is
CREATE UNIQUE INDEX connector_code ON connector(code) WHERE code IS NOT NULL;
CREATE UNIQUE INDEX connector_key ON connector(key_sha256) WHERE key_sha256 IS NOT NULL;

CREATE TABLE connector_domain (
    tenant TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    netbios TEXT NOT NULL,
    dc TEXT NOT NULL,
    site TEXT NOT NULL,
    problem TEXT NOT NULL,         -- a reason's name, "" fine
    detail TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, connector_id, domain)
);

-- The work for one computer account.
CREATE TABLE domain_join (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,       -- of its enrolment, from 1
    way_id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    registration_id TEXT NOT NULL,
    serial TEXT NOT NULL,
    item TEXT NOT NULL,
    domain TEXT NOT NULL,
    ou TEXT NOT NULL,
    pattern TEXT NOT NULL,
    reuse TEXT NOT NULL,
    state INTEGER NOT NULL,        -- enum td_domain_state
    name TEXT NOT NULL,
    tries INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    connector_id TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    account_guid TEXT NOT NULL,
    account_sid TEXT NOT NULL,
    account_dn TEXT NOT NULL,
    existed INTEGER NOT NULL,
    sealed BLOB,
    failure TEXT NOT NULL,
    detail TEXT NOT NULL,
    handed_out INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX domain_join_enrolment ON domain_join(tenant, enrolment_id, number);
CREATE INDEX domain_join_way ON domain_join(tenant, way_id, created_at) WHERE account_guid <> '';
CREATE INDEX domain_join_name ON domain_join(tenant, domain, name) WHERE name <> '';
CREATE INDEX domain_join_queue ON domain_join(tenant, domain, next_at) WHERE state = 0;
CREATE INDEX domain_join_changed ON domain_join(tenant, changed_at);
CREATE INDEX domain_join_open ON domain_join(state, changed_at) WHERE state < 4;

-- Accounts of devices that left.
CREATE TABLE domain_removal (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    account_guid TEXT NOT NULL,
    account_sid TEXT NOT NULL,
    name TEXT NOT NULL,
    remove INTEGER NOT NULL,       -- else disable
    attempt INTEGER NOT NULL,
    connector_id TEXT NOT NULL,
    next_at INTEGER NOT NULL,      -- due; the end of its lease while a connector has it
    created_at INTEGER NOT NULL,
    done_at INTEGER NOT NULL,      -- 0: open
    failure TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX domain_removal_queue ON domain_removal(tenant, domain, next_at) WHERE done_at = 0;
CREATE INDEX domain_removal_done ON domain_removal(tenant, done_at) WHERE done_at <> 0;
CREATE INDEX domain_removal_account ON domain_removal(tenant, account_guid);
