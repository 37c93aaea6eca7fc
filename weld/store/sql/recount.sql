-- :recount_first_day
-- The first day (of UTC) of which there is a partition of telemetry; null where something else minds its days.
SELECT min(to_date(right(c.relname, 8), 'YYYYMMDD')) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('weld.telemetry') AND c.relname ~ '^telemetry_[0-9]{8}$'

-- :recount_plates
-- The next machines, in the order of their plates.
SELECT plate FROM weld.machine WHERE plate > %(after)s AND (%(plate)s::text IS NULL OR plate = %(plate)s) ORDER BY plate LIMIT %(limit)s

-- :recount_far
-- Chips of which a message was put right by more than a day, and stands under a day before or after those that are counted again.
SELECT DISTINCT chip_no FROM weld.telemetry
WHERE corrected_at IS NOT NULL AND abs(extract(epoch FROM corrected_at - at)) > 86400
AND at >= %(since)s::date - interval '40 days' AND at < %(until)s::date + interval '40 days'

-- :recount_machines
-- What hours and days of some machines come to, counted again from stored rows, beside what stands in them: only where the two differ.
-- One statement, one snapshot: whoever writes changes rows and sums in one transaction. What waits in a chip's state is not in the
-- sums yet. A message is looked for up to a day before and six after, for its span may be long and its time put right; those of
-- `far` chips everywhere.
WITH zoned AS MATERIALIZED (
    SELECT m.plate, m.division, m.enterprise, d.zone FROM weld.machine m JOIN weld.division d ON d.code = m.division
    WHERE m.plate = ANY(%(plates)s::text[])
), period AS MATERIALIZED (
    SELECT b.plate, c.chip_no, coalesce((SELECT max(p.until) FROM weld.binding p WHERE p.chip = b.chip AND p.since < b.since), '-infinity')
        AS since, coalesce(b.until, 'infinity') AS until
    FROM weld.binding b JOIN weld.chip c ON c.chip = b.chip WHERE b.plate = ANY(%(plates)s::text[])
), looked AS MATERIALIZED (
    SELECT p.*, pad.days FROM period p,
        LATERAL (SELECT CASE WHEN p.chip_no = ANY(%(far)s::int[]) THEN interval '40 days' ELSE interval '7 days' END) pad (days)
), told AS (
    SELECT l.plate, q.at, s.arc_ms, s.samples * t.step_ms AS covered_ms, CASE WHEN t.late <> 'chip' THEN q.lasted_ms ELSE 0 END AS online_ms,
        0 AS unknown_ms, s.watts * t.step_ms / 3600000 AS energy_wh, 0 AS sessions, 0 AS starts, 0 AS refusals, 0 AS alerts, 1 AS messages,
        t.received_at AS known_at
    FROM looked l JOIN weld.telemetry t ON t.chip_no = l.chip_no AND t.at >= %(since)s::date - l.days AND t.at < %(until)s::date + l.days
    CROSS JOIN LATERAL (SELECT greatest(0, least(t.up_ms - t.from_up, %(longest_ms)s)) AS lasted_ms,
        date_bin('15 minutes', coalesce(t.corrected_at, t.at) - greatest(0, least(t.up_ms - t.from_up, %(longest_ms)s)) * interval '1 ms',
            '1970-01-01 00:00+00') AS at) q
    CROSS JOIN LATERAL (SELECT coalesce(sum(u.arc_ms), 0) AS arc_ms, count(u.arc_ms) AS samples,
        coalesce(sum(abs(u.current_a::float8 * u.voltage_v)), 0) AS watts
        FROM unnest(t.arc_ms, t.current_a, t.voltage_v) AS u (arc_ms, current_a, voltage_v)) s
    WHERE q.at >= l.since AND q.at < l.until
    UNION ALL
    SELECT p.plate, q.at, 0, -s.idle_ms, -s.idle_online_ms, 0, 0, 0, 0, 0, 0, -s.idle_messages, s.received_at
    FROM period p JOIN weld.chip_state s ON s.chip_no = p.chip_no
    CROSS JOIN LATERAL (SELECT to_timestamp(s.idle_quarter * 900.0) AS at) q
    WHERE s.idle_messages > 0 AND q.at >= p.since AND q.at < p.until
    UNION ALL
    SELECT s.plate, s.opened_at, 0, 0, 0, CASE WHEN s.state = 'open' THEN 0 ELSE greatest(s.contact_ms - s.covered_ms, 0) END, 0, 1,
        (s.grant_id IS NOT NULL)::int, 0, 0, 0, s.updated_at
    FROM weld.session s WHERE s.plate = ANY(%(plates)s::text[])
        AND s.opened_at >= %(since)s::date - interval '2 days' AND s.opened_at < %(until)s::date + interval '3 days'
    UNION ALL
    SELECT r.plate, r.at, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, r.at FROM weld.refusal r WHERE r.plate = ANY(%(plates)s::text[])
        AND r.at >= %(since)s::date - interval '2 days' AND r.at < %(until)s::date + interval '3 days'
    UNION ALL
    SELECT a.plate, a.raised_at, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, a.raised_at FROM weld.alert a
    WHERE a.subject = ANY(%(plates)s::text[]) AND a.plate = a.subject
        AND a.raised_at >= %(since)s::date - interval '2 days' AND a.raised_at < %(until)s::date + interval '3 days'
), counted AS MATERIALIZED (
    SELECT z.plate, date_trunc('hour', x.at, 'UTC') AS hour, (x.at AT TIME ZONE z.zone)::date AS day, sum(x.arc_ms) AS arc_ms,
        sum(x.covered_ms) AS covered_ms, sum(x.online_ms) AS online_ms, sum(x.unknown_ms) AS unknown_ms, sum(x.sessions) AS sessions,
        sum(x.starts) AS starts, sum(x.refusals) AS refusals, sum(x.alerts) AS alerts, sum(x.messages) AS messages,
        sum(x.energy_wh) AS energy_wh,
        date_trunc('hour', x.at, 'UTC') >= x.known_at - %(oldest)s AND date_trunc('hour', x.at, 'UTC') < x.known_at + %(newest)s AS hourly
    FROM told x JOIN zoned z ON z.plate = x.plate GROUP BY 1, 2, 3, hourly
), hours AS (
    SELECT plate, c.hour, ARRAY[sum(c.arc_ms), sum(c.covered_ms), sum(c.online_ms), sum(c.unknown_ms), sum(c.sessions), sum(c.starts),
        sum(c.refusals), sum(c.alerts), sum(c.messages)]::bigint[] AS sums, sum(c.energy_wh) AS energy_wh
    FROM counted c WHERE c.hourly GROUP BY 1, 2
), days AS (
    SELECT plate, c.day, ARRAY[sum(c.arc_ms), sum(c.covered_ms), sum(c.online_ms), sum(c.unknown_ms), sum(c.sessions), sum(c.starts),
        sum(c.refusals), sum(c.alerts), sum(c.messages)]::bigint[] AS sums, sum(c.energy_wh) AS energy_wh
    FROM counted c GROUP BY 1, 2
), hours_there AS (
    SELECT plate, hour, ARRAY[arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages]::bigint[] AS sums,
        energy_wh
    FROM weld.machine_hour WHERE plate = ANY(%(plates)s::text[])
        AND hour >= %(since)s::date - interval '2 days' AND hour < %(until)s::date + interval '3 days'
), days_there AS (
    SELECT plate, day, ARRAY[arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages]::bigint[] AS sums,
        energy_wh, division IS NULL AS nobodys
    FROM weld.machine_day WHERE plate = ANY(%(plates)s::text[]) AND day BETWEEN %(since)s AND %(until)s
), whole (sums) AS (VALUES ('{0,0,0,0,0,0,0,0,0}'::bigint[])
), compared AS (
    SELECT 'machine_hour' AS level, z.plate, z.division, z.enterprise, to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') AS at,
        coalesce(t.sums, w.sums) AS there, coalesce(c.sums, w.sums) AS counted, coalesce(t.energy_wh, 0) AS energy_there,
        coalesce(c.energy_wh, 0) AS energy_counted, false AS nobodys
    FROM hours c FULL JOIN hours_there t USING (plate, hour) JOIN zoned z USING (plate) CROSS JOIN whole w
    WHERE (hour AT TIME ZONE z.zone)::date BETWEEN %(since)s AND %(until)s AND hour >= %(hours_since)s::date
    UNION ALL
    SELECT 'machine_day', z.plate, z.division, z.enterprise, day::text, coalesce(t.sums, w.sums), coalesce(c.sums, w.sums),
        coalesce(t.energy_wh, 0), coalesce(c.energy_wh, 0), coalesce(t.nobodys, false)
    FROM days c FULL JOIN days_there t USING (plate, day) JOIN zoned z USING (plate) CROSS JOIN whole w
    WHERE day BETWEEN %(since)s AND %(until)s
)
SELECT level, plate AS key, at, division, enterprise, there, counted, energy_there, energy_counted FROM compared
WHERE there <> counted OR nobodys OR abs(energy_there - energy_counted) > greatest(0.001, abs(energy_counted) * 0.00001)
ORDER BY level, key, at

