-- Who asked for a challenge: an endorsement key is no secret, and somebody else's questions are not its device's.
ALTER TABLE attest_challenge ADD COLUMN caller TEXT NOT NULL DEFAULT '';
