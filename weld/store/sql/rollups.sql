-- :rollups_add
-- Add to the hours and days of machines, and to the days of the divisions and enterprises to which those days belong. A row names its
-- plate, or its chip: then the machine that carried the chip at that time. Each step waits for the one before it and is sorted, so that
-- everybody locks in one order. A machine is heard on a day when its messages begin with these. Sums are made of float8, which is exact
-- for what a batch adds: PostgreSQL adds bigint up as numeric, and that costs several times as much.
WITH sums AS MATERIALIZED (
    SELECT m.plate, m.division, m.enterprise, to_timestamp(floor(x.at_s / 3600) * 3600) AS hour, (x.at AT TIME ZONE d.zone)::date AS day,
        coalesce(sum(x.arc_ms), 0) AS arc_ms, coalesce(sum(x.covered_ms), 0) AS covered_ms, coalesce(sum(x.online_ms), 0) AS online_ms,
        coalesce(sum(x.unknown_ms), 0) AS unknown_ms, coalesce(sum(x.energy_wh), 0) AS energy_wh, coalesce(sum(x.sessions), 0) AS sessions,
        coalesce(sum(x.starts), 0) AS starts, coalesce(sum(x.alerts), 0) AS alerts, coalesce(sum(x.messages), 0) AS messages,
        max(x.peak_a) AS peak_a
    FROM (SELECT r.*, to_timestamp(r.at_s) AS at FROM json_to_recordset(%(rows)s) AS r (chip text, plate text, at_s float8,
        arc_ms float8, covered_ms float8, online_ms float8, unknown_ms float8, energy_wh float8, sessions float8, starts float8,
        alerts float8, messages float8, peak_a real)) x
    JOIN machine m ON m.plate = coalesce(x.plate, (SELECT b.plate FROM binding b WHERE b.chip = x.chip AND (b.until IS NULL OR b.until > x.at)
        ORDER BY b.since LIMIT 1))
    JOIN division d ON d.code = m.division
    GROUP BY m.plate, m.division, m.enterprise, 4, 5
), hours AS (
    INSERT INTO machine_hour AS t (plate, hour, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, alerts, messages,
        peak_a)
    SELECT plate, hour, sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(energy_wh), sum(sessions), sum(starts),
        sum(alerts), sum(messages), max(peak_a)
    FROM sums WHERE hour >= %(oldest)s AND hour < %(newest)s GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (plate, hour) DO UPDATE SET arc_ms = t.arc_ms + excluded.arc_ms, covered_ms = t.covered_ms + excluded.covered_ms,
        online_ms = t.online_ms + excluded.online_ms, unknown_ms = t.unknown_ms + excluded.unknown_ms,
        energy_wh = t.energy_wh + excluded.energy_wh, sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts,
        alerts = t.alerts + excluded.alerts, messages = t.messages + excluded.messages, peak_a = greatest(t.peak_a, excluded.peak_a)
    RETURNING 1
), added AS MATERIALIZED (
    SELECT plate, day, division, enterprise, sum(arc_ms) AS arc_ms, sum(covered_ms) AS covered_ms, sum(online_ms) AS online_ms,
        sum(unknown_ms) AS unknown_ms, sum(energy_wh) AS energy_wh, sum(sessions) AS sessions, sum(starts) AS starts,
        sum(alerts) AS alerts, sum(messages) AS messages, max(peak_a) AS peak_a
    FROM sums WHERE (SELECT count(*) FROM hours) >= 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2
), days AS (
    INSERT INTO machine_day AS t (plate, day, division, enterprise, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts,
        alerts, messages, peak_a)
    SELECT plate, day, division, enterprise, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts, alerts, messages,
        peak_a
    FROM added ORDER BY 1, 2
    ON CONFLICT (plate, day) DO UPDATE SET arc_ms = t.arc_ms + excluded.arc_ms, covered_ms = t.covered_ms + excluded.covered_ms,
        online_ms = t.online_ms + excluded.online_ms, unknown_ms = t.unknown_ms + excluded.unknown_ms,
        energy_wh = t.energy_wh + excluded.energy_wh, sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts,
        alerts = t.alerts + excluded.alerts, messages = t.messages + excluded.messages, peak_a = greatest(t.peak_a, excluded.peak_a)
    RETURNING plate, day, division, enterprise, messages
), owned AS MATERIALIZED (
    SELECT days.division, days.enterprise, day, count(*) FILTER (WHERE added.messages > 0 AND days.messages = added.messages) AS heard,
        sum(arc_ms) AS arc_ms, sum(covered_ms) AS covered_ms, sum(online_ms) AS online_ms, sum(unknown_ms) AS unknown_ms,
        sum(energy_wh) AS energy_wh, sum(sessions) AS sessions, sum(starts) AS starts, sum(alerts) AS alerts,
        sum(added.messages) AS messages
    FROM days JOIN added USING (plate, day) WHERE days.division IS NOT NULL GROUP BY 1, 2, 3
), divisions AS (
    INSERT INTO division_day AS t (division, day, part, heard, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts,
        alerts, messages)
    SELECT division, day, %(part)s, sum(heard), sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(energy_wh),
        sum(sessions), sum(starts), sum(alerts), sum(messages)
    FROM owned GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (division, day, part) DO UPDATE SET heard = t.heard + excluded.heard, arc_ms = t.arc_ms + excluded.arc_ms,
        covered_ms = t.covered_ms + excluded.covered_ms, online_ms = t.online_ms + excluded.online_ms,
        unknown_ms = t.unknown_ms + excluded.unknown_ms, energy_wh = t.energy_wh + excluded.energy_wh,
        sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts, alerts = t.alerts + excluded.alerts,
        messages = t.messages + excluded.messages
    RETURNING 1
)
INSERT INTO enterprise_day AS t (enterprise, day, part, heard, arc_ms, covered_ms, online_ms, unknown_ms, energy_wh, sessions, starts,
    alerts, messages)
SELECT enterprise, day, %(part)s, sum(heard), sum(arc_ms), sum(covered_ms), sum(online_ms), sum(unknown_ms), sum(energy_wh),
    sum(sessions), sum(starts), sum(alerts), sum(messages)
FROM owned WHERE enterprise IS NOT NULL AND (SELECT count(*) FROM divisions) >= 0 GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (enterprise, day, part) DO UPDATE SET heard = t.heard + excluded.heard, arc_ms = t.arc_ms + excluded.arc_ms,
    covered_ms = t.covered_ms + excluded.covered_ms, online_ms = t.online_ms + excluded.online_ms,
    unknown_ms = t.unknown_ms + excluded.unknown_ms, energy_wh = t.energy_wh + excluded.energy_wh,
    sessions = t.sessions + excluded.sessions, starts = t.starts + excluded.starts, alerts = t.alerts + excluded.alerts,
    messages = t.messages + excluded.messages

-- :rollups_count_made
-- A refusal or an alert that api made, in the sums of its machine; nothing for a plate that no machine has.
SELECT count_made(%(plate)s, %(at)s, %(refusals)s, %(alerts)s)