-- :recount_divisions
-- What days of divisions come to by the machines' days, beside what stands in them: only where the two differ.
WITH days AS (
    SELECT division, day, ARRAY[sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(sessions), sum(starts), sum(refusals),
        sum(alerts), sum(messages), count(*) FILTER (WHERE messages > 0)]::bigint[] AS sums, sum(energy_wh) AS energy_wh
    FROM weld.machine_day WHERE division IS NOT NULL AND day BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
), there AS (
    SELECT division, day, ARRAY[sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(sessions), sum(starts), sum(refusals),
        sum(alerts), sum(messages), sum(heard)]::bigint[] AS sums, sum(energy_wh) AS energy_wh
    FROM weld.division_day WHERE day BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
), compared AS (
    SELECT division AS key, day::text AS at, coalesce(t.sums, '{0,0,0,0,0,0,0,0,0,0}') AS there,
        coalesce(d.sums, '{0,0,0,0,0,0,0,0,0,0}') AS counted, coalesce(t.energy_wh, 0) AS energy_there,
        coalesce(d.energy_wh, 0) AS energy_counted
    FROM days d FULL JOIN there t USING (division, day)
)
SELECT 'division_day' AS level, key, at, NULL AS division, NULL::uuid AS enterprise, there, counted, energy_there, energy_counted
FROM compared WHERE there <> counted OR abs(energy_there - energy_counted) > greatest(0.001, abs(energy_counted) * 0.00001)
ORDER BY key, at

