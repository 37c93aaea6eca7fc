-- :unlock_hold
-- Lock the live grant of a machine. The order everywhere is worker, machine, grant, command, alert.
SELECT id FROM unlock_grant WHERE plate = %(plate)s AND state = 'live' FOR UPDATE

-- :unlock_stale
-- End the live grant whose permission to click is over without a click; one with a session stays.
UPDATE unlock_grant g SET state = 'ended', ended_at = %(now)s,
    end_reason = CASE k.state WHEN 'refused' THEN 'refused:' || coalesce(k.reason, 'refused') WHEN 'failed' THEN 'refused:failed' ELSE 'expired' END
FROM command k
WHERE g.plate = %(plate)s AND g.state = 'live' AND g.closed_at IS NULL AND g.session IS NULL
AND k.grant_id = g.id AND k.state NOT IN ('queued', 'sent', 'waiting') RETURNING g.id

-- :unlock_live
-- The live grant of a machine, and whose it is.
SELECT id, worker FROM unlock_grant WHERE plate = %(plate)s AND state = 'live'

-- :unlock_elsewhere
-- The other machines on which this worker is live: an open session, or a permission that may still click.
SELECT g.plate FROM unlock_grant g LEFT JOIN command k ON k.grant_id = g.id
WHERE g.worker = %(worker)s AND g.plate <> %(plate)s AND g.state = 'live'
AND (g.closed_at IS NOT NULL OR (k.state IN ('queued', 'sent', 'waiting') AND k.expires_at > %(overdue)s))
UNION SELECT s.plate FROM session s WHERE s.worker = %(worker)s AND s.plate <> %(plate)s AND s.state = 'open'
ORDER BY 1

-- :unlock_live_of
-- The permission that is live for a worker now: the contact has closed under it, or may still.
SELECT g.id FROM unlock_grant g LEFT JOIN command k ON k.grant_id = g.id
WHERE g.worker = %(worker)s AND g.state = 'live'
AND (g.closed_at IS NOT NULL OR (k.state IN ('queued', 'sent', 'waiting') AND k.expires_at > %(overdue)s))
ORDER BY g.created_at DESC LIMIT 1

-- :unlock_insert
-- A permission: who, where, by which certificate, under which rules, until when.
INSERT INTO unlock_grant (id, worker, plate, chip, division, enterprise, certificate, checks, rules_version, presence,
    created_at, expires_at, longest_s, warnings)
VALUES (%(id)s, %(worker)s, %(plate)s, %(chip)s, %(division)s, %(enterprise)s, %(certificate)s, %(checks)s, %(rules_version)s,
    %(presence)s, %(created_at)s, %(expires_at)s, %(longest_s)s, %(warnings)s)

-- :unlock_end_unclicked
-- A lock takes back the permission that has not clicked yet.
UPDATE unlock_grant SET state = 'ended', ended_at = %(now)s, end_reason = %(reason)s
WHERE plate = %(plate)s AND state = 'live' AND closed_at IS NULL AND session IS NULL RETURNING id

-- :unlock_read
-- One grant with its ticket's way and what the chip reported. What the machine does now is told while the grant lives: afterwards
-- somebody else may stand at it.
SELECT g.id, g.worker, g.plate, g.presence, g.checks, g.warnings, g.created_at, g.expires_at, g.state, g.armed_at, g.closed_at, g.ended_at,
    g.end_reason, g.session, k.state AS command_state, k.reason AS command_reason, k.expires_at AS click_before, k.first_sent_at,
    s.state AS session_state, s.opened_at, s.ends_at, s.closed_at AS session_closed_at, s.end_reason AS session_end_reason, s.arc_ms,
    grant_machine(g.id) AS machine, n.state AS reported, n.online, n.current_a, greatest(n.received_at, n.presence_at) AS heard_at
FROM unlock_grant g LEFT JOIN command k ON k.grant_id = g.id LEFT JOIN session s ON s.id = g.session LEFT JOIN chip c ON c.chip = g.chip
LEFT JOIN chip_state n ON n.chip_no = c.chip_no AND (g.state = 'live' OR s.state = 'open')
WHERE g.id = %(id)s AND (%(worker)s::uuid IS NULL OR g.worker = %(worker)s)

-- :unlock_attempts
-- How often a worker tried lately, with or without success.
SELECT (SELECT count(*) FROM unlock_grant WHERE worker = %(worker)s AND created_at > %(since)s)
    + (SELECT count(*) FROM refusal WHERE worker = %(worker)s AND at > %(since)s)

-- :refusal_insert
-- An attempt that was turned down, with every reason.
INSERT INTO refusal (id, worker, plate, division, enterprise, reasons, at)
VALUES (%(id)s, %(worker)s, %(plate)s, %(division)s, %(enterprise)s, %(reasons)s, %(at)s)
