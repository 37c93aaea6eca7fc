-- :engine
-- What this server is, and which TimescaleDB this database has or could have. Its loader has settings that everybody may read;
-- shared_preload_libraries only few may.
SELECT current_setting('server_version') AS postgresql, e.extversion AS timescaledb,
    CASE WHEN current_setting('timescaledb.max_background_workers', true) IS NOT NULL
        THEN (SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb') END AS offered,
    e.extnamespace::regnamespace::text AS schema,
    CASE WHEN e.extversion IS NOT NULL THEN current_setting('timescaledb.license', true) END AS license
FROM (VALUES (1)) AS one LEFT JOIN pg_extension e ON e.extname = 'timescaledb'

-- :partitioned_tables
-- Of these tables those that are partitioned by PostgreSQL itself, and whether row-level security is on.
SELECT c.relname, c.relrowsecurity FROM pg_class c
WHERE c.relnamespace = 'weld'::regnamespace AND c.relkind = 'p' AND c.relname = ANY(%(tables)s) ORDER BY c.relname

-- :hypertables
-- The hypertables among ours, and whether columnstore is on.
SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_schema = 'weld'

-- :day_partitions
-- The partitions of a table, the oldest first; one that is half detached belongs to a detaching that was interrupted.
SELECT n.nspname AS schema, c.relname AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day,
    CASE WHEN i.inhdetachpending THEN 'leaving' ELSE 'rows' END AS state
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = to_regclass('weld.' || %(table)s::text)
UNION ALL
-- detached, and then somebody was ended before it could be dropped
SELECT 'weld', c.relname, to_date(right(c.relname, 8), 'YYYYMMDD'), 'left'
FROM pg_class c WHERE c.relnamespace = 'weld'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
    AND c.relname ~ ('^' || %(table)s::text || '_[0-9]{8}$')
ORDER BY day

-- :day_chunks
-- The chunks of a hypertable, the oldest first. Bit 0 of the status: columnstore; with any other bit rows came after that.
SELECT c.schema_name AS schema, c.table_name AS name, (i.range_start AT TIME ZONE 'UTC')::date AS day,
    CASE WHEN c.status = 1 THEN 'columns' WHEN c.status & 1 = 1 THEN 'mixed' ELSE 'rows' END AS state
FROM timescaledb_information.chunks i
JOIN _timescaledb_catalog.chunk c ON (c.schema_name, c.table_name) = (i.chunk_schema, i.chunk_name)
WHERE i.hypertable_schema = 'weld' AND i.hypertable_name = %(table)s ORDER BY day

-- :tied_functions
-- The functions that return or take a table's row, or name it in a body that is checked; with what each may be used by.
SELECT DISTINCT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS text, p.proacl IS NOT NULL AS limited,
    ARRAY(SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner) AS users
FROM pg_class c JOIN pg_type t ON t.oid = c.reltype
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND ((d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray))
    OR (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid))
JOIN pg_proc p ON p.oid = d.objid
WHERE c.oid = to_regclass('weld.' || %(table)s::text) ORDER BY 1

-- :table_grants
-- Who but the owner may do what with a table or with one of its columns.
SELECT a.privilege_type, NULL AS on_column, pg_get_userbyid(a.grantee) AS to_role
FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass('weld.' || %(table)s::text) AND a.grantee NOT IN (0, c.relowner)
UNION ALL
SELECT a.privilege_type, t.attname, pg_get_userbyid(a.grantee)
FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
WHERE c.oid = to_regclass('weld.' || %(table)s::text) AND a.grantee NOT IN (0, c.relowner)

-- :table_indexes
-- A partitioned table's indexes as a table without partitions would have them.
SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS text FROM pg_index i
WHERE i.indrelid = to_regclass('weld.' || %(table)s::text)
