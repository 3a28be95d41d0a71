-- Who a run was for: the device may be somebody else's since.
ALTER TABLE deployment ADD COLUMN user_upn TEXT NOT NULL DEFAULT '';
UPDATE deployment SET user_upn = COALESCE((SELECT w.user_upn FROM way w WHERE w.tenant = deployment.tenant
                                           AND w.id = deployment.way_id), '');
