-- :database_now
-- The database's clock.
SELECT clock_timestamp()

-- :listen_facts
-- Hints that something visible changed.
LISTEN weld_fact

-- :hint_post
-- Tell the live streams that something changed, when the transaction commits.
SELECT pg_notify('weld_fact', %(subject)s)
