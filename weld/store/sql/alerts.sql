-- :attempt_raise
-- A refused attempt opens an alert, or is one more occurrence of the open one of this person, machine and code.
INSERT INTO alert (id, code, level, subject, episode, plate, worker, division, enterprise, since, last_at, evidence, raised_by, raised_at)
VALUES (%(id)s, %(code)s, %(level)s, %(plate)s, %(episode)s, %(plate)s, %(worker)s, %(division)s, %(enterprise)s, %(at)s, %(at)s,
    %(evidence)s, 'api', %(at)s)
ON CONFLICT (subject, code, worker) WHERE raised_by = 'api' AND state <> 'closed'
DO UPDATE SET occurrences = alert.occurrences + 1, last_at = greatest(alert.last_at, excluded.last_at)
RETURNING id, occurrences = 1 AS opened

-- :alert_announce
-- The fact that leaves: one outbox row, ids only.
INSERT INTO outbox (fact, subject, code, division, payload)
SELECT %(fact)s, a.id, a.code, a.division, jsonb_build_object('alert', a.id) FROM alert a WHERE a.id = %(id)s

-- :alert_wake
-- Hints to dispatch and to the live streams.
SELECT pg_notify('weld_outbox', ''), pg_notify('weld_fact', %(text)s)

-- :alert_list
-- Alerts in scope, the newest first.
SELECT id, code, level, plate, chip, worker, session, division, enterprise, since, last_at, occurrences, historical, late_by_ms,
    evidence, raised_by, raised_at, state, acknowledged_at, acknowledged_by, closed_at, closed_by, outcome, note
FROM alert
WHERE (%(id)s::uuid IS NULL OR id = %(id)s) AND (%(plate)s::text IS NULL OR plate = %(plate)s)
    AND (%(code)s::text IS NULL OR code = %(code)s) AND (%(state)s::text IS NULL OR state = %(state)s)
    AND (%(after_at)s::timestamptz IS NULL OR (raised_at, id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY raised_at DESC, id DESC LIMIT %(limit)s

-- :alert_acknowledge
-- Somebody has taken the alert up; only an open one changes.
UPDATE alert SET state = 'acknowledged', acknowledged_at = %(at)s, acknowledged_by = %(by)s
WHERE id = %(id)s AND state = 'open' RETURNING id

-- :alert_close
-- The alert is settled, with its outcome; only one that is not closed yet changes.
UPDATE alert SET state = 'closed', closed_at = %(at)s, closed_by = %(by)s, outcome = %(outcome)s, note = %(note)s
WHERE id = %(id)s AND state <> 'closed' RETURNING id
