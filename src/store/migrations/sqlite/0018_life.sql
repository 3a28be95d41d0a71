-- The end of a life and what leads up to it: who a device belongs to next, what was given to a device, what retention
-- took away.

-- awaited: the next one who signs in on the device becomes its owner and primary user. former_user: the last one that
-- it had, so that the next one is known to be another.
ALTER TABLE enrolment ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE enrolment ADD COLUMN former_user TEXT NOT NULL DEFAULT '';
CREATE INDEX enrolment_way ON enrolment(tenant, way_id);

-- Why a certificate was revoked, as RFC 5280 numbers it.
ALTER TABLE certificate ADD COLUMN reason INTEGER NOT NULL DEFAULT 0;

-- Tokens go with the device that they were given to.
CREATE INDEX token_grant_device ON token_grant(tenant, device) WHERE device <> '';

-- A life that ends in steps: what was asked to follow once the device is gone. Rows go with the last step.
CREATE TABLE life_end (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    way_id TEXT NOT NULL,
    action_id TEXT NOT NULL,
    deregister INTEGER NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, way_id)
);

-- Up to where retention took events and the audit away: a life says that there was more.
CREATE TABLE life_cut (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    kind TEXT NOT NULL,
    before_at BIGINT NOT NULL,
    rows BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind)
);

-- How far the present run of retention is; settings are those that the last one ended with.
CREATE TABLE retention_run (
    one INTEGER PRIMARY KEY,
    stage INTEGER NOT NULL,
    pos BIGINT NOT NULL,
    settings TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL
);
INSERT INTO retention_run(one, stage, pos, settings, begun_at, ended_at) VALUES (1, 0, 0, '', 0, 0);

-- Machines whose registration has ended: by what they are known again.
CREATE TABLE life_machine (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    way_id TEXT NOT NULL,
    registration_id TEXT NOT NULL,
    serial TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, way_id)
);
CREATE INDEX life_machine_serial ON life_machine(tenant, serial_key);
CREATE INDEX life_machine_registration ON life_machine(tenant, registration_id);
CREATE TABLE life_fact (
    tenant TEXT NOT NULL,
    way_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, value, way_id)
);
CREATE INDEX life_fact_way ON life_fact(tenant, way_id);

-- What retention looks for, so that a slice costs what it takes away and not what there is.
CREATE INDEX device_action_ended ON device_action(tenant, ended_at) WHERE ended_at <> 0;
CREATE INDEX deployment_ended ON deployment(tenant, ended_at) WHERE ended_at <> 0;
CREATE INDEX enrolment_ended ON enrolment(tenant, ended_at) WHERE ended_at <> 0;
CREATE INDEX directory_device_deleted ON directory_device(tenant, deleted_at) WHERE deleted_at <> 0;
CREATE INDEX certificate_age ON certificate(tenant, not_after);
