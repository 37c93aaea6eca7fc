-- :checkup_server
-- Settings that decide whether data survives, whether the server can be written to, and its clock. Any role may read them.
SELECT clock_timestamp() AS clock, pg_is_in_recovery() AS is_standby, current_setting('server_version_num')::int AS version_number,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit, current_setting('autovacuum') AS autovacuum,
    current_setting('data_checksums') AS data_checksums, current_setting('timescaledb.telemetry_level', true) AS calls_home,
    (SELECT datctype FROM pg_database WHERE datname = current_database()) AS ctype, pg_database_size(current_database()) AS bytes

-- :checkup_schema
-- Which migrations were applied.
SELECT number, hash FROM public.schema_version ORDER BY number

-- :checkup_roles
-- Our group roles and this database's logins that are missing or may do more than they should.
SELECT wanted.name, r.rolname IS NULL AS is_missing, coalesce(r.rolsuper OR r.rolbypassrls OR r.rolcreaterole, false) AS is_mighty
FROM unnest(%(roles)s::text[]) AS wanted (name) LEFT JOIN pg_roles r ON r.rolname = wanted.name
WHERE r.rolname IS NULL OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole ORDER BY 1

-- :checkup_slots
-- Replication slots that nobody reads: the server keeps its log for them until the disk is full.
SELECT slot_name::text, coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
    restart_lsn), 0)::bigint AS kept_bytes
FROM pg_replication_slots WHERE NOT active ORDER BY 1

-- :checkup_jobs
-- Policies of TimescaleDB on our tables: somebody beside maintenance drops or compresses there.
SELECT hypertable_name || ': ' || proc_name AS job FROM timescaledb_information.jobs WHERE hypertable_schema = 'weld' ORDER BY 1
