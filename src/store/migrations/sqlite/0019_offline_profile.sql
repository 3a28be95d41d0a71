-- Devices that enrolled by a profile file: what the file called its profile, and the profile of this tenant that it is.
ALTER TABLE enrolment ADD COLUMN correlator TEXT NOT NULL DEFAULT '';
ALTER TABLE enrolment ADD COLUMN offline_profile TEXT NOT NULL DEFAULT '';
