-- Certificates that we issued, and the installation's own sealed secrets.

-- finder: a certificate's fingerprint tells its tenant
CREATE TABLE certificate (
    sha256 BYTEA PRIMARY KEY,
    tenant TEXT NOT NULL,
    purpose TEXT NOT NULL,
    subject TEXT NOT NULL,
    serial TEXT NOT NULL,
    not_after BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
CREATE INDEX certificate_subject ON certificate(tenant, purpose, subject);
CREATE UNIQUE INDEX certificate_serial ON certificate(purpose, serial);
CREATE INDEX certificate_revoked ON certificate(purpose, revoked_at) WHERE revoked_at <> 0;

CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
