-- What `weldgate bench store` saw read whole tables for one machine (docs/store-plans.md). Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- Which chips a machine has had: everything that is read of a machine's chip begins here, and read all bindings. The index beside
-- it knows only those of today.
CREATE INDEX binding_plate ON weld.binding (plate);

-- All holes of one chip are few: OFFSET keeps the planner from going through those of all chips by their time.
CREATE OR REPLACE FUNCTION weld.machine_lost(the_plate text, from_at timestamptz, to_at timestamptz, row_limit integer) RETURNS SETOF weld.hole
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT l.* FROM weld.chip_periods(the_plate) p
    CROSS JOIN LATERAL (SELECT h.* FROM weld.hole h WHERE h.chip_no = p.chip_no OFFSET 0) l
    WHERE l.at >= from_at AND l.at < to_at AND l.at >= p.since AND l.at < p.until ORDER BY l.at, l.boot, l.from_seq LIMIT row_limit
$$;
