-- :alert_waiting
-- Alerts in scope that nobody has closed, by level and age: of the heaviest level the oldest first. The page is found before its
-- names are.
WITH found AS (
    SELECT a.id FROM alert a WHERE a.state IN ('open', 'acknowledged') AND (%(state)s::text IS NULL OR a.state = %(state)s)
        AND (%(code)s::text IS NULL OR a.code = %(code)s) AND (%(level)s::int IS NULL OR a.level = %(level)s)
        AND (%(plate)s::text IS NULL OR (a.subject = %(plate)s AND a.plate = %(plate)s))
        AND (%(divisions)s::text[] IS NULL OR a.division = ANY(%(divisions)s))
        AND (%(after_level)s::int IS NULL
            OR (a.level, a.raised_at, a.id) > (%(after_level)s, %(after_at)s::timestamptz, %(after_id)s::uuid))
    ORDER BY a.level, a.raised_at, a.id LIMIT %(limit)s
)
SELECT n.id, n.code, n.level, n.plate, n.chip, n.worker, n.session, n.division, n.enterprise, n.since, n.last_at, n.occurrences,
    n.historical, n.late_by_ms, n.evidence, n.raised_by, n.raised_at, n.state, n.acknowledged_at, n.acknowledged_by, n.closed_at,
    n.closed_by, n.outcome, n.note, n.lat, n.lon, n.machine, n.enterprise_name, n.division_zh, n.division_en, n.zone,
    n.acknowledged_by_name, n.closed_by_name
FROM found f JOIN alert_now n ON n.id = f.id
ORDER BY n.level, n.raised_at, n.id

-- :alert_waiting_counts
-- The same alerts counted by level: all, those that nobody has taken up, and since when the oldest waits.
SELECT a.level, count(*)::int AS open, (count(*) FILTER (WHERE a.state = 'open' AND NOT a.historical))::int AS unsigned,
    min(a.raised_at) AS oldest_at
FROM alert a WHERE a.state IN ('open', 'acknowledged') AND (%(state)s::text IS NULL OR a.state = %(state)s)
    AND (%(code)s::text IS NULL OR a.code = %(code)s) AND (%(level)s::int IS NULL OR a.level = %(level)s)
    AND (%(plate)s::text IS NULL OR (a.subject = %(plate)s AND a.plate = %(plate)s))
    AND (%(divisions)s::text[] IS NULL OR a.division = ANY(%(divisions)s))
GROUP BY a.level ORDER BY a.level

-- :machine_zone
-- The days of a machine in scope are those of its division's zone; how many numbers its chip may still send.
SELECT d.zone, coalesce(s.missing, 0) AS missing FROM machine m JOIN division d ON d.code = m.division
LEFT JOIN chip c ON c.chip = m.chip LEFT JOIN chip_state s ON s.chip_no = c.chip_no WHERE m.plate = %(plate)s

-- :history_days
-- A machine day by day.
SELECT t.day::timestamp AT TIME ZONE %(zone)s AS since, (t.day + 1)::timestamp AT TIME ZONE %(zone)s AS until, t.arc_ms, t.covered_ms,
    t.online_ms, t.unknown_ms, t.energy_wh, t.sessions, t.starts, t.refusals, t.alerts, t.messages, t.peak_a
FROM machine_day t WHERE t.plate = %(plate)s AND t.day >= (%(since)s::timestamptz AT TIME ZONE %(zone)s)::date
    AND t.day <= ((%(until)s::timestamptz - interval '1 microsecond') AT TIME ZONE %(zone)s)::date
ORDER BY t.day

-- :history_hours
-- A machine hour by hour.
SELECT t.hour AS since, t.hour + interval '1 hour' AS until, t.arc_ms, t.covered_ms, t.online_ms, t.unknown_ms, t.energy_wh, t.sessions,
    t.starts, t.refusals, t.alerts, t.messages, t.peak_a
FROM machine_hour t WHERE t.plate = %(plate)s AND t.hour > %(since)s::timestamptz - interval '1 hour' AND t.hour < %(until)s
ORDER BY t.hour

-- :history_lost
-- Numbers that this machine's chip never will send, by when that was declared.
SELECT l.at, l.boot, l.from_seq, l.to_seq, l.why FROM machine_lost(%(plate)s, %(since)s, %(until)s, %(limit)s) l

-- :history_alerts
-- The alerts of a machine that touch a span, the newest first.
SELECT a.id, a.code, a.level, a.since, a.last_at, a.state, a.historical FROM alert a
WHERE a.subject = %(plate)s AND a.plate = %(plate)s AND a.last_at >= %(since)s AND a.since < %(until)s
ORDER BY a.since DESC, a.id LIMIT %(limit)s

