-- A synchronisation is asked for as an action alone (store/action.h). One that is asked for and not done yet becomes one;
-- 0 is its kind, 1 its state (pending) and its end (by contact).
INSERT INTO device_action(tenant, id, enrolment_id, way_id, batch_id, kind, state, destroys, ends, parameter, reason,
                          actor, decided_by, asked_at, decided_at, sent_at, accepted_at, ended_at, changed_at, reported,
                          hresult, cause, remedy)
SELECT e.tenant,
       lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
             || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
       e.id, e.way_id, '', 0, 1, 0, 1, '', '', 'system', '', e.sync_asked_at, 0, 0, 0, 0, e.sync_asked_at, -1, 0, '', ''
FROM enrolment e
WHERE e.state = 0 AND e.sync_asked_at > e.sync_done_at
  AND NOT EXISTS (SELECT 1 FROM device_action a WHERE a.tenant = e.tenant AND a.enrolment_id = e.id AND a.kind = 0
                  AND a.ended_at = 0);
ALTER TABLE enrolment DROP COLUMN sync_asked_at;
ALTER TABLE enrolment DROP COLUMN sync_done_at;
