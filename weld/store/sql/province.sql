-- :province_divisions
-- A province of the shape of Henan: 18 cities of ten counties each.
INSERT INTO division (code, name_zh, name_en, parent, path)
SELECT '41', '河南省', 'Henan', NULL, '41' UNION ALL
SELECT '41' || lpad(c::text, 2, '0'), '市' || c, 'City ' || c, '41', '41/41' || lpad(c::text, 2, '0') FROM generate_series(1, 18) c UNION ALL
SELECT '41' || lpad(c::text, 2, '0') || lpad(n::text, 2, '0'), '县' || c || '-' || n, 'County ' || c || '-' || n, '41' || lpad(c::text, 2, '0'),
    '41/41' || lpad(c::text, 2, '0') || '/41' || lpad(c::text, 2, '0') || lpad(n::text, 2, '0')
FROM generate_series(1, 18) c, generate_series(1, 10) n

-- :province_enterprises
-- One for every fifty machines; some counties have many, most have few.
INSERT INTO enterprise (id, name, credit_code, division)
SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, '企业' || n, lpad(n::text, 18, '0'),
    '41' || lpad((county / 10 + 1)::text, 2, '0') || lpad((county %% 10 + 1)::text, 2, '0')
FROM generate_series(0, (%(machines)s::int - 1) / 50) n,
    LATERAL (SELECT floor(180 * power((n::bigint * 7919 %% 10007) / 10007.0, 1.5))::int AS county) c

-- :province_machines
-- Machine n has chip n; large enterprises have many, small ones few. A machine stands where its enterprise is.
WITH chips AS (
    INSERT INTO chip (chip, shard, model)
    SELECT 'LOAD' || lpad(n::text, 8, '0'), lpad(to_hex(n %% 64), 2, '0'), 'load' FROM generate_series(0, %(machines)s::int - 1) n ORDER BY n
), machines AS (
    INSERT INTO machine (plate, chip, division, enterprise, maker, model, serial, created_at)
    SELECT '410500' || lpad(n::text, 11, '0'), 'LOAD' || lpad(n::text, 8, '0'), e.division, e.id, 'load', 'load', n::text, '2020-01-01'
    FROM generate_series(0, %(machines)s::int - 1) n JOIN enterprise e ON e.id =
        ('00000000-0000-7000-9000-' || lpad(to_hex(floor(%(machines)s / 50 * power((n::bigint * 999983 %% %(machines)s) / %(machines)s::float8, 1.5))::int), 12, '0'))::uuid
)
INSERT INTO binding (chip, plate, since)
SELECT 'LOAD' || lpad(n::text, 8, '0'), '410500' || lpad(n::text, 11, '0'), '2020-01-01' FROM generate_series(0, %(machines)s::int - 1) n

-- :province_workers
-- As many workers as machines; nobody can be told by these, for nothing is sealed in them.
INSERT INTO worker (id, division, enterprise, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index)
SELECT ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, m.division, m.enterprise, '', '', int8send(n), '', int8send(n)
FROM generate_series(0::bigint, %(machines)s::bigint - 1) n JOIN machine m ON m.plate = '410500' || lpad(n::text, 11, '0')

-- :province_states
-- Every chip was heard; of one in a hundred some words are missing that may still come.
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, at, state, contact, online, missing, fold)
SELECT chip_no, chip, shard, 1, 1, 1000, %(until)s, %(until)s, 'locked', 'open', chip_no %% 10 > 0, CASE WHEN chip_no %% 100 = 1 THEN 2 ELSE 0 END, '{}'
FROM chip

-- :province_patterns
-- Samples that the rows of telemetry take turns with: 0 to 949 one sample at rest, 950 to 999 ten at work; in some of them one is unknown.
CREATE TEMPORARY TABLE pattern ON COMMIT PRESERVE ROWS AS
SELECT n, array_agg(current ORDER BY s)::real[] AS current_a, array_agg(current * 1.1 ORDER BY s)::real[] AS peak_a,
    array_agg(CASE WHEN n < 950 THEN 0 ELSE 22 + random() * 4 END ORDER BY s)::real[] AS voltage_v,
    array_agg(CASE WHEN n < 950 THEN 0 ELSE 1000 END ORDER BY s)::int[] AS arc_ms
