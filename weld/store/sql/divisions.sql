-- :division_list
-- The divisions in scope with the machines in and below each, parents before children. A path names all that a machine counts for.
WITH scope AS (
    SELECT split_part(current_setting('weld.scope', true), ':', 1) AS kind, split_part(current_setting('weld.scope', true), ':', 2) AS path
), reached AS MATERIALIZED (
    SELECT d.code, d.parent, d.path, d.name_zh, d.name_en FROM division d CROSS JOIN scope
    WHERE scope.kind IN ('platform', 'enterprise') OR (scope.kind = 'division' AND starts_with(d.path || '/', scope.path || '/'))
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
SELECT s.code, above.code AS parent, s.name_zh, s.name_en, coalesce(c.machines, 0) AS machines
FROM seen s LEFT JOIN seen above ON above.code = s.parent LEFT JOIN counted c ON c.code = s.code ORDER BY s.path COLLATE "C"