-- :recount_enterprises
-- The same for the days of enterprises.
WITH days AS (
    SELECT enterprise, day, ARRAY[sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(sessions), sum(starts), sum(refusals),
        sum(alerts), sum(messages), count(*) FILTER (WHERE messages > 0)]::bigint[] AS sums, sum(energy_wh) AS energy_wh
    FROM weld.machine_day WHERE division IS NOT NULL AND enterprise IS NOT NULL AND day BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
), there AS (
    SELECT enterprise, day, ARRAY[sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(sessions), sum(starts), sum(refusals),
        sum(alerts), sum(messages), sum(heard)]::bigint[] AS sums, sum(energy_wh) AS energy_wh
    FROM weld.enterprise_day WHERE day BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
), compared AS (
    SELECT enterprise::text AS key, day::text AS at, coalesce(t.sums, '{0,0,0,0,0,0,0,0,0,0}') AS there,
        coalesce(d.sums, '{0,0,0,0,0,0,0,0,0,0}') AS counted, coalesce(t.energy_wh, 0) AS energy_there,
        coalesce(d.energy_wh, 0) AS energy_counted
    FROM days d FULL JOIN there t USING (enterprise, day)
)
SELECT 'enterprise_day' AS level, key, at, NULL AS division, NULL::uuid AS enterprise, there, counted, energy_there, energy_counted
FROM compared WHERE there <> counted OR abs(energy_there - energy_counted) > greatest(0.001, abs(energy_counted) * 0.00001)
ORDER BY key, at

