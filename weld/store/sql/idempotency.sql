-- :idempotency_claim
-- The first request with this key goes on; one that comes at the same moment waits here for its end.
INSERT INTO idempotency (subject, key, request_hash, at) VALUES (%(subject)s, %(key)s, %(request_hash)s, %(at)s)
ON CONFLICT (subject, key) DO NOTHING RETURNING key

-- :idempotency_read
-- What was asked and answered under this key.
SELECT request_hash, status, body FROM idempotency WHERE subject = %(subject)s AND key = %(key)s

-- :idempotency_answer
-- Keep the answer, in the transaction that made it true.
UPDATE idempotency SET status = %(status)s, body = %(body)s WHERE subject = %(subject)s AND key = %(key)s
