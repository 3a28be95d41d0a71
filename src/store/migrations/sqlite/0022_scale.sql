-- What is looked at piece by piece: whose history retention is at, and what it looks for in the order of its age.
ALTER TABLE retention_run ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
CREATE INDEX life_machine_ended ON life_machine(tenant, ended_at);

-- Logs that were asked for have names of their own (store/view/action.c): few among the actions of years.
CREATE INDEX device_action_logs ON device_action(tenant, (tenant || '_' || enrolment_id || '_' || id)) WHERE kind = 6;
