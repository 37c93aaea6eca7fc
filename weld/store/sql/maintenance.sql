-- :forget_quarantine
-- Quarantine older than its retention, with its counters.
DELETE FROM weld.quarantine WHERE received_at < %(before)s

-- :forget_quarantine_days
-- The counters of days that hold nothing any more.
DELETE FROM weld.quarantine_day WHERE day < %(before)s::date

-- :forget_changes
-- The live map's tail: who was away longer than a day takes a new picture.
DELETE FROM weld.change WHERE at < %(yesterday)s
