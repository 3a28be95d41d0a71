-- What a hybrid device has in its Active Directory; '' for all others. The account's own identifiers find the object when
-- the computer registers (join-and-tokens.md 3.2).
ALTER TABLE directory_device ADD COLUMN account_guid TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN account_sid TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_device ADD COLUMN account_domain TEXT NOT NULL DEFAULT '';
CREATE INDEX directory_device_account ON directory_device(account_guid) WHERE account_guid <> '';
