-- :session_list
-- Sessions in scope, the newest first. The page is found before the names are; a worker's name stays sealed, and out of sight where
-- the worker is out of scope. A span's sessions began at most eight days before it, but for those of `session_lasting`, which are
-- older than all others and so come last.
WITH lasting AS MATERIALIZED (
    SELECT s.* FROM session s
    WHERE %(since)s::timestamptz IS NOT NULL AND (s.state = 'open' OR s.closed_at - s.opened_at > interval '8 days')
        AND s.opened_at < %(since)s::timestamptz - interval '8 days' AND coalesce(s.closed_at, 'infinity') >= %(since)s
), found AS (
    (SELECT s.* FROM session s
    WHERE (%(id)s::uuid IS NULL OR s.id = %(id)s) AND (%(plate)s::text IS NULL OR s.plate = %(plate)s)
        AND (%(worker)s::uuid IS NULL OR s.worker = %(worker)s) AND (%(enterprise)s::uuid IS NULL OR s.enterprise = %(enterprise)s)
        AND (%(site)s::uuid IS NULL OR s.site = %(site)s) AND (%(divisions)s::text[] IS NULL OR s.division IN (SELECT unnest(%(divisions)s::text[])))
        AND (%(state)s::text IS NULL OR s.state = %(state)s)
        AND (%(since)s::timestamptz IS NULL
            OR (s.opened_at >= %(since)s::timestamptz - interval '8 days' AND coalesce(s.closed_at, 'infinity') >= %(since)s))
        AND (%(until)s::timestamptz IS NULL OR s.opened_at < %(until)s)
        AND (%(after_at)s::timestamptz IS NULL OR (s.opened_at, s.id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT s.* FROM lasting s
    WHERE (%(until)s::timestamptz IS NULL OR s.opened_at < %(until)s)
        AND (%(id)s::uuid IS NULL OR s.id = %(id)s) AND (%(plate)s::text IS NULL OR s.plate = %(plate)s)
        AND (%(worker)s::uuid IS NULL OR s.worker = %(worker)s) AND (%(enterprise)s::uuid IS NULL OR s.enterprise = %(enterprise)s)
        AND (%(site)s::uuid IS NULL OR s.site = %(site)s) AND (%(divisions)s::text[] IS NULL OR s.division IN (SELECT unnest(%(divisions)s::text[])))
        AND (%(state)s::text IS NULL OR s.state = %(state)s)
        AND (%(after_at)s::timestamptz IS NULL OR (s.opened_at, s.id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s)
), page AS (
    SELECT * FROM found s ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s
)
SELECT s.id, s.plate, s.division, s.enterprise, s.site, s.worker,
    (SELECT w.name_sealed FROM worker w WHERE w.id = s.worker) AS name_sealed, s.grant_id, s.authorised, s.opened_at, s.ends_at,
    s.closed_at, s.end_reason, s.state, s.resumed, s.contact_ms, s.covered_ms, s.arc_ms, s.energy_wh, s.peak_a, s.historical,
    EXISTS (SELECT 1 FROM command k WHERE k.plate = s.plate AND k.session = s.id AND k.state IN ('queued', 'sent', 'waiting')) AS ending
FROM page s ORDER BY s.opened_at DESC, s.id DESC

-- :session_list_below
-- The same for some hundred divisions and no narrower word: a page's sessions are in those of them that were used last, so each is
-- asked for its newest one, and only as many as the page has rows are looked into.
WITH lasting AS MATERIALIZED (
    SELECT s.* FROM session s
    WHERE %(since)s::timestamptz IS NOT NULL AND (s.state = 'open' OR s.closed_at - s.opened_at > interval '8 days')
        AND s.opened_at < %(since)s::timestamptz - interval '8 days' AND coalesce(s.closed_at, 'infinity') >= %(since)s
), newest AS (
    SELECT b.code FROM unnest(%(divisions)s::text[]) AS b (code) CROSS JOIN LATERAL (
        SELECT s.opened_at, s.id FROM session s WHERE s.division = b.code AND (%(state)s::text IS NULL OR s.state = %(state)s)
            AND (%(since)s::timestamptz IS NULL
                OR (s.opened_at >= %(since)s::timestamptz - interval '8 days' AND coalesce(s.closed_at, 'infinity') >= %(since)s))
            AND (%(until)s::timestamptz IS NULL OR s.opened_at < %(until)s)
            AND (%(after_at)s::timestamptz IS NULL OR (s.opened_at, s.id) < (%(after_at)s, %(after_id)s::uuid))
        ORDER BY s.opened_at DESC, s.id DESC LIMIT 1) n
    ORDER BY n.opened_at DESC, n.id DESC LIMIT %(limit)s
), found AS (
    SELECT f.* FROM newest n CROSS JOIN LATERAL (
        SELECT s.* FROM session s WHERE s.division = n.code AND (%(state)s::text IS NULL OR s.state = %(state)s)
            AND (%(since)s::timestamptz IS NULL
                OR (s.opened_at >= %(since)s::timestamptz - interval '8 days' AND coalesce(s.closed_at, 'infinity') >= %(since)s))
            AND (%(until)s::timestamptz IS NULL OR s.opened_at < %(until)s)
            AND (%(after_at)s::timestamptz IS NULL OR (s.opened_at, s.id) < (%(after_at)s, %(after_id)s::uuid))
        ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s) f
    UNION ALL
    (SELECT s.* FROM lasting s
    WHERE (%(until)s::timestamptz IS NULL OR s.opened_at < %(until)s)
        AND s.division IN (SELECT unnest(%(divisions)s::text[])) AND (%(state)s::text IS NULL OR s.state = %(state)s)
        AND (%(after_at)s::timestamptz IS NULL OR (s.opened_at, s.id) < (%(after_at)s, %(after_id)s::uuid))
    ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s)
), page AS (
    SELECT * FROM found s ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s
)
SELECT s.id, s.plate, s.division, s.enterprise, s.site, s.worker,
    (SELECT w.name_sealed FROM worker w WHERE w.id = s.worker) AS name_sealed, s.grant_id, s.authorised, s.opened_at, s.ends_at,
    s.closed_at, s.end_reason, s.state, s.resumed, s.contact_ms, s.covered_ms, s.arc_ms, s.energy_wh, s.peak_a, s.historical,
    EXISTS (SELECT 1 FROM command k WHERE k.plate = s.plate AND k.session = s.id AND k.state IN ('queued', 'sent', 'waiting')) AS ending
FROM page s ORDER BY s.opened_at DESC, s.id DESC

-- :reach
-- What a question is about: the divisions of the caller's scope (null: all), of them those below the one that was asked for, and the
-- company of his scope. Stands beside row-level security, which decides, so that an index can begin with it.
SELECT CASE WHEN %(division)s::text IS NULL THEN scope.codes ELSE ARRAY(
    SELECT b.code FROM division d CROSS JOIN LATERAL divisions_below(d.path) AS b (code)
    WHERE d.code = %(division)s AND (scope.codes IS NULL OR b.code IN (SELECT unnest(scope.codes)))) END, scope_enterprise()
FROM (SELECT scope_divisions() AS codes) scope

-- :session_bursts
-- The bursts of one session that the caller may see.
SELECT started_at, ended_at, arc_ms, peak_a FROM session_arc(%(id)s, %(limit)s) ORDER BY started_at

-- :session_where
-- The machine and the chip of an open session of this worker.
SELECT s.plate, s.chip FROM session s WHERE s.id = %(id)s AND s.worker = %(worker)s AND s.state = 'open'
