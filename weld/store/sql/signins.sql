-- :code_counts
-- How many codes were asked for lately, for this phone and from this address; how many of them led nowhere (for the phone: since
-- the last that was used), and when the last was asked for.
SELECT p.asked, p.unused, p.last_at, a.asked, a.unused, a.last_at FROM (
    SELECT count(*) AS asked, count(*) FILTER (WHERE used_at IS NULL AND created_at > coalesce((SELECT max(created_at)
        FROM sign_in_code WHERE phone_index = %(phone_index)s AND used_at IS NOT NULL), '-infinity')) AS unused,
        max(created_at) AS last_at
    FROM sign_in_code WHERE phone_index = %(phone_index)s AND created_at > %(since)s
) p, (
    SELECT count(*) AS asked, count(*) FILTER (WHERE used_at IS NULL) AS unused, max(created_at) AS last_at
    FROM sign_in_code WHERE address = %(address)s::inet AND created_at > %(since)s
) a

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

-- :sign_in_insert
-- A worker is signed in; only the token's hash is kept.
INSERT INTO sign_in (token_hash, worker, device, created_at, expires_at)
VALUES (%(token_hash)s, %(worker)s, %(device)s, %(created_at)s, %(expires_at)s)

-- :sign_in_read
-- Who is signed in with this token now, at which device, and from when on that is good.
SELECT s.worker, s.device, d.good_from FROM sign_in s JOIN device d ON d.id = s.device
WHERE s.token_hash = %(token_hash)s AND s.ended_at IS NULL AND s.expires_at > %(now)s AND d.removed_at IS NULL

-- :sign_in_until
-- Until when a token is good.
SELECT expires_at FROM sign_in WHERE token_hash = %(token_hash)s

-- :sign_in_since
-- Since when a token is good.
SELECT created_at FROM sign_in WHERE token_hash = %(token_hash)s

-- :sign_in_end
-- Sign out.
UPDATE sign_in SET ended_at = %(now)s WHERE token_hash = %(token_hash)s AND ended_at IS NULL

-- :sign_in_end_all
-- Sign a worker out everywhere, or at one device.
UPDATE sign_in SET ended_at = %(now)s
WHERE worker = %(worker)s AND (%(device)s::uuid IS NULL OR device = %(device)s) AND ended_at IS NULL

-- :device_lock
-- One at a time binds a device to a worker: only one is the first.
SELECT pg_advisory_xact_lock(hashtextextended('device ' || %(worker)s::text, 0))

-- :device_find
-- This worker's device with this secret.
SELECT id, good_from FROM device WHERE worker = %(worker)s AND secret_hash = %(secret_hash)s AND removed_at IS NULL

-- :device_sharable
-- Whether a secret is one that we gave out, to others than this worker.
SELECT EXISTS (SELECT FROM device WHERE secret_hash = %(secret_hash)s AND removed_at IS NULL)
    AND NOT EXISTS (SELECT FROM device WHERE secret_hash = %(secret_hash)s AND worker = %(worker)s)

-- :device_add
-- A new device: the first is good at once.
INSERT INTO device (id, worker, secret_hash, browser, created_at, seen_at, good_from)
SELECT %(id)s, %(worker)s, %(secret_hash)s, %(browser)s, %(now)s, %(now)s,
    CASE WHEN EXISTS (SELECT FROM device WHERE worker = %(worker)s AND removed_at IS NULL) THEN %(later)s ELSE %(now)s::timestamptz END
RETURNING good_from

-- :device_seen
-- Somebody signed in at it.
UPDATE device SET seen_at = %(now)s, browser = %(browser)s WHERE id = %(id)s

-- :device_list
-- A worker's devices, the latest used first.
SELECT id, browser, created_at, seen_at, good_from FROM device WHERE worker = %(worker)s AND removed_at IS NULL
ORDER BY seen_at DESC, id

-- :device_waiting
-- How many of them wait to be good.
SELECT count(*) FROM device WHERE worker = %(worker)s AND removed_at IS NULL AND good_from > %(now)s

-- :device_allow
-- One that waits is good from now on.
UPDATE device SET good_from = %(now)s WHERE id = %(id)s AND worker = %(worker)s AND removed_at IS NULL AND good_from > %(now)s

-- :device_remove
-- A device that nobody signs in at any more.
UPDATE device SET removed_at = %(now)s WHERE id = %(id)s AND worker = %(worker)s AND removed_at IS NULL

-- :officer_key_read
-- Whose key this is, where it is still good. That it was used is written once a minute, and by nobody who would have to wait.
WITH used AS (UPDATE officer_key SET last_used_at = %(now)s WHERE id = (
    SELECT id FROM officer_key WHERE key_hash = %(key_hash)s AND revoked_at IS NULL AND expires_at > %(now)s
    AND coalesce(last_used_at, '-infinity') < %(now)s::timestamptz - interval '1 minute' FOR UPDATE SKIP LOCKED))
SELECT id, scope, rights FROM officer_key WHERE key_hash = %(key_hash)s AND revoked_at IS NULL AND expires_at > %(now)s

-- :officer_key_revoke
-- A key that may no longer be used.
UPDATE officer_key SET revoked_at = %(now)s WHERE id = %(id)s AND revoked_at IS NULL

-- :scope_set
-- Whose eyes this transaction has.
SELECT set_config('weld.scope', %(scope)s, true)
