-- :issuer_due
-- Certificates that were not asked about for longest, at most so many; taken so that nobody else asks the same meanwhile.
UPDATE certificate SET asked_at = %(now)s WHERE id IN (
    SELECT id FROM certificate WHERE status IN ('unverified', 'verified')
        AND (checked_at IS NULL OR checked_at < %(checked_before)s) AND (asked_at IS NULL OR asked_at < %(asked_before)s)
    ORDER BY checked_at NULLS FIRST, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, worker, kind, number_sealed, number_index, item

-- :issuer_certificate
-- One certificate as a register is asked about it.
SELECT id, worker, kind, number_sealed, number_index, item FROM certificate WHERE id = %(id)s

-- :issuer_kept
-- The answer that is kept for this certificate.
SELECT said, at FROM register_answer WHERE kind = %(kind)s AND number_index = %(number_index)s AND item = %(item)s

-- :issuer_keep
-- Keep an answer; an older one never replaces a newer one.
INSERT INTO register_answer (kind, number_index, item, said, at)
VALUES (%(kind)s, %(number_index)s, %(item)s, %(said)s, %(at)s)
ON CONFLICT (kind, number_index, item) DO UPDATE SET said = excluded.said, at = excluded.at WHERE register_answer.at < excluded.at

-- :issuer_forget
-- Kept answers that may stand for nothing any more.
DELETE FROM register_answer WHERE at < %(before)s

-- :issuer_settle
-- What follows from an answer; hold the worker and the certificate first.
UPDATE certificate SET status = %(after)s, checked_at = %(at)s WHERE id = %(id)s
