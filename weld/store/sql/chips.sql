-- :chips_of_shards
-- Everything that the owner of some shards keeps in memory about their chips.
SELECT c.chip, c.chip_no, c.shard, c.rejected, s.fold, s.rules_version, s.received_at, s.online, s.connection,
       s.presence_boot, s.nonce, s.config_version, s.presence_at
FROM chip c LEFT JOIN chip_state s USING (chip_no) WHERE c.shard = ANY(%(shards)s::text[])

-- :chips_named
-- The same for some chips, wherever they are: newly enrolled ones, or strangers.
SELECT c.chip, c.chip_no, c.shard, c.rejected, s.fold, s.rules_version, s.received_at, s.online, s.connection,
       s.presence_boot, s.nonce, s.config_version, s.presence_at
FROM chip c LEFT JOIN chip_state s USING (chip_no) WHERE c.chip = ANY(%(chips)s::text[])

-- :boots_of_chips
-- Anchors and replies of the boots that may still be spoken of.
SELECT b.chip_no, b.boot, b.anchor_at, b.hash, b.reply FROM chip_boot b
WHERE (b.chip_no, b.boot) IN (SELECT * FROM unnest(%(chip_nos)s::int[], %(boots)s::int[]))

-- :boots_newest
-- The newest boots of the chips of some shards.
SELECT b.chip_no, b.boot, b.anchor_at, b.hash, b.reply FROM chip c
JOIN LATERAL (SELECT * FROM chip_boot WHERE chip_no = c.chip_no ORDER BY boot DESC LIMIT 2) b ON true
WHERE c.shard = ANY(%(shards)s::text[])

-- :boot_put
-- The first word of a boot fixes its anchor for ever; the answer is added when the boot message was answered.
INSERT INTO chip_boot (chip_no, boot, anchor_at, received_at, hash, reply)
VALUES (%(chip_no)s, %(boot)s, %(anchor_at)s, %(received_at)s, %(hash)s, %(reply)s)
ON CONFLICT (chip_no, boot) DO UPDATE
SET hash = coalesce(chip_boot.hash, excluded.hash), reply = coalesce(chip_boot.reply, excluded.reply)

-- :state_put
-- The latest state of each chip of a batch, one row a chip; only the columns of evidence.
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, at, state, contact, session, ticket,
                        current_a, energy_wh, lat, lon, accuracy_m, fold)
SELECT * FROM unnest(%(chip_no)s::int[], %(chip)s::text[], %(shard)s::text[], %(rules_version)s::int[], %(boot)s::int[],
    %(seq)s::bigint[], %(received_at)s::timestamptz[], %(at)s::timestamptz[], %(state)s::text[], %(contact)s::text[],
    %(session)s::uuid[], %(ticket)s::uuid[], %(current_a)s::real[], %(energy_wh)s::float8[], %(lat)s::float8[],
    %(lon)s::float8[], %(accuracy_m)s::real[], %(fold)s::jsonb[])
ON CONFLICT (chip_no) DO UPDATE SET rules_version = excluded.rules_version, boot = excluded.boot, seq = excluded.seq,
    received_at = excluded.received_at, at = excluded.at, state = excluded.state, contact = excluded.contact,
    session = excluded.session, ticket = excluded.ticket, current_a = excluded.current_a, energy_wh = excluded.energy_wh,
    lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m, fold = excluded.fold

-- :presence_put
-- Presence of a chip; a lower (boot, connection) never overwrites a higher one, and the same pair only to say more. One row for
-- the live map's tail where it came or went.
WITH before AS (SELECT online FROM chip_state WHERE chip_no = %(chip_no)s), put AS (
INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, fold,
                        online, connection, presence_boot, nonce, config_version, presence_at)
VALUES (%(chip_no)s, %(chip)s, %(shard)s, %(rules_version)s, 0, 0, %(presence_at)s, '{}',
        %(online)s, %(connection)s, %(presence_boot)s, %(nonce)s, %(config_version)s, %(presence_at)s)
ON CONFLICT (chip_no) DO UPDATE SET online = excluded.online, connection = excluded.connection,
    presence_boot = excluded.presence_boot, nonce = excluded.nonce, config_version = excluded.config_version,
    presence_at = excluded.presence_at
WHERE (coalesce(chip_state.presence_boot, 0), coalesce(chip_state.connection, 0)) <= (excluded.presence_boot, excluded.connection)
RETURNING online
)
INSERT INTO change (plate, state, at)
SELECT m.plate, CASE WHEN put.online THEN 'online' ELSE 'offline' END, %(presence_at)s FROM put JOIN machine m ON m.chip = %(chip)s
WHERE put.online <> coalesce((SELECT online FROM before), false)

-- :change_put
-- What somebody sees of a machine changed: one row a machine for the live map's tail.
INSERT INTO change (plate, state, at)
SELECT m.plate, c.state, c.at FROM unnest(%(chips)s::text[], %(states)s::text[], %(ats)s::timestamptz[]) AS c (chip, state, at)
JOIN machine m ON m.chip = c.chip
