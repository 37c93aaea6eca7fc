-- Questions whose cost follows the answer: sessions by place and company, the queue of alerts, a machine's current at any zoom,
-- pages of what a chip said, scope decided by a look into a hash. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '20min'; -- indexes on years of sessions

-- ---------------------------------------------------------------------------------------------------------------------
-- Divisions below one: a range of paths. Codes have digits only, so `path/` up to `path0` is all below it.

CREATE INDEX division_below ON weld.division (path COLLATE "C");

CREATE FUNCTION weld.divisions_below(the_path text) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT d.code FROM weld.division d WHERE d.path COLLATE "C" = the_path
    UNION ALL
    SELECT d.code FROM weld.division d WHERE d.path COLLATE "C" > the_path || '/' AND d.path COLLATE "C" < the_path || '0'
$$;

CREATE OR REPLACE FUNCTION weld.scope_divisions() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE WHEN split_part(current_setting('weld.scope', true), ':', 1) IN ('division', 'department') THEN ARRAY(
        SELECT weld.divisions_below(split_part(current_setting('weld.scope', true), ':', 2))) END
$$;

-- The same as rows, for policies. unnest(scope_divisions()) would not do: the planner calls it, once for every policy of a query, to
-- guess how many there are.
CREATE FUNCTION weld.scope_codes_below() RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT unnest(weld.scope_divisions())
$$;

-- The company of an enterprise's scope, the worker of a worker's; null for every other.
CREATE FUNCTION weld.scope_enterprise() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE WHEN split_part(current_setting('weld.scope', true), ':', 1) = 'enterprise'
        THEN split_part(current_setting('weld.scope', true), ':', 2)::uuid END
$$;
CREATE FUNCTION weld.scope_worker() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE WHEN split_part(current_setting('weld.scope', true), ':', 1) = 'worker'
        THEN split_part(current_setting('weld.scope', true), ':', 2)::uuid END
$$;

-- The same policies as before, without a call a row: a province has thousands of divisions, and an array of them was looked
-- through for every row. IN (SELECT ...) is a hash that is made once a statement, and not at all for the platform.
DO $$
DECLARE
    spec record;
BEGIN
    FOR spec IN SELECT * FROM (VALUES
        ('enterprise',   'id',         NULL),
        ('machine',      'enterprise', NULL),
        ('worker',       'enterprise', 'id'),
        ('unlock_grant', 'enterprise', 'worker'),
        ('refusal',      'enterprise', 'worker'),
        ('session',      'enterprise', 'worker'),
        ('alert',        'enterprise', NULL),
        ('site',         'enterprise', NULL)
    ) AS t (name, enterprise, worker) LOOP
        EXECUTE format($policy$ALTER POLICY people ON weld.%I USING (
            (SELECT current_setting('weld.scope', true)) = 'platform'
            OR division IN (SELECT weld.scope_codes_below())
            OR %I = (SELECT weld.scope_enterprise())%s
        )$policy$, spec.name, spec.enterprise,
            ' OR ' || quote_ident(spec.worker) || ' = (SELECT weld.scope_worker())');
    END LOOP;
END $$;
ALTER POLICY people ON weld.division_day USING (
    (SELECT current_setting('weld.scope', true)) = 'platform' OR division IN (SELECT weld.scope_codes_below()));

-- ---------------------------------------------------------------------------------------------------------------------
-- Sessions by company, division and site. Their site is where the machine stood when the session began, like its division; of
-- sessions before this migration nobody wrote it down.

ALTER TABLE weld.session ADD COLUMN site uuid;
CREATE INDEX session_division ON weld.session (division, opened_at, id);
CREATE INDEX session_enterprise ON weld.session (enterprise, opened_at, id);
CREATE INDEX session_site ON weld.session (site, opened_at, id) WHERE site IS NOT NULL;
-- What is not over or went on for more than eight days is looked for apart: a span's other sessions began shortly before it.
CREATE INDEX session_lasting ON weld.session (opened_at, id) WHERE state = 'open' OR closed_at - opened_at > interval '8 days';
CREATE INDEX session_inferred ON weld.session (opened_at, id) WHERE state = 'inferred';

-- All alerts, the newest first; those that nobody has closed, by level and age.
CREATE INDEX alert_raised ON weld.alert (raised_at, id);
CREATE INDEX alert_division ON weld.alert (division, raised_at, id);
CREATE INDEX alert_waiting ON weld.alert (level, raised_at, id) WHERE state <> 'closed';
CREATE INDEX alert_waiting_division ON weld.alert (division, level, raised_at, id) WHERE state <> 'closed';