FROM generate_series(0, 999) n, LATERAL (
    SELECT s, CASE WHEN n < 950 THEN 0 WHEN n %% 10 = 9 AND s = 5 THEN NULL ELSE 120 + round((random() * 60)::numeric, 1) END AS current
    FROM generate_series(1, CASE WHEN n < 950 THEN 1 ELSE 10 END) s) samples
GROUP BY n

-- :province_places
-- Which machine is where, for whoever puts its rows there: number, plate, division, enterprise.
CREATE TEMPORARY TABLE place ON COMMIT PRESERVE ROWS AS
SELECT right(plate, 11)::int AS n, plate, division, enterprise FROM machine ORDER BY 1

-- :province_seed
-- A row in every day, so that every day has its partition or chunk; the day's own filling empties it again.
INSERT INTO telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms, current_a, peak_a, voltage_v, arc_ms, state)
SELECT 1, day, 1, 0, day, 'synced', 'live', 0, 0, 0, 1000, '{}', '{}', '{}', '{}', 'locked'
FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 day', interval '1 day') day

-- :province_seed_hours
-- The same for the hours.
INSERT INTO machine_hour (plate, hour)
SELECT '', day FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 day', interval '1 day') day

-- :province_pieces
-- The partition or chunk of every day.
SELECT p.day, n.nspname || '.' || c.relname AS piece
FROM (SELECT (at AT TIME ZONE 'UTC')::date AS day, tableoid FROM telemetry WHERE seq = 0
    UNION ALL SELECT (hour AT TIME ZONE 'UTC')::date, tableoid FROM machine_hour WHERE plate = '') p
JOIN pg_class c ON c.oid = p.tableoid JOIN pg_namespace n ON n.oid = c.relnamespace

-- :province_count_pieces
-- Partitions or chunks by table.
SELECT c.relname, count(*)::int FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
WHERE c.relnamespace = 'weld'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1

-- :province_telemetry
-- One day's words in the order of time: `even` of them from the machines that are on, in turn, `each` from every one of the `dense`
-- machines. One machine in five is on.
INSERT INTO telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms, current_a, peak_a, voltage_v, arc_ms,
    state, contact, energy_wh, mains, temperature_c, signal_dbm, session, ticket)
SELECT w.n + 1, w.at, 1, w.seq, w.at + CASE WHEN w.i %% 50 = 7 THEN interval '5 hours' ELSE interval '1 second' END, 'synced',
    CASE WHEN w.i %% 50 = 7 THEN 'chip' ELSE 'live' END, hashint8extended(w.i, w.n), w.seq * 60000,
    w.seq * 60000 - 1000 * cardinality(p.arc_ms), 1000, p.current_a, p.peak_a, p.voltage_v, p.arc_ms,
    CASE WHEN p.n < 950 THEN 'locked' ELSE 'arcing' END, CASE WHEN p.n < 950 THEN 'open' ELSE 'closed' END, w.seq * 0.7, true, 31.5, -71,
    CASE WHEN p.n >= 950 THEN ('00000000-0000-7000-b000-' || lpad(to_hex(w.i), 12, '0'))::uuid END,
    CASE WHEN p.n >= 950 THEN ('00000000-0000-7000-8000-' || lpad(to_hex(w.i), 12, '0'))::uuid END
FROM (
    SELECT (5 * (i * 999983 %% %(on)s) + %(day)s %% 5)::int AS n, %(day)s::bigint * 1000000 + (i - %(first)s) / %(on)s + 2 AS seq, i,
        %(since)s::timestamptz + (i - %(first)s) * (interval '1 day' / %(even)s) AS at
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(even)s::bigint - 1) i
    UNION ALL
    SELECT d, %(day)s::bigint * 1000000 + 500000 + i, i, %(since)s::timestamptz + i * (interval '1 day' / %(each)s) + (d + 1) * interval '7 milliseconds'
    FROM generate_series(0, %(dense)s - 1) d, generate_series(0::bigint, %(each)s::bigint - 1) i
    ORDER BY 4
) w JOIN pattern p ON p.n = abs(hashint8(w.i + w.n) %% 1000)

