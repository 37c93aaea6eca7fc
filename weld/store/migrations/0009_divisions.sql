-- Divisions with validity, what their codes meant before, and their areas. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- Valid from `since` on and before `until`; null: since ever, for ever. A code that ended stays, as machines and histories name it.
ALTER TABLE weld.division
    ADD since date,
    ADD until date,
    -- the published list that has this code; null: a person entered it, and no import ends it
    ADD listed text CHECK (listed IN ('first', 'second')),
    ADD level text NOT NULL GENERATED ALWAYS AS (
        CASE length(code) WHEN 2 THEN 'province' WHEN 4 THEN 'city' WHEN 9 THEN 'township' WHEN 12 THEN 'village' ELSE 'county' END) STORED,
    ADD CHECK (since <= until);

-- Under which name a code was known before.
CREATE TABLE weld.division_past (
    code    text NOT NULL REFERENCES weld.division,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    parent  text REFERENCES weld.division,
    since   date,
    until   date NOT NULL CHECK (since < until),
    PRIMARY KEY (code, until)
);

-- The land of a division, a row for each piece of it: a GeoJSON polygon in WGS-84 degrees, and the box around it.
CREATE TABLE weld.division_area (
    division text NOT NULL REFERENCES weld.division,
    piece    integer NOT NULL CHECK (piece >= 0),
    bounds   box NOT NULL,
    rings    jsonb NOT NULL,
    PRIMARY KEY (division, piece)
);
CREATE INDEX division_area_bounds ON weld.division_area USING gist (bounds);

-- Few divisions set a longest session; without this a scan looks at all of them, which are 44,000 with townships.
CREATE INDEX division_longest ON weld.division (path) WHERE longest_s IS NOT NULL;

GRANT SELECT, INSERT ON weld.division_past TO weld_api;
GRANT SELECT, INSERT, DELETE ON weld.division_area TO weld_api;
GRANT SELECT ON weld.division_past, weld.division_area TO weld_reader;
