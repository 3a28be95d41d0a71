-- Groups as the directory has them: by hand or by a rule, of devices or of users; work that a rule's change leaves; what
-- the directory keeps of devices and users.

ALTER TABLE device_group ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
-- enum td_group_kind: 0 by hand, 1 devices by rule, 2 users by rule
ALTER TABLE device_group ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_group ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
-- How far its members were brought up to date: NULL all, else the last way (or user) looked at.
ALTER TABLE device_group ADD COLUMN spread_after TEXT;
ALTER TABLE device_group ADD COLUMN members_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE device_group ADD COLUMN problem TEXT NOT NULL DEFAULT '';
ALTER TABLE device_group ADD COLUMN modified_at BIGINT NOT NULL DEFAULT 0;
UPDATE device_group SET kind = 1 WHERE rule <> '';
UPDATE device_group SET modified_at = created_at, members_at = created_at;
-- the directory lets several groups have one name
DROP INDEX device_group_name;
CREATE INDEX device_group_name ON device_group(tenant, name_key, id);
CREATE INDEX device_group_spread ON device_group(tenant, spread_after) WHERE spread_after IS NOT NULL;

CREATE TABLE device_group_member_new (
    tenant TEXT NOT NULL,
    group_id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    PRIMARY KEY (tenant, group_id, way_id)
) WITHOUT ROWID;
INSERT INTO device_group_member_new(tenant, group_id, way_id) SELECT tenant, group_id, way_id FROM device_group_member;
DROP TABLE device_group_member;
ALTER TABLE device_group_member_new RENAME TO device_group_member;
CREATE INDEX device_group_member_way ON device_group_member(tenant, way_id, group_id);

CREATE TABLE group_user (
    tenant TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, group_id, user_id)
) WITHOUT ROWID;
CREATE INDEX group_user_user ON group_user(tenant, user_id, group_id);

-- finder: which tenants have work. rules changes with every change of a rule, so that compiled ones are known to be
-- current; told_after is the last registration that was told its profile since something changed for many, NULL: all.
CREATE TABLE group_work (
    tenant TEXT PRIMARY KEY,
    rules BIGINT NOT NULL DEFAULT 0,
    due INTEGER NOT NULL DEFAULT 0,
    told_after TEXT
);
CREATE INDEX group_work_due ON group_work(due) WHERE due <> 0;

-- Members of groups that are gone, or that became groups of the other kind: taken away in slices. kind: 1 devices, 2 users.
CREATE TABLE group_leftover (
    tenant TEXT NOT NULL,
    group_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    PRIMARY KEY (tenant, group_id, kind)
);

-- Assignments decide about many devices at once: whoever writes them leaves the telling to the work behind the answers.
CREATE TRIGGER profile_assignment_added AFTER INSERT ON profile_assignment BEGIN
    INSERT INTO group_work(tenant, due, told_after) VALUES (new.tenant, 1, '')
        ON CONFLICT (tenant) DO UPDATE SET due = 1, told_after = '';
END;
CREATE TRIGGER profile_assignment_changed AFTER UPDATE ON profile_assignment BEGIN
    INSERT INTO group_work(tenant, due, told_after) VALUES (new.tenant, 1, '')
        ON CONFLICT (tenant) DO UPDATE SET due = 1, told_after = '';
END;
CREATE TRIGGER profile_assignment_removed AFTER DELETE ON profile_assignment BEGIN
    INSERT INTO group_work(tenant, due, told_after) VALUES (old.tenant, 1, '')
        ON CONFLICT (tenant) DO UPDATE SET due = 1, told_after = '';
END;
CREATE TRIGGER profile_device_type_changed AFTER UPDATE OF device_type ON profile
WHEN old.device_type <> new.device_type BEGIN
    INSERT INTO group_work(tenant, due, told_after) VALUES (new.tenant, 1, '')
        ON CONFLICT (tenant) DO UPDATE SET due = 1, told_after = '';
END;

-- What an administrator notes on a directory device; the attribute's number is its name's.
ALTER TABLE directory_device ADD COLUMN extension1 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension2 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension3 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension4 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension5 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension6 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension7 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension8 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension9 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension10 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension11 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension12 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension13 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension14 TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN extension15 TEXT NOT NULL DEFAULT '';

ALTER TABLE account ADD COLUMN city TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN company_name TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN country TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN department TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN employee_hire_date BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN employee_id TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN given_name TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN job_title TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN mail TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN mobile TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN office TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN postal_code TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN preferred_language TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN street_address TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN surname TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN telephone TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN usage_location TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN user_type TEXT NOT NULL DEFAULT 'Member';
ALTER TABLE account ADD COLUMN other_mails TEXT NOT NULL DEFAULT '';
CREATE INDEX account_name ON account(tenant, lower(name), id);

-- groups whose members nobody brought up to date yet
UPDATE device_group SET spread_after = '' WHERE rule <> '';
INSERT INTO group_work(tenant, due) SELECT DISTINCT tenant, 1 FROM device_group WHERE rule <> '';
