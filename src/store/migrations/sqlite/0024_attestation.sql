-- Attestation (store/attestation.h): makers that are trusted, which TPM a registration has, challenges with their join
-- tickets, certificates fetched from makers.
CREATE TABLE tpm_root (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    sha256 TEXT NOT NULL,
    subject TEXT NOT NULL,
    label TEXT NOT NULL,
    der BYTEA NOT NULL,
    not_after BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, sha256)
);

-- One TPM is one device, whatever its tenant: the index by key is a finder.
CREATE TABLE tpm_binding (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    registration_id TEXT NOT NULL,
    ek_sha256 TEXT NOT NULL,
    assurance INTEGER NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    pcrs TEXT NOT NULL,
    baseline TEXT NOT NULL,
    clock BIGINT NOT NULL,
    resets BIGINT NOT NULL,
    restarts BIGINT NOT NULL,
    firmware BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, registration_id)
);
CREATE UNIQUE INDEX tpm_binding_ek ON tpm_binding(ek_sha256);

-- finder: the id is all that an answer has
CREATE TABLE attest_challenge (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant(id),
    registration_id TEXT NOT NULL,
    purpose INTEGER NOT NULL,
    ek_sha256 TEXT NOT NULL,
    assurance INTEGER NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    ak BYTEA NOT NULL,
    nonce BYTEA NOT NULL,
    proof_sha256 BYTEA NOT NULL,
    technician TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    answered_at BIGINT NOT NULL,
    verdict INTEGER NOT NULL,
    key_sha256 TEXT NOT NULL,
    management_key_sha256 TEXT NOT NULL,
    ticket_expires_at BIGINT NOT NULL,
    ticket_used_at BIGINT NOT NULL
);
CREATE INDEX attest_challenge_ek ON attest_challenge(ek_sha256, created_at);
CREATE INDEX attest_challenge_registration ON attest_challenge(tenant, registration_id, ticket_used_at);
CREATE INDEX attest_challenge_old ON attest_challenge(created_at) WHERE ticket_used_at = 0;

-- What makers publish under the addresses in their certificates; no anchor, only a link on the way to one.
CREATE TABLE tpm_issuer (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    url TEXT NOT NULL,
    der BYTEA NOT NULL,
    fetched_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, url)
);