-- :mend_machine_hour
-- Add what is missing (or take off what is too much): adding changes nobody else's adding.
INSERT INTO weld.machine_hour AS t (plate, hour, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages,
    energy_wh)
SELECT key, at, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages, energy_wh
FROM json_to_recordset(%(rows)s) AS r (key text, at timestamptz, arc_ms bigint, covered_ms bigint, online_ms bigint, unknown_ms bigint,
    sessions int, starts int, refusals int, alerts int, messages bigint, energy_wh float8) ORDER BY 1, 2
ON CONFLICT (plate, hour) DO UPDATE SET arc_ms = t.arc_ms + excluded.arc_ms, covered_ms = t.covered_ms + excluded.covered_ms,
    online_ms = t.online_ms + excluded.online_ms, unknown_ms = t.unknown_ms + excluded.unknown_ms,
    sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts, refusals = t.refusals + excluded.refusals,
    alerts = t.alerts + excluded.alerts, messages = t.messages + excluded.messages, energy_wh = t.energy_wh + excluded.energy_wh

-- :mend_machine_day
-- The same for days; a day that is nobody's gets the division and enterprise of the machine as it is now.
INSERT INTO weld.machine_day AS t (plate, day, division, enterprise, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts,
    refusals, alerts, messages, energy_wh)
SELECT key, at, division, enterprise, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages, energy_wh
FROM json_to_recordset(%(rows)s) AS r (key text, at date, division text, enterprise uuid, arc_ms bigint, covered_ms bigint,
    online_ms bigint, unknown_ms bigint, sessions int, starts int, refusals int, alerts int, messages bigint, energy_wh float8) ORDER BY 1, 2
ON CONFLICT (plate, day) DO UPDATE SET arc_ms = t.arc_ms + excluded.arc_ms, covered_ms = t.covered_ms + excluded.covered_ms,
    online_ms = t.online_ms + excluded.online_ms, unknown_ms = t.unknown_ms + excluded.unknown_ms,
    sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts, refusals = t.refusals + excluded.refusals,
    alerts = t.alerts + excluded.alerts, messages = t.messages + excluded.messages, energy_wh = t.energy_wh + excluded.energy_wh,
    enterprise = CASE WHEN t.division IS NULL THEN excluded.enterprise ELSE t.enterprise END,
    division = coalesce(t.division, excluded.division)

-- :mend_division_day
-- The same for the days of divisions, in the part that is ours.
INSERT INTO weld.division_day AS t (division, day, part, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts,
    messages, heard, energy_wh)
SELECT key, at, 0, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages, heard, energy_wh
FROM json_to_recordset(%(rows)s) AS r (key text, at date, arc_ms bigint, covered_ms bigint, online_ms bigint, unknown_ms bigint,
    sessions int, starts int, refusals int, alerts int, messages bigint, heard int, energy_wh float8) ORDER BY 1, 2
ON CONFLICT (division, day, part) DO UPDATE SET arc_ms = t.arc_ms + excluded.arc_ms, covered_ms = t.covered_ms + excluded.covered_ms,
    online_ms = t.online_ms + excluded.online_ms, unknown_ms = t.unknown_ms + excluded.unknown_ms,
    sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts, refusals = t.refusals + excluded.refusals,
    alerts = t.alerts + excluded.alerts, messages = t.messages + excluded.messages, heard = t.heard + excluded.heard,
    energy_wh = t.energy_wh + excluded.energy_wh

