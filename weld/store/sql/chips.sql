-- :chips_of_shards
-- Everything that the owner of some shards keeps in memory about their chips.
SELECT c.chip, c.chip_no, c.shard, c.rejected, s.fold, s.rules_version, s.boot, s.seq, s.received_at, s.at, s.state, s.contact,
       s.current_a, s.online, s.connection, s.presence_boot, coalesce(s.idle_quarter, 0) AS idle_quarter,
       coalesce(s.idle_ms, 0) AS idle_ms, coalesce(s.idle_messages, 0) AS idle_messages,
       coalesce(s.idle_online_ms, 0) AS idle_online_ms, s.clock_ms
FROM chip c LEFT JOIN chip_state s USING (chip_no) WHERE c.shard = ANY(%(shards)s::text[])

-- :chips_named
-- The same for some chips, wherever they are: newly enrolled ones, or strangers.
SELECT c.chip, c.chip_no, c.shard, c.rejected, s.fold, s.rules_version, s.boot, s.seq, s.received_at, s.at, s.state, s.contact,
       s.current_a, s.online, s.connection, s.presence_boot, coalesce(s.idle_quarter, 0) AS idle_quarter,
       coalesce(s.idle_ms, 0) AS idle_ms, coalesce(s.idle_messages, 0) AS idle_messages,
       coalesce(s.idle_online_ms, 0) AS idle_online_ms, s.clock_ms
FROM chip c LEFT JOIN chip_state s USING (chip_no) WHERE c.chip = ANY(%(chips)s::text[])

-- :boots_of_chips
-- Anchors and replies of the boots that may still be spoken of.
SELECT b.chip_no, b.boot, b.anchor_at, b.hash, b.reply FROM chip_boot b
WHERE (b.chip_no, b.boot) IN (SELECT * FROM unnest(%(chip_nos)s::int[], %(boots)s::int[]))

-- :boots_newest
-- The newest boots of the chips of some shards, without what was answered: that is asked for when it is said again.
SELECT b.chip_no, b.boot, b.anchor_at, b.hash, NULL::bytea AS reply FROM chip c
JOIN LATERAL (SELECT * FROM chip_boot WHERE chip_no = c.chip_no ORDER BY boot DESC LIMIT 2) b ON true
WHERE c.shard = ANY(%(shards)s::text[])

-- :boot_put
-- The first word of a boot fixes its anchor for ever; the answer is added when the boot message was answered.
INSERT INTO chip_boot (chip_no, boot, anchor_at, received_at, hash, reply)
SELECT chip_no, boot, anchor_at, received_at, hash, decode(reply, 'base64')
FROM json_to_recordset(%(rows)s) AS r (chip_no integer, boot integer, anchor_at timestamptz, received_at timestamptz, hash bigint,
    reply text) ORDER BY chip_no, boot
ON CONFLICT (chip_no, boot) DO UPDATE
SET hash = coalesce(chip_boot.hash, excluded.hash), reply = coalesce(chip_boot.reply, excluded.reply)

-- :state_stage
-- Where the states of a batch land before they are put in their places: one row a chip, gone with the transaction.
CREATE TEMP TABLE IF NOT EXISTS state_stage (
    chip_no integer NOT NULL, chip text NOT NULL, shard text NOT NULL, rules_version integer NOT NULL, boot integer NOT NULL,
    seq bigint NOT NULL, received_at timestamptz NOT NULL, at timestamptz, told boolean NOT NULL, state text, contact text,
    session uuid, ticket uuid, current_a real, energy_wh double precision, lat double precision, lon double precision,
    accuracy_m real, idle_quarter integer NOT NULL, idle_ms bigint NOT NULL, idle_messages integer NOT NULL,
    idle_online_ms bigint NOT NULL, clock_ms integer, missing integer NOT NULL, fold jsonb
) ON COMMIT DELETE ROWS

-- :state_put
-- The latest state of each chip of a batch that told of itself; only the columns of evidence. No fold: it is as it was saved.
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, at, state, contact, session, ticket, current_a,
    energy_wh, lat, lon, accuracy_m, idle_quarter, idle_ms, idle_messages, idle_online_ms, clock_ms, missing, fold)
SELECT chip_no, chip, shard, rules_version, boot, seq, received_at, at, state, contact, session, ticket, current_a,
    energy_wh, lat, lon, accuracy_m, idle_quarter, idle_ms, idle_messages, idle_online_ms, clock_ms, missing, coalesce(fold, '{}') FROM state_stage WHERE told
