-- Managed devices as administrators see them, and each deployment with its phases.

-- What the device reports (or its registration knows) stands beside the enrolment, so that lists filter by it.
ALTER TABLE enrolment ADD COLUMN serial TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN manufacturer TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN profile_name TEXT NOT NULL DEFAULT '';
-- What administrators say: owner is 0 by how it was enrolled, 1 company, 2 personal.
ALTER TABLE enrolment ADD COLUMN managed_name TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;
-- The last 'synchronise' that was asked for, and when the device came for it.
ALTER TABLE enrolment ADD COLUMN sync_asked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolment ADD COLUMN sync_done_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX enrolment_serial ON enrolment(tenant, lower(serial), id);
CREATE INDEX enrolment_name ON enrolment(tenant, lower(device_name), id);
CREATE INDEX enrolment_upn ON enrolment(tenant, lower(user_upn), id);
CREATE INDEX enrolment_active ON enrolment(tenant, id) WHERE state = 0;

UPDATE enrolment SET
    serial = COALESCE((SELECT r.serial FROM registration r WHERE r.tenant = enrolment.tenant
                       AND r.id = enrolment.registration_id), ''),
    manufacturer = COALESCE((SELECT r.manufacturer FROM registration r WHERE r.tenant = enrolment.tenant
                             AND r.id = enrolment.registration_id), ''),
    model = COALESCE((SELECT r.model FROM registration r WHERE r.tenant = enrolment.tenant
                      AND r.id = enrolment.registration_id), '');

-- One row a run, from the first contact to its end (store/deployment.h). Times are 0 where it did not come so far.
CREATE TABLE deployment (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    profile_name TEXT NOT NULL,
    state INTEGER NOT NULL,
    enrolment_state INTEGER NOT NULL,
    device_state INTEGER NOT NULL,
    account_state INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    device_at BIGINT NOT NULL,
    device_done_at BIGINT NOT NULL,
    account_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    failures INTEGER NOT NULL,
    failure TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX deployment_way ON deployment(tenant, way_id, started_at);
CREATE INDEX deployment_time ON deployment(tenant, changed_at, id);
CREATE INDEX deployment_begin ON deployment(tenant, started_at, id);
CREATE INDEX deployment_open ON deployment(changed_at) WHERE ended_at = 0;

INSERT INTO deployment(tenant, id, way_id, enrolment_id, profile_name, state, enrolment_state, device_state,
                       account_state, started_at, enrolled_at, device_at, device_done_at, account_at, ended_at, changed_at, failures,
                       failure)
SELECT tenant, id, id, COALESCE(enrolment_id, ''), '', CASE WHEN ready_at <> 0 THEN 1 ELSE 2 END, enrolment_state, 0, 0, deployment_started_at, 0,
       0, 0, 0, ready_at, CASE WHEN ready_at > last_contact_at THEN ready_at ELSE last_contact_at END, 0, ''
FROM way WHERE deployment_started_at <> 0;