-- Machines of a division by when they were entered, without a look at the rows.
CREATE INDEX machine_entered ON weld.machine (division, created_at) INCLUDE (enterprise);

-- Numbers that never come, and chips that numbers are missing of.
CREATE INDEX hole_at ON weld.hole (at);
CREATE INDEX chip_state_missing ON weld.chip_state (chip_no) WHERE missing > 0;

-- ---------------------------------------------------------------------------------------------------------------------
-- The largest current of an hour and of a day: a year's curve reads days and keeps the peak of every sample. Null: not known.

ALTER TABLE weld.machine_hour ADD COLUMN peak_a real;
ALTER TABLE weld.machine_day ADD COLUMN peak_a real;

-- ---------------------------------------------------------------------------------------------------------------------
-- What a chip said, a page at a time, behind the last row seen. plpgsql with the values in the plan: only the days that are asked
-- for are opened.

CREATE FUNCTION weld.machine_telemetry_page(the_plate text, from_at timestamptz, to_at timestamptz, after_at timestamptz,
    after_boot integer, after_seq bigint, after_chip integer, row_limit integer) RETURNS SETOF weld.telemetry
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = weld, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    period record;
BEGIN
    FOR period IN SELECT * FROM weld.chip_periods(the_plate) LOOP
        RETURN QUERY SELECT t.* FROM weld.telemetry t WHERE t.chip_no = period.chip_no
            AND t.at >= greatest(from_at, after_at, period.since) AND t.at < least(to_at, period.until)
            AND (after_at IS NULL OR (t.at, t.boot, t.seq, t.chip_no) > (after_at, after_boot, after_seq, after_chip))
            ORDER BY t.at, t.boot, t.seq LIMIT row_limit;
    END LOOP;
END $$;

CREATE FUNCTION weld.machine_event_page(the_plate text, from_at timestamptz, to_at timestamptz, after_at timestamptz,
    after_boot integer, after_seq bigint, after_chip integer, row_limit integer) RETURNS SETOF weld.event
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = weld, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    period record;
BEGIN
    FOR period IN SELECT * FROM weld.chip_periods(the_plate) LOOP
        RETURN QUERY SELECT e.* FROM weld.event e WHERE e.chip_no = period.chip_no
            AND e.at >= greatest(from_at, after_at, period.since) AND e.at < least(to_at, period.until)
            AND (after_at IS NULL OR (e.at, e.boot, e.seq, e.chip_no) > (after_at, after_boot, after_seq, after_chip))
            ORDER BY e.at, e.boot, e.seq LIMIT row_limit;
    END LOOP;
END $$;

