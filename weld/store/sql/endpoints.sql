-- :endpoint_list
-- Endpoints in scope and how they fare, by name. A delivery's id begins with the time it was made: `since` opens the key.
SELECT e.id, e.name, e.url, e.division, d.name_zh AS division_zh, d.name_en AS division_en, e.codes, e.state, e.created_at,
    coalesce(h.failures, 0) AS failures, h.failing_since, h.hold_until,
    (SELECT count(*) FROM delivery w WHERE w.endpoint = e.id AND w.state = 'pending')::int AS pending,
    coalesce(lately.delivered, 0)::int AS delivered, coalesce(lately.dead, 0)::int AS dead, lately.last_delivered_at
FROM endpoint e JOIN division d ON d.code = e.division LEFT JOIN endpoint_health h ON h.endpoint = e.id
LEFT JOIN (
    SELECT endpoint, count(*) FILTER (WHERE state = 'delivered') AS delivered, count(*) FILTER (WHERE state = 'dead') AS dead,
        max(delivered_at) AS last_delivered_at
    FROM delivery WHERE id >= %(since)s GROUP BY endpoint
) lately ON lately.endpoint = e.id
WHERE %(id)s::uuid IS NULL OR e.id = %(id)s
ORDER BY e.name

-- :endpoint_state
-- Hold what is for an endpoint, or send again; what it was before. No row where nobody in scope knows it.
WITH before AS (SELECT id, state FROM endpoint WHERE id = %(id)s FOR NO KEY UPDATE)
UPDATE endpoint e SET state = %(state)s FROM before b WHERE e.id = b.id RETURNING b.state

-- :delivery_read
-- What leaves with one delivery.
SELECT payload FROM delivery WHERE id = %(id)s

-- :delivery_attempts
-- Every attempt at one delivery, in order.
SELECT number, at, latency_ms, status, error FROM attempt WHERE delivery = %(id)s ORDER BY number

-- :delivery_resend
-- Due now, with all its time before it again; one that an attempt is under way for keeps its lease. Only what has not ended.
UPDATE delivery SET state = 'pending', next_at = statement_timestamp(), first_at = NULL
WHERE id = %(id)s AND state IN ('pending', 'dead') RETURNING id

-- :dispatch_wake
-- A hint to dispatch.
SELECT pg_notify('weld_outbox', '')
