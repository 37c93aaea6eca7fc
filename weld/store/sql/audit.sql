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
