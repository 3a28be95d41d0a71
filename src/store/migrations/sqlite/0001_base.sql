-- What every part of the store rests on: tenants, settings, events, the generation.

CREATE TABLE generation (
    value BIGINT NOT NULL
);
INSERT INTO generation(value) VALUES (1);

CREATE TABLE tenant (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- finder: a domain tells its tenant
CREATE TABLE tenant_domain (
    domain TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant(id)
);

CREATE TABLE tenant_setting (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
);

CREATE TABLE event (
    pos INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX event_subject ON event(tenant, subject, pos);
