-- :machine_hold
-- Lock a machine until the transaction ends: whoever wants to command it waits here. NO KEY: reported rows may still refer to it.
SELECT plate FROM machine WHERE plate = %(plate)s FOR NO KEY UPDATE

-- :machine_scanned
-- What a decision needs to know of a machine; the longest session comes from the nearest division that sets one.
SELECT m.plate, m.chip, m.division, m.enterprise, m.work, m.presence, m.longest_s, m.blocked_reason IS NOT NULL AS blocked,
    (SELECT up.longest_s FROM division up WHERE starts_with(d.path || '/', up.path || '/') AND up.longest_s IS NOT NULL
        ORDER BY length(up.path) DESC LIMIT 1) AS division_longest_s,
    c.counter, s.online, s.state AS reported, m.process, d.zone,
    (SELECT t.work FROM site t WHERE t.id = m.site AND (%(now)s::timestamptz AT TIME ZONE d.zone)::date >= t.since
        AND (t.until IS NULL OR (%(now)s::timestamptz AT TIME ZONE d.zone)::date <= t.until)) AS place,
    (%(now)s::timestamptz AT TIME ZONE d.zone)::date AS today,
    ((%(now)s::timestamptz AT TIME ZONE d.zone)::date + 1)::timestamp AT TIME ZONE d.zone AS tomorrow,
    EXISTS (SELECT 1 FROM command k WHERE k.plate = m.plate AND k.kind = 'lock' AND k.state IN ('queued', 'sent', 'waiting')
        AND k.expires_at > %(now)s) AS locking,
    EXISTS (SELECT 1 FROM unlock_grant g WHERE g.plate = m.plate AND g.state = 'live')
        OR EXISTS (SELECT 1 FROM session o WHERE o.plate = m.plate AND o.state = 'open') AS in_use
FROM machine m JOIN division d ON d.code = m.division LEFT JOIN chip c ON c.chip = m.chip LEFT JOIN chip_state s ON s.chip_no = c.chip_no
WHERE m.plate = %(plate)s

-- :machine_public
-- What the public may know of a machine: nothing about anybody.
SELECT m.plate, m.maker, m.model, m.rated_a, d.name_zh AS division_zh, d.name_en AS division_en, m.chip IS NOT NULL AS chipped,
    m.blocked_reason IS NOT NULL AS blocked, s.online, s.contact, greatest(s.received_at, s.presence_at) AS heard_at,
    EXISTS (SELECT 1 FROM session o WHERE o.plate = m.plate AND o.state = 'open' AND o.authorised) AS licensed_now
FROM machine m JOIN division d ON d.code = m.division LEFT JOIN chip c ON c.chip = m.chip LEFT JOIN chip_state s ON s.chip_no = c.chip_no
WHERE m.plate = %(plate)s

-- :machine_list
-- Machines in scope with their latest state, by plate; a division stands for everything below it.
SELECT n.plate, n.chip, n.division, n.enterprise, n.maker, n.model, n.serial, n.rated_a, n.work, n.presence, n.longest_s,
    n.blocked_reason, n.online, n.reported, n.contact, n.session, n.current_a, n.energy_wh, n.lat, n.lon, n.accuracy_m, n.heard_at,
    n.facts, d.name_zh AS division_zh, d.name_en AS division_en, e.name AS enterprise_name,
    (SELECT count(*) FROM alert a WHERE a.subject = n.plate AND a.state <> 'closed')::int AS open_alerts
FROM machine_now n JOIN division d ON d.code = n.division LEFT JOIN enterprise e ON e.id = n.enterprise
WHERE (%(plate)s::text IS NULL OR n.plate = %(plate)s) AND (%(after)s::text IS NULL OR n.plate > %(after)s)
    AND (%(division)s::text IS NULL OR starts_with(d.path || '/', (SELECT path || '/' FROM division WHERE code = %(division)s)))
    AND (%(enterprise)s::uuid IS NULL OR n.enterprise = %(enterprise)s)
    AND (%(like)s::text IS NULL OR n.plate ILIKE %(like)s OR n.model ILIKE %(like)s OR n.serial ILIKE %(like)s)
    AND (%(facts)s::text[] IS NULL OR n.facts = ANY(%(facts)s))
ORDER BY n.plate LIMIT %(limit)s

-- :machine_clock
-- How far the clock of a machine's chip is behind ours, where the machine is in scope.
SELECT s.clock_ms FROM machine m JOIN chip c ON c.chip = m.chip JOIN chip_state s ON s.chip_no = c.chip_no WHERE m.plate = %(plate)s

-- :machine_block
-- Take a machine out of use, or bring it back (NULL), and put it into the live map's tail.
WITH changed AS (UPDATE machine SET blocked_reason = %(reason)s WHERE plate = %(plate)s RETURNING plate, blocked_reason)
INSERT INTO change (plate, state, at)
SELECT plate, CASE WHEN blocked_reason IS NULL THEN 'unblocked' ELSE 'blocked' END, clock_timestamp() FROM changed RETURNING plate

-- :machine_days
-- The rollup of one machine's days.
SELECT plate, day, arc_ms, covered_ms, energy_wh, sessions, messages FROM machine_day
WHERE plate = %(plate)s AND day >= %(since)s AND day <= %(until)s ORDER BY day

-- :timeline_telemetry
-- Telemetry of one machine, each message summed up; a null sample is unknown and never counted as 0.
SELECT t.at, t.boot, t.seq, t.received_at, t.late::text AS late, t.clock::text AS clock, t.state, t.contact, t.session, t.energy_wh,
    t.step_ms * cardinality(t.current_a) AS span_ms,
    (SELECT avg(x)::float8 FROM unnest(t.current_a) x) AS current_a, (SELECT max(x)::float8 FROM unnest(t.peak_a) x) AS peak_a,
    (SELECT sum(x)::bigint FROM unnest(t.arc_ms) x) AS arc_ms
FROM machine_telemetry(%(plate)s, %(since)s, %(until)s, %(limit)s) t

-- :timeline_events
-- Events, results and logs of one machine.
SELECT e.at, e.boot, e.seq, e.received_at, e.late::text AS late, e.clock::text AS clock, e.kind, e.name, e.session, e.body
FROM machine_event(%(plate)s, %(since)s, %(until)s, %(limit)s) e

-- :timeline_arcs
-- Bursts of one machine.
SELECT a.boot, a.started_at, a.ended_at, a.arc_ms, a.peak_a, a.contact, a.session
FROM machine_arc(%(plate)s, %(since)s, %(until)s, %(limit)s) a

-- :timeline_gaps
-- Where numbers are missing between two messages of one boot: nobody knows what happened there.
WITH said AS (
    SELECT chip_no, boot, seq, at FROM machine_telemetry(%(plate)s, %(since)s, %(until)s, %(limit)s)
    UNION ALL SELECT chip_no, boot, seq, at FROM machine_event(%(plate)s, %(since)s, %(until)s, %(limit)s)
), pairs AS (
    SELECT chip_no, boot, seq, at, lag(seq) OVER w AS before_seq, lag(at) OVER w AS before_at
    FROM said WINDOW w AS (PARTITION BY chip_no, boot ORDER BY seq)
)
SELECT p.before_at AS since, p.at AS until, p.boot, (p.seq - p.before_seq - 1)::int AS messages,
    (SELECT h.why FROM hole h WHERE h.chip_no = p.chip_no AND h.boot = p.boot AND h.from_seq < p.seq AND h.to_seq > p.before_seq LIMIT 1) AS why
FROM pairs p WHERE p.seq - p.before_seq > 1 ORDER BY p.before_at
