-- Exchanged boards: the hardware that a registered device showed instead of its own, and the hardware that it had.

-- state: 0 open (one a registration), 1 rejected by an administrator, 2 withdrawn because the registered hardware showed
-- itself again. facts is a line each, octets the hash; enrolment_id is '' unless a certified session showed it. blob is
-- what the device told of its own exchange, as it came. alternates: the two have taken turns.
CREATE TABLE hardware_proposal (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    registration_id TEXT NOT NULL,
    state INTEGER NOT NULL,
    source TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    serial TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    sku TEXT NOT NULL,
    family TEXT NOT NULL,
    product_key TEXT NOT NULL,
    facts TEXT NOT NULL,
    octets BYTEA NOT NULL,
    blob TEXT NOT NULL,
    cause TEXT NOT NULL,
    remedy TEXT NOT NULL,
    alternates INTEGER NOT NULL,
    first_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, registration_id, state)
);
CREATE INDEX hardware_proposal_serial ON hardware_proposal(tenant, serial_key, state);

-- What a device was made of before: the latest few of each way.
CREATE TABLE hardware_past (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    way_id TEXT NOT NULL,
    id TEXT NOT NULL,
    facts TEXT NOT NULL,
    differs TEXT NOT NULL,
    proof TEXT NOT NULL,
    actor TEXT NOT NULL,
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, way_id, id)
);
