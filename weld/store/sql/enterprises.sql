-- :enterprise_list
-- Enterprises in scope, by id, the newest first; a division stands for all below it.
SELECT e.id, e.name, e.credit_code, e.division, d.name_zh AS division_zh, d.name_en AS division_en, e.created_at,
    (SELECT count(*) FROM machine m WHERE m.enterprise = e.id)::int AS machines,
    (SELECT count(*) FROM worker w WHERE w.enterprise = e.id)::int AS workers
FROM enterprise e JOIN division d ON d.code = e.division
WHERE (%(id)s::uuid IS NULL OR e.id = %(id)s) AND (%(name)s::text IS NULL OR strpos(e.name, %(name)s) > 0 OR e.credit_code = %(name)s)
    AND (%(division)s::text IS NULL OR e.division = ANY(ARRAY(
        SELECT b.code FROM division b JOIN division f ON starts_with(b.path || '/', f.path || '/') WHERE f.code = %(division)s)))
    AND (%(after)s::uuid IS NULL OR e.id < %(after)s)
ORDER BY e.id DESC LIMIT %(limit)s

-- :enterprise_sites
-- The sites of one enterprise as far as they are in scope, those in use first; `machines` are those in scope that stand there.
SELECT s.id, s.name, s.division, d.name_zh AS division_zh, d.name_en AS division_en, s.work, s.lat, s.lon, s.since, s.until,
    (SELECT count(*) FROM machine m WHERE m.site = s.id)::int AS machines
FROM site s JOIN division d ON d.code = s.division WHERE s.enterprise = %(enterprise)s
ORDER BY s.until DESC NULLS FIRST, s.name LIMIT 500
