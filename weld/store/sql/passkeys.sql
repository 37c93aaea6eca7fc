-- :passkey_challenge_add
-- Something for an authenticator to sign.
INSERT INTO officer_challenge (id, purpose, officer, challenge, address, expires_at)
VALUES (%(id)s, %(purpose)s, %(officer)s, %(challenge)s, %(address)s::inet, %(expires_at)s)

-- :passkey_challenge_count
-- How many were asked for from this address and not used.
SELECT count(*) FROM officer_challenge WHERE address = %(address)s::inet AND expires_at > %(now)s

-- :passkey_challenge_use
-- It opens once, for what it was made for and for whom.
DELETE FROM officer_challenge WHERE id = %(id)s AND purpose = %(purpose)s AND officer IS NOT DISTINCT FROM %(officer)s
RETURNING challenge, expires_at

-- :passkey_add
-- A passkey of an officer; no row where the credential is known already.
INSERT INTO officer_passkey (id, officer, credential, public_key, sign_count, name, created_at)
VALUES (%(id)s, %(officer)s, %(credential)s, %(public_key)s, %(sign_count)s, %(name)s, %(now)s)
ON CONFLICT (credential) DO NOTHING

-- :passkey_find
-- Whose passkey this is; locked, so that one answer sent twice at once counts once.
SELECT k.id, k.officer, k.public_key, k.sign_count, o.disabled_at IS NOT NULL AS disabled
FROM officer_passkey k JOIN officer o ON o.id = k.officer WHERE k.credential = %(credential)s FOR UPDATE OF k

-- :passkey_used
-- It was used, and counts this far.
UPDATE officer_passkey SET sign_count = %(sign_count)s, used_at = %(now)s WHERE id = %(id)s

-- :passkey_list
-- An officer's passkeys.
SELECT id, credential, name, created_at, used_at FROM officer_passkey WHERE officer = %(officer)s ORDER BY created_at, id

-- :passkey_rename
-- Another name for it.
UPDATE officer_passkey SET name = %(name)s WHERE id = %(id)s AND officer = %(officer)s

-- :passkey_remove
-- It opens nothing any more.
DELETE FROM officer_passkey WHERE id = %(id)s AND officer = %(officer)s
