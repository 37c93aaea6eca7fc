-- :lease_make
-- The rows of all shards; those that are there stay as they are.
INSERT INTO lease (shard) SELECT unnest(%(shards)s::text[]) ON CONFLICT DO NOTHING

-- :lease_attend
-- Say that this worker lives, whether or not it holds a shard, and learn how many do. The long dead are forgotten.
WITH gone AS (
    DELETE FROM lease_owner WHERE seen_at < clock_timestamp() - interval '1 minute' AND owner <> %(owner)s
), seen AS (
    INSERT INTO lease_owner (owner, seen_at) VALUES (%(owner)s, clock_timestamp())
    ON CONFLICT (owner) DO UPDATE SET seen_at = excluded.seen_at
)
SELECT 1 + count(*) FROM lease_owner
WHERE owner <> %(owner)s AND seen_at > clock_timestamp() - %(seconds)s * interval '1 second'

-- :lease_clock
-- The time that everybody goes by.
SELECT clock_timestamp()

-- :lease_leave
-- This worker takes part no more.
DELETE FROM lease_owner WHERE owner = %(owner)s

-- :lease_acquire
-- Take up to `most` free shards. A row that the old owner's running batch holds is passed over: it is free when that has ended.
WITH free AS MATERIALIZED (
    SELECT shard FROM lease WHERE shard = ANY(%(shards)s::text[]) AND expires_at < clock_timestamp()
    ORDER BY shard LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE lease SET owner = %(owner)s, epoch = epoch + 1, expires_at = clock_timestamp() + %(seconds)s * interval '1 second'
FROM free WHERE lease.shard = free.shard
RETURNING lease.shard, lease.epoch

-- :lease_evict
-- End the sessions of owners whose time is over but whose transaction still holds a shard: a worker that was stopped in the
-- middle of a COPY would hold it for ever, no timeout of the server looks there.
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
WHERE a.usename = current_user AND a.datname = current_database() AND a.xact_start IS NOT NULL AND a.application_name IN (
    SELECT 'weldgate ingest ' || owner FROM lease
    WHERE shard = ANY(%(shards)s::text[]) AND expires_at < clock_timestamp() - interval '1 second' AND owner <> %(owner)s
)

-- :lease_renew
-- Keep what is ours by its epoch, also when it had run out and nobody took it; a shard that does not come back was taken over.
-- Drained shards move their watermark.
WITH mine AS MATERIALIZED (
    SELECT lease.shard, m.drained FROM lease
    JOIN unnest(%(shards)s::text[], %(epochs)s::bigint[], %(drained)s::boolean[]) AS m (shard, epoch, drained) USING (shard, epoch)
    WHERE lease.owner = %(owner)s ORDER BY lease.shard FOR NO KEY UPDATE OF lease
)
UPDATE lease SET expires_at = clock_timestamp() + %(seconds)s * interval '1 second',
    drained_at = CASE WHEN mine.drained THEN clock_timestamp() ELSE lease.drained_at END
FROM mine WHERE lease.shard = mine.shard
RETURNING lease.shard

-- :lease_release
-- Hand shards back at once, so that nobody has to wait for the expiry.
UPDATE lease SET expires_at = '-infinity', owner = NULL
FROM unnest(%(shards)s::text[], %(epochs)s::bigint[]) AS mine (shard, epoch)
WHERE lease.shard = mine.shard AND lease.epoch = mine.epoch

-- :lease_hold
-- The fence of every batch: lock the rows of these shards and say which are still ours. KEY SHARE keeps a take-over waiting
-- and lets a renewal pass: a long batch costs no lease, and the two never wait for each other in a circle.
SELECT lease.shard FROM lease
JOIN unnest(%(shards)s::text[], %(epochs)s::bigint[]) AS mine (shard, epoch) USING (shard, epoch)
ORDER BY lease.shard FOR KEY SHARE OF lease

-- :lease_count
-- How many chips these shards have and how many are online, as their owner sees it now.
WITH mine AS MATERIALIZED (
    SELECT lease.shard, m.chips, m.online, m.era FROM lease
    JOIN unnest(%(shards)s::text[], %(chips)s::int[], %(online)s::int[], %(era)s::text[]) AS m (shard, chips, online, era) USING (shard)
    ORDER BY lease.shard FOR NO KEY UPDATE OF lease
)
UPDATE lease SET chips = mine.chips, online = mine.online, era = mine.era, counted_at = clock_timestamp()
FROM mine WHERE lease.shard = mine.shard

-- :lease_counts
-- What the owners of all shards counted lately.
SELECT shard, chips, online, era FROM lease WHERE counted_at > clock_timestamp() - %(seconds)s * interval '1 second'
