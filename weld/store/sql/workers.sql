-- :worker_hold
-- Lock a worker until the transaction ends: two phones of one worker wait for each other. NO KEY: grants may still refer to it.
SELECT id FROM worker WHERE id = %(id)s FOR NO KEY UPDATE

-- :worker_read
-- One worker as stored.
SELECT w.id, w.enterprise, e.name AS enterprise_name, w.division, w.name_sealed, w.identity_sealed, w.phone_sealed,
    w.suspended_reason IS NOT NULL AS suspended
FROM worker w LEFT JOIN enterprise e ON e.id = w.enterprise WHERE w.id = %(id)s

-- :worker_certificates
-- The certificates of one worker.
SELECT id, kind, number_sealed, category, item, valid_from, valid_to, review_due, status, issuer, checked_at
FROM certificate WHERE worker = %(worker)s ORDER BY valid_to DESC, id
