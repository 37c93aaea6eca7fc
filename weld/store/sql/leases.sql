-- :lease_dividing
-- Who divides the shards does it alone: of two divisions at once both would begin.
SELECT pg_advisory_xact_lock(hashtext('weld.lease.groups'))

-- :lease_divided_otherwise
-- Whether leases run of groups into which the shards are divided otherwise, for those and ours overlap; NULL: there is no other.
SELECT bool_or(expires_at >= clock_timestamp()) FROM lease WHERE groups <> %(groups)s

-- :lease_divide
-- End another division: it waits for batches of its owners, and whoever of them wakes up later finds no row. Returns its last epoch.
WITH gone AS (DELETE FROM lease WHERE groups <> %(groups)s RETURNING epoch) SELECT coalesce(max(epoch), 0) FROM gone

-- :lease_make
-- The rows of all groups, with epochs after those of any division before; those that are there stay as they are.
INSERT INTO lease (shard_group, groups, epoch) SELECT name, %(groups)s, %(epoch)s FROM unnest(%(names)s::text[]) AS name
ON CONFLICT DO NOTHING

-- :lease_attend
-- Say that this worker lives, whether or not it holds a group, and learn how many do. The long dead are forgotten.
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
-- Take up to `most` free groups. A row that the old owner's running batch holds is passed over: it is free when that has ended.
WITH free AS MATERIALIZED (
    SELECT shard_group FROM lease
    WHERE shard_group = ANY(%(names)s::text[]) AND groups = %(groups)s AND expires_at < clock_timestamp()
    ORDER BY shard_group LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE lease SET owner = %(owner)s, epoch = epoch + 1, expires_at = clock_timestamp() + %(seconds)s * interval '1 second'
FROM free WHERE lease.shard_group = free.shard_group
RETURNING lease.shard_group, lease.epoch

-- :lease_evict
-- End the sessions of owners whose time is over but whose transaction still holds a group: a worker that was stopped in the
-- middle of a COPY would hold it for ever, no timeout of the server looks there.
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
WHERE a.usename = current_user AND a.datname = current_database() AND a.xact_start IS NOT NULL AND a.application_name IN (
    SELECT 'weldgate ingest ' || owner FROM lease
    WHERE expires_at < clock_timestamp() - interval '1 second' AND owner <> %(owner)s
)

-- :lease_renew
-- Keep what is ours by its epoch, also when it had run out and nobody took it; a group that does not come back was taken over.
-- Drained groups move their watermark.
WITH mine AS MATERIALIZED (
    SELECT lease.shard_group, m.drained FROM lease
    JOIN unnest(%(names)s::text[], %(epochs)s::bigint[], %(drained)s::boolean[]) AS m (shard_group, epoch, drained)
        USING (shard_group, epoch)
    WHERE lease.owner = %(owner)s ORDER BY lease.shard_group FOR NO KEY UPDATE OF lease
)
UPDATE lease SET expires_at = clock_timestamp() + %(seconds)s * interval '1 second',
    drained_at = CASE WHEN mine.drained THEN clock_timestamp() ELSE lease.drained_at END
FROM mine WHERE lease.shard_group = mine.shard_group
RETURNING lease.shard_group

-- :lease_release
-- Hand groups back at once, so that nobody has to wait for the expiry.
UPDATE lease SET expires_at = '-infinity', owner = NULL
FROM unnest(%(names)s::text[], %(epochs)s::bigint[]) AS mine (shard_group, epoch)
WHERE lease.shard_group = mine.shard_group AND lease.epoch = mine.epoch

-- :lease_hold
-- The fence of every batch: lock the rows of these groups and say which are still ours. KEY SHARE keeps a take-over waiting
-- and lets a renewal pass: a long batch costs no lease, and the two never wait for each other in a circle.
SELECT lease.shard_group FROM lease
JOIN unnest(%(names)s::text[], %(epochs)s::bigint[]) AS mine (shard_group, epoch) USING (shard_group, epoch)
ORDER BY lease.shard_group FOR KEY SHARE OF lease

-- :lease_count
-- How many chips these groups have and how many are online, as their owner sees it now.
WITH mine AS MATERIALIZED (
    SELECT lease.shard_group, m.chips, m.online, m.era FROM lease
    JOIN unnest(%(names)s::text[], %(chips)s::int[], %(online)s::int[], %(era)s::text[]) AS m (shard_group, chips, online, era)
        USING (shard_group)
    ORDER BY lease.shard_group FOR NO KEY UPDATE OF lease
)
UPDATE lease SET chips = mine.chips, online = mine.online, era = mine.era, counted_at = clock_timestamp()
FROM mine WHERE lease.shard_group = mine.shard_group

-- :lease_counts
-- What the owners of all groups counted lately.
SELECT shard_group, chips, online, era FROM lease WHERE counted_at > clock_timestamp() - %(seconds)s * interval '1 second'
