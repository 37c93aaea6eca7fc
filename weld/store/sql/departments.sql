-- :department_list
-- Departments in scope, by division and name.
SELECT p.id, p.name, p.kind, p.division, d.name_zh AS division_zh, d.name_en AS division_en, d.path, p.contact, p.codes,
    (SELECT count(*) FROM officer o WHERE o.department = p.id AND o.disabled_at IS NULL)::int AS officers
FROM department p JOIN division d ON d.code = p.division
WHERE %(id)s::uuid IS NULL OR p.id = %(id)s ORDER BY d.path COLLATE "C", p.name

-- :department_add
-- A new department.
INSERT INTO department (id, name, kind, division, contact, codes, created_at)
VALUES (%(id)s, %(name)s, %(kind)s, %(division)s, %(contact)s, %(codes)s, %(now)s)

-- :department_change
-- Whatever may change; its division may not, as scopes name it.
UPDATE department SET name = %(name)s, kind = %(kind)s, contact = %(contact)s, codes = %(codes)s WHERE id = %(id)s

-- :department_remove
-- A department that nobody belongs to.
DELETE FROM department WHERE id = %(id)s
