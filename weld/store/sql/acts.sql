-- :act_hold
-- The certificate as it stands, locked; hold its worker first.
SELECT status FROM certificate WHERE id = %(id)s FOR NO KEY UPDATE

-- :act_state
-- The certificate as it stands.
SELECT worker, status FROM certificate WHERE id = %(id)s

-- :act_before
-- From which state the certificate came to this one, by an act that was no undo.
SELECT before FROM certificate_change WHERE certificate = %(id)s AND after = %(state)s AND act <> 'restore' ORDER BY id DESC LIMIT 1

-- :act_set
-- The new state. Who verifies has looked into the register.
UPDATE certificate SET status = %(after)s, checked_at = CASE WHEN %(act)s = 'verify' THEN %(at)s ELSE checked_at END WHERE id = %(id)s

-- :act_record
-- Who did what, when and why.
INSERT INTO certificate_change (certificate, at, actor, act, before, after, reason)
VALUES (%(id)s, %(at)s, %(actor)s, %(act)s, %(before)s, %(after)s, %(reason)s)

-- :act_history
-- What was done to a certificate, the newest first.
SELECT at, actor, act, before, after, reason FROM certificate_change WHERE certificate = %(id)s ORDER BY id DESC LIMIT 200

-- :worker_suspend
-- Suspend a worker who is not, or (NULL) restore one who is.
UPDATE worker SET suspended_reason = %(reason)s
WHERE id = %(id)s AND (suspended_reason IS NULL) = (%(reason)s::text IS NOT NULL) RETURNING id

-- :expiry_groups
-- Certificates that are alike to the rules, and how many there are: dates repeat, so there are few groups of many.
SELECT c.kind, c.status, c.valid_from, c.valid_to, c.review_due, c.clean_record,
    (%(now)s::timestamptz AT TIME ZONE d.zone)::date AS today, count(*)::int AS certificates
FROM certificate c JOIN worker w ON w.id = c.worker JOIN division d ON d.code = w.division
WHERE (%(enterprise)s::uuid IS NULL OR w.enterprise = %(enterprise)s)
    AND (%(division)s::text IS NULL OR w.division = ANY(ARRAY(
        SELECT b.code FROM division b JOIN division f ON starts_with(b.path || '/', f.path || '/') WHERE f.code = %(division)s)))
GROUP BY 1, 2, 3, 4, 5, 6, 7
