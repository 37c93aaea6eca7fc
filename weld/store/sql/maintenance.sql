-- :forget_quarantine
-- Quarantine past its time.
DELETE FROM weld.quarantine WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.quarantine WHERE received_at < %(before)s LIMIT %(limit)s))

-- :forget_quarantine_days
-- The counters of days that hold nothing any more.
DELETE FROM weld.quarantine_day WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.quarantine_day WHERE day < %(before)s::date LIMIT %(limit)s))

-- :forget_changes
-- The live map's tail: who was away for longer takes a new picture.
DELETE FROM weld.change WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.change WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_sign_in_codes
-- One-time codes, and the addresses that asked for them.
DELETE FROM weld.sign_in_code WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.sign_in_code WHERE created_at < %(before)s LIMIT %(limit)s))

-- :forget_sign_ins
-- Workers' sign-ins that are over.
DELETE FROM weld.sign_in WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.sign_in WHERE expires_at < %(before)s OR ended_at < %(before)s LIMIT %(limit)s))

-- :forget_officer_sign_ins
-- Officers' sign-ins that are over.
DELETE FROM weld.officer_sign_in WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.officer_sign_in WHERE expires_at < %(before)s OR ended_at < %(before)s LIMIT %(limit)s))

-- :forget_officer_tries
-- Failures that nobody added to since then.
DELETE FROM weld.officer_try WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.officer_try WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_officer_wrong
-- Wrong tries, and their addresses with them.
DELETE FROM weld.officer_wrong WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.officer_wrong WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_officer_challenges
-- What no authenticator signed in time.
DELETE FROM weld.officer_challenge WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.officer_challenge WHERE expires_at < %(before)s LIMIT %(limit)s))

-- :forget_officer_errands
-- Ways to the single sign-on from which nobody came back.
DELETE FROM weld.officer_errand WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.officer_errand WHERE expires_at < %(before)s LIMIT %(limit)s))

-- :forget_officer_enrolments
-- Secrets of accounts that nobody opened in time.
DELETE FROM weld.officer_enrolment WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.officer_enrolment WHERE expires_at < %(before)s LIMIT %(limit)s))

-- :forget_devices
-- Devices that were removed, or at which nobody signed in for long; their sign-ins with them.
DELETE FROM weld.device WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.device WHERE removed_at < %(removed)s OR seen_at < %(before)s LIMIT %(limit)s))

-- :forget_answers
-- Answers kept for repetitions.
DELETE FROM weld.idempotency WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.idempotency WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_register_answers
-- What the issuer's register said.
DELETE FROM weld.register_answer WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.register_answer WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_outbox
-- Facts that have become deliveries, with the note of that.
DELETE FROM weld.outbox WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.outbox WHERE at < %(before)s AND EXISTS (SELECT FROM weld.expansion e WHERE e.outbox_id = id) LIMIT %(limit)s))

-- :forget_deliveries
-- Deliveries at their end, with their attempts.
DELETE FROM weld.delivery WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.delivery WHERE created_at < %(before)s AND state <> 'pending' LIMIT %(limit)s))

-- :forget_refusals
-- Starts that were refused.
DELETE FROM weld.refusal WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.refusal WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_guests
-- Where people worked away long ago: nobody reads it any more.
DELETE FROM weld.guest WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.guest WHERE last_at < %(before)s LIMIT %(limit)s))

-- :forget_reveals
-- Looks at numbers in full.
DELETE FROM weld.reveal WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM weld.reveal WHERE at < %(before)s LIMIT %(limit)s))

-- :forget_import_parts
-- Files that people brought, and that were never read to their end.
DELETE FROM weld.import_part WHERE ctid = ANY(ARRAY(
    SELECT p.ctid FROM weld.import_part p JOIN weld.import i ON i.id = p.import WHERE i.created_at < %(before)s LIMIT %(limit)s))

-- :forget_import_rows
-- What is left of the files of imports that began long ago.
UPDATE weld.import_chunk SET sealed = NULL WHERE ctid = ANY(ARRAY(
    SELECT c.ctid FROM weld.import_chunk c JOIN weld.import i ON i.id = c.import
    WHERE i.created_at < %(before)s AND c.sealed IS NOT NULL LIMIT %(limit)s))

-- :stop_old_imports
-- What is not at its end by then cannot go on: its rows are gone.
UPDATE weld.import SET state = 'stopped', ended_at = %(now)s, why_zh = '超过保存期限', why_en = 'kept for longer than rows may be'
WHERE ended_at IS NULL AND created_at < %(before)s
