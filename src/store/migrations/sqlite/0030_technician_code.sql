-- By which technician's code a challenge was given (SHA-256): the code is good until an admission uses it up.
ALTER TABLE attest_challenge ADD COLUMN technician_code TEXT NOT NULL DEFAULT '';
