-- :audit_append
-- Who did what to what: the next row of the chain. Takes the chain's one lock until the transaction ends.
SELECT weld.audit_append(%(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s)

-- :audit_head
-- Where the chain ends.
SELECT seq, hash FROM weld.audit_head ORDER BY seq DESC LIMIT 1

-- :audit_rows
-- The chain's rows as they are hashed. A time that is none, put there past the table's checks, must not stop whoever looks.
SELECT seq, CASE WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint END AS at_us, actor, action, subject,
    detail::text AS detail, before, hash
FROM weld.audit WHERE seq > %(after)s ORDER BY seq

-- :audit_list
-- What was done, the newest first.
SELECT seq, at, actor, action, subject, detail FROM weld.audit
WHERE (%(before)s::bigint IS NULL OR seq < %(before)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s) AND (%(subject)s::text IS NULL OR subject = %(subject)s)
    AND (%(action)s::text IS NULL OR starts_with(action, %(action)s)) AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY seq DESC LIMIT %(limit)s
