-- What the management door keeps for actions: passwords and archives that devices sent, and ended enrolments that come.

ALTER TABLE enrolment ADD COLUMN refused_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolment ADD COLUMN farewell_at BIGINT NOT NULL DEFAULT 0;

-- Passwords of the managed local administrator, sealed; the newest of a directory device holds (store/local_credential.h).
CREATE TABLE local_credential (
    tenant TEXT NOT NULL,
    device_id TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    sid TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    backed_up_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, device_id, id)
);

-- Archives of logs; the bytes rest in DIR/diagnostics/<id> (store/diagnostics.h). The id is the action's.
CREATE TABLE diagnostic (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX diagnostic_enrolment ON diagnostic(tenant, enrolment_id, id);
CREATE INDEX diagnostic_age ON diagnostic(arrived_at);
