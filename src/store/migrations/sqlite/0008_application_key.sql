-- Certificates that applications prove themselves by. thumb is the SHA-256 of the certificate, thumb1 its SHA-1 (older
-- clients name that one).
CREATE TABLE application_key (
  tenant TEXT NOT NULL,
  application TEXT NOT NULL,
  thumb BLOB NOT NULL,
  thumb1 BLOB NOT NULL,
  spki BLOB NOT NULL,
  not_after BIGINT NOT NULL,
  PRIMARY KEY (tenant, application, thumb)
);
