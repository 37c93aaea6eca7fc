-- :attempt_raise
-- A refused attempt opens an alert, or is one more occurrence of the open one of this person, machine and code.
INSERT INTO alert (id, code, level, subject, episode, plate, worker, division, enterprise, since, last_at, evidence, raised_by, raised_at)
VALUES (%(id)s, %(code)s, %(level)s, %(plate)s, %(episode)s, %(plate)s, %(worker)s, %(division)s, %(enterprise)s, %(at)s, %(at)s,
    %(evidence)s, 'api', %(at)s)
ON CONFLICT (subject, code, worker) WHERE raised_by = 'api' AND state <> 'closed'
DO UPDATE SET occurrences = alert.occurrences + 1, last_at = greatest(alert.last_at, excluded.last_at)
RETURNING id, occurrences = 1 AS opened

-- :notice_raise
-- A notice about a certificate: once for each of its steps, closed or not; while one is open the next step is its occurrence.
INSERT INTO alert (id, code, level, subject, episode, plate, worker, division, enterprise, since, last_at, evidence, raised_by, raised_at)
SELECT %(id)s, %(code)s, %(level)s, %(subject)s, %(episode)s, NULL, %(worker)s, %(division)s, %(enterprise)s, %(at)s, %(at)s,
    %(evidence)s, 'api', %(at)s
WHERE NOT EXISTS (SELECT 1 FROM alert WHERE subject = %(subject)s AND code = %(code)s AND episode = %(episode)s)
ON CONFLICT (subject, code, worker) WHERE raised_by = 'api' AND state <> 'closed'
DO UPDATE SET occurrences = alert.occurrences + 1, last_at = greatest(alert.last_at, excluded.last_at), episode = excluded.episode,
    evidence = excluded.evidence
RETURNING id, occurrences = 1 AS opened

-- :alert_announce
-- The fact that leaves: one outbox row, ids only.
INSERT INTO outbox (fact, subject, code, division, payload)
SELECT %(fact)s, a.id, a.code, a.division, jsonb_build_object('alert', a.id) FROM alert a WHERE a.id = %(id)s

-- :alert_wake
-- A hint to dispatch.
SELECT pg_notify('weld_outbox', '')

