-- What an administrator notes about an item; devices never see it.
ALTER TABLE configuration ADD COLUMN description TEXT NOT NULL DEFAULT '';
