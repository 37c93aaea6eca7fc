-- :command_hold
-- Lock the live command of a machine.
SELECT id FROM command WHERE plate = %(plate)s AND state IN ('queued', 'sent', 'waiting') FOR UPDATE

-- :command_stale
-- Close the live command whose time was over at `overdue`: a little before now, as the chip's word may still be under way.
UPDATE command SET state = 'expired', reason = 'expired', ended_at = %(now)s
WHERE plate = %(plate)s AND state IN ('queued', 'sent', 'waiting') AND expires_at <= %(overdue)s

-- :command_supersede
-- The live command of a machine gives way to the next one.
UPDATE command SET state = 'superseded', reason = %(reason)s, ended_at = %(now)s
WHERE plate = %(plate)s AND state IN ('queued', 'sent', 'waiting')

-- :command_live
-- The live command of a machine.
SELECT id, kind, plate, session, level, by, actor, why, created_at, expires_at, state, reason
FROM command WHERE plate = %(plate)s AND state IN ('queued', 'sent', 'waiting')

-- :command_latest
-- The newest commands of a machine.
SELECT id, kind, plate, session, level, by, actor, why, created_at, expires_at, state, reason
FROM command WHERE plate = %(plate)s ORDER BY created_at DESC, id DESC LIMIT %(limit)s

-- :command_insert
-- Something that a person wants of a chip, with an expiry.
INSERT INTO command (id, kind, chip, plate, grant_id, session, level, grace_s, counter, by, actor, why, created_at, expires_at)
VALUES (%(id)s, %(kind)s, %(chip)s, %(plate)s, %(grant_id)s, %(session)s, %(level)s, %(grace_s)s, %(counter)s, %(by)s, %(actor)s,
    %(why)s, %(created_at)s, %(expires_at)s)

-- :counter_raise
-- A lock makes every ticket before it worthless: the new floor.
UPDATE chip SET counter = counter + 1 WHERE chip = %(chip)s RETURNING counter

-- :counter_read
-- The counter that a ticket carries now.
SELECT counter FROM chip WHERE chip = %(chip)s

-- :command_wake
-- A hint to the gateway, once a transaction.
SELECT pg_notify('weld_command', '')
