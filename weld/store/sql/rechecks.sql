-- :recheck_take
-- The next worker whose running work is to be looked at again; nobody else takes the same.
DELETE FROM recheck_due WHERE id = (
    SELECT id FROM recheck_due WHERE id > %(after)s ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, worker

-- :recheck_past_midnight
-- Whose work runs since an earlier day of its division, not looked at since midnight.
SELECT DISTINCT g.worker FROM unlock_grant g JOIN division d ON d.code = g.division
WHERE g.state = 'live' AND coalesce(g.rechecked_on, (g.created_at AT TIME ZONE d.zone)::date) < (%(now)s::timestamptz AT TIME ZONE d.zone)::date

-- :recheck_running
-- The permissions that are live for a worker now: the contact has closed under them, or may still.
SELECT g.id, g.plate, g.chip, g.session FROM unlock_grant g LEFT JOIN command k ON k.grant_id = g.id
WHERE g.worker = %(worker)s AND g.state = 'live'
AND (g.closed_at IS NOT NULL OR g.session IS NOT NULL OR (k.state IN ('queued', 'sent', 'waiting') AND k.expires_at > %(overdue)s))
ORDER BY g.plate

-- :recheck_seen
-- The permission was looked at on this day.
UPDATE unlock_grant SET rechecked_on = %(day)s WHERE id = %(id)s

-- :recheck_known
-- Whether this ending of this permission is on record.
SELECT 1 FROM recheck WHERE grant_id = %(grant_id)s AND ending = %(ending)s

-- :recheck_ordered
-- The order that locks after this permission, carried out or under way and as hard.
SELECT k.id FROM recheck r JOIN command k ON k.id = r.command WHERE r.grant_id = %(grant_id)s
AND (k.state = 'done' OR (k.state IN ('queued', 'sent', 'waiting') AND k.level <= %(level)s))
ORDER BY k.created_at DESC, k.id DESC LIMIT 1

-- :recheck_insert
-- What became of a permission whose licence does not hold any more.
INSERT INTO recheck (grant_id, ending, at, reasons, rules_version, command)
VALUES (%(grant_id)s, %(ending)s, %(at)s, %(reasons)s, %(rules_version)s, %(command)s)
