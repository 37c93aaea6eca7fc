-- :division_list
-- The divisions in scope with the machines in and below each, parents before children. A path names all that a machine counts for.
-- Without machines in them, townships of a list and what has ended stay out: there are 41,000 of them.
WITH scope AS (
    SELECT split_part(current_setting('weld.scope', true), ':', 1) AS kind, split_part(current_setting('weld.scope', true), ':', 2) AS path
), reached AS MATERIALIZED (
    SELECT d.code, d.parent, d.path, d.name_zh, d.name_en, d.level, d.until,
        d.until IS NOT NULL OR (d.listed IS NOT NULL AND d.level IN ('township', 'village')) AS aside
    FROM division d CROSS JOIN scope
    WHERE scope.kind IN ('platform', 'enterprise') OR (scope.kind IN ('division', 'department') AND starts_with(d.path || '/', scope.path || '/'))
), seen AS MATERIALIZED (
    SELECT r.* FROM reached r CROSS JOIN scope WHERE scope.kind <> 'enterprise' OR r.code IN (SELECT e.division FROM enterprise e)
), placed AS (
    -- an array, so that the index picks before the row-level security looks at each row
    SELECT division, count(*) AS machines FROM machine WHERE division = ANY(ARRAY(SELECT code FROM reached)) GROUP BY division
), counted AS (
    SELECT up.code, sum(p.machines)::int AS machines
    FROM placed p JOIN reached r ON r.code = p.division CROSS JOIN unnest(string_to_array(r.path, '/')) AS up (code)
    GROUP BY up.code
)
SELECT s.code, above.code AS parent, s.name_zh, s.name_en, s.level, s.until, coalesce(c.machines, 0) AS machines
FROM seen s CROSS JOIN scope LEFT JOIN seen above ON above.code = s.parent LEFT JOIN counted c ON c.code = s.code
WHERE NOT s.aside OR c.machines > 0 OR scope.kind = 'enterprise' OR s.path = scope.path ORDER BY s.path COLLATE "C"

-- :division_area_at
-- The pieces of land whose box has this point; which of them has the point itself is decided outside.
SELECT a.division, a.rings FROM division_area a JOIN division d ON d.code = a.division
WHERE a.bounds @> box(point(%(lon)s::float8, %(lat)s::float8), point(%(lon)s::float8, %(lat)s::float8)) AND d.until IS NULL

-- :division_above
-- A division and what lies above it as far as the scope reaches, the topmost first. An enterprise reaches all: its sites may be
-- anywhere, and codes and names are public.
SELECT up.code, up.name_zh, up.name_en, up.level FROM division d
JOIN division up ON up.code = ANY (string_to_array(d.path, '/'))
WHERE d.code = %(code)s AND (split_part(current_setting('weld.scope', true), ':', 1) IN ('platform', 'enterprise') OR (
    split_part(current_setting('weld.scope', true), ':', 1) IN ('division', 'department')
    AND starts_with(up.path || '/', split_part(current_setting('weld.scope', true), ':', 2) || '/')))
ORDER BY length(up.path)

-- :division_import_alone
-- One import at a time: the second waits and then finds everything done.
SELECT pg_advisory_xact_lock(hashtext('weldgate divisions import'))

-- :division_held
-- All divisions of these provinces, of all where none is named.
SELECT code, name_zh, name_en, parent, path, since, until, listed FROM division
WHERE cardinality(%(provinces)s::text[]) = 0 OR left(code, 2) = ANY (%(provinces)s) ORDER BY path

-- :division_list_add
-- A division out of a published list.
INSERT INTO division (code, name_zh, name_en, parent, path, since, until, listed)
VALUES (%(code)s, %(name_zh)s, %(name_en)s, %(parent)s, %(path)s, %(since)s, %(until)s, %(listed)s)

-- :division_list_change
-- What a published list may change: names, validity, and that it knows the code at all.
UPDATE division SET name_zh = %(name_zh)s, name_en = %(name_en)s, since = %(since)s, until = %(until)s, listed = %(listed)s
WHERE code = %(code)s

-- :division_past_add
-- What a code meant until then.
INSERT INTO division_past (code, name_zh, name_en, parent, since, until)
VALUES (%(code)s, %(name_zh)s, %(name_en)s, %(parent)s, %(since)s, %(until)s)

-- :division_versions
-- What a code has meant, the oldest first.
SELECT code, name_zh, parent, since, until FROM division_past WHERE code = %(code)s
UNION ALL SELECT code, name_zh, parent, since, until FROM division WHERE code = %(code)s
ORDER BY until NULLS LAST

-- :division_area_held
-- The land that is known of these provinces, of all where none is named, each division's pieces in order.
SELECT division, jsonb_agg(rings ORDER BY piece) FROM division_area
WHERE cardinality(%(provinces)s::text[]) = 0 OR left(division, 2) = ANY (%(provinces)s) GROUP BY division

-- :division_area_remove
-- The land of these divisions is another now.
DELETE FROM division_area WHERE division = ANY (%(divisions)s)

-- :division_area_add
-- A piece of land.
INSERT INTO division_area (division, piece, bounds, rings)
VALUES (%(division)s, %(piece)s, box(point(%(west)s::float8, %(south)s::float8), point(%(east)s::float8, %(north)s::float8)), %(rings)s)
