-- :inspection_registers
-- The registers of a rehearsal: one division, one worker, and a machine with its chip for each name.
WITH d AS (
    INSERT INTO division (code, name_zh, name_en, path) VALUES ('410502', '文峰区', 'Wenfeng', '410502')
), w AS (
    INSERT INTO worker (id, division, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index)
    VALUES (%(worker)s, '410502', '', '', '', '', '')
), given AS (
    SELECT * FROM unnest(%(chips)s::text[], %(plates)s::text[], %(shards)s::text[]) AS g (chip, plate, shard)
), c AS (
    INSERT INTO chip (chip, shard, model) SELECT chip, shard, 'WG-CHAOS' FROM given
), m AS (
    INSERT INTO machine (plate, chip, division, maker, model, serial)
    SELECT plate, chip, '410502', 'chaos', 'ZX7-315', plate FROM given
)
INSERT INTO binding (chip, plate, since) SELECT chip, plate, '2020-01-01' FROM given

-- :inspection_grants
-- Permissions that were given and clicked before anything began: a ticket each, for the machine of its chip.
INSERT INTO unlock_grant (id, worker, plate, chip, division, checks, rules_version, presence, created_at, expires_at, longest_s,
    state, ended_at, end_reason)
SELECT g.ticket, %(worker)s, m.plate, g.chip, m.division, '[]', 1, 'none', %(at)s, %(at)s::timestamptz + interval '4 hours', 14400,
    'ended', %(at)s, 'rehearsal'
FROM unnest(%(tickets)s::uuid[], %(chips)s::text[]) AS g (ticket, chip) JOIN machine m ON m.chip = g.chip

-- :inspection_evidence
-- Every stored message by its key, with the hash of its bytes; a key that stands twice comes twice.
SELECT c.chip, e.boot, e.seq, e.hash
FROM (SELECT chip_no, boot, seq, hash FROM telemetry UNION ALL SELECT chip_no, boot, seq, hash FROM event) e JOIN chip c USING (chip_no)

-- :inspection_quarantine
-- What nobody could use, by its key and why.
SELECT chip, boot, seq, hash, reason FROM quarantine

-- :inspection_anchors
-- When `up` was 0 in each boot.
SELECT c.chip, b.boot, b.anchor_at FROM chip_boot b JOIN chip c USING (chip_no)

-- :inspection_sessions
-- All sessions with all columns.
SELECT * FROM session

-- :inspection_days
-- The rollups of days, with the idle time that still waits in the chips' states. Alerts hang on what was heard first, refusals on people.
SELECT plate, day, sum(arc_ms)::bigint AS arc_ms, sum(covered_ms)::bigint AS covered_ms, sum(online_ms)::bigint AS online_ms,
    sum(unknown_ms)::bigint AS unknown_ms, sum(energy_wh) AS energy_wh, sum(sessions)::bigint AS sessions, sum(starts)::bigint AS starts,
    sum(messages)::bigint AS messages
FROM (
    SELECT plate, day, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages FROM machine_day
    UNION ALL
    SELECT m.plate, (to_timestamp(s.idle_quarter * 900.0) AT TIME ZONE d.zone)::date, 0, s.idle_ms, s.idle_online_ms, 0, 0, 0, 0,
        s.idle_messages
    FROM chip_state s JOIN machine m ON m.chip = s.chip JOIN division d ON d.code = m.division WHERE s.idle_messages > 0
) x GROUP BY plate, day

-- :inspection_hours
-- The same for hours.
SELECT plate, hour, sum(arc_ms)::bigint AS arc_ms, sum(covered_ms)::bigint AS covered_ms, sum(online_ms)::bigint AS online_ms,
    sum(unknown_ms)::bigint AS unknown_ms, sum(energy_wh) AS energy_wh, sum(sessions)::bigint AS sessions, sum(starts)::bigint AS starts,
    sum(messages)::bigint AS messages
FROM (
    SELECT plate, hour, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages FROM machine_hour
    UNION ALL
    SELECT m.plate, date_trunc('hour', to_timestamp(s.idle_quarter * 900.0), 'UTC'), 0, s.idle_ms, s.idle_online_ms, 0, 0, 0, 0,
        s.idle_messages
    FROM chip_state s JOIN machine m ON m.chip = s.chip WHERE s.idle_messages > 0
) x GROUP BY plate, hour

-- :inspection_owners
-- The same for divisions and enterprises, of all their days.
SELECT owner, sum(arc_ms)::bigint AS arc_ms, sum(covered_ms)::bigint AS covered_ms, sum(online_ms)::bigint AS online_ms,
    sum(unknown_ms)::bigint AS unknown_ms, sum(energy_wh) AS energy_wh, sum(sessions)::bigint AS sessions, sum(starts)::bigint AS starts,
    sum(messages)::bigint AS messages
FROM (
    SELECT division AS owner, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages FROM division_day
    UNION ALL
    SELECT enterprise::text, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, messages FROM enterprise_day
    UNION ALL
    SELECT o.owner, 0, s.idle_ms, s.idle_online_ms, 0, 0, 0, 0, s.idle_messages
    FROM chip_state s JOIN machine m ON m.chip = s.chip CROSS JOIN LATERAL (VALUES (m.division), (m.enterprise::text)) o (owner)
    WHERE s.idle_messages > 0 AND o.owner IS NOT NULL
) x GROUP BY owner

-- :inspection_states
-- How far each chip was heard.
SELECT chip, boot, seq FROM chip_state

-- :inspection_arcs
-- All bursts with all columns.
SELECT c.chip, a.* FROM arc a JOIN chip c USING (chip_no)

-- :inspection_holes
-- All ranges that were declared lost or unreadable.
SELECT c.chip, h.boot, h.from_seq, h.to_seq, h.why FROM hole h JOIN chip c USING (chip_no)

-- :inspection_alerts
-- All alerts, each with how often it was announced to people.
SELECT a.chip, a.code, a.historical, (SELECT count(*) FROM outbox o WHERE o.subject = a.id AND o.fact = 'alert.opened') AS told
FROM alert a

-- :inspection_backends
-- The processes of the server that serve ours.
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND starts_with(application_name, 'weldgate')
