-- :worker_hold
-- Lock a worker until the transaction ends: two phones of one worker wait for each other. NO KEY: grants may still refer to it.
SELECT id FROM worker WHERE id = %(id)s FOR NO KEY UPDATE

-- :worker_read
-- One worker as stored.
SELECT w.id, w.enterprise, e.name AS enterprise_name, w.division, w.name_sealed, w.identity_sealed, w.phone_sealed,
    w.suspended_reason IS NOT NULL AS suspended
FROM worker w LEFT JOIN enterprise e ON e.id = w.enterprise WHERE w.id = %(id)s

-- :worker_licence
-- What a licence is judged by, without the certificates. The last work is the later of what was declared and of the last session
-- here that was the worker's own, as a day of the machine's division.
SELECT w.identity_sealed, w.suspended_reason IS NOT NULL AS suspended, w.retirement_group, w.practical_test_on,
    greatest(w.last_work_on, (SELECT (coalesce(s.closed_at, s.opened_at) AT TIME ZONE %(zone)s)::date FROM session s
        WHERE s.worker = w.id AND s.authorised ORDER BY s.opened_at DESC LIMIT 1)) AS last_work_on
FROM worker w WHERE w.id = %(id)s

-- :worker_certificates
-- The certificates of one worker.
SELECT id, kind, number_sealed, category, item, valid_from, valid_to, review_due, status, issuer, checked_at, clean_record
FROM certificate WHERE worker = %(worker)s ORDER BY valid_to DESC, id

-- :worker_list
-- Workers in scope, the newest first; a division stands for all below it. `today` is that of the worker's division.
SELECT w.id, w.name_sealed, w.phone_sealed, w.identity_sealed, w.division, d.name_zh AS division_zh, d.name_en AS division_en,
    w.enterprise, e.name AS enterprise_name, w.suspended_reason, (%(now)s::timestamptz AT TIME ZONE d.zone)::date AS today
FROM worker w JOIN division d ON d.code = w.division LEFT JOIN enterprise e ON e.id = w.enterprise
WHERE (%(id)s::uuid IS NULL OR w.id = %(id)s) AND (%(enterprise)s::uuid IS NULL OR w.enterprise = %(enterprise)s)
    AND (%(division)s::text IS NULL OR w.division = ANY(ARRAY(
        SELECT b.code FROM division b JOIN division f ON starts_with(b.path || '/', f.path || '/') WHERE f.code = %(division)s)))
    AND (%(after)s::uuid IS NULL OR w.id < %(after)s)
ORDER BY w.id DESC LIMIT %(limit)s

-- :worker_papers
-- The certificates of these workers.
SELECT worker, id, kind, number_sealed, category, item, valid_from, valid_to, review_due, status, issuer, checked_at, clean_record
FROM certificate WHERE worker = ANY(%(workers)s) ORDER BY valid_to DESC, id

-- :worker_activity
-- When these workers opened a machine last, and the session that is open now, as far as both are in scope.
SELECT w.id AS worker, last.opened_at AS last_opened_at, now.id AS open_session
FROM unnest(%(workers)s::uuid[]) AS w (id)
LEFT JOIN LATERAL (SELECT opened_at FROM session WHERE worker = w.id ORDER BY opened_at DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (
    SELECT id FROM session WHERE worker = w.id AND state = 'open' ORDER BY opened_at DESC LIMIT 1) now ON true
