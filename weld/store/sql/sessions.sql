-- :session_list
-- Sessions in scope, the newest first.
SELECT id, plate, division, enterprise, worker, grant_id, authorised, opened_at, ends_at, closed_at, end_reason, state, resumed,
    contact_ms, covered_ms, arc_ms, energy_wh, peak_a, historical,
    EXISTS (SELECT 1 FROM command k WHERE k.plate = session.plate AND k.session = session.id AND k.state IN ('queued', 'sent', 'waiting'))
        AS ending
FROM session
WHERE (%(id)s::uuid IS NULL OR id = %(id)s) AND (%(plate)s::text IS NULL OR plate = %(plate)s)
    AND (%(worker)s::uuid IS NULL OR worker = %(worker)s) AND (%(state)s::text IS NULL OR state = %(state)s)
    AND (%(since)s::timestamptz IS NULL OR coalesce(closed_at, 'infinity') >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR opened_at < %(until)s)
    AND (%(after_at)s::timestamptz IS NULL OR (opened_at, id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY opened_at DESC, id DESC LIMIT %(limit)s

-- :session_where
-- The machine and the chip of an open session of this worker.
SELECT s.plate, s.chip FROM session s WHERE s.id = %(id)s AND s.worker = %(worker)s AND s.state = 'open'
