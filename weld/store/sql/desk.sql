-- :quarantine_list
-- Messages that nobody could use: the platform sees all, others those of chips in their machines. Never the payload.
SELECT q.id, q.received_at, q.topic, q.chip, q.boot, q.seq, q.reason, q.detail, octet_length(q.payload) AS bytes
FROM quarantine q
WHERE (current_setting('weld.scope', true) = 'platform' OR EXISTS (SELECT 1 FROM machine m WHERE m.chip = q.chip))
    AND (%(chip)s::text IS NULL OR q.chip = %(chip)s) AND (%(after)s::bigint IS NULL OR q.id < %(after)s)
ORDER BY q.id DESC LIMIT %(limit)s

-- :delivery_list
-- What left, or is to leave, for endpoints in scope, the newest first.
SELECT d.id, d.endpoint, e.name AS endpoint_name, d.fact, d.state, d.attempts, d.next_at, d.created_at, d.delivered_at,
    a.at AS last_at, a.status AS last_status, a.error AS last_error
FROM delivery d JOIN endpoint e ON e.id = d.endpoint
LEFT JOIN LATERAL (SELECT at, status, error FROM attempt WHERE delivery = d.id ORDER BY number DESC LIMIT 1) a ON true
WHERE (%(id)s::uuid IS NULL OR d.id = %(id)s) AND (%(endpoint)s::uuid IS NULL OR d.endpoint = %(endpoint)s)
    AND (%(subject)s::uuid IS NULL OR d.subject = %(subject)s) AND (%(state)s::text IS NULL OR d.state = %(state)s)
    AND (%(after_at)s::timestamptz IS NULL OR (d.created_at, d.id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s
