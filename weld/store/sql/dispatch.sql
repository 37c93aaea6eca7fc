-- :outbox_xmin
-- Every transaction below this has ended, and a later statement sees what it wrote.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text

-- :outbox_guard
-- One expands, one leases, at a time; the others wait for these few milliseconds.
SELECT pg_advisory_xact_lock(hashtext('weldgate dispatch ' || %(work)s))

-- :outbox_new
-- Facts that were not expanded yet, the oldest first. `floor` only saves work: below it everything is expanded.
SELECT o.id, o.fact, o.subject, o.code, o.at, d.path
FROM outbox o LEFT JOIN division d ON d.code = o.division
WHERE o.xid >= %(floor)s::text::xid8 AND o.id <> ALL(%(skip)s::bigint[])
    AND NOT EXISTS (SELECT FROM expansion e WHERE e.outbox_id = o.id)
ORDER BY o.id LIMIT %(limit)s

-- :outbox_age
-- How long the oldest fact has been waiting to be expanded, in seconds; 0 where none waits.
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(o.at)), 0)::float8 FROM outbox o
WHERE o.xid >= %(floor)s::text::xid8 AND NOT EXISTS (SELECT FROM expansion e WHERE e.outbox_id = o.id)

-- :delivery_age
-- How long the delivery that is due longest has been waiting for its attempt, in seconds; 0 where none waits. Paused and failing
-- endpoints wait by intent; what is under way does not wait. One look into the index for each endpoint.
SELECT coalesce(extract(epoch FROM statement_timestamp() - min(due.next_at)), 0)::float8
FROM endpoint e CROSS JOIN LATERAL (
    SELECT d.next_at FROM delivery d
    WHERE d.endpoint = e.id AND d.state = 'pending' AND d.next_at <= statement_timestamp()
        AND coalesce(d.leased_until <= statement_timestamp(), true)
    ORDER BY d.next_at LIMIT 1) due
WHERE e.state = 'active' AND NOT EXISTS (SELECT FROM endpoint_health h WHERE h.endpoint = e.id)

-- :outbox_expanded
-- This fact has its deliveries.
INSERT INTO expansion (outbox_id) VALUES (%(outbox_id)s) ON CONFLICT DO NOTHING

-- :endpoint_routes
-- Who wants which facts.
SELECT e.id, d.path, e.codes, e.state FROM endpoint e JOIN division d ON d.code = e.division WHERE e.state <> 'disabled'

-- :alert_told
-- An alert with what a webhook says of it.
SELECT id, code, level, plate, chip, division, enterprise, session, since, raised_at, historical, late_by_ms, occurrences,
    evidence, closed_at, outcome
FROM alert WHERE id = %(id)s

-- :delivery_add
-- One delivery of a fact to an endpoint, due at once; once only.
INSERT INTO delivery (id, endpoint, outbox_id, fact, subject, payload, next_at)
VALUES (%(id)s, %(endpoint)s, %(outbox_id)s, %(fact)s, %(subject)s, %(payload)s, statement_timestamp())
ON CONFLICT (endpoint, outbox_id) DO NOTHING

