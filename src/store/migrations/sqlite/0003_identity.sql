-- Users. upn_key is the name in lower case.
CREATE TABLE account (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  upn TEXT NOT NULL,
  upn_key TEXT NOT NULL,
  name TEXT NOT NULL,
  phc TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  tokens_from BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX account_upn ON account (tenant, upn_key);

CREATE TABLE account_role (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (tenant, account, role)
);

-- Wrong passwords by name, whether there is a user of that name or not.
CREATE TABLE sign_in_guard (
  tenant TEXT NOT NULL,
  upn_key TEXT NOT NULL,
  failures BIGINT NOT NULL,
  failed_at BIGINT NOT NULL,
  locked_until BIGINT NOT NULL,
  PRIMARY KEY (tenant, upn_key)
);
CREATE INDEX sign_in_guard_age ON sign_in_guard (failed_at);

-- Applications; id is the client id, principal the object that its tokens name.
CREATE TABLE application (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  principal TEXT NOT NULL,
  name TEXT NOT NULL,
  public INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE application_redirect (
  tenant TEXT NOT NULL,
  application TEXT NOT NULL,
  uri TEXT NOT NULL,
  PRIMARY KEY (tenant, application, uri)
);

CREATE TABLE application_role (
  tenant TEXT NOT NULL,
  application TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (tenant, application, role)
);

CREATE TABLE application_secret (
  tenant TEXT NOT NULL,
  application TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, application, sha256)
);

-- What we gave out and must know again: codes, refresh tokens, primary refresh tokens, device codes. A finder: the hash
-- tells the tenant. family ties what came out of one sign-in together; sealed holds a session key under the master key.
CREATE TABLE token_grant (
  sha256 BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  application TEXT NOT NULL,
  device TEXT NOT NULL,
  family TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  sealed BLOB NOT NULL
);
CREATE INDEX token_grant_family ON token_grant (tenant, family);
CREATE INDEX token_grant_expiry ON token_grant (expires_at);

-- What a person types for a device code.
CREATE TABLE user_code (
  code TEXT NOT NULL PRIMARY KEY,
  sha256 BLOB NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX user_code_expiry ON user_code (expires_at);

-- Nonces that were used and could still be taken for fresh.
CREATE TABLE nonce_used (
  nonce BLOB NOT NULL PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX nonce_used_expiry ON nonce_used (expires_at);