ON CONFLICT (chip_no) DO UPDATE SET boot = excluded.boot, seq = excluded.seq,
    received_at = excluded.received_at, at = excluded.at, state = excluded.state, contact = excluded.contact,
    session = excluded.session, ticket = excluded.ticket, current_a = excluded.current_a,
    energy_wh = coalesce(excluded.energy_wh, chip_state.energy_wh), lat = coalesce(excluded.lat, chip_state.lat),
    lon = coalesce(excluded.lon, chip_state.lon), accuracy_m = coalesce(excluded.accuracy_m, chip_state.accuracy_m),
    idle_quarter = excluded.idle_quarter, idle_ms = excluded.idle_ms, idle_messages = excluded.idle_messages,
    idle_online_ms = excluded.idle_online_ms, clock_ms = excluded.clock_ms,
    missing = CASE WHEN excluded.fold = '{}' THEN chip_state.missing ELSE excluded.missing END,
    rules_version = CASE WHEN excluded.fold = '{}' THEN chip_state.rules_version ELSE excluded.rules_version END,
    fold = CASE WHEN excluded.fold = '{}' THEN chip_state.fold ELSE excluded.fold END

-- :state_touch
-- The same for chips that said something, but not how they are.
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, at, idle_quarter, idle_ms, idle_messages, idle_online_ms, clock_ms, missing, fold)
SELECT chip_no, chip, shard, rules_version, boot, seq, received_at, at, idle_quarter, idle_ms, idle_messages, idle_online_ms, clock_ms, missing, coalesce(fold, '{}')
FROM state_stage WHERE NOT told
ON CONFLICT (chip_no) DO UPDATE SET boot = excluded.boot, seq = excluded.seq,
    received_at = excluded.received_at, at = excluded.at, idle_quarter = excluded.idle_quarter, idle_ms = excluded.idle_ms,
    idle_messages = excluded.idle_messages, idle_online_ms = excluded.idle_online_ms, clock_ms = excluded.clock_ms,
    missing = CASE WHEN excluded.fold = '{}' THEN chip_state.missing ELSE excluded.missing END,
    rules_version = CASE WHEN excluded.fold = '{}' THEN chip_state.rules_version ELSE excluded.rules_version END,
    fold = CASE WHEN excluded.fold = '{}' THEN chip_state.fold ELSE excluded.fold END

-- :presence_put
-- Presence of some chips, one row each; a lower (boot, connection) never overwrites a higher one, and the same pair only to say
-- more. One row for the live map's tail where one came or went: the last join sees the chips as they were before.
WITH put AS (
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, fold,
                        online, connection, presence_boot, nonce, config_version, presence_at)
SELECT chip_no, chip, shard, rules_version, 0, 0, presence_at, '{}', online, connection, presence_boot, nonce, config_version, presence_at
FROM json_to_recordset(%(rows)s) AS r (chip_no integer, chip text, shard text, rules_version integer, online boolean, connection integer,
    presence_boot integer, nonce text, config_version integer, presence_at timestamptz) ORDER BY chip_no
ON CONFLICT (chip_no) DO UPDATE SET online = excluded.online, connection = excluded.connection,
    presence_boot = excluded.presence_boot, nonce = excluded.nonce, config_version = excluded.config_version,
    presence_at = excluded.presence_at
WHERE (coalesce(chip_state.presence_boot, 0), coalesce(chip_state.connection, 0)) <= (excluded.presence_boot, excluded.connection)
RETURNING chip_no, chip, online, presence_at
)
INSERT INTO change (plate, state, at)
SELECT m.plate, CASE WHEN put.online THEN 'online' ELSE 'offline' END, put.presence_at
FROM put JOIN machine m ON m.chip = put.chip LEFT JOIN chip_state before ON before.chip_no = put.chip_no
WHERE put.online <> coalesce(before.online, false)

-- :change_put
-- What somebody sees of a machine changed: one row a machine for the live map's tail.
INSERT INTO change (plate, state, at)
SELECT m.plate, c.state, c.at FROM unnest(%(chips)s::text[], %(states)s::text[], %(ats)s::timestamptz[]) AS c (chip, state, at)
JOIN machine m ON m.chip = c.chip
