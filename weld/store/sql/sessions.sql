-- :session_list
-- Sessions in scope, the newest first. The worker's name stays sealed, and out of sight where the worker is out of scope.
SELECT s.id, s.plate, s.division, s.enterprise, s.worker, w.name_sealed, s.grant_id, s.authorised, s.opened_at, s.ends_at, s.closed_at,
    s.end_reason, s.state, s.resumed, s.contact_ms, s.covered_ms, s.arc_ms, s.energy_wh, s.peak_a, s.historical,
    EXISTS (SELECT 1 FROM command k WHERE k.plate = s.plate AND k.session = s.id AND k.state IN ('queued', 'sent', 'waiting')) AS ending
FROM session s LEFT JOIN worker w ON w.id = s.worker
WHERE (%(id)s::uuid IS NULL OR s.id = %(id)s) AND (%(plate)s::text IS NULL OR s.plate = %(plate)s)
    AND (%(worker)s::uuid IS NULL OR s.worker = %(worker)s) AND (%(state)s::text IS NULL OR s.state = %(state)s)
    AND (%(since)s::timestamptz IS NULL OR coalesce(s.closed_at, 'infinity') >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR s.opened_at < %(until)s)
    AND (%(after_at)s::timestamptz IS NULL OR (s.opened_at, s.id) < (%(after_at)s, %(after_id)s::uuid))
ORDER BY s.opened_at DESC, s.id DESC LIMIT %(limit)s

-- :session_bursts
-- The bursts of one session that the caller may see.
SELECT started_at, ended_at, arc_ms, peak_a FROM session_arc(%(id)s, %(limit)s) ORDER BY started_at

-- :session_where
-- The machine and the chip of an open session of this worker.
SELECT s.plate, s.chip FROM session s WHERE s.id = %(id)s AND s.worker = %(worker)s AND s.state = 'open'
