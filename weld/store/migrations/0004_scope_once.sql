-- Whether a row is in scope, decided once a statement instead of once a row: a province's machines in hundredths of a second.
-- Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- The divisions of a division scope; null for every other scope.
CREATE FUNCTION weld.scope_divisions() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE WHEN current_setting('weld.scope', true) LIKE 'division:%' THEN ARRAY(
        SELECT d.code FROM weld.division d
        WHERE starts_with(d.path || '/', split_part(current_setting('weld.scope', true), ':', 2) || '/')) END
$$;

-- A sub-select without a reference to the row is run once, so the common scopes cost nothing a row; the others stay as they
-- were. An unset scope is none of them and shows nothing.
DO $$
DECLARE
    spec record;
BEGIN
    FOR spec IN SELECT * FROM (VALUES
        ('enterprise',   'weld.in_scope(division, id, NULL)'),
        ('machine',      'weld.in_scope(division, enterprise, NULL)'),
        ('worker',       'weld.in_scope(division, enterprise, id)'),
        ('unlock_grant', 'weld.in_scope(division, enterprise, worker)'),
        ('refusal',      'weld.in_scope(division, enterprise, worker)'),
        ('session',      'weld.in_scope(division, enterprise, worker)'),
        ('alert',        'weld.in_scope(division, enterprise, NULL)')
    ) AS t (name, row_rule) LOOP
        EXECUTE format($policy$ALTER POLICY people ON weld.%I USING (
            (SELECT current_setting('weld.scope', true)) = 'platform'
            OR division = ANY ((SELECT weld.scope_divisions())::text[])
            OR ((SELECT split_part(current_setting('weld.scope', true), ':', 1)) IN ('enterprise', 'worker') AND %s)
        )$policy$, spec.name, spec.row_rule);
    END LOOP;
END $$;