-- :delivery_lease
-- Due deliveries for us alone for a while. Fair: every endpoint has its room, those that work go first, then each its
-- first one, then each its second. Of one subject only the oldest: a closing never overtakes its opening.
WITH open AS MATERIALIZED (
    SELECT e.id, coalesce(h.failures, 0) AS failures, h.failing_since,
        CASE WHEN h.failures >= %(one_at_a_time_after)s THEN 1 ELSE %(per_endpoint)s END - (
            SELECT count(*) FROM delivery l
            WHERE l.endpoint = e.id AND l.state = 'pending' AND l.leased_until > statement_timestamp()) AS room
    FROM endpoint e LEFT JOIN endpoint_health h ON h.endpoint = e.id
    WHERE e.state = 'active' AND coalesce(h.hold_until <= statement_timestamp(), true)
), ranked AS (
    SELECT due.id, open.failures, open.failing_since,
        row_number() OVER (PARTITION BY open.id ORDER BY due.next_at, due.outbox_id) - open.room AS place
    FROM open CROSS JOIN LATERAL (
        SELECT d.id, d.next_at, d.outbox_id FROM delivery d
        WHERE d.endpoint = open.id AND d.state = 'pending' AND d.next_at <= statement_timestamp()
            AND coalesce(d.leased_until <= statement_timestamp(), true)
            AND NOT EXISTS (
                SELECT FROM delivery b WHERE b.endpoint = d.endpoint AND b.subject = d.subject AND b.state = 'pending'
                AND b.outbox_id < d.outbox_id)
        ORDER BY d.next_at, d.outbox_id LIMIT greatest(open.room, 0)) due
), picked AS (
    SELECT d.id, ranked.failing_since FROM ranked JOIN delivery d USING (id)
    WHERE d.state = 'pending' AND coalesce(d.leased_until <= statement_timestamp(), true)
    ORDER BY ranked.failures > 0, ranked.place, d.next_at
    LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED
)
UPDATE delivery d SET attempts = d.attempts + 1, first_at = coalesce(d.first_at, statement_timestamp()),
    leased_until = statement_timestamp() + make_interval(secs => %(lease_s)s)
FROM picked, endpoint e WHERE d.id = picked.id AND e.id = d.endpoint
RETURNING d.id, d.endpoint, e.url, e.secret_sealed, d.payload, d.attempts,
    extract(epoch FROM statement_timestamp() - d.first_at)::float8 AS age_s,
    extract(epoch FROM statement_timestamp() - picked.failing_since)::float8 AS failing_s

-- :delivery_attempt
-- What one attempt came to.
INSERT INTO attempt (delivery, number, at, latency_ms, status, error)
VALUES (%(delivery)s, %(number)s, statement_timestamp(), %(latency_ms)s, %(status)s, %(error)s)
ON CONFLICT (delivery, number) DO NOTHING

-- :delivery_done
-- Delivered, whoever holds the lease by now.
UPDATE delivery SET state = 'delivered', delivered_at = statement_timestamp(), leased_until = NULL
WHERE id = %(id)s AND state = 'pending'

-- :delivery_again
-- Due again later, unless somebody else has taken it up since.
UPDATE delivery SET next_at = statement_timestamp() + make_interval(secs => %(delay_s)s), leased_until = NULL
WHERE id = %(id)s AND state = 'pending' AND attempts = %(number)s

-- :delivery_dead
-- Given up; an officer may send it again.
UPDATE delivery SET state = 'dead', leased_until = NULL WHERE id = %(id)s AND state = 'pending' AND attempts = %(number)s

-- :endpoint_failed
-- One more failure in a row; nothing goes there before `hold_s` have passed.
INSERT INTO endpoint_health AS h (endpoint, failures, failing_since, hold_until)
VALUES (%(endpoint)s, 1, statement_timestamp(), statement_timestamp() + make_interval(secs => %(hold_s)s))
ON CONFLICT (endpoint) DO UPDATE SET failures = h.failures + 1, hold_until = greatest(h.hold_until, excluded.hold_until)

-- :endpoint_recovered
-- It works again.
DELETE FROM endpoint_health WHERE endpoint = %(endpoint)s RETURNING failures

-- :delivery_recall
-- What waited for an endpoint that had failed need not wait any longer.
UPDATE delivery SET next_at = statement_timestamp()
WHERE endpoint = %(endpoint)s AND state = 'pending' AND leased_until IS NULL AND next_at > statement_timestamp()

-- :endpoint_gone
-- It said that it is no more.
WITH gone AS (UPDATE endpoint SET state = 'disabled' WHERE id = %(endpoint)s AND state <> 'disabled')
UPDATE delivery SET state = 'cancelled', leased_until = NULL WHERE endpoint = %(endpoint)s AND state = 'pending'
