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
-- A hint to dispatch.
SELECT pg_notify('weld_outbox', '')

-- :alert_list
-- Alerts in scope, the newest first; a division stands for everything below it.
SELECT id, code, level, plate, chip, worker, session, division, enterprise, since, last_at, occurrences, historical, late_by_ms,
    evidence, raised_by, raised_at, state, acknowledged_at, acknowledged_by, closed_at, closed_by, outcome, note, lat, lon, machine,
    enterprise_name, division_zh, division_en, zone, acknowledged_by_name, closed_by_name
FROM alert_now
WHERE (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s)) AND (%(plate)s::text IS NULL OR plate = %(plate)s)
    AND (%(code)s::text IS NULL OR code = %(code)s) AND (%(state)s::text IS NULL OR state = %(state)s)
    AND (%(level)s::int IS NULL OR level = %(level)s)
    AND (%(division)s::text IS NULL OR starts_with(division_path || '/', (SELECT path || '/' FROM division WHERE code = %(division)s)))
    AND (%(after_at)s::timestamptz IS NULL OR (raised_at, id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY raised_at DESC, id DESC LIMIT %(limit)s

-- :alert_queue
-- Alerts in scope that nobody has closed, whatever has to happen next first: signing, then settling, then what has no deadline.
SELECT id, code, level, plate, chip, worker, session, division, enterprise, since, last_at, occurrences, historical, late_by_ms,
    evidence, raised_by, raised_at, state, acknowledged_at, acknowledged_by, closed_at, closed_by, outcome, note, lat, lon, machine,
    enterprise_name, division_zh, division_en, zone, acknowledged_by_name, closed_by_name
FROM (
    SELECT a.*, coalesce(CASE WHEN a.historical THEN NULL
        ELSE a.raised_at + (CASE a.state WHEN 'open' THEN %(sign)s::interval[] ELSE %(close)s::interval[] END)[a.level] END, %(never)s) AS due
    FROM alert_now a WHERE a.state IN ('open', 'acknowledged')
) q
WHERE (%(plate)s::text IS NULL OR plate = %(plate)s) AND (%(code)s::text IS NULL OR code = %(code)s)
    AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(level)s::int IS NULL OR level = %(level)s)
    AND (%(division)s::text IS NULL OR starts_with(division_path || '/', (SELECT path || '/' FROM division WHERE code = %(division)s)))
    AND (%(after_at)s::timestamptz IS NULL OR (due, id) > (%(after_at)s, %(after_id)s::uuid))
ORDER BY due, id LIMIT %(limit)s

-- :alert_heaviest
-- Alerts in scope that nobody has closed, the heaviest first and of one level the newest.
SELECT id, code, level, plate, chip, worker, session, division, enterprise, since, last_at, occurrences, historical, late_by_ms,
    evidence, raised_by, raised_at, state, acknowledged_at, acknowledged_by, closed_at, closed_by, outcome, note, lat, lon, machine,
    enterprise_name, division_zh, division_en, zone, acknowledged_by_name, closed_by_name
FROM alert_now WHERE state IN ('open', 'acknowledged') ORDER BY level, raised_at DESC, id DESC LIMIT %(limit)s

-- :alert_acknowledge
-- Somebody has taken the alert up; only an open one changes.
UPDATE alert SET state = 'acknowledged', acknowledged_at = %(at)s, acknowledged_by = %(by)s
WHERE id = %(id)s AND state = 'open' RETURNING id

-- :alert_close
-- The alert is settled, with its outcome; only one that is not closed yet changes.
UPDATE alert SET state = 'closed', closed_at = %(at)s, closed_by = %(by)s, outcome = %(outcome)s, note = %(note)s
WHERE id = %(id)s AND state <> 'closed' RETURNING id