-- :province_sessions
-- One day's sessions, three a machine one after the other, and what every rollup says of that day. On the last day some are open.
WITH made AS (
    INSERT INTO session (id, chip, chip_no, plate, division, enterprise, worker, grant_id, ticket, authorised, opened_at, ends_at, closed_at,
        end_reason, state, contact_ms, covered_ms, arc_ms, energy_wh, peak_a, updated_at)
    SELECT (lpad(to_hex((extract(epoch FROM s.opened_at) * 1000)::bigint), 12, '0') || '7000b000' || lpad(to_hex(s.j), 12, '0'))::uuid,
        'LOAD' || lpad(s.n::text, 8, '0'), s.n + 1, p.plate, p.division, p.enterprise, ('00000000-0000-7000-a000-' || lpad(to_hex((s.n + s.j %% 3) %% %(machines)s), 12, '0'))::uuid,
        ('00000000-0000-7000-8000-' || lpad(to_hex(s.j), 12, '0'))::uuid, ('00000000-0000-7000-8000-' || lpad(to_hex(s.j), 12, '0'))::uuid, true,
        s.opened_at, s.opened_at + interval '4 hours', CASE WHEN s.open THEN NULL ELSE s.opened_at + s.lasted END,
        CASE WHEN s.open THEN NULL ELSE 'worker' END, CASE WHEN s.open THEN 'open' ELSE 'closed' END, s.ms, s.ms * 95 / 100, s.ms * 3 / 10,
        s.ms * 0.0007, 150 + s.j %% 90, s.opened_at + s.lasted
    FROM (
        SELECT j, (5 * (j / 3 * 999983 %% %(on)s) + %(day)s %% 5)::int AS n,
            %(since)s::timestamptz + j %% 3 * interval '3 hours' + j * 7919 %% 60 * interval '1 minute' AS opened_at,
            (20 + j %% 90) * interval '1 minute' AS lasted, (20 + j %% 90) * 60000 AS ms, %(last)s AND j %% 30 = 2 AS open
        FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(sessions)s::bigint - 1) j ORDER BY opened_at
    ) s JOIN place p ON p.n = s.n
    RETURNING plate, opened_at, contact_ms, covered_ms, arc_ms, energy_wh, peak_a
), hours AS (
    INSERT INTO machine_hour (plate, hour, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages, peak_a)
    SELECT plate, hour, sum(arc_ms), sum(covered_ms), sum(covered_ms), sum(unknown_ms), sum(energy_wh), sum(sessions), sum(sessions), sum(messages), max(peak_a)
    FROM (
        SELECT plate, date_trunc('hour', opened_at, 'UTC') AS hour, arc_ms, covered_ms, contact_ms - covered_ms AS unknown_ms, energy_wh, 1 AS sessions, 12 AS messages, peak_a
        FROM made
        UNION ALL
        SELECT p.plate, %(since)s::timestamptz + h * interval '1 hour', 0, 60000, 0, 0, 0, 60, NULL FROM place p, generate_series(0, 23) h WHERE p.n < %(dense)s
    ) s GROUP BY plate, hour
), days AS (
    INSERT INTO machine_day (plate, day, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages, peak_a, division, enterprise)
    SELECT p.plate, (%(since)s::timestamptz AT TIME ZONE 'UTC')::date, coalesce(s.arc_ms, 0), coalesce(s.covered_ms, 0) + 13000, coalesce(s.covered_ms, 0) + 13000,
        coalesce(s.unknown_ms, 0), coalesce(s.energy_wh, 0), coalesce(s.sessions, 0), coalesce(s.sessions, 0), 13, s.peak_a, p.division, p.enterprise
    FROM place p LEFT JOIN (
        SELECT plate, sum(arc_ms) AS arc_ms, sum(covered_ms) AS covered_ms, sum(contact_ms - covered_ms) AS unknown_ms, sum(energy_wh) AS energy_wh, count(*) AS sessions,
            max(peak_a) AS peak_a
        FROM made GROUP BY plate
    ) s USING (plate) WHERE p.n < %(dense)s OR p.n %% 5 = %(day)s %% 5
    RETURNING plate, day, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages, division, enterprise
), divisions AS (
    INSERT INTO division_day (division, day, part, heard, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages)
    SELECT division, day, right(plate, 11)::bigint %% 8, count(*), sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(energy_wh), sum(sessions), sum(starts), sum(messages)
    FROM days GROUP BY 1, 2, 3
)
INSERT INTO enterprise_day (enterprise, day, part, heard, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages)
SELECT enterprise, day, right(plate, 11)::bigint %% 8, count(*), sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(energy_wh), sum(sessions), sum(starts), sum(messages)
FROM days GROUP BY 1, 2, 3

