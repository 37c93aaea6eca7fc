-- :audit_insert
-- Who did what to what.
INSERT INTO audit (at, actor, action, subject, detail) VALUES (%(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s)
