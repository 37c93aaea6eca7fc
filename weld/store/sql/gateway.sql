-- :command_claim
-- Lease live commands that are due: new ones, and sent ones without an answer; each with what a ticket needs.
WITH due AS (
    SELECT id FROM command WHERE state IN ('queued', 'sent') AND expires_at > now() AND (leased_until IS NULL OR leased_until < now())
    ORDER BY kind = 'ticket', created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE command SET leased_until = now() + %(lease_s)s * interval '1 second', attempts = attempts + 1
    FROM due WHERE command.id = due.id RETURNING command.*
)
SELECT c.id, c.kind, c.chip, h.shard, c.level, c.grace_s, c.counter, c.by, c.session, c.expires_at, c.wire, c.created_at,
       g.id AS grant_id, g.worker, g.presence, g.expires_at AS ticket_expires_at, g.longest_s, s.nonce
FROM claimed c JOIN chip h ON h.chip = c.chip LEFT JOIN unlock_grant g ON g.id = c.grant_id LEFT JOIN chip_state s ON s.chip_no = h.chip_no

-- :command_wire
-- Fix the bytes of a command before they are sent for the first time: every repetition is the same.
UPDATE command SET wire = coalesce(wire, %(wire)s) WHERE id = %(id)s RETURNING wire

-- :command_sent
-- The broker has it (PUBACK); what the chip makes of it is for ingest to say.
UPDATE command SET state = CASE WHEN state = 'queued' THEN 'sent' ELSE state END, first_sent_at = coalesce(first_sent_at, now()), last_sent_at = now()
WHERE id = %(id)s AND state IN ('queued', 'sent', 'waiting')

-- :command_unleased
-- A sending that failed: due again at once, for whoever is able.
UPDATE command SET leased_until = NULL WHERE id = %(id)s AND state IN ('queued', 'sent')

-- :commands_expired
-- Live commands whose time is over: nothing may be sent any more.
UPDATE command SET state = 'expired', ended_at = now() WHERE state IN ('queued', 'sent', 'waiting') AND expires_at < now() - interval '15 seconds' RETURNING id
