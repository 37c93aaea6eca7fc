-- What a store is told that was put back from an older moment: nothing of what was under way then may go on by itself.

-- :settle_leases
-- No owner of before writes: every epoch is above all that any of them ever had, whatever happened after the backup.
UPDATE weld.lease SET owner = NULL, expires_at = '-infinity',
    epoch = greatest(epoch, extract(epoch FROM clock_timestamp())::bigint) + 1

-- :settle_lease_owners
-- Nobody takes part until he says so again.
DELETE FROM weld.lease_owner

-- :settle_commands
-- A command that was live then was carried out, refused or given up since: it must not be sent once more.
UPDATE weld.command SET state = 'expired', reason = 'expired', ended_at = now(), leased_until = NULL
WHERE state IN ('queued', 'sent', 'waiting')

-- :settle_grants
-- A permission whose ticket is not sent any more, and under which nothing was heard.
UPDATE weld.unlock_grant g SET state = 'ended', ended_at = now(), end_reason = 'expired'
FROM weld.command k WHERE g.state = 'live' AND g.closed_at IS NULL AND g.session IS NULL
    AND k.grant_id = g.id AND k.state NOT IN ('queued', 'sent', 'waiting')

-- :settle_counters
-- Chips refuse tickets below the floor of the last lock that they had: be above any that was said since.
UPDATE weld.chip SET counter = counter + 1000000

-- :settle_deliveries
-- What waited then has gone out since, as far as anybody knows: it stands as given up, and an officer may send it again.
UPDATE weld.delivery SET state = 'dead', leased_until = NULL WHERE state = 'pending'

-- :settle_deliveries_go_on
-- The same, where all of it is to be sent (again): under the same id, so that receivers can tell.
UPDATE weld.delivery SET leased_until = NULL WHERE state = 'pending'

-- :settle_facts
-- Facts that had no deliveries yet get none: they would be made a second time, under other ids.
INSERT INTO weld.expansion (outbox_id)
SELECT o.id FROM weld.outbox o WHERE NOT EXISTS (SELECT FROM weld.expansion e WHERE e.outbox_id = o.id)
ON CONFLICT DO NOTHING

-- :settle_outbox
-- Numbers of transactions are another server's: those that have not come yet here would be looked at again and again.
UPDATE weld.outbox SET xid = pg_current_xact_id() WHERE xid > pg_current_xact_id()

-- :settle_changes
-- The tail of the live map, likewise; whoever looks takes a new picture.
DELETE FROM weld.change

-- :settle_sign_ins
-- Whoever signed out, or was put out, after the backup would be in again.
DELETE FROM weld.sign_in

-- :settle_officer_sign_ins
-- The same for officers.
DELETE FROM weld.officer_sign_in

-- :settle_codes
-- Codes open once.
DELETE FROM weld.sign_in_code

-- :settle_challenges
-- So do challenges.
DELETE FROM weld.officer_challenge

-- :settle_errands
-- And ways to the single sign-on.
DELETE FROM weld.officer_errand

-- :settle_enrolments
-- And secrets of new accounts: whoever used his after the backup is given another one.
DELETE FROM weld.officer_enrolment

-- :timescale_version
-- Whether this server has this version of TimescaleDB: its catalogue can be loaded into no other.
SELECT EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'timescaledb' AND version = %(version)s)

-- :timescale_before
-- Its catalogue is loaded like a table; nothing may work on it meanwhile.
SELECT timescaledb_pre_restore()

-- :timescale_after
-- It works again.
SELECT timescaledb_post_restore()

-- :timescale_is_there
-- Whether this database has it: its workers are visitors too.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')

-- :timescale_quiet
-- Its workers leave the database, so that it can be given another name.
SELECT _timescaledb_functions.stop_background_workers()

-- :timescale_wake
-- They come back.
SELECT _timescaledb_functions.start_background_workers()

-- :settle_statistics
-- A loaded table has none, and the first plans would be guesses.
ANALYZE
