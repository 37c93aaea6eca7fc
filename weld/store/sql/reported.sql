-- :grants_of_tickets
-- The grants behind these tickets, for the chip that names them: whose session it is, and when it ends.
SELECT g.id, g.chip, g.worker, g.plate, g.expires_at, g.longest_s FROM unlock_grant g WHERE g.id = ANY(%(tickets)s::uuid[])

-- :session_supersede
-- A second open session ends the first: of the same machine, whichever chip said it. Those that are written now say it themselves.
UPDATE session s SET state = 'closed', closed_at = greatest(s.opened_at, r.at), end_reason = 'superseded', updated_at = %(now)s
FROM (SELECT m.plate, max(r.opened_at) AS at FROM json_to_recordset(%(rows)s) AS r (chip text, opened_at timestamptz, state text)
    JOIN machine m ON m.chip = r.chip WHERE r.state = 'open' GROUP BY m.plate) r
WHERE s.state = 'open' AND s.plate = r.plate AND s.id <> ALL(%(ids)s::uuid[]) RETURNING s.id, s.grant_id, s.chip, s.closed_at,
    s.plate, s.opened_at, greatest(s.contact_ms - s.covered_ms, 0) AS unknown_ms

-- :session_put
-- Sessions as the fold has them, open ones last; whose one is comes from the grant, where it was from the machine.
INSERT INTO session (id, chip, chip_no, plate, division, enterprise, site, worker, grant_id, ticket, authorised, opened_at, ends_at,
    closed_at, end_reason, state, resumed, contact_ms, covered_ms, arc_ms, energy_wh, peak_a, historical, updated_at)
SELECT r.id, r.chip, r.chip_no, m.plate, m.division, m.enterprise, m.site, g.worker, g.id, r.ticket, r.authorised, r.opened_at, r.ends_at,
    r.closed_at, r.end_reason, r.state, r.resumed, r.contact_ms, r.covered_ms, r.arc_ms, r.energy_wh, r.peak_a, r.historical, %(now)s
FROM json_to_recordset(%(rows)s) AS r (id uuid, chip text, chip_no integer, ticket uuid, authorised boolean,
    opened_at timestamptz, ends_at timestamptz, closed_at timestamptz, end_reason text, state text, resumed integer, contact_ms bigint,
    covered_ms bigint, arc_ms bigint, energy_wh double precision, peak_a real, historical boolean)
LEFT JOIN machine m ON m.chip = r.chip LEFT JOIN unlock_grant g ON g.id = r.ticket AND g.chip = r.chip
ORDER BY r.state = 'open', r.opened_at
ON CONFLICT (id) DO UPDATE SET ticket = excluded.ticket, worker = excluded.worker, grant_id = excluded.grant_id,
    authorised = excluded.authorised, opened_at = excluded.opened_at, ends_at = excluded.ends_at, closed_at = excluded.closed_at,
    end_reason = excluded.end_reason, state = excluded.state, resumed = excluded.resumed, contact_ms = excluded.contact_ms,
    covered_ms = excluded.covered_ms, arc_ms = excluded.arc_ms, energy_wh = excluded.energy_wh, peak_a = excluded.peak_a,
    updated_at = excluded.updated_at
WHERE session.chip = excluded.chip
RETURNING id, plate, opened_at, grant_id IS NOT NULL, CASE WHEN state = 'open' THEN 0 ELSE greatest(contact_ms - covered_ms, 0) END

-- :session_grow
-- More is known of open sessions: sums only, all of a batch at once. Whose they are was decided when they began.
UPDATE session s SET contact_ms = g.contact_ms, covered_ms = g.covered_ms, arc_ms = g.arc_ms, energy_wh = g.energy_wh,
    peak_a = g.peak_a, resumed = g.resumed, updated_at = %(now)s
FROM json_to_recordset(%(rows)s) AS g (id uuid, contact_ms bigint, covered_ms bigint, arc_ms bigint, energy_wh double precision,
    peak_a real, resumed integer)
WHERE s.id = g.id AND s.state = 'open' RETURNING s.id

-- :session_before
-- What these sessions, as far as they are stored, come to in the rollups before they are put again.
SELECT id, plate, opened_at, grant_id IS NOT NULL, CASE WHEN state = 'open' THEN 0 ELSE greatest(contact_ms - covered_ms, 0) END
FROM session WHERE id = ANY(%(ids)s::uuid[])

