-- What the live screens read: a machine as it stands, an alert with the names around it, a worker's own machine, and changes
-- that people make. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- A machine and what its chip said last. `facts` is what weld.core.look decides by, as one word. security_invoker: whoever
-- reads a view sees through his own scope.
CREATE VIEW weld.machine_now WITH (security_invoker = true) AS
SELECT m.plate, m.chip, m.division, m.enterprise, m.maker, m.model, m.serial, m.rated_a, m.work, m.presence, m.longest_s,
    m.blocked_reason, s.online, s.state AS reported, s.contact, s.session, s.current_a, s.energy_wh,
    coalesce(s.lat, m.lat) AS lat, coalesce(s.lon, m.lon) AS lon, s.accuracy_m, greatest(s.received_at, s.presence_at) AS heard_at,
    concat_ws(' ', CASE WHEN s.online THEN 'on' ELSE 'off' END, coalesce(s.state, '-'),
        CASE WHEN m.blocked_reason IS NULL THEN '-' ELSE 'blocked' END, coalesce(o.codes, '-')) AS facts
FROM weld.machine m LEFT JOIN weld.chip c ON c.chip = m.chip LEFT JOIN weld.chip_state s ON s.chip_no = c.chip_no
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT a.code, ',' ORDER BY a.code) AS codes FROM weld.alert a
    WHERE a.subject = m.plate AND a.code IN ('D01', 'D05', 'D06') AND a.state <> 'closed' AND NOT a.historical
) o ON true;

-- An alert with the names around it. A machine or enterprise that moved out of the reader's scope has none for him.
CREATE VIEW weld.alert_now WITH (security_invoker = true) AS
SELECT a.id, a.code, a.level, a.plate, a.chip, a.worker, a.session, a.division, a.enterprise, a.since, a.last_at, a.occurrences,
    a.historical, a.late_by_ms, a.evidence, a.raised_by, a.raised_at, a.state, a.acknowledged_at, a.acknowledged_by, a.closed_at,
    a.closed_by, a.outcome, a.note, coalesce(s.lat, m.lat) AS lat, coalesce(s.lon, m.lon) AS lon,
    m.maker || ' ' || m.model AS machine, e.name AS enterprise_name, d.name_zh AS division_zh, d.name_en AS division_en, d.zone,
    d.path AS division_path,
    (SELECT o.name FROM weld.officer o WHERE 'officer:' || o.id = a.acknowledged_by
        UNION ALL SELECT k.name FROM weld.officer_key k WHERE 'officer:' || k.id = a.acknowledged_by LIMIT 1) AS acknowledged_by_name,
    (SELECT o.name FROM weld.officer o WHERE 'officer:' || o.id = a.closed_by
        UNION ALL SELECT k.name FROM weld.officer_key k WHERE 'officer:' || k.id = a.closed_by LIMIT 1) AS closed_by_name
FROM weld.alert a LEFT JOIN weld.machine m ON m.plate = a.plate LEFT JOIN weld.chip c ON c.chip = m.chip
LEFT JOIN weld.chip_state s ON s.chip_no = c.chip_no LEFT JOIN weld.division d ON d.code = a.division
LEFT JOIN weld.enterprise e ON e.id = a.enterprise;

-- The machine of a grant, for whoever may see the grant: its worker sees no machine.
CREATE FUNCTION weld.grant_machine(the_grant uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT m.maker || ' ' || m.model FROM weld.unlock_grant g JOIN weld.machine m ON m.plate = g.plate
    WHERE g.id = the_grant AND weld.in_scope(g.division, g.enterprise, g.worker)
$$;
REVOKE ALL ON FUNCTION weld.grant_machine FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.grant_machine TO weld_api;

GRANT SELECT ON weld.machine_now, weld.alert_now TO weld_api;
-- People change what a machine looks like too: a block goes into the live map's tail like a word of its chip.
GRANT INSERT ON weld.change TO weld_api;
