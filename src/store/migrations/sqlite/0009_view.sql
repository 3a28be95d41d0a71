-- Registrations as the administration interface lists and searches them: a number for every row that the search table
-- names it by and that is never given again, columns that its actions set, and indexes on texts in lower case that end
-- with the id, so that they give a page in its order.

CREATE TABLE registration_new (
    pos INTEGER PRIMARY KEY AUTOINCREMENT,
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
    addressable_user TEXT NOT NULL DEFAULT '',
    friendly_name TEXT NOT NULL DEFAULT '',
    account_upn TEXT NOT NULL DEFAULT '',
    resource_name TEXT NOT NULL DEFAULT '',
    remediation INTEGER NOT NULL DEFAULT 0,
    remediation_at BIGINT NOT NULL DEFAULT 0,
    userless INTEGER NOT NULL DEFAULT 0,
    source TEXT NOT NULL DEFAULT '',
    UNIQUE (tenant, id)
);
INSERT INTO registration_new(tenant, id, way_id, device_id, serial, serial_key, manufacturer, model, sku, family,
    product_key, group_tag, purchase_order, assigned_user, display_name, warning, profile_id, profile_at, created_at,
    modified_at)
  SELECT tenant, id, way_id, device_id, serial, serial_key, manufacturer, model, sku, family, product_key, group_tag,
    purchase_order, assigned_user, display_name, warning, profile_id, profile_at, created_at, modified_at
  FROM registration ORDER BY created_at, id;
DROP TABLE registration;
ALTER TABLE registration_new RENAME TO registration;

CREATE INDEX registration_serial ON registration(tenant, serial_key, id);
CREATE INDEX registration_serial_lower ON registration(tenant, lower(serial), id);
CREATE INDEX registration_tag_lower ON registration(tenant, lower(group_tag), id);
CREATE INDEX registration_user_lower ON registration(tenant, lower(assigned_user), id);
CREATE INDEX registration_name_lower ON registration(tenant, lower(display_name), id);
CREATE INDEX registration_profile ON registration(tenant, profile_id, id);

-- Trigrams of what people look for, without the texts: what is found is compared with the row. The engine allows no
-- search table in a trigger, so a trigger notes the row and what the index knows of it, in the same transaction;
-- store/sqlite/search.c brings the index up to date in slices, and questions look at the noted rows as well.
CREATE VIRTUAL TABLE registration_search USING fts5(
    v, content='', tokenize='trigram', detail=none, columnsize=0);
CREATE TABLE registration_search_todo (
    pos INTEGER PRIMARY KEY,
    known INTEGER NOT NULL,
    v TEXT NOT NULL
);
INSERT INTO registration_search_todo(pos, known, v) SELECT pos, 0, '' FROM registration;

CREATE TRIGGER registration_search_insert AFTER INSERT ON registration BEGIN
    INSERT INTO registration_search_todo(pos, known, v) VALUES (new.pos, 0, '') ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER registration_search_update
AFTER UPDATE OF serial, group_tag, assigned_user, display_name, manufacturer, model ON registration
WHEN old.serial <> new.serial OR old.group_tag <> new.group_tag OR old.assigned_user <> new.assigned_user
    OR old.display_name <> new.display_name OR old.manufacturer <> new.manufacturer OR old.model <> new.model
BEGIN
    INSERT INTO registration_search_todo(pos, known, v) VALUES (old.pos, 1, old.serial || char(10) || old.group_tag
        || char(10) || old.assigned_user || char(10) || old.display_name || char(10) || old.manufacturer || char(10)
        || old.model) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER registration_search_delete AFTER DELETE ON registration BEGIN
    INSERT INTO registration_search_todo(pos, known, v) VALUES (old.pos, 1, old.serial || char(10) || old.group_tag
        || char(10) || old.assigned_user || char(10) || old.display_name || char(10) || old.manufacturer || char(10)
        || old.model) ON CONFLICT DO NOTHING;
END;
