-- :code_counts
-- How many codes were asked for lately, for this phone and from this address.
SELECT (SELECT count(*) FROM sign_in_code WHERE phone_index = %(phone_index)s AND created_at > %(since)s),
    (SELECT count(*) FROM sign_in_code WHERE address = %(address)s::inet AND created_at > %(since)s)

-- :code_insert
-- A code for a phone; without a worker it is one that never fits.
INSERT INTO sign_in_code (request, phone_index, address, worker, code_hash, created_at, expires_at)
VALUES (%(request)s, %(phone_index)s, %(address)s::inet, (SELECT id FROM worker WHERE phone_index = %(phone_index)s), %(code_hash)s,
    %(created_at)s, %(expires_at)s)
RETURNING worker IS NOT NULL AS known

-- :code_try
-- One more try at a code that was not used yet.
UPDATE sign_in_code SET tries = tries + 1 WHERE request = %(request)s AND used_at IS NULL
RETURNING worker, code_hash, tries, expires_at

-- :code_use
-- The code has done its work.
UPDATE sign_in_code SET used_at = %(at)s WHERE request = %(request)s

-- :code_forget
-- Codes of days past.
DELETE FROM sign_in_code WHERE created_at < %(before)s

-- :sign_in_insert
-- A worker is signed in; only the token's hash is kept.
INSERT INTO sign_in (token_hash, worker, created_at, expires_at) VALUES (%(token_hash)s, %(worker)s, %(created_at)s, %(expires_at)s)

-- :sign_in_read
-- Who is signed in with this token now.
SELECT worker FROM sign_in WHERE token_hash = %(token_hash)s AND ended_at IS NULL AND expires_at > %(now)s

-- :sign_in_until
-- Until when a token is good.
SELECT expires_at FROM sign_in WHERE token_hash = %(token_hash)s

-- :sign_in_end
-- Sign out.
UPDATE sign_in SET ended_at = %(now)s WHERE token_hash = %(token_hash)s AND ended_at IS NULL

-- :officer_key_read
-- Whose key this is, where it is still good.
SELECT id, scope, rights FROM officer_key WHERE key_hash = %(key_hash)s AND revoked_at IS NULL AND expires_at > %(now)s

-- :officer_key_revoke
-- A key that may no longer be used.
UPDATE officer_key SET revoked_at = %(now)s WHERE id = %(id)s AND revoked_at IS NULL

-- :scope_set
-- Whose eyes this transaction has.
SELECT set_config('weld.scope', %(scope)s, true)
