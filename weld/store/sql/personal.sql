-- :reveal_lock
-- One at a time is shown a number to the same officer: none slips past the limit beside another.
SELECT pg_advisory_xact_lock(hashtextextended('reveal ' || %(officer)s::text, 0))

-- :reveals_of
-- How often this officer was shown a number since then.
SELECT reveals_of(%(officer)s, %(since)s)

-- :reveal_add
-- Somebody is shown a number in full.
INSERT INTO reveal (officer, worker, field, reason, at) VALUES (%(officer)s, %(worker)s, %(field)s, %(reason)s, %(at)s)

-- :reveal_list
-- Who was shown numbers of this person, when and why.
SELECT officer, field, reason, at FROM reveal WHERE worker = %(worker)s ORDER BY at, id

-- :worker_own
-- Whether a worker belongs to the caller's scope; who is only a guest there does not.
SELECT worker_is_own(%(worker)s)

-- :worker_ties
-- What may keep a person's data from being erased.
SELECT open_sessions, live_grants, open_alerts, last_at FROM worker_ties(%(worker)s)

-- :worker_erase
-- All of a person goes at once.
SELECT erase_worker(%(worker)s, %(at)s, %(words)s)

-- :import_chunks_left
-- Rows that are left of imports at their end.
SELECT c.import, c.number, c.sealed FROM import_chunk c JOIN import i ON i.id = c.import
WHERE c.sealed IS NOT NULL AND i.ended_at IS NOT NULL FOR UPDATE OF c

-- :import_chunk_reseal
-- Fewer rows, or none, of a chunk.
UPDATE import_chunk SET sealed = %(sealed)s WHERE import = %(id)s AND number = %(number)s

-- :consent_add
-- A worker agrees to a version; once is enough.
INSERT INTO consent (worker, version, at) VALUES (%(worker)s, %(version)s, %(at)s) ON CONFLICT DO NOTHING

-- :consent_list
-- Which versions a worker agreed to, and when.
SELECT version, at FROM consent WHERE worker = %(worker)s ORDER BY version

-- :kept_worker
-- The register's row of a person.
SELECT w.id, w.enterprise, w.division, w.name_sealed, w.identity_sealed, w.phone_sealed, w.retirement_group, w.last_work_on,
    w.practical_test_on, w.suspended_reason, w.created_at
FROM worker w WHERE w.id = %(worker)s

-- :kept_certificates
-- The certificates of a person.
SELECT c.id, c.kind, c.number_sealed, c.category, c.item, c.valid_from, c.valid_to, c.review_due, c.status, c.issuer, c.checked_at,
    c.clean_record
FROM certificate c WHERE c.worker = %(worker)s ORDER BY c.valid_to, c.id

-- :kept_certificate_changes
-- What was done to them.
SELECT h.certificate, h.at, h.actor, h.act, h.before, h.after, h.reason
FROM certificate_change h JOIN certificate c ON c.id = h.certificate WHERE c.worker = %(worker)s ORDER BY h.id

-- :kept_sessions
-- The sessions of a person, wherever they were.
SELECT id, plate, division, grant_id AS unlock, opened_at, closed_at, end_reason, state, arc_ms, energy_wh
FROM session WHERE worker = %(worker)s ORDER BY opened_at DESC, id LIMIT %(limit)s

-- :kept_unlocks
-- The permissions that a person got.
SELECT id, plate, division, created_at, state, ended_at, end_reason FROM unlock_grant
WHERE worker = %(worker)s ORDER BY created_at DESC, id LIMIT %(limit)s

-- :kept_refusals
-- And the refusals.
SELECT id, plate, division, reasons, at FROM refusal WHERE worker = %(worker)s ORDER BY at DESC, id LIMIT %(limit)s

-- :kept_alerts
-- Alerts about a person.
SELECT id, code, level, plate, division, since, state, outcome FROM alert
WHERE worker = %(worker)s ORDER BY since DESC, id LIMIT %(limit)s

-- :kept_devices
-- The devices of a person, removed ones too.
SELECT id, browser, created_at, seen_at, good_from, removed_at FROM device WHERE worker = %(worker)s ORDER BY created_at, id

-- :kept_sign_ins
-- The sign-ins that are still kept.
SELECT device, created_at, expires_at, ended_at FROM sign_in WHERE worker = %(worker)s ORDER BY created_at

-- :kept_guest_places
-- Where a person worked away from his own division or enterprise: nobody but the owner reads that table.
SELECT division, last_at FROM worker_guest_places(%(worker)s)

-- :reseal_workers
-- The next workers with what is sealed of them.
SELECT id, name_sealed, identity_sealed, phone_sealed FROM worker WHERE id > %(after)s ORDER BY id LIMIT %(limit)s

-- :reseal_worker
-- Sealed anew, unless somebody changed it meanwhile.
UPDATE worker SET name_sealed = %(name_sealed)s, identity_sealed = %(identity_sealed)s, phone_sealed = %(phone_sealed)s
WHERE id = %(id)s AND (name_sealed, identity_sealed, phone_sealed)
    = (%(old_name_sealed)s, %(old_identity_sealed)s, %(old_phone_sealed)s)

-- :reseal_certificates
-- The next certificates.
SELECT id, number_sealed FROM certificate WHERE id > %(after)s ORDER BY id LIMIT %(limit)s

-- :reseal_certificate
-- Sealed anew, unless somebody changed it meanwhile.
UPDATE certificate SET number_sealed = %(number_sealed)s WHERE id = %(id)s AND number_sealed = %(old_number_sealed)s

-- :reseal_endpoints
-- The next webhook endpoints.
SELECT id, secret_sealed FROM endpoint WHERE id > %(after)s ORDER BY id LIMIT %(limit)s

-- :reseal_endpoint
-- Sealed anew, unless somebody changed it meanwhile.
UPDATE endpoint SET secret_sealed = %(secret_sealed)s WHERE id = %(id)s AND secret_sealed = %(old_secret_sealed)s

-- :reseal_officers
-- The next officers.
SELECT id, totp_sealed FROM officer WHERE id > %(after)s ORDER BY id LIMIT %(limit)s

-- :reseal_officer
-- Sealed anew, unless somebody changed it meanwhile.
UPDATE officer SET totp_sealed = %(totp_sealed)s WHERE id = %(id)s AND totp_sealed = %(old_totp_sealed)s
