-- :evidence_find
-- Which of these exact keys are stored, and with which content (only for messages at or below a high-water mark). The span of their
-- times is said as well: only its days are looked at, not all that there are.
SELECT k.n, coalesce(t.hash, e.hash) AS hash
FROM unnest(%(n)s::int[], %(chip_no)s::int[], %(at)s::timestamptz[], %(boot)s::int[], %(seq)s::bigint[]) AS k (n, chip_no, at, boot, seq)
LEFT JOIN telemetry t ON (t.chip_no, t.at, t.boot, t.seq) = (k.chip_no, k.at, k.boot, k.seq) AND t.at BETWEEN %(since)s AND %(until)s
LEFT JOIN event e ON (e.chip_no, e.at, e.boot, e.seq) = (k.chip_no, k.at, k.boot, k.seq) AND e.at BETWEEN %(since)s AND %(until)s
WHERE coalesce(t.hash, e.hash) IS NOT NULL

-- :evidence_elsewhere
-- Which of these messages are stored under another time than they give now (rare: only for keys that are nowhere else).
SELECT k.n FROM unnest(%(n)s::int[], %(chip_no)s::int[], %(boot)s::int[], %(seq)s::bigint[]) AS k (n, chip_no, boot, seq)
WHERE EXISTS (SELECT 1 FROM telemetry t WHERE t.chip_no = k.chip_no AND t.boot = k.boot AND t.seq = k.seq AND t.at > now() - interval '40 days')
   OR EXISTS (SELECT 1 FROM event e WHERE e.chip_no = k.chip_no AND e.boot = k.boot AND e.seq = k.seq AND e.at > now() - interval '40 days')

-- :stored_run
-- How far a boot is stored without a hole: the highest seq that is also its place in the order (a declared range counts as stored).
WITH said AS (
    SELECT seq FROM telemetry WHERE chip_no = %(chip_no)s AND boot = %(boot)s AND at > now() - interval '40 days'
    UNION SELECT seq FROM event WHERE chip_no = %(chip_no)s AND boot = %(boot)s AND at > now() - interval '40 days'
    UNION SELECT seq FROM quarantine WHERE chip = %(chip)s AND boot = %(boot)s AND seq IS NOT NULL
    UNION SELECT generate_series(from_seq, least(to_seq, from_seq + 100000)) FROM hole WHERE chip_no = %(chip_no)s AND boot = %(boot)s
)
SELECT coalesce(max(seq), 0) FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM said) ordered WHERE seq = place

-- :quarantine_find
-- Which of these messages are in quarantine already.
SELECT DISTINCT k.n FROM unnest(%(n)s::int[], %(chip)s::text[], %(boot)s::int[], %(seq)s::bigint[], %(hash)s::bigint[])
    AS k (n, chip, boot, seq, hash)
JOIN quarantine q ON (q.chip, q.boot, q.seq, q.hash) = (k.chip, k.boot, k.seq, k.hash)

-- :quarantine_put
-- Keep what nobody could use, up to a number a chip and day; all are counted. What is here already is said again, and no more.
WITH counted AS (
    INSERT INTO quarantine_day (chip, day, count)
    SELECT coalesce(%(chip)s, ''), (%(received_at)s::timestamptz AT TIME ZONE 'UTC')::date, 1
    WHERE NOT EXISTS (SELECT FROM quarantine WHERE (chip, boot, seq, hash) = (%(chip)s, %(boot)s, %(seq)s, %(hash)s))
    ON CONFLICT (chip, day) DO UPDATE SET count = quarantine_day.count + 1 RETURNING count
)
INSERT INTO quarantine (received_at, topic, chip, boot, seq, reason, detail, hash, payload)
SELECT %(received_at)s, %(topic)s, %(chip)s, %(boot)s, %(seq)s, %(reason)s, %(detail)s, %(hash)s, %(payload)s
FROM counted WHERE counted.count <= %(cap)s

-- :hole_put
-- A range that will never come: declared lost by the chip, or unreadable after all resends.
INSERT INTO hole (chip_no, boot, from_seq, to_seq, why, at)
VALUES (%(chip_no)s, %(boot)s, %(from_seq)s, %(to_seq)s, %(why)s, %(at)s) ON CONFLICT DO NOTHING

-- :session_telemetry
-- The samples of one session in a window that surely holds it (no session is longer than 24 h).
SELECT at, corrected_at, boot, seq, up_ms, from_up, step_ms, current_a, peak_a, voltage_v, arc_ms, contact, session, ticket
FROM telemetry WHERE chip_no = %(chip_no)s AND at >= %(since)s AND at < %(until)s AND session = %(session)s

-- :session_events
-- The events of one session in the same window.
SELECT at, corrected_at, boot, seq, up_ms, kind, name, body
FROM event WHERE chip_no = %(chip_no)s AND at >= %(since)s AND at < %(until)s AND session = %(session)s
