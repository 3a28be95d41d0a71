-- Profiles: revisions and kinds of device, what a device got, status pages and other enrolment configurations, foreign
-- management services.

ALTER TABLE profile ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE profile ADD COLUMN device_type TEXT NOT NULL DEFAULT 'windowsPc';
ALTER TABLE profile ADD COLUMN management_app TEXT NOT NULL DEFAULT '';
UPDATE profile SET device_type = coalesce(json_extract(settings, '$.deviceType'), 'windowsPc'),
    management_app = lower(coalesce(json_extract(settings, '$.managementServiceAppId'), ''));
-- callers of the administration interface know profiles by their ids: several may have one name
DROP INDEX profile_name;
CREATE INDEX profile_name ON profile(tenant, name_key);

-- enum td_profile_detail: why no profile holds although one is assigned
ALTER TABLE registration ADD COLUMN profile_detail INTEGER NOT NULL DEFAULT 0;

-- What the device of a way got last: it keeps that until it is reset, whatever becomes of the profile. Apart, so that
-- the row that every message reads stays small.
CREATE TABLE profile_given (
    tenant TEXT NOT NULL,
    way_id TEXT NOT NULL,
    profile_id TEXT NOT NULL,
    name TEXT NOT NULL,
    revision BIGINT NOT NULL,
    settings TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, way_id)
);
CREATE INDEX profile_given_profile ON profile_given(tenant, profile_id);

-- kind: enum td_ec_kind. id is a GUID with the kind's suffix. settings is JSON in the names of the interface. Rows of
-- default configurations are written when somebody changes them; priority 0 is theirs.
CREATE TABLE enrolment_configuration (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    priority INTEGER NOT NULL,
    settings TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- target: a group's id, or the virtual group of all devices or all users.
CREATE TABLE enrolment_configuration_assignment (
    tenant TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    target TEXT NOT NULL,
    excluded INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, configuration_id, target, excluded)
);

-- The status page that was chosen for an enrolment, for reports.
CREATE TABLE status_page_given (
    tenant TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, enrolment_id)
);

CREATE TABLE foreign_management (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    app_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    enrolment_url TEXT NOT NULL,
    terms_url TEXT NOT NULL,
    compliance_url TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, app_id)
);
CREATE UNIQUE INDEX foreign_management_name ON foreign_management(tenant, name_key);
