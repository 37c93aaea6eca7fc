-- :live_position
-- Below this transaction everything is settled: whoever reads the tail up to here misses nothing that commits later.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text

-- :live_changes
-- Machines with a word in the tail between two positions, and when they changed.
SELECT plate, max(at) FROM change WHERE xid >= %(since)s::text::xid8 AND xid < %(until)s::text::xid8 GROUP BY plate

-- :live_standings
-- Every alert in scope that nobody has closed, as little of it as tells whether it changed.
SELECT id, code, plate, state, occurrences, since, last_at, historical FROM alert WHERE state IN ('open', 'acknowledged')

-- :live_machines
-- These machines as they stand, where they are in scope.
SELECT plate, division, facts, lat, lon, current_a FROM machine_now WHERE plate = ANY(%(plates)s)

-- :live_map
-- Every machine in scope as it stands.
SELECT plate, division, facts, lat, lon, current_a FROM machine_now ORDER BY plate
