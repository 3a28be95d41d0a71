-- A device's way, registrations, what finds them, groups, profiles.

-- One row a device, found by any of its ids. The five states are those of way/way.h.
CREATE TABLE way (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    registration_id TEXT,
    device_id TEXT,
    enrolment_id TEXT,
    user_upn TEXT NOT NULL,
    registration_state INTEGER NOT NULL,
    join_state INTEGER NOT NULL,
    enrolment_state INTEGER NOT NULL,
    deployment_state INTEGER NOT NULL,
    action_state INTEGER NOT NULL,
    contacted_at BIGINT NOT NULL,
    deployment_started_at BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    last_contact_at BIGINT NOT NULL,
    none_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX way_registration ON way(tenant, registration_id);
CREATE UNIQUE INDEX way_device ON way(tenant, device_id);
CREATE UNIQUE INDEX way_enrolment ON way(tenant, enrolment_id);

-- serial_key is the serial number as it is compared: upper case, letters and digits. profile_id is what was last said
-- about the assignment; which profile holds is always asked anew.
CREATE TABLE registration (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    serial TEXT NOT NULL,
    serial_key TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    sku TEXT NOT NULL,
    family TEXT NOT NULL,
    product_key TEXT NOT NULL,
    group_tag TEXT NOT NULL,
    purchase_order TEXT NOT NULL,
    assigned_user TEXT NOT NULL,
    display_name TEXT NOT NULL,
    warning TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    profile_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX registration_serial ON registration(tenant, serial_key);
CREATE INDEX registration_tag ON registration(tenant, group_tag);

-- Apart, so that the row that every lookup reads stays small.
CREATE TABLE registration_hash (
    tenant TEXT NOT NULL,
    registration_id TEXT NOT NULL,
    octets BYTEA NOT NULL,
    PRIMARY KEY (tenant, registration_id)
);

-- finder: an identity fact (way/match.h) tells tenant and registration
CREATE TABLE hw_identity (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    tenant TEXT NOT NULL,
    registration_id TEXT NOT NULL,
    PRIMARY KEY (kind, value, tenant, registration_id)
);
CREATE INDEX hw_identity_registration ON hw_identity(tenant, registration_id);

CREATE TABLE device_group (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    rule TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX device_group_name ON device_group(tenant, name_key);

-- Members are ways: they stay when a device gets another directory object.
CREATE TABLE device_group_member (
    tenant TEXT NOT NULL,
    group_id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    PRIMARY KEY (tenant, group_id, way_id)
);
CREATE INDEX device_group_member_way ON device_group_member(tenant, way_id);

-- settings is JSON in the names of way/profile.h's table.
CREATE TABLE profile (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX profile_name ON profile(tenant, name_key);

-- group_id '' is all devices.
CREATE TABLE profile_assignment (
    tenant TEXT NOT NULL,
    group_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    excluded INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, group_id, profile_id)
);
CREATE INDEX profile_assignment_profile ON profile_assignment(tenant, profile_id);
