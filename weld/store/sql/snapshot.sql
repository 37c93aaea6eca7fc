-- :schema_snapshot
-- The schema as text, a line a thing, in a fixed order: what migrations lead to, for people and for a test. The same on every engine.
SELECT line FROM (
    SELECT 'table ' || c.relname || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'weld'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    UNION ALL
    SELECT 'index ' || replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = 'weld'::regnamespace AND NOT c.relispartition
    UNION ALL
    SELECT 'constraint ' || c.relname || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relnamespace = 'weld'::regnamespace AND NOT c.relispartition AND k.contype <> 'n'
    UNION ALL
    SELECT 'policy ' || tablename || ' ' || policyname || ' to ' || array_to_string(roles, ',') || ' using ' || coalesce(qual, '')
    FROM pg_policies WHERE schemaname = 'weld'
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'weld'::regnamespace AND NOT t.tgisinternal AND t.tgname <> 'ts_insert_blocker'
    UNION ALL
    SELECT 'grant ' || table_name || ' ' || grantee || ' ' || string_agg(privilege_type, ',' ORDER BY privilege_type)
    FROM information_schema.role_table_grants WHERE table_schema = 'weld' AND grantee <> 'weld_owner' AND table_name !~ '_[0-9]{8}$'
    GROUP BY table_name, grantee
    UNION ALL
    SELECT 'grant column ' || table_name || '.' || column_name || ' ' || grantee || ' ' || privilege_type
    FROM information_schema.role_column_grants g WHERE table_schema = 'weld' AND grantee <> 'weld_owner' AND table_name !~ '_[0-9]{8}$'
    AND NOT EXISTS (SELECT 1 FROM information_schema.role_table_grants t WHERE t.table_schema = 'weld'
        AND (t.table_name, t.grantee, t.privilege_type) = (g.table_name, g.grantee, g.privilege_type))
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || CASE WHEN p.prosecdef THEN ' security definer' ELSE '' END
        || ' ' || md5(p.prosrc) FROM pg_proc p WHERE p.pronamespace = 'weld'::regnamespace
) AS lines ORDER BY line COLLATE "C"

-- :schema_blockers
-- Who holds locks on our tables, the most of them first.
SELECT l.pid, coalesce(nullif(a.application_name, ''), 'a client of ' || coalesce(a.usename, 'the server')),
    string_agg(DISTINCT c.relname, ', ')
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid()
    AND c.relnamespace = 'weld'::regnamespace AND c.relkind IN ('r', 'p')
GROUP BY l.pid, 2 ORDER BY count(*) DESC LIMIT 5
