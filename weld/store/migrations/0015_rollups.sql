-- Rollups by machine and hour, machine and day, division and day, enterprise and day, kept in the transaction that stores what they
-- count (docs/rollups.md). What stood before this file has the new sums from `weldgate rollups rebuild` on. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

ALTER TABLE weld.machine_day
    ADD COLUMN starts     integer NOT NULL DEFAULT 0, -- sessions that were opened under a permission
    ADD COLUMN refusals   integer NOT NULL DEFAULT 0,
    ADD COLUMN alerts     integer NOT NULL DEFAULT 0,
    ADD COLUMN online_ms  bigint NOT NULL DEFAULT 0,  -- told while it happened, and not later out of the chip's memory
    ADD COLUMN unknown_ms bigint NOT NULL DEFAULT 0,  -- of ended sessions: contact closed, and no sample tells of it
    -- whose it was when the row began; a row without a division is in no division's sums
    ADD COLUMN division   text,
    ADD COLUMN enterprise uuid;

CREATE TABLE weld.machine_hour (
    plate      text NOT NULL,
    hour       timestamptz NOT NULL,       -- an hour of UTC
    arc_ms     bigint NOT NULL DEFAULT 0,
    covered_ms bigint NOT NULL DEFAULT 0,
    online_ms  bigint NOT NULL DEFAULT 0,
    unknown_ms bigint NOT NULL DEFAULT 0,
    energy_wh  double precision NOT NULL DEFAULT 0,
    sessions   integer NOT NULL DEFAULT 0,
    starts     integer NOT NULL DEFAULT 0,
    refusals   integer NOT NULL DEFAULT 0,
    alerts     integer NOT NULL DEFAULT 0,
    messages   bigint NOT NULL DEFAULT 0
) PARTITION BY RANGE (hour);
CREATE UNIQUE INDEX machine_hour_key ON weld.machine_hour (plate, hour);

-- Sums over machine_day by its own division. Who writes at the same time has a `part` of his own (ingest: a group that it holds a
-- lease of, api and watchdog: -1, rebuild: 0), so nobody waits for a province's row; readers add the parts up.
CREATE TABLE weld.division_day (
    division   text NOT NULL,
    day        date NOT NULL,
    part       smallint NOT NULL,
    heard      integer NOT NULL DEFAULT 0, -- machines with at least one message
    arc_ms     bigint NOT NULL DEFAULT 0,
    covered_ms bigint NOT NULL DEFAULT 0,
    online_ms  bigint NOT NULL DEFAULT 0,
    unknown_ms bigint NOT NULL DEFAULT 0,
    energy_wh  double precision NOT NULL DEFAULT 0,
    sessions   integer NOT NULL DEFAULT 0,
    starts     integer NOT NULL DEFAULT 0,
    refusals   integer NOT NULL DEFAULT 0,
    alerts     integer NOT NULL DEFAULT 0,
    messages   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (division, day, part)
) WITH (fillfactor = 50);

CREATE TABLE weld.enterprise_day (
    enterprise uuid NOT NULL,
    day        date NOT NULL,
    part       smallint NOT NULL,
    heard      integer NOT NULL DEFAULT 0,
    arc_ms     bigint NOT NULL DEFAULT 0,
    covered_ms bigint NOT NULL DEFAULT 0,
    online_ms  bigint NOT NULL DEFAULT 0,
    unknown_ms bigint NOT NULL DEFAULT 0,
    energy_wh  double precision NOT NULL DEFAULT 0,
    sessions   integer NOT NULL DEFAULT 0,
    starts     integer NOT NULL DEFAULT 0,
    refusals   integer NOT NULL DEFAULT 0,
    alerts     integer NOT NULL DEFAULT 0,
    messages   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (enterprise, day, part)
) WITH (fillfactor = 50);

-- ---------------------------------------------------------------------------------------------------------------------
-- What waits in a chip's state, and how much of its stream is not here

ALTER TABLE weld.chip_state
    ADD COLUMN idle_online_ms bigint NOT NULL DEFAULT 0, -- of idle_ms' messages: the span of those that were told while it happened
    ADD COLUMN missing integer NOT NULL DEFAULT 0;       -- numbers below the high-water mark that are not stored and may still come

