-- The domains that an administrator binds a connector to (store/connector.h). None: it may serve any of its tenant, as
-- every connector could before.
CREATE TABLE connector_bound (
    tenant TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    domain TEXT NOT NULL,          -- DNS name, lower case
    PRIMARY KEY (tenant, connector_id, domain)
);
