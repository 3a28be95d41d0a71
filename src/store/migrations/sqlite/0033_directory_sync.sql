-- People and groups of an Active Directory: what a tenant wants of each of its domains, and how far they were taken over.

ALTER TABLE account ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN ad_domain TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN ad_guid TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN ad_sid TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN sam TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN synced_at BIGINT NOT NULL DEFAULT 0;
-- the latest full run (ad_domain.run) at the time it was named
ALTER TABLE account ADD COLUMN seen_run BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX account_ad_guid ON account(tenant, ad_guid) WHERE ad_guid <> '';
CREATE INDEX account_ad_domain ON account(tenant, ad_domain, seen_run) WHERE ad_domain <> '';

ALTER TABLE device_group ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN ad_domain TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN ad_guid TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN ad_sid TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN sam TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN synced_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE device_group ADD COLUMN seen_run BIGINT NOT NULL DEFAULT 0;
-- raised by every change of its members there; group_user follows in slices until 0
ALTER TABLE device_group ADD COLUMN ad_pending BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX device_group_ad_guid ON device_group(tenant, ad_guid) WHERE ad_guid <> '';
CREATE INDEX device_group_ad_domain ON device_group(tenant, ad_domain, seen_run) WHERE ad_domain <> '';
CREATE INDEX device_group_ad_pending ON device_group(tenant, ad_domain) WHERE ad_pending <> 0;

CREATE TABLE ad_domain (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    domain TEXT NOT NULL,
    sign_in INTEGER NOT NULL,
    sync INTEGER NOT NULL,
    sync_base TEXT NOT NULL,
    sync_seconds INTEGER NOT NULL,
    -- of which server the change number is, who brought it, when a run and a full one ended
    server TEXT NOT NULL DEFAULT '',
    usn BIGINT NOT NULL DEFAULT 0,
    connector TEXT NOT NULL DEFAULT '',
    heard_at BIGINT NOT NULL DEFAULT 0,
    synced_at BIGINT NOT NULL DEFAULT 0,
    full_at BIGINT NOT NULL DEFAULT 0,
    run BIGINT NOT NULL DEFAULT 0,
    -- the run that ended last: its last message may come twice
    ended TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, domain)
);

-- Full runs under way: name is the connector's for it.
CREATE TABLE ad_run (
    tenant TEXT NOT NULL,
    domain TEXT NOT NULL,
    connector TEXT NOT NULL,
    name TEXT NOT NULL,
    run BIGINT NOT NULL,
    people BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, domain, connector)
);

-- Who is in which group there, by objectGUIDs, whether we know the member or not: the order of messages does not matter.
CREATE TABLE ad_member (
    tenant TEXT NOT NULL,
    group_guid TEXT NOT NULL,
    member_guid TEXT NOT NULL,
    PRIMARY KEY (tenant, group_guid, member_guid)
) WITHOUT ROWID;
CREATE INDEX ad_member_member ON ad_member(tenant, member_guid, group_guid);

-- Names there that are not taken over, and why; wish is what was told of them, to be tried again.
CREATE TABLE ad_refused (
    tenant TEXT NOT NULL,
    guid TEXT NOT NULL,
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    wish TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, guid)
);
CREATE INDEX ad_refused_domain ON ad_refused(tenant, domain, at);
