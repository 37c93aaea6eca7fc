-- :errand_count
-- How many ways to the single sign-on from this address have no end yet.
SELECT count(*) FROM officer_errand WHERE address = %(address)s::inet AND expires_at > %(now)s

-- :errand_add
-- A way there and back begins.
INSERT INTO officer_errand (state_hash, browser_hash, nonce, code_verifier, back_to, linking, address, expires_at)
VALUES (%(state_hash)s, %(browser_hash)s, %(nonce)s, %(code_verifier)s, %(back_to)s, %(linking)s, %(address)s::inet, %(expires_at)s)

-- :errand_take
-- It ends, once and in the browser where it began.
DELETE FROM officer_errand WHERE state_hash = %(state_hash)s AND browser_hash = %(browser_hash)s
RETURNING nonce, code_verifier, back_to, linking, expires_at

-- :link_find
-- Whose account this person opens.
SELECT l.officer FROM officer_link l JOIN officer o ON o.id = l.officer
WHERE l.issuer = %(issuer)s AND l.subject = %(subject)s AND o.disabled_at IS NULL

-- :link_owner_hold
-- Whoever links his own account still sits at some screen; locked, so that two links of one account wait for each other.
SELECT o.id FROM officer o WHERE o.id = %(officer)s AND o.disabled_at IS NULL AND EXISTS (
    SELECT FROM officer_sign_in s WHERE s.officer = o.id AND s.ended_at IS NULL AND s.expires_at > %(now)s)
FOR NO KEY UPDATE

-- :link_add
-- This person opens that account; no row where the person opens one already, or somebody opens the account.
INSERT INTO officer_link (issuer, subject, officer, linked_by, linked_at)
SELECT %(issuer)s, %(subject)s, %(officer)s, %(linked_by)s, %(now)s
WHERE NOT EXISTS (SELECT FROM officer_link l WHERE l.officer = %(officer)s AND l.issuer = %(issuer)s)
ON CONFLICT (issuer, subject) DO NOTHING

-- :link_of
-- Since when somebody opens this account, and whether its owner let him.
SELECT linked_at, linked_by = officer AS by_owner FROM officer_link WHERE officer = %(officer)s AND issuer = %(issuer)s

-- :link_remove
-- Nobody opens this account by a single sign-on any more.
DELETE FROM officer_link WHERE officer = %(officer)s