-- :telemetry_page
-- Telemetry of one machine behind the last row seen; each message summed up, a null sample is unknown and never counted as 0.
SELECT t.at, t.boot, t.seq, t.received_at, t.late::text AS late, t.clock::text AS clock, t.state, t.contact, t.session, t.energy_wh,
    t.step_ms * cardinality(t.current_a) AS span_ms,
    (SELECT avg(x)::float8 FROM unnest(t.current_a) x) AS current_a, (SELECT max(x)::float8 FROM unnest(t.peak_a) x) AS peak_a,
    (SELECT sum(x)::bigint FROM unnest(t.arc_ms) x) AS arc_ms, t.chip_no
FROM machine_telemetry_page(%(plate)s, %(since)s, %(until)s, %(after_at)s, %(after_boot)s, %(after_seq)s, %(after_chip)s, %(limit)s) t
ORDER BY t.at, t.boot, t.seq, t.chip_no LIMIT %(limit)s

-- :event_page
-- Events, results and logs of one machine behind the last row seen.
SELECT e.at, e.boot, e.seq, e.received_at, e.late::text AS late, e.clock::text AS clock, e.kind, e.name, e.session, e.body, e.chip_no
FROM machine_event_page(%(plate)s, %(since)s, %(until)s, %(after_at)s, %(after_boot)s, %(after_seq)s, %(after_chip)s, %(limit)s) e
ORDER BY e.at, e.boot, e.seq, e.chip_no LIMIT %(limit)s

-- :current_samples
-- The current of a machine from its samples.
SELECT c.since, c.until, c.min_a, c.max_a, c.last_a, c.peak_a, c.arc_ms, c.covered_ms, c.late
FROM machine_current(%(plate)s, %(since)s, %(until)s, %(points)s) c ORDER BY c.since

-- :current_hours
-- The current of a machine from its hours: the largest of each, and how much of it is known.
SELECT min(t.hour) AS since, max(t.hour) + interval '1 hour' AS until, NULL::real AS min_a, NULL::real AS max_a, NULL::real AS last_a,
    max(t.peak_a) AS peak_a, sum(t.arc_ms)::bigint AS arc_ms, sum(t.covered_ms)::bigint AS covered_ms,
    bool_or(t.covered_ms > t.online_ms) AS late
FROM machine_hour t WHERE t.plate = %(plate)s AND t.hour > %(since)s::timestamptz - interval '1 hour' AND t.hour < %(until)s
    AND t.messages > 0
GROUP BY floor(extract(epoch FROM t.hour) / 3600 / %(together)s) ORDER BY 1

-- :current_days
-- The same from its days, in its division's zone.
SELECT min(t.day)::timestamp AT TIME ZONE %(zone)s AS since, (max(t.day) + 1)::timestamp AT TIME ZONE %(zone)s AS until,
    NULL::real AS min_a, NULL::real AS max_a, NULL::real AS last_a, max(t.peak_a) AS peak_a, sum(t.arc_ms)::bigint AS arc_ms,
    sum(t.covered_ms)::bigint AS covered_ms, bool_or(t.covered_ms > t.online_ms) AS late
FROM machine_day t WHERE t.plate = %(plate)s AND t.day >= (%(since)s::timestamptz AT TIME ZONE %(zone)s)::date
    AND t.day <= ((%(until)s::timestamptz - interval '1 microsecond') AT TIME ZONE %(zone)s)::date AND t.messages > 0
GROUP BY floor((t.day - date '2000-01-01') / %(together)s::float8) ORDER BY 1

-- :top
-- The division that figures are of: the one asked for, otherwise that of the caller's scope; an empty path stands for all. No row:
-- there is none, or it is out of scope. A department and an enterprise have no figures of their own divisions' others.
SELECT coalesce(d.code, '') AS code, coalesce(d.path, '') AS path, d.name_zh, d.name_en
FROM (SELECT split_part(current_setting('weld.scope', true), ':', 1) AS kind, split_part(current_setting('weld.scope', true), ':', 2) AS path) scope
LEFT JOIN division d ON CASE WHEN %(division)s::text IS NOT NULL THEN d.code = %(division)s
    ELSE scope.kind IN ('division', 'department') AND d.path = scope.path END
WHERE CASE WHEN scope.kind = 'platform' THEN %(division)s::text IS NULL OR d.code IS NOT NULL
    ELSE scope.kind IN ('division', 'department') AND starts_with(d.path || '/', scope.path || '/') END

