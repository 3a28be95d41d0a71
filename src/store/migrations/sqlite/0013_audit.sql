-- Who changed what. Every event can say where it came from; those of the audit have a row of their own with what
-- people look for. id falls with time and position, so that the order of ids is newest first.
ALTER TABLE event ADD COLUMN origin TEXT NOT NULL DEFAULT '';

CREATE TABLE audit (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  pos BIGINT NOT NULL,
  at BIGINT NOT NULL,
  directory INTEGER NOT NULL,
  category TEXT NOT NULL,
  activity TEXT NOT NULL,
  operation TEXT NOT NULL,
  failed INTEGER NOT NULL,
  reason TEXT NOT NULL,
  resource TEXT NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  target_name TEXT NOT NULL,
  actor TEXT NOT NULL,
  account TEXT NOT NULL,
  upn TEXT NOT NULL,
  application TEXT NOT NULL,
  address TEXT NOT NULL,
  correlation TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX audit_at ON audit (tenant, at, id);
CREATE INDEX audit_target ON audit (tenant, target, id);
CREATE INDEX audit_failed ON audit (tenant, actor, at) WHERE failed = 1;
