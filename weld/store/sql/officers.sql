-- :officer_try
-- One more try at this login, counted before it is judged; no row while the login is held.
INSERT INTO officer_try (login_index, failures, at) VALUES (%(login_index)s, 1, %(now)s)
ON CONFLICT (login_index) DO UPDATE SET failures = officer_try.failures + 1, at = excluded.at
WHERE officer_try.held_until IS NULL OR officer_try.held_until <= excluded.at
RETURNING failures

-- :officer_hold
-- Nothing is tried at this login before that time.
UPDATE officer_try SET held_until = %(until)s WHERE login_index = %(login_index)s

-- :officer_forgive
-- The try was right: failures are counted anew.
DELETE FROM officer_try WHERE login_index = %(login_index)s

-- :officer_find
-- One officer's account by its login.
SELECT id, login, name, password_hash, totp_sealed, disabled_at IS NOT NULL AS disabled
FROM officer WHERE login = %(login)s

-- :officer_add
-- A new account.
INSERT INTO officer (id, login, name, password_hash, totp_sealed, disabled_at, created_at)
VALUES (%(id)s, %(login)s, %(name)s, %(password_hash)s, %(totp_sealed)s,
        CASE WHEN %(disabled)s THEN %(now)s::timestamptz END, %(now)s)

-- :officer_change
-- Whatever may change of an account; its login may not, as people know it by that.
UPDATE officer SET name = %(name)s, password_hash = %(password_hash)s, totp_sealed = %(totp_sealed)s,
    disabled_at = CASE WHEN %(disabled)s THEN coalesce(disabled_at, %(now)s) END
WHERE id = %(id)s

-- :officer_step
-- A time step is used up; no row where it, or a later one, was used before.
UPDATE officer SET totp_step = %(step)s WHERE id = %(id)s AND totp_step < %(step)s

-- :officer_sign_in_add
-- An officer is signed in at a screen; only the token's hash is kept.
INSERT INTO officer_sign_in (id, token_hash, officer, way, address, browser, created_at, seen_at, rotated_at, stepped_up_at, expires_at)
VALUES (%(id)s, %(token_hash)s, %(officer)s, %(way)s, %(address)s::inet, %(browser)s, %(now)s, %(now)s, %(now)s,
    CASE WHEN %(way)s <> 'single_sign_on' THEN %(now)s::timestamptz END, %(expires_at)s)

-- :officer_signed_in
-- Who is signed in with this token now: neither ended nor expired, not idle, not disabled. The token of before a rotation is
-- good for the requests that were under way, and for nothing that takes a fresh proof.
SELECT s.id AS sign_in, o.id, coalesce(o.scope, 'nobody') AS scope, o.roles, CASE WHEN s.token_hash = %(token_hash)s THEN s.stepped_up_at END,
    s.rotated_at, s.expires_at
FROM officer_sign_in s JOIN officer_now o ON o.id = s.officer
WHERE (s.token_hash = %(token_hash)s OR (s.previous_hash = %(token_hash)s AND s.previous_until > %(now)s))
AND s.ended_at IS NULL AND s.expires_at > %(now)s AND s.seen_at > %(idle_since)s AND o.disabled_at IS NULL

-- :officer_still_in
-- The same of a sign-in that is known already, whatever its token is by now.
SELECT o.id, coalesce(o.scope, 'nobody') AS scope, o.roles FROM officer_sign_in s JOIN officer_now o ON o.id = s.officer
WHERE s.id = %(sign_in)s AND s.ended_at IS NULL AND s.expires_at > %(now)s AND s.seen_at > %(idle_since)s
AND o.disabled_at IS NULL

-- :officer_seen
-- A request came with this token. Many come at once, so whoever is second neither waits nor writes.
UPDATE officer_sign_in SET seen_at = %(now)s WHERE id = (
    SELECT id FROM officer_sign_in WHERE id = %(sign_in)s AND seen_at < %(before)s FOR UPDATE SKIP LOCKED)

-- :officer_rotate
-- Another token for this sign-in. Many requests come at once: whoever is second keeps the token that he has.
UPDATE officer_sign_in SET previous_hash = token_hash, previous_until = %(previous_until)s, token_hash = %(token_hash)s,
    rotated_at = %(now)s
WHERE id = (SELECT id FROM officer_sign_in WHERE id = %(sign_in)s AND rotated_at <= %(before)s FOR UPDATE SKIP LOCKED)

-- :officer_step_up
-- A fresh proof: another token, which alone has it.
UPDATE officer_sign_in SET previous_hash = token_hash, previous_until = %(previous_until)s, token_hash = %(token_hash)s,
    rotated_at = %(now)s, stepped_up_at = %(now)s
WHERE id = %(sign_in)s

-- :officer_profile
-- What a screen shows of whoever is signed in at it. The division is the root of what is in scope.
SELECT o.id, o.login, o.name, coalesce(o.scope, 'nobody') AS scope, o.roles, s.way, s.expires_at, s.stepped_up_at, e.name AS enterprise,
    coalesce(e.division, substring(o.scope FROM '^(?:division|department):(?:[0-9/]*/)?([0-9]+)(?::|$)')) AS division, p.name AS department
FROM officer_sign_in s JOIN officer_now o ON o.id = s.officer
LEFT JOIN enterprise e ON e.id = substring(o.scope FROM '^enterprise:(.+)$')::uuid LEFT JOIN department p ON p.id = o.department
WHERE s.id = %(sign_in)s

-- :officer_sign_ins
-- Where an officer is signed in, the latest used first.
SELECT id, way, host(address) AS address, browser, created_at, seen_at, expires_at FROM officer_sign_in
WHERE officer = %(officer)s AND ended_at IS NULL AND expires_at > %(now)s AND seen_at > %(idle_since)s ORDER BY seen_at DESC, id

-- :officer_sign_in_end
-- End one sign-in of an officer.
UPDATE officer_sign_in SET ended_at = %(now)s WHERE id = %(sign_in)s AND officer = %(officer)s AND ended_at IS NULL

-- :officer_sign_out
-- Sign out.
UPDATE officer_sign_in SET ended_at = %(now)s WHERE token_hash = %(token_hash)s AND ended_at IS NULL

-- :officer_sign_out_everywhere
-- End every sign-in of an officer.
UPDATE officer_sign_in SET ended_at = %(now)s WHERE officer = %(officer)s AND ended_at IS NULL

-- :officer_wrong_add
-- A wrong try from this address.
INSERT INTO officer_wrong (address, at) VALUES (%(address)s::inet, %(now)s)

-- :officer_wrong_count
-- How many wrong tries came from this address lately.
SELECT count(*) FROM officer_wrong WHERE address = %(address)s::inet AND at > %(since)s
