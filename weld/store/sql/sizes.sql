-- :table_sizes
-- Tables with rows or writes: bytes of the table and of its indexes, rows, dead rows, updates and how many of them were HOT, vacuums.
-- Partitions and chunks count as their table; what TimescaleDB keeps as columns is not in it (see hypertable_columnstore_stats).
SELECT coalesce(p.relname, s.relname) AS name, sum(pg_table_size(s.relid))::bigint AS table_bytes,
    sum(pg_indexes_size(s.relid))::bigint AS index_bytes, sum(s.n_live_tup)::bigint AS rows, sum(s.n_dead_tup)::bigint AS dead_rows,
    sum(s.n_tup_upd)::bigint AS updates, sum(s.n_tup_hot_upd)::bigint AS hot_updates,
    sum(s.autovacuum_count + s.vacuum_count)::bigint AS vacuums
FROM pg_stat_user_tables s LEFT JOIN pg_inherits i ON i.inhrelid = s.relid LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE coalesce(p.relnamespace::regnamespace::text, s.schemaname) = 'weld' GROUP BY 1 HAVING sum(s.n_tup_ins + s.n_tup_upd) > 0 ORDER BY 2 DESC