-- :province_alerts
-- One day's alerts; of those of the last month one in five waits for somebody.
INSERT INTO alert (id, code, level, subject, episode, plate, chip, session, division, enterprise, since, last_at, evidence, raised_by, raised_at, state,
    closed_at, closed_by, outcome)
SELECT (lpad(to_hex((extract(epoch FROM a.at) * 1000)::bigint), 12, '0') || '7000c000' || lpad(to_hex(a.i), 12, '0'))::uuid, a.code, a.level, p.plate,
    'made-' || a.i, p.plate, 'LOAD' || lpad(p.n::text, 8, '0'), NULL, p.division, p.enterprise, a.at, a.at, '{"made": true}', 'ingest', a.at,
    CASE WHEN a.open THEN 'open' ELSE 'closed' END, CASE WHEN NOT a.open THEN a.at + interval '2 hours' END,
    CASE WHEN NOT a.open THEN 'officer:load' END, CASE WHEN NOT a.open THEN 'confirmed' END
FROM (
    SELECT i, (i * 999983 %% %(machines)s)::int AS n, %(since)s::timestamptz + (i - %(first)s) * (interval '1 day' / %(alerts)s) AS at,
        (ARRAY['D01', 'E02', 'D06', 'A03'])[i %% 4 + 1] AS code, (ARRAY[1, 2, 3, 3])[i %% 4 + 1] AS level, %(recent)s AND i %% 5 = 0 AS open
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(alerts)s::bigint - 1) i
) a JOIN place p ON p.n = a.n

-- :province_holes
-- Numbers of one day that never came: of one machine in fifty that is on, three.
INSERT INTO hole (chip_no, boot, from_seq, to_seq, why, at)
SELECT n + 1, 1, %(day)s::bigint * 1000000 + 900000, %(day)s::bigint * 1000000 + 900002, 'lost', %(since)s::timestamptz + interval '12 hours'
FROM generate_series(%(day)s %% 5, %(machines)s - 1, 250) n

-- :province_some
-- Machines by chance, always the same ones, and the dense ones.
(SELECT plate, division, enterprise::text, right(plate, 11)::int FROM weld.machine ORDER BY hashtext(plate), plate LIMIT %(count)s)
UNION
SELECT plate, division, enterprise::text, right(plate, 11)::int FROM weld.machine WHERE plate < '410500' || lpad(%(dense)s::text, 11, '0')
ORDER BY 1

-- :province_sizes
-- Bytes of tables with rows and of their indexes; what hangs below a table (partitions, chunks) counts as that.
WITH RECURSIVE tree AS (
    SELECT c.oid, c.relname AS name FROM pg_class c WHERE c.relnamespace = 'weld'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = c.oid)
    UNION ALL SELECT i.inhrelid, t.name FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid
)
SELECT name, sum(pg_table_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint FROM tree GROUP BY name
HAVING sum(pg_relation_size(oid)) > 0 ORDER BY 2 DESC

-- :province_samples
-- Samples in a row of telemetry.
SELECT coalesce(avg(cardinality(arc_ms)), 0)::float8 FROM weld.telemetry WHERE at >= %(since)s

-- :province_server
-- Versions, and by which licence TimescaleDB works, where it is in this database.
SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
    CASE WHEN EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb') THEN current_setting('timescaledb.license', true) END

-- :province_explain
-- Let the server tell the plan of every statement of this connection as a notice, of those inside functions too; auto_explain is loaded.
SELECT set_config(name, value, false) FROM (VALUES ('auto_explain.log_min_duration', '0'), ('auto_explain.log_analyze', 'on'),
    ('auto_explain.log_buffers', 'on'), ('auto_explain.log_nested_statements', 'on'), ('auto_explain.log_level', 'notice'),
    ('search_path', 'weld, pg_temp')) AS s (name, value)

-- :province_act_as
-- From now on as somebody else.
SELECT set_config('weld.scope', %(scope)s, true), set_config('session_authorization', %(role)s, false)
