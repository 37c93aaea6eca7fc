-- :export_ready
-- What every look of an export needs: no look may last, times come in UTC, and each is planned for its own span.
SELECT set_config('statement_timeout', %(within_ms)s::text, true), set_config('timezone', 'UTC', true),
    set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)

-- :export_sessions
-- Sessions in scope by when they opened, some at a time.
SELECT s.opened_at, s.id::text, s.plate, s.chip, s.division, s.enterprise::text, s.site::text, s.worker::text, s.grant_id::text, s.ticket::text,
    s.authorised, s.ends_at, s.closed_at, s.state, s.end_reason, s.resumed, s.contact_ms, s.covered_ms, s.arc_ms, s.energy_wh, s.peak_a,
    s.historical, s.updated_at
FROM session s
WHERE (s.opened_at, s.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid) AND s.opened_at < %(until)s
    AND (%(plate)s::text IS NULL OR s.plate = %(plate)s)
    AND (%(division)s::text IS NULL OR s.division IN (SELECT divisions_below(d.path) FROM division d WHERE d.code = %(division)s))
ORDER BY s.opened_at, s.id LIMIT %(limit)s

-- :export_telemetry
-- What one machine said behind the last message seen, some at a time; the function looks at the scope.
SELECT %(plate)s::text, (SELECT c.chip FROM chip c WHERE c.chip_no = t.chip_no), t.at, t.received_at, t.corrected_at,
    t.clock, t.late, t.boot, t.seq, t.from_up, t.up_ms, t.step_ms, t.state, t.contact, t.session::text, t.ticket::text, t.energy_wh, t.mains, t.temperature_c, t.signal_dbm, t.battery_v, t.lat, t.lon,
    t.accuracy_m, t.current_a, t.peak_a, t.voltage_v, t.arc_ms, t.chip_no
FROM machine_telemetry_page(%(plate)s, %(since)s, %(until)s, %(after_at)s, %(after_boot)s, %(after_seq)s, %(after_chip)s, %(limit)s) t
ORDER BY t.at, t.boot, t.seq, t.chip_no LIMIT %(limit)s

-- :export_machines
-- Machines in scope by plate, some at a time; a division stands for everything below it.
SELECT m.plate, count(*) OVER () FROM machine m
WHERE m.plate > %(after)s AND (%(plate)s::text IS NULL OR m.plate = %(plate)s)
    AND (%(division)s::text IS NULL OR m.division IN (SELECT divisions_below(d.path) FROM division d WHERE d.code = %(division)s))
ORDER BY m.plate LIMIT %(limit)s

-- :export_divisions
-- Divisions by code, some at a time; which of them may be seen, their rows say.
SELECT d.code, count(*) OVER () FROM division d
WHERE d.code > %(after)s AND (%(division)s::text IS NULL
    OR d.code IN (SELECT divisions_below(u.path) FROM division u WHERE u.code = %(division)s))
ORDER BY d.code LIMIT %(limit)s

-- :export_enterprises
-- Enterprises in scope by id, some at a time.
SELECT e.id::text, count(*) OVER () FROM enterprise e
WHERE e.id > %(after)s::uuid AND (%(division)s::text IS NULL OR e.division IN (SELECT divisions_below(d.path) FROM division d
    WHERE d.code = %(division)s))
ORDER BY e.id LIMIT %(limit)s

-- :export_machine_hour
-- Hours (UTC) of some machines: a row a machine and hour that anything was known of.
SELECT h.plate, h.hour, h.arc_ms, h.covered_ms, h.online_ms, h.unknown_ms, h.energy_wh, h.peak_a, h.sessions, h.starts, h.refusals, h.alerts,
    h.messages
FROM machine_hour h
WHERE h.plate = ANY (%(owners)s) AND h.hour >= date_trunc('hour', %(since)s::timestamptz) AND h.hour < %(until)s
ORDER BY h.plate, h.hour

-- :export_machine_day
-- Days of some machines, and where each machine was on that day.
SELECT m.plate, m.day, m.division, m.enterprise::text, m.arc_ms, m.covered_ms, m.online_ms, m.unknown_ms, m.energy_wh, m.peak_a, m.sessions,
    m.starts, m.refusals, m.alerts, m.messages
FROM machine_day m
WHERE m.plate = ANY (%(owners)s) AND m.day >= %(first)s AND m.day <= %(last)s
ORDER BY m.plate, m.day

-- :export_division_day
-- Days of some divisions, the parts of their writers added up.
SELECT r.division, d.name_zh, r.day, sum(r.heard)::bigint, sum(r.arc_ms)::bigint, sum(r.covered_ms)::bigint, sum(r.online_ms)::bigint,
    sum(r.unknown_ms)::bigint, sum(r.energy_wh), sum(r.sessions)::bigint, sum(r.starts)::bigint, sum(r.refusals)::bigint,
    sum(r.alerts)::bigint, sum(r.messages)::bigint
FROM division_day r JOIN division d ON d.code = r.division
WHERE r.division = ANY (%(owners)s) AND r.day >= %(first)s AND r.day <= %(last)s
GROUP BY r.division, d.name_zh, r.day ORDER BY r.division, r.day

-- :export_enterprise_day
-- Days of some enterprises, the parts of their writers added up.
SELECT r.enterprise::text, e.name, r.day, sum(r.heard)::bigint, sum(r.arc_ms)::bigint, sum(r.covered_ms)::bigint,
    sum(r.online_ms)::bigint, sum(r.unknown_ms)::bigint, sum(r.energy_wh), sum(r.sessions)::bigint, sum(r.starts)::bigint,
    sum(r.refusals)::bigint, sum(r.alerts)::bigint, sum(r.messages)::bigint
FROM enterprise_day r JOIN enterprise e ON e.id = r.enterprise
WHERE r.enterprise = ANY (%(owners)s::uuid[]) AND r.day >= %(first)s AND r.day <= %(last)s
GROUP BY r.enterprise, e.name, r.day ORDER BY r.enterprise, r.day