-- :month_sums
-- The days of a division and everything below it: summed up by day, and by the division next below (its own code: what belongs to
-- none of them) and month. OFFSET 0: division by division by the key, so that years of other days and divisions are not read.
WITH below AS MATERIALIZED (
    SELECT d.code, CASE WHEN d.path = %(path)s THEN d.code
        ELSE split_part(substr(d.path, CASE %(path)s WHEN '' THEN 1 ELSE length(%(path)s) + 2 END), '/', 1) END AS part
    FROM division d WHERE %(path)s = '' OR d.path COLLATE "C" = %(path)s
        OR (d.path COLLATE "C" > %(path)s || '/' AND d.path COLLATE "C" < %(path)s || '0')
), sums AS (
    SELECT CASE WHEN t.day >= %(since)s THEN t.day END AS day, t.day >= %(since)s AS this_month, b.part, sum(t.heard) AS heard,
        sum(t.arc_ms) AS arc_ms, sum(t.covered_ms) AS covered_ms, sum(t.online_ms) AS online_ms, sum(t.unknown_ms) AS unknown_ms,
        sum(t.energy_wh) AS energy_wh, sum(t.sessions) AS sessions, sum(t.starts) AS starts, sum(t.refusals) AS refusals,
        sum(t.alerts) AS alerts, sum(t.messages) AS messages
    FROM below b CROSS JOIN LATERAL (
        SELECT * FROM division_day y WHERE y.division = b.code AND y.day >= %(before)s AND y.day < %(until)s OFFSET 0) t
    GROUP BY 1, 2, 3
)
SELECT s.day, s.part, s.this_month, sum(s.heard)::bigint AS heard, sum(s.arc_ms)::bigint AS arc_ms, sum(s.covered_ms)::bigint AS covered_ms,
    sum(s.online_ms)::bigint AS online_ms, sum(s.unknown_ms)::bigint AS unknown_ms, sum(s.energy_wh)::float8 AS energy_wh,
    sum(s.sessions)::bigint AS sessions, sum(s.starts)::bigint AS starts, sum(s.refusals)::bigint AS refusals,
    sum(s.alerts)::bigint AS alerts, sum(s.messages)::bigint AS messages
FROM sums s GROUP BY GROUPING SETS ((s.day, s.this_month), (s.part, s.this_month)) ORDER BY s.day, s.part, s.this_month

-- :connection_heard
-- Machines heard and messages stored, by day and by the division next below.
WITH below AS MATERIALIZED (
    SELECT d.code, CASE WHEN d.path = %(path)s THEN d.code
        ELSE split_part(substr(d.path, CASE %(path)s WHEN '' THEN 1 ELSE length(%(path)s) + 2 END), '/', 1) END AS part
    FROM division d WHERE %(path)s = '' OR d.path COLLATE "C" = %(path)s
        OR (d.path COLLATE "C" > %(path)s || '/' AND d.path COLLATE "C" < %(path)s || '0')
)
SELECT b.part, t.day, sum(t.heard)::bigint AS heard, sum(t.messages)::bigint AS messages
FROM below b CROSS JOIN LATERAL (
    SELECT * FROM division_day y WHERE y.division = b.code AND y.day >= %(since)s AND y.day < %(until)s OFFSET 0) t
GROUP BY 1, 2

-- :connection_registered
-- Machines in scope by the day that they were entered on; who was there before the span counts from its first day.
WITH below AS MATERIALIZED (
    SELECT d.code, d.zone, CASE WHEN d.path = %(path)s THEN d.code
        ELSE split_part(substr(d.path, CASE %(path)s WHEN '' THEN 1 ELSE length(%(path)s) + 2 END), '/', 1) END AS part
    FROM division d WHERE %(path)s = '' OR d.path COLLATE "C" = %(path)s
        OR (d.path COLLATE "C" > %(path)s || '/' AND d.path COLLATE "C" < %(path)s || '0')
)
SELECT b.part, greatest((m.created_at AT TIME ZONE b.zone)::date, %(since)s) AS day, count(*)::bigint AS machines
FROM below b JOIN machine m ON m.division = b.code
WHERE m.created_at < (%(until)s::date + 1)::timestamp AND (m.created_at AT TIME ZONE b.zone)::date < %(until)s GROUP BY 1, 2

-- :connection_missing
-- Numbers that are not here: declared lost in the span, and those that may still come, of chips that sit in machines in scope.
WITH gone AS (
    SELECT h.chip_no, sum(h.to_seq - h.from_seq + 1) AS lost, 0::numeric AS missing FROM hole h
    WHERE h.at >= %(since)s::date AND h.at < %(until)s::date GROUP BY h.chip_no
    UNION ALL
    SELECT s.chip_no, 0, s.missing FROM chip_state s WHERE s.missing > 0
), machines AS (
    SELECT m.division, sum(g.lost) AS lost, sum(g.missing) AS missing
    FROM gone g JOIN chip c ON c.chip_no = g.chip_no JOIN machine m ON m.chip = c.chip GROUP BY m.division
)
SELECT CASE WHEN d.path = %(path)s THEN d.code
    ELSE split_part(substr(d.path, CASE %(path)s WHEN '' THEN 1 ELSE length(%(path)s) + 2 END), '/', 1) END AS part,
    sum(x.lost)::bigint AS lost, sum(x.missing)::bigint AS missing
FROM machines x JOIN division d ON d.code = x.division
WHERE %(path)s = '' OR d.path COLLATE "C" = %(path)s
    OR (d.path COLLATE "C" > %(path)s || '/' AND d.path COLLATE "C" < %(path)s || '0') GROUP BY 1

-- :part_names
-- What the divisions of an answer are called.
SELECT d.code, d.name_zh, d.name_en FROM division d WHERE d.code = ANY(%(codes)s)