-- :session_next
-- When the next session of this chip began.
SELECT min(opened_at) FROM session WHERE chip_no = %(chip_no)s AND opened_at > %(after)s AND id <> %(id)s

-- :grants_closed
-- The contact was reported closed under these tickets: each grant has its session, its command is done. Grants are locked first,
-- as everybody does.
WITH g AS (
    UPDATE unlock_grant u SET session = r.id, closed_at = coalesce(u.closed_at, r.opened_at)
    FROM json_to_recordset(%(rows)s) AS r (id uuid, chip text, ticket uuid, opened_at timestamptz)
    WHERE u.id = r.ticket AND u.chip = r.chip RETURNING u.id
)
UPDATE command SET state = 'done', ended_at = %(now)s FROM g
WHERE command.grant_id = g.id AND command.state IN ('queued', 'sent', 'waiting')

-- :grants_ended
-- The sessions of these grants are over. A chip ends no grant but those made for it.
UPDATE unlock_grant u SET state = 'ended', ended_at = r.at, end_reason = r.reason
FROM json_to_recordset(%(rows)s) AS r ("grant" uuid, chip text, at timestamptz, reason text)
WHERE u.id = r."grant" AND u.chip = r.chip AND (u.state = 'live' OR u.end_reason = 'inferred')

-- :grant_armed
-- The chip holds the ticket and waits for the button.
UPDATE unlock_grant SET armed_at = coalesce(armed_at, %(at)s) WHERE id = %(ticket)s AND chip = %(chip)s AND state = 'live'

-- :command_result
-- What the chip answered to a command; only a live one changes, and a refused ticket ends its grant.
-- The grant's row is locked first, as everybody does: two orders would be a deadlock.
WITH held AS (
    SELECT g.id FROM unlock_grant g WHERE g.id = (SELECT grant_id FROM command WHERE id = %(command)s) FOR UPDATE
), c AS (
    UPDATE command SET state = %(state)s, reason = %(reason)s, ended_at = CASE WHEN %(state)s = 'waiting' THEN NULL ELSE %(now)s::timestamptz END
    WHERE id = %(command)s AND chip = %(chip)s AND state IN ('queued', 'sent', 'waiting') AND (SELECT count(*) FROM held) >= 0
    RETURNING grant_id, state, reason
)
UPDATE unlock_grant g SET state = 'ended', ended_at = %(now)s, end_reason = 'refused:' || coalesce(c.reason, c.state)
FROM c WHERE g.id = c.grant_id AND c.state IN ('refused', 'failed') AND g.state = 'live' AND g.closed_at IS NULL
RETURNING g.id

-- :grants_overdue
-- Permissions to click that nobody used: the command is over and the contact never closed.
UPDATE unlock_grant g SET state = 'ended', ended_at = now(), end_reason = 'expired'
FROM command c WHERE c.grant_id = g.id AND g.state = 'live' AND g.closed_at IS NULL
AND c.expires_at < now() - interval '10 seconds' AND c.state IN ('expired', 'done', 'refused', 'failed', 'superseded', 'queued', 'sent')
RETURNING g.id

-- :commands_overdue
-- Live commands whose time is over.
UPDATE command SET state = 'expired', ended_at = now()
WHERE state IN ('queued', 'sent', 'waiting') AND expires_at < now() - interval '10 seconds'

-- :arcs_put
-- Bursts, each from whichever of its two events came first.
INSERT INTO arc (chip_no, boot, from_up, started_at, ended_at, arc_ms, peak_a, contact, session)
SELECT * FROM json_to_recordset(%(rows)s) AS r (chip_no integer, boot integer, from_up bigint, started_at timestamptz,
    ended_at timestamptz, arc_ms bigint, peak_a real, contact text, session uuid)
ON CONFLICT (chip_no, boot, from_up) DO UPDATE SET ended_at = coalesce(excluded.ended_at, arc.ended_at),
    arc_ms = coalesce(excluded.arc_ms, arc.arc_ms), peak_a = greatest(excluded.peak_a, arc.peak_a),
    contact = coalesce(excluded.contact, arc.contact), session = coalesce(excluded.session, arc.session)

