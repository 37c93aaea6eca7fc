-- :load_clear
-- Forget everything that a load made or caused; for databases of a benchmark only.
TRUNCATE division, enterprise, chip, machine, binding, worker, unlock_grant, command, lease, chip_state, chip_boot, telemetry,
    event, hole, quarantine, quarantine_day, session, arc, machine_hour, machine_day, division_day, enterprise_day, alert, outbox, change RESTART IDENTITY CASCADE

-- :load_trust
-- Whoever may (the superuser of a throw-away server) leaves out the foreign keys: what follows agrees by construction, and a million
-- machines take half the time.
SELECT set_config('search_path', 'weld, pg_temp', true), CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    THEN set_config('session_replication_role', 'replica', true) END

-- :load_divisions
-- A province with cities, as many as Henan has.
INSERT INTO division (code, name_zh, name_en, parent, path)
SELECT '41', '河南省', 'Henan', NULL, '41' UNION ALL
SELECT '41' || lpad(n::text, 2, '0'), '市' || n, 'City ' || n, '41', '41/41' || lpad(n::text, 2, '0') FROM generate_series(1, 18) n
ON CONFLICT DO NOTHING

-- :load_enterprises
-- One for every hundred machines.
INSERT INTO enterprise (id, name, credit_code, division)
SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, '企业' || n, lpad(n::text, 18, '0'), '41' || lpad((n %% 18 + 1)::text, 2, '0')
FROM generate_series(%(first)s::int / 100, (%(first)s::int + %(count)s::int - 1) / 100) n ON CONFLICT DO NOTHING

-- :load_chips
-- Chips with the names and shards that the streams have.
INSERT INTO chip (chip, shard, model)
SELECT 'LOAD' || lpad(n::text, 8, '0'), lpad(to_hex(n %% %(shards)s::int), 2, '0'), 'load'
FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) n ORDER BY n ON CONFLICT DO NOTHING

-- :load_machines
-- A machine for each chip.
INSERT INTO machine (plate, chip, division, enterprise, maker, model, serial)
SELECT '410500' || lpad(n::text, 11, '0'), 'LOAD' || lpad(n::text, 8, '0'), '41' || lpad((n / 100 %% 18 + 1)::text, 2, '0'),
    ('00000000-0000-7000-9000-' || lpad(to_hex(n / 100), 12, '0'))::uuid, 'load', 'load', n::text
FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) n ON CONFLICT DO NOTHING

-- :load_bindings
-- They have been together for a long time.
INSERT INTO binding (chip, plate, since)
SELECT 'LOAD' || lpad(n::text, 8, '0'), '410500' || lpad(n::text, 11, '0'), '2020-01-01'
FROM generate_series(%(first)s::int, %(first)s::int + %(count)s::int - 1) n ON CONFLICT DO NOTHING

-- :load_workers
-- A worker for each machine that works; nobody can be told by these, for nothing is sealed in them.
INSERT INTO worker (id, division, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index)
SELECT ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, '41', '', '', int8send(n), '', int8send(n)
FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s::bigint - 1) n WHERE n * 37 %% 100 < %(percent)s::int ON CONFLICT DO NOTHING

-- :load_grants
-- His live grant, good for a day; its id is the ticket of all his sessions.
INSERT INTO unlock_grant (id, worker, plate, chip, division, enterprise, checks, rules_version, presence, created_at, expires_at, longest_s)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('00000000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid,
    '410500' || lpad(n::text, 11, '0'), 'LOAD' || lpad(n::text, 8, '0'), '41' || lpad((n / 100 %% 18 + 1)::text, 2, '0'),
    ('00000000-0000-7000-9000-' || lpad(to_hex(n / 100), 12, '0'))::uuid, '[]', 1, 'none', now(), now() + interval '1 day', 86400
FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s::bigint - 1) n WHERE n * 37 %% 100 < %(percent)s::int ON CONFLICT DO NOTHING

-- :load_last
-- Live grants that outlast a load.
UPDATE weld.unlock_grant SET expires_at = %(until)s WHERE state = 'live'

-- :load_states
-- Every chip as one that was heard once: its boot message is behind it.
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, at, state, contact, online, fold)
SELECT chip_no, chip, shard, %(rules_version)s::int, 1, 1, now(), now(), 'locked', 'open', true, %(fold)s::jsonb
FROM chip WHERE chip BETWEEN 'LOAD' || lpad(%(first)s::text, 8, '0') AND 'LOAD' || lpad((%(first)s::int + %(count)s::int - 1)::text, 8, '0')
ORDER BY chip_no ON CONFLICT DO NOTHING

-- :load_boots
-- And its boot was answered.
INSERT INTO chip_boot (chip_no, boot, anchor_at, received_at, hash, reply)
SELECT chip_no, 1, now(), now(), chip_no, %(reply)s
FROM chip WHERE chip BETWEEN 'LOAD' || lpad(%(first)s::text, 8, '0') AND 'LOAD' || lpad((%(first)s::int + %(count)s::int - 1)::text, 8, '0')
ORDER BY chip_no ON CONFLICT DO NOTHING

-- :load_some_workers
-- By a blind index, which is as good as by chance.
SELECT id FROM weld.worker ORDER BY identity_index LIMIT %(count)s

-- :load_stored
-- What of a load is in the store: telemetry, events, sessions, alerts, quarantine.
SELECT (SELECT count(*) FROM telemetry), (SELECT count(*) FROM event), (SELECT count(*) FROM session), (SELECT count(*) FROM alert),
    (SELECT count(*) FROM quarantine)

-- :load_commit_delay
-- Milliseconds from a message's own time to the commit of its row: number, median, 99th percentile, most. Needs track_commit_timestamp.
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), max(ms)
FROM (SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - at)::float8 * 1000 AS ms FROM telemetry
      WHERE at >= %(since)s AND at < %(until)s) delays
