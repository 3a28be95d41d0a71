-- Requests for a second administrator (store/view_action.c): few among the actions of years.
CREATE INDEX device_action_decided ON device_action(tenant, id) WHERE batch_id = '' AND (state = 0 OR decided_at <> 0);
CREATE INDEX action_batch_decided ON action_batch(tenant, id) WHERE state = 0 OR decided_at <> 0;