-- Messages of a machine that have samples in a span. A message's time is that of its end, so the next one behind the span may have
-- some; sample i lasts [start + i*step, + step). In milliseconds since `from_at`.
CREATE FUNCTION weld.machine_samples(the_plate text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (start_ms float8, step_ms integer, current_a real[], peak_a real[], arc_ms integer[], late boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = weld, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    period record;
BEGIN
    FOR period IN SELECT * FROM weld.chip_periods(the_plate) LOOP
        RETURN QUERY SELECT (extract(epoch FROM m.at - from_at) * 1000)::float8 - greatest(0, m.up_ms - m.from_up), m.step_ms,
            m.current_a, m.peak_a, m.arc_ms, m.late = 'chip'
        FROM (SELECT t.at, t.up_ms, t.from_up, t.step_ms, t.current_a, t.peak_a, t.arc_ms, t.late FROM weld.telemetry t
            WHERE t.chip_no = period.chip_no AND t.at > greatest(from_at, period.since) AND t.at < least(to_at, period.until)
            UNION ALL
            (SELECT t.at, t.up_ms, t.from_up, t.step_ms, t.current_a, t.peak_a, t.arc_ms, t.late FROM weld.telemetry t
            WHERE t.chip_no = period.chip_no AND t.at >= greatest(to_at, period.since)
                AND t.at < least(to_at + interval '1 day', period.until) ORDER BY t.at, t.boot, t.seq LIMIT 1)) m;
    END LOOP;
END $$;

-- The current of a machine. Up to `points` samples leave as they are; more are put together in `points` equal steps of the span, a
-- message's samples where it begins once a step is longer than a minute.
CREATE FUNCTION weld.machine_current(the_plate text, from_at timestamptz, to_at timestamptz, points integer)
RETURNS TABLE (since timestamptz, until timestamptz, min_a real, max_a real, last_a real, peak_a real, arc_ms bigint,
    covered_ms bigint, late boolean)
LANGUAGE sql STABLE SET search_path = weld, pg_temp AS $$
    WITH span AS (
        SELECT extract(epoch FROM to_at - from_at)::float8 * 1000 AS long_ms, extract(epoch FROM to_at - from_at)::float8 * 1000 / points AS width_ms
    ), said AS MATERIALIZED (
        SELECT * FROM weld.machine_samples(the_plate, from_at, to_at)
    ), way AS (
        SELECT coalesce(sum(cardinality(s.current_a)), 0) <= points AS exact FROM said s
    ), part AS (
        SELECT s.start_ms + (u.i - 1) * s.step_ms AS from_ms, s.start_ms + u.i * s.step_ms AS to_ms, u.current_a AS min_a,
            u.current_a AS max_a, u.current_a AS last_a, u.peak_a, u.arc_ms,
            CASE WHEN num_nonnulls(u.current_a, u.peak_a) > 0 THEN s.step_ms ELSE 0 END AS covered_ms, s.late
        FROM way, span, said s CROSS JOIN LATERAL
            unnest(s.current_a, s.peak_a, s.arc_ms) WITH ORDINALITY AS u (current_a, peak_a, arc_ms, i)
        WHERE (way.exact OR span.width_ms < 60000)
            AND s.start_ms + u.i * s.step_ms > 0 AND s.start_ms + (u.i - 1) * s.step_ms < span.long_ms
        UNION ALL
        SELECT s.start_ms + (u.first - 1) * s.step_ms, s.start_ms + u.last * s.step_ms, u.min_a, u.max_a, u.last_a, u.peak_a, u.arc_ms,
            u.known * s.step_ms, s.late
        FROM way, span, said s CROSS JOIN LATERAL (
            SELECT min(x.i) AS first, max(x.i) AS last, min(x.current_a) AS min_a, max(x.current_a) AS max_a,
                (array_agg(x.current_a) FILTER (WHERE x.current_a IS NOT NULL))[count(x.current_a)] AS last_a, max(x.peak_a) AS peak_a,
                sum(x.arc_ms) AS arc_ms, count(*) FILTER (WHERE num_nonnulls(x.current_a, x.peak_a) > 0) AS known
            FROM unnest(s.current_a, s.peak_a, s.arc_ms) WITH ORDINALITY AS x (current_a, peak_a, arc_ms, i)
            WHERE s.start_ms + x.i * s.step_ms > 0 AND s.start_ms + (x.i - 1) * s.step_ms < span.long_ms
        ) u
        WHERE NOT way.exact AND span.width_ms >= 60000 AND u.first IS NOT NULL
    )
    SELECT from_at + make_interval(secs => min(p.from_ms) / 1000), from_at + make_interval(secs => max(p.to_ms) / 1000),
        min(p.min_a), max(p.max_a), (array_agg(p.last_a ORDER BY p.from_ms DESC) FILTER (WHERE p.last_a IS NOT NULL))[1], max(p.peak_a),
        coalesce(sum(p.arc_ms), 0)::bigint, sum(p.covered_ms)::bigint, bool_or(p.late)
    FROM part p, way, span
    GROUP BY CASE WHEN way.exact THEN p.from_ms ELSE floor(greatest(0, p.from_ms) / span.width_ms) END ORDER BY 1
$$;

-- Numbers that the chips of a machine declared lost, or that nobody could read.
CREATE FUNCTION weld.machine_lost(the_plate text, from_at timestamptz, to_at timestamptz, row_limit integer) RETURNS SETOF weld.hole
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT h.* FROM weld.chip_periods(the_plate) p JOIN weld.hole h ON h.chip_no = p.chip_no
    WHERE h.at >= from_at AND h.at < to_at AND h.at >= p.since AND h.at < p.until ORDER BY h.at, h.boot, h.from_seq LIMIT row_limit
$$;

REVOKE ALL ON FUNCTION weld.machine_telemetry_page, weld.machine_event_page, weld.machine_samples, weld.machine_current, weld.machine_lost FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.machine_telemetry_page, weld.machine_event_page, weld.machine_samples, weld.machine_current, weld.machine_lost
    TO weld_api, weld_reader;
