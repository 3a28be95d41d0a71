-- Remote actions (store/action.h): one row each, from the asking to the end; rows are history and outlive the enrolment.
-- destroys and ends are those of the kind's row in way/action.c when it was asked.
CREATE TABLE device_action (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    way_id TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    destroys INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    parameter TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    accepted_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    reported INTEGER NOT NULL,
    hresult BIGINT NOT NULL,
    cause TEXT NOT NULL,
    remedy TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX device_action_enrolment ON device_action(tenant, enrolment_id, id);
CREATE INDEX device_action_way ON device_action(tenant, way_id, id);
CREATE INDEX device_action_batch ON device_action(tenant, batch_id, id) WHERE batch_id <> '';
CREATE INDEX device_action_open ON device_action(tenant, enrolment_id) WHERE ended_at = 0;
CREATE INDEX device_action_recent ON device_action(tenant, asked_at) WHERE destroys = 1;
CREATE INDEX device_action_settling ON device_action(sent_at) WHERE ended_at = 0 AND sent_at <> 0;

-- Bulk actions (store/action_batch.h). state: 0 waits for approval, 1 is being asked for, 2 all asked, 3 is being
-- cancelled, 4 cancelled or rejected.
CREATE TABLE action_batch (
    tenant TEXT NOT NULL REFERENCES tenant(id),
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    destroys INTEGER NOT NULL,
    parameter TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX action_batch_work ON action_batch(state) WHERE state = 1 OR state = 3;

-- Its devices in turn. state: 0 to be asked, 1 asked, 2 refused, 3 left out because the batch was cancelled.
CREATE TABLE action_batch_device (
    tenant TEXT NOT NULL,
    batch_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    enrolment_id TEXT NOT NULL,
    state INTEGER NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (tenant, batch_id, position)
);
CREATE INDEX action_batch_device_open ON action_batch_device(tenant, batch_id, position) WHERE state = 0;