-- :mend_enterprise_day
-- The same for the days of enterprises.
INSERT INTO weld.enterprise_day AS t (enterprise, day, part, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals,
    alerts, messages, heard, energy_wh)
SELECT key, at, 0, arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages, heard, energy_wh
FROM json_to_recordset(%(rows)s) AS r (key uuid, at date, arc_ms bigint, covered_ms bigint, online_ms bigint, unknown_ms bigint,
    sessions int, starts int, refusals int, alerts int, messages bigint, heard int, energy_wh float8) ORDER BY 1, 2
ON CONFLICT (enterprise, day, part) DO UPDATE SET arc_ms = t.arc_ms + excluded.arc_ms, covered_ms = t.covered_ms + excluded.covered_ms,
    online_ms = t.online_ms + excluded.online_ms, unknown_ms = t.unknown_ms + excluded.unknown_ms,
    sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts, refusals = t.refusals + excluded.refusals,
    alerts = t.alerts + excluded.alerts, messages = t.messages + excluded.messages, heard = t.heard + excluded.heard,
    energy_wh = t.energy_wh + excluded.energy_wh

-- :mend_peaks
-- The largest sample of hours and days of some machines, where less stands in them or nothing: it never sinks, so whoever adds at the
-- same time takes nothing away. Rows that are not there have no messages.
WITH period AS MATERIALIZED (
    SELECT b.plate, c.chip_no, d.zone, coalesce((SELECT max(p.until) FROM weld.binding p WHERE p.chip = b.chip AND p.since < b.since),
        '-infinity') AS since, coalesce(b.until, 'infinity') AS until
    FROM weld.binding b JOIN weld.chip c ON c.chip = b.chip JOIN weld.machine m ON m.plate = b.plate JOIN weld.division d ON d.code = m.division
    WHERE b.plate = ANY(%(plates)s::text[])
), told AS MATERIALIZED (
    SELECT p.plate, p.zone, q.at, max(s.peak_a) AS peak_a
    FROM period p JOIN weld.telemetry t ON t.chip_no = p.chip_no AND t.at >= %(since)s::date - interval '7 days'
        AND t.at < %(until)s::date + interval '7 days'
    CROSS JOIN LATERAL (SELECT date_bin('15 minutes', coalesce(t.corrected_at, t.at)
        - greatest(0, least(t.up_ms - t.from_up, %(longest_ms)s)) * interval '1 ms', '1970-01-01 00:00+00') AS at) q
    CROSS JOIN LATERAL (SELECT max(u) AS peak_a FROM unnest(t.peak_a) AS u) s
    WHERE q.at >= p.since AND q.at < p.until AND s.peak_a IS NOT NULL GROUP BY 1, 2, 3
), hours AS (
    INSERT INTO weld.machine_hour AS t (plate, hour, peak_a)
    SELECT plate, hour, max(x.peak_a) FROM (SELECT plate, date_trunc('hour', at, 'UTC') AS hour, peak_a FROM told) x
    JOIN weld.machine_hour h USING (plate, hour) WHERE h.peak_a IS NULL OR h.peak_a < x.peak_a GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (plate, hour) DO UPDATE SET peak_a = greatest(t.peak_a, excluded.peak_a)
    RETURNING 1
)
INSERT INTO weld.machine_day AS t (plate, day, peak_a)
SELECT plate, day, max(x.peak_a) FROM (SELECT plate, (at AT TIME ZONE zone)::date AS day, peak_a FROM told) x
JOIN weld.machine_day d USING (plate, day) WHERE (d.peak_a IS NULL OR d.peak_a < x.peak_a) AND (SELECT count(*) FROM hours) >= 0
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (plate, day) DO UPDATE SET peak_a = greatest(t.peak_a, excluded.peak_a)