UPDATE weld.chip_state s SET missing = least(2147483647, h.missing)
FROM (SELECT c.chip_no, sum((gap ->> 1)::numeric - (gap ->> 0)::numeric + 1) AS missing
    FROM weld.chip_state c,
        LATERAL (SELECT c.fold #> '{progress,2}' AS gaps UNION ALL
            SELECT track -> 2 FROM jsonb_array_elements(c.fold #> '{progress,3}') AS track) tracks,
        jsonb_array_elements(tracks.gaps) AS gap
    WHERE c.fold ? 'progress' GROUP BY c.chip_no) h
WHERE s.chip_no = h.chip_no;

-- ---------------------------------------------------------------------------------------------------------------------
-- A refusal or an alert that api makes, counted in its transaction. api writes in the eyes of whoever asked, and a worker sees no
-- machine: so this counts for him, one thing at a time and nothing else. Order of locks as everywhere: hour, day, division, enterprise.

CREATE FUNCTION weld.count_made(the_plate text, the_at timestamptz, the_refusals integer, the_alerts integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weld, pg_temp AS $$
DECLARE
    it record;
BEGIN
    SELECT m.division, m.enterprise, (the_at AT TIME ZONE d.zone)::date AS day INTO it
    FROM weld.machine m JOIN weld.division d ON d.code = m.division WHERE m.plate = the_plate;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO weld.machine_hour AS t (plate, hour, refusals, alerts)
    VALUES (the_plate, date_trunc('hour', the_at, 'UTC'), the_refusals, the_alerts)
    ON CONFLICT (plate, hour) DO UPDATE SET refusals = t.refusals + excluded.refusals, alerts = t.alerts + excluded.alerts;
    INSERT INTO weld.machine_day AS t (plate, day, division, enterprise, refusals, alerts)
    VALUES (the_plate, it.day, it.division, it.enterprise, the_refusals, the_alerts)
    ON CONFLICT (plate, day) DO UPDATE SET refusals = t.refusals + excluded.refusals, alerts = t.alerts + excluded.alerts
    RETURNING t.division, t.enterprise, t.day INTO it;
    INSERT INTO weld.division_day AS t (division, day, part, refusals, alerts)
    SELECT it.division, it.day, -1, the_refusals, the_alerts WHERE it.division IS NOT NULL
    ON CONFLICT (division, day, part) DO UPDATE SET refusals = t.refusals + excluded.refusals, alerts = t.alerts + excluded.alerts;
    INSERT INTO weld.enterprise_day AS t (enterprise, day, part, refusals, alerts)
    SELECT it.enterprise, it.day, -1, the_refusals, the_alerts WHERE it.enterprise IS NOT NULL
    ON CONFLICT (enterprise, day, part) DO UPDATE SET refusals = t.refusals + excluded.refusals, alerts = t.alerts + excluded.alerts;
END $$;
REVOKE ALL ON FUNCTION weld.count_made FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.count_made TO weld_api;

-- ---------------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    spec record;
BEGIN
    FOR spec IN SELECT * FROM (VALUES
        ('machine_hour', 'EXISTS (SELECT 1 FROM weld.machine m WHERE m.plate = machine_hour.plate)'),
        ('division_day', $rule$(SELECT current_setting('weld.scope', true)) = 'platform'
            OR division = ANY ((SELECT weld.scope_divisions())::text[])$rule$),
        -- a division sees its enterprises; the enterprises' own policy says which those are
        ('enterprise_day', $rule$(SELECT current_setting('weld.scope', true)) = 'platform'
            OR enterprise IN (SELECT e.id FROM weld.enterprise e)$rule$)
    ) AS t (name, rule) LOOP
        EXECUTE format('ALTER TABLE weld.%I ENABLE ROW LEVEL SECURITY', spec.name);
        EXECUTE format('CREATE POLICY people ON weld.%I TO weld_api, weld_reader USING (%s)', spec.name, spec.rule);
        EXECUTE format('CREATE POLICY weld_ingest ON weld.%I TO weld_ingest USING (true)', spec.name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON weld.machine_hour, weld.division_day, weld.enterprise_day TO weld_ingest;
GRANT SELECT ON weld.machine_hour, weld.division_day, weld.enterprise_day TO weld_api, weld_reader;
