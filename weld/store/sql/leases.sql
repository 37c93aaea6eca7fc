-- :lease_make
-- The rows of all shards; those that are there stay as they are.
INSERT INTO lease (shard) SELECT unnest(%(shards)s::text[]) ON CONFLICT DO NOTHING

-- :lease_acquire
-- Take up to `most` free shards. The row lock waits for a batch of the old owner that is still committing.
UPDATE lease SET owner = %(owner)s, epoch = epoch + 1, expires_at = now() + %(seconds)s * interval '1 second'
WHERE shard IN (
    SELECT shard FROM lease WHERE shard = ANY(%(shards)s::text[]) AND expires_at < clock_timestamp()
    ORDER BY shard LIMIT %(most)s FOR UPDATE
) AND expires_at < clock_timestamp()
RETURNING shard, epoch

-- :lease_renew
-- Keep what is still ours; a shard that does not come back was taken over. Drained shards move their watermark.
UPDATE lease SET expires_at = clock_timestamp() + %(seconds)s * interval '1 second',
    drained_at = CASE WHEN mine.drained THEN clock_timestamp() ELSE lease.drained_at END
FROM unnest(%(shards)s::text[], %(epochs)s::bigint[], %(drained)s::boolean[]) AS mine (shard, epoch, drained)
WHERE lease.shard = mine.shard AND lease.epoch = mine.epoch AND lease.owner = %(owner)s AND lease.expires_at > clock_timestamp()
RETURNING lease.shard

-- :lease_release
-- Hand shards back at once, so that nobody has to wait for the expiry.
UPDATE lease SET expires_at = '-infinity', owner = NULL
FROM unnest(%(shards)s::text[], %(epochs)s::bigint[]) AS mine (shard, epoch)
WHERE lease.shard = mine.shard AND lease.epoch = mine.epoch

-- :lease_hold
-- The fence of every batch: lock the rows of these shards and say which are still ours.
SELECT lease.shard FROM lease
JOIN unnest(%(shards)s::text[], %(epochs)s::bigint[]) AS mine (shard, epoch) USING (shard, epoch)
ORDER BY lease.shard FOR SHARE OF lease

-- :lease_owners
-- How many workers hold shards now, for a fair share.
SELECT count(DISTINCT owner) AS owners FROM lease WHERE expires_at > clock_timestamp()