-- :finding_near
-- The alert of the same family that a finding may belong to, locked.
SELECT a.id, a.code, a.historical, a.state FROM alert a
WHERE a.subject IN (SELECT plate FROM machine WHERE chip = %(chip)s UNION ALL SELECT %(chip)s) AND a.code = ANY(%(codes)s::text[])
AND a.raised_by = 'ingest' AND a.since <= %(last_at)s + %(quiet)s AND a.last_at >= %(since)s - %(quiet)s
AND (a.state <> 'closed' OR a.closed_at >= %(last_at)s)
ORDER BY a.last_at DESC LIMIT 1 FOR UPDATE

-- :finding_grow
-- One more sign of an episode that has its alert; a historical one that goes on becomes live.
UPDATE alert SET since = least(since, %(since)s), last_at = greatest(last_at, %(last_at)s), occurrences = occurrences + %(occurrences)s,
    historical = historical AND %(historical)s WHERE id = %(id)s

-- :finding_raise
-- A new alert; the same episode never opens a second one.
INSERT INTO alert (id, code, level, subject, episode, plate, chip, worker, session, division, enterprise, since, last_at,
    occurrences, historical, late_by_ms, evidence, raised_by, raised_at)
SELECT %(id)s, %(code)s, %(level)s, coalesce(m.plate, %(chip)s), %(episode)s, m.plate, %(chip)s, s.worker, %(session)s,
    m.division, m.enterprise, %(since)s, %(last_at)s, %(occurrences)s, %(historical)s, %(late_by_ms)s, %(evidence)s, 'ingest', %(now)s
FROM (SELECT 1) one LEFT JOIN machine m ON m.chip = %(chip)s LEFT JOIN session s ON s.id = %(session)s
ON CONFLICT (subject, code, episode) DO NOTHING RETURNING id, plate

-- :finding_announce
-- The fact that leaves: one outbox row for an alert that pages.
INSERT INTO outbox (fact, subject, code, division, payload)
SELECT 'alert.opened', a.id, a.code, a.division, jsonb_build_object('alert', a.id) FROM alert a WHERE a.id = %(id)s

-- :finding_recover
-- Types that recover by themselves: the chip is heard again.
UPDATE alert SET state = 'closed', closed_at = %(now)s, closed_by = 'platform', outcome = 'other', note = 'heard again'
WHERE chip = ANY(%(chips)s::text[]) AND code = 'D06' AND state <> 'closed' RETURNING id

-- :finding_closed
-- The fact that an alert closed itself.
INSERT INTO outbox (fact, subject, code, division, payload)
SELECT 'alert.closed', a.id, a.code, a.division, jsonb_build_object('alert', a.id) FROM alert a WHERE a.id = %(id)s

-- :lock_order
-- What a rule orders: lock the machine after the arc's end. It replaces the live command, raises the ticket floor,
-- and never replaces a lock that is under way.
WITH c AS (
    UPDATE chip SET counter = counter + 1 WHERE chip = %(chip)s
    AND NOT EXISTS (SELECT 1 FROM command WHERE command.chip = %(chip)s AND kind = 'lock' AND state IN ('queued', 'sent', 'waiting'))
    RETURNING chip, counter
)
INSERT INTO command (id, kind, chip, plate, session, level, grace_s, counter, by, actor, why, created_at, expires_at)
SELECT %(id)s, 'lock', c.chip, m.plate, %(session)s, 2, 60, c.counter, 'rule', 'rule:' || %(code)s, %(code)s, now(), now() + interval '10 minutes'
FROM c JOIN machine m ON m.chip = c.chip

-- :supersede_live
-- The live command of a machine gives way to a new one.
UPDATE command SET state = 'superseded', ended_at = now()
WHERE plate = (SELECT plate FROM machine WHERE chip = %(chip)s) AND state IN ('queued', 'sent', 'waiting') AND kind <> 'lock'

-- :silent_candidates
-- Chips of these shards that worked in the last 30 days and were not heard for 7; the rule itself decides.
SELECT s.chip, s.chip_no, s.received_at, coalesce(sum(d.arc_ms), 0)::bigint AS arc_ms
FROM chip_state s JOIN machine m ON m.chip = s.chip JOIN machine_day d ON d.plate = m.plate
WHERE s.shard = ANY(%(shards)s::text[]) AND s.received_at < %(before)s AND d.day >= %(since)s
AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.chip = s.chip AND a.code = 'D06' AND a.state <> 'closed')
GROUP BY s.chip, s.chip_no, s.received_at

-- :notify
-- Hints, all in one statement.
SELECT pg_notify(%(channel)s, hint) FROM unnest(%(texts)s::text[]) AS hint
