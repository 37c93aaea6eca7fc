-- :visitors
-- Who is connected to a database, by the names that programs give themselves.
SELECT coalesce(nullif(application_name, ''), 'a client of ' || coalesce(usename, 'the server')) FROM pg_stat_activity
WHERE datname = %(database)s AND pid <> pg_backend_pid() AND coalesce(backend_type, 'client backend') = 'client backend' ORDER BY 1

-- :store_export
-- The name under which others may read the same moment as this transaction.
SELECT pg_export_snapshot()

-- :store_engine
-- What the store runs on: server, TimescaleDB and its edition where it is there, bytes of the database and those that a dump reads.
SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
    (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), current_setting('timescaledb.license', true),
    (SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND (n.nspname = 'weld' OR n.nspname LIKE '\_timescaledb\_internal'))

-- :store_tables
-- Every table of ours, a partitioned one once; the time of those that are so large that only their last day is read row by row.
SELECT c.relname, CASE WHEN c.relname IN ('telemetry', 'event') THEN 'at' WHEN c.relname = 'machine_hour' THEN 'hour' END
FROM pg_class c
WHERE c.relnamespace = 'weld'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1

-- :store_versions
-- Which migrations the store has had, and their hashes.
SELECT number, hash FROM public.schema_version ORDER BY number

-- :arcs_without_session
-- Arcs of a session that is not there.
SELECT count(*) FROM weld.arc a WHERE a.session IS NOT NULL AND NOT EXISTS (SELECT FROM weld.session s WHERE s.id = a.session)

-- :sessions_without_grant
-- Sessions under a permission that is not there.
SELECT count(*) FROM weld.session s
WHERE s.grant_id IS NOT NULL AND NOT EXISTS (SELECT FROM weld.unlock_grant g WHERE g.id = s.grant_id)

-- :sessions_without_chip
-- Sessions of a chip that is not in the register.
SELECT count(*) FROM weld.session s WHERE NOT EXISTS (SELECT FROM weld.chip c WHERE c.chip_no = s.chip_no)

-- :grants_of_lost_sessions
-- Permissions that name a session that is not there.
SELECT count(*) FROM weld.unlock_grant g
WHERE g.session IS NOT NULL AND NOT EXISTS (SELECT FROM weld.session s WHERE s.id = g.session)

-- :alerts_without_machine
-- Alerts of a machine that is not in the register.
SELECT count(*) FROM weld.alert a
WHERE a.plate IS NOT NULL AND NOT EXISTS (SELECT FROM weld.machine m WHERE m.plate = a.plate)

-- :boots_behind_states
-- Chips whose state speaks of a boot that has no beginning.
SELECT count(*) FROM weld.chip_state s
WHERE s.boot > 0 AND NOT EXISTS (SELECT FROM weld.chip_boot b WHERE b.chip_no = s.chip_no AND b.boot = s.boot)

-- :days_counted_otherwise
-- Of the newest thousand days of machines: those whose sessions, counted again, are others.
SELECT count(*) FROM (SELECT * FROM weld.machine_day ORDER BY day DESC, plate LIMIT 1000) d
JOIN weld.machine m ON m.plate = d.plate JOIN weld.division v ON v.code = m.division
WHERE d.sessions <> (SELECT count(*) FROM weld.session s WHERE s.plate = d.plate
    AND s.opened_at >= d.day::timestamp AT TIME ZONE v.zone AND s.opened_at < (d.day + 1)::timestamp AT TIME ZONE v.zone)

-- :sealed_samples
-- Some sealed values, the oldest and the newest people and every endpoint and officer: what the vault at hand must be able to open.
SELECT 'worker.identity' AS field, id, identity_sealed, identity_index FROM (
    (SELECT * FROM weld.worker WHERE identity_sealed IS NOT NULL ORDER BY id LIMIT 100)
    UNION (SELECT * FROM weld.worker WHERE identity_sealed IS NOT NULL ORDER BY id DESC LIMIT 100)) w
UNION ALL (SELECT 'endpoint.secret', id, secret_sealed, NULL FROM weld.endpoint ORDER BY id LIMIT 200)
UNION ALL (SELECT 'officer.totp', id, totp_sealed, NULL FROM weld.officer WHERE totp_sealed IS NOT NULL ORDER BY id LIMIT 200)
