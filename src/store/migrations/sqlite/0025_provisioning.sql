-- Pre-provisioning (store/provisioning.h). 0 none, 1 a technician is at it, 2 done and on the shelf, 3 its user's.
ALTER TABLE enrolment ADD COLUMN provisioning INTEGER NOT NULL DEFAULT 0;
CREATE INDEX enrolment_provisioning ON enrolment(tenant, registration_id) WHERE provisioning <> 0;
-- What a technician's companion was given: one live code a registration; as SHA-256.
CREATE TABLE provision_code (
    tenant TEXT NOT NULL, registration_id TEXT NOT NULL, code_sha256 TEXT NOT NULL,
    made_by TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    misses INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, registration_id)
);