-- :alert_list
-- Alerts in scope, the newest first; a division stands for everything below it. The page is found before its names are.
WITH found AS (
    SELECT a.id FROM alert a WHERE (%(ids)s::uuid[] IS NULL OR a.id = ANY(%(ids)s))
        AND (%(plate)s::text IS NULL OR (a.subject = %(plate)s AND a.plate = %(plate)s))
        AND (%(code)s::text IS NULL OR a.code = %(code)s) AND (%(state)s::text IS NULL OR a.state = %(state)s)
        AND (%(level)s::int IS NULL OR a.level = %(level)s)
        AND (%(divisions)s::text[] IS NULL OR a.division IN (SELECT unnest(%(divisions)s::text[])))
        AND (%(after_at)s::timestamptz IS NULL OR (a.raised_at, a.id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY a.raised_at DESC, a.id DESC LIMIT %(limit)s
)
SELECT n.id, n.code, n.level, n.plate, n.chip, n.worker, n.session, n.division, n.enterprise, n.since, n.last_at, n.occurrences,
    n.historical, n.late_by_ms, n.evidence, n.raised_by, n.raised_at, n.state, n.acknowledged_at, n.acknowledged_by, n.closed_at,
    n.closed_by, n.outcome, n.note, n.lat, n.lon, n.machine, n.enterprise_name, n.division_zh, n.division_en, n.zone,
    n.acknowledged_by_name, n.closed_by_name
FROM found f JOIN alert_now n ON n.id = f.id
ORDER BY n.raised_at DESC, n.id DESC

-- :alert_list_below
-- The same for some hundred divisions: a page's alerts are in those of them that had one last, so each is asked for its newest one,
-- and only as many as the page has rows are looked into.
WITH newest AS (
    SELECT b.code FROM unnest(%(divisions)s::text[]) AS b (code) CROSS JOIN LATERAL (
        SELECT a.raised_at, a.id FROM alert a WHERE a.division = b.code
            AND (%(code)s::text IS NULL OR a.code = %(code)s) AND (%(state)s::text IS NULL OR a.state = %(state)s)
            AND (%(level)s::int IS NULL OR a.level = %(level)s)
            AND (%(after_at)s::timestamptz IS NULL OR (a.raised_at, a.id) < (%(after_at)s, %(after_id)s::uuid))
        ORDER BY a.raised_at DESC, a.id DESC LIMIT 1) l
    ORDER BY l.raised_at DESC, l.id DESC LIMIT %(limit)s
), found AS (
    SELECT l.id FROM newest n CROSS JOIN LATERAL (
        SELECT a.raised_at, a.id FROM alert a WHERE a.division = n.code
            AND (%(code)s::text IS NULL OR a.code = %(code)s) AND (%(state)s::text IS NULL OR a.state = %(state)s)
            AND (%(level)s::int IS NULL OR a.level = %(level)s)
            AND (%(after_at)s::timestamptz IS NULL OR (a.raised_at, a.id) < (%(after_at)s, %(after_id)s::uuid))
        ORDER BY a.raised_at DESC, a.id DESC LIMIT %(limit)s) l
    ORDER BY l.raised_at DESC, l.id DESC LIMIT %(limit)s
)
SELECT n.id, n.code, n.level, n.plate, n.chip, n.worker, n.session, n.division, n.enterprise, n.since, n.last_at, n.occurrences,
    n.historical, n.late_by_ms, n.evidence, n.raised_by, n.raised_at, n.state, n.acknowledged_at, n.acknowledged_by, n.closed_at,
    n.closed_by, n.outcome, n.note, n.lat, n.lon, n.machine, n.enterprise_name, n.division_zh, n.division_en, n.zone,
    n.acknowledged_by_name, n.closed_by_name
FROM found f JOIN alert_now n ON n.id = f.id
ORDER BY n.raised_at DESC, n.id DESC

-- :alert_queue
-- Alerts in scope that nobody has closed, whatever has to happen next first: signing, then settling, then what has no deadline.
WITH waiting AS (
    SELECT a.*, coalesce(CASE WHEN a.historical THEN NULL
        ELSE a.raised_at + (CASE a.state WHEN 'open' THEN %(sign)s::interval[] ELSE %(close)s::interval[] END)[a.level] END, %(never)s) AS due
    FROM alert a WHERE a.state IN ('open', 'acknowledged')
), found AS (
    SELECT a.id, a.due FROM waiting a WHERE (%(plate)s::text IS NULL OR (a.subject = %(plate)s AND a.plate = %(plate)s))
        AND (%(code)s::text IS NULL OR a.code = %(code)s) AND (%(state)s::text IS NULL OR a.state = %(state)s)
        AND (%(level)s::int IS NULL OR a.level = %(level)s)
        AND (%(division)s::text IS NULL OR a.division IN (SELECT d.code FROM division d JOIN division top ON top.code = %(division)s
            WHERE starts_with(d.path || '/', top.path || '/')))
        AND (%(after_at)s::timestamptz IS NULL OR (a.due, a.id) > (%(after_at)s, %(after_id)s::uuid))
    ORDER BY a.due, a.id LIMIT %(limit)s
)
SELECT n.id, n.code, n.level, n.plate, n.chip, n.worker, n.session, n.division, n.enterprise, n.since, n.last_at, n.occurrences,
    n.historical, n.late_by_ms, n.evidence, n.raised_by, n.raised_at, n.state, n.acknowledged_at, n.acknowledged_by, n.closed_at,
    n.closed_by, n.outcome, n.note, n.lat, n.lon, n.machine, n.enterprise_name, n.division_zh, n.division_en, n.zone,
    n.acknowledged_by_name, n.closed_by_name
FROM found f JOIN alert_now n ON n.id = f.id
ORDER BY f.due, f.id

-- :alert_heaviest
-- Alerts in scope that nobody has closed, the heaviest first and of one level the newest.
WITH found AS (
    SELECT a.id FROM alert a WHERE a.state IN ('open', 'acknowledged') ORDER BY a.level, a.raised_at DESC, a.id DESC LIMIT %(limit)s
)
SELECT n.id, n.code, n.level, n.plate, n.chip, n.worker, n.session, n.division, n.enterprise, n.since, n.last_at, n.occurrences,
    n.historical, n.late_by_ms, n.evidence, n.raised_by, n.raised_at, n.state, n.acknowledged_at, n.acknowledged_by, n.closed_at,
    n.closed_by, n.outcome, n.note, n.lat, n.lon, n.machine, n.enterprise_name, n.division_zh, n.division_en, n.zone,
    n.acknowledged_by_name, n.closed_by_name
FROM found f JOIN alert_now n ON n.id = f.id
ORDER BY n.level, n.raised_at DESC, n.id DESC

-- :alert_acknowledge
-- Somebody has taken the alert up; only an open one changes.
UPDATE alert SET state = 'acknowledged', acknowledged_at = %(at)s, acknowledged_by = %(by)s
WHERE id = %(id)s AND state = 'open' RETURNING id

-- :alert_close
-- The alert is settled, with its outcome; only one that is not closed yet changes.
UPDATE alert SET state = 'closed', closed_at = %(at)s, closed_by = %(by)s, outcome = %(outcome)s, note = %(note)s
WHERE id = %(id)s AND state <> 'closed' RETURNING id
