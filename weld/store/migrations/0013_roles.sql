-- Who may do what over what: departments, roles in the place of free rights, enrolment in the place of known passwords, keys that
-- say who made them and when they were used, and workers who are seen where they work. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- An office of a division: 应急 emergency, 消防 fire, 住建 housing, 城管 urban, 市场监管 market, 公安 police.
CREATE TABLE weld.department (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('emergency', 'fire', 'housing', 'urban', 'market', 'police')),
    division   text NOT NULL REFERENCES weld.division,
    contact    text NOT NULL DEFAULT '',
    codes      text[] CHECK (cardinality(codes) > 0), -- the alerts that are its business; null: all
    created_at timestamptz NOT NULL,
    UNIQUE (division, name)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Officers: an account has no rights of its own; what is granted and withdrawn stays readable.

ALTER TABLE weld.officer DROP COLUMN rights, DROP COLUMN scope,
    ADD COLUMN department uuid REFERENCES weld.department,
    ADD COLUMN created_by uuid REFERENCES weld.officer; -- null: the installation (init, seed)

CREATE TABLE weld.officer_role (
    id           uuid PRIMARY KEY,
    officer      uuid NOT NULL REFERENCES weld.officer ON DELETE CASCADE,
    role         text NOT NULL CHECK (role IN ('enterprise_safety_officer', 'installer', 'duty_officer', 'inspector',
                     'division_regulator', 'system_administrator', 'security_administrator', 'audit_administrator')),
    scope        text NOT NULL
                 CHECK (scope ~ '^(platform|division:[0-9/]+|department:[0-9/]+:[0-9a-f-]{36}|enterprise:[0-9a-f-]{36})$'),
    granted_by   uuid REFERENCES weld.officer,  -- null: the installation
    granted_at   timestamptz NOT NULL,
    withdrawn_by uuid REFERENCES weld.officer,
    withdrawn_at timestamptz CHECK (withdrawn_at >= granted_at),
    CHECK (granted_by <> officer)
);
CREATE UNIQUE INDEX officer_role_once ON weld.officer_role (officer, role) WHERE withdrawn_at IS NULL;

-- The last word on who may be what (weld/core/roles.py has the first), also for two who grant at the same moment.
CREATE FUNCTION weld.officer_role_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weld, pg_temp AS $$
DECLARE
    others record;
BEGIN
    PERFORM 1 FROM weld.officer o WHERE o.id = NEW.officer FOR NO KEY UPDATE;
    SELECT count(*) AS many, bool_or(r.role LIKE '%\_administrator') AS administrator, bool_or(r.scope <> NEW.scope) AS elsewhere
    INTO others FROM weld.officer_role r WHERE r.officer = NEW.officer AND r.withdrawn_at IS NULL AND r.id <> NEW.id;
    IF others.many > 0 AND (others.administrator OR NEW.role LIKE '%\_administrator') THEN
        RAISE EXCEPTION 'administrators hold one role and no other' USING ERRCODE = 'check_violation', CONSTRAINT = 'officer_role_apart';
    END IF;
    IF others.elsewhere OR (NEW.role LIKE '%\_administrator' AND NEW.scope <> 'platform') THEN
        RAISE EXCEPTION 'all roles of one officer have one scope' USING ERRCODE = 'check_violation', CONSTRAINT = 'officer_role_apart';
    END IF;
    IF NEW.granted_by = (SELECT o.created_by FROM weld.officer o WHERE o.id = NEW.officer) THEN
        RAISE EXCEPTION 'whoever made an account grants nothing to it' USING ERRCODE = 'check_violation', CONSTRAINT = 'officer_role_apart';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION weld.officer_role_apart FROM PUBLIC;
CREATE TRIGGER officer_role_apart BEFORE INSERT OR UPDATE OF officer, role, scope, granted_by ON weld.officer_role
    FOR EACH ROW EXECUTE FUNCTION weld.officer_role_apart();

-- An account as it stands: its roles and the one scope that they share.
CREATE VIEW weld.officer_now WITH (security_invoker = true) AS
SELECT o.id, o.login, o.name, o.department, o.created_at, o.created_by, o.disabled_at,
    (SELECT min(r.scope) FROM weld.officer_role r WHERE r.officer = o.id AND r.withdrawn_at IS NULL) AS scope,
    ARRAY(SELECT r.role FROM weld.officer_role r WHERE r.officer = o.id AND r.withdrawn_at IS NULL ORDER BY r.role) AS roles
FROM weld.officer o;

-- A new account, or one that was reset: its owner sets password and second factor himself with a secret that opens once.
CREATE TABLE weld.officer_enrolment (
    officer     uuid PRIMARY KEY REFERENCES weld.officer ON DELETE CASCADE,
    secret_hash bytea NOT NULL UNIQUE,
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Keys

ALTER TABLE weld.officer_key DROP CONSTRAINT officer_key_scope_check,
    ADD CONSTRAINT officer_key_scope_check
        CHECK (scope ~ '^(platform|division:[0-9/]+|department:[0-9/]+:[0-9a-f-]{36}|enterprise:[0-9a-f-]{36})$'),
    ADD COLUMN created_by uuid REFERENCES weld.officer,
    ADD COLUMN last_used_at timestamptz;

ALTER TABLE weld.import DROP CONSTRAINT import_scope_check,
    ADD CONSTRAINT import_scope_check
        CHECK (scope ~ '^(platform|division:[0-9/]+|department:[0-9/]+:[0-9a-f-]{36}|enterprise:[0-9a-f-]{36})$');

-- ---------------------------------------------------------------------------------------------------------------------
-- Scope: a department (department:PATH:ID) sees its division and below; of alerts its own codes, of endpoints its own.

CREATE OR REPLACE FUNCTION weld.in_scope(row_division text, row_enterprise uuid, row_worker uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE split_part(coalesce(current_setting('weld.scope', true), ''), ':', 1)
        WHEN 'platform' THEN true
        WHEN 'enterprise' THEN coalesce(row_enterprise = split_part(current_setting('weld.scope', true), ':', 2)::uuid, false)
        WHEN 'worker' THEN coalesce(row_worker = split_part(current_setting('weld.scope', true), ':', 2)::uuid, false)
        ELSE coalesce(row_division = ANY (weld.scope_divisions()), false) END
$$;

CREATE OR REPLACE FUNCTION weld.scope_divisions() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE WHEN split_part(current_setting('weld.scope', true), ':', 1) IN ('division', 'department') THEN ARRAY(
        SELECT d.code FROM weld.division d
        WHERE starts_with(d.path || '/', split_part(current_setting('weld.scope', true), ':', 2) || '/')) END
$$;

-- The department of a department's scope; null for every other.
CREATE FUNCTION weld.scope_department() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE WHEN split_part(current_setting('weld.scope', true), ':', 1) = 'department'
        THEN split_part(current_setting('weld.scope', true), ':', 3)::uuid END
$$;

-- The alerts that are the department's business; null: all.
CREATE FUNCTION weld.scope_codes() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT d.codes FROM weld.department d WHERE d.id = weld.scope_department()
$$;

ALTER TABLE weld.endpoint ADD COLUMN department uuid REFERENCES weld.department;

ALTER TABLE weld.department ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.department TO weld_api, weld_reader USING (weld.in_scope(division, NULL, NULL));
CREATE POLICY departments ON weld.alert AS RESTRICTIVE TO weld_api, weld_reader USING (
    (SELECT weld.scope_department()) IS NULL OR (SELECT weld.scope_codes()) IS NULL
    OR code = ANY ((SELECT weld.scope_codes())::text[]));
CREATE POLICY departments ON weld.endpoint AS RESTRICTIVE TO weld_api, weld_reader USING (
    (SELECT weld.scope_department()) IS NULL OR department = (SELECT weld.scope_department()));

-- ---------------------------------------------------------------------------------------------------------------------
-- Workers are seen where they work, also by a division or an enterprise that is not their own: read only, and not for ever.

CREATE TABLE weld.guest (
    worker     uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    division   text NOT NULL,
    enterprise uuid,
    last_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX guest_place ON weld.guest (worker, division, enterprise) NULLS NOT DISTINCT;
CREATE INDEX guest_division ON weld.guest (division);
CREATE INDEX guest_enterprise ON weld.guest (enterprise);

CREATE FUNCTION weld.guest_seen() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weld, pg_temp AS $$
BEGIN
    INSERT INTO weld.guest (worker, division, enterprise, last_at)
    SELECT w.id, NEW.division, NEW.enterprise, NEW.created_at FROM weld.worker w
    WHERE w.id = NEW.worker AND (w.division <> NEW.division OR w.enterprise IS DISTINCT FROM NEW.enterprise)
    ON CONFLICT (worker, division, enterprise) DO UPDATE SET last_at = greatest(guest.last_at, excluded.last_at);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION weld.guest_seen FROM PUBLIC;
CREATE TRIGGER guest_seen AFTER INSERT ON weld.unlock_grant FOR EACH ROW EXECUTE FUNCTION weld.guest_seen();

-- Half a year after the last grant there is no work left that the foreign division has to answer for.
CREATE FUNCTION weld.scope_guests() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT g.worker FROM weld.guest g WHERE g.last_at > now() - interval '180 days' AND (
        g.division = ANY (weld.scope_divisions())
        OR g.enterprise = CASE WHEN split_part(current_setting('weld.scope', true), ':', 1) = 'enterprise'
            THEN split_part(current_setting('weld.scope', true), ':', 2)::uuid END)
$$;
REVOKE ALL ON FUNCTION weld.scope_guests FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.scope_guests TO weld_api, weld_reader;

-- SELECT only: what a worker and his papers say is changed where he belongs.
CREATE POLICY guests ON weld.worker FOR SELECT TO weld_api, weld_reader USING (id IN (SELECT weld.scope_guests()));
CREATE FUNCTION weld.worker_is_own(the_worker uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM weld.worker w WHERE w.id = the_worker AND weld.in_scope(w.division, w.enterprise, w.id))
$$;
REVOKE ALL ON FUNCTION weld.worker_is_own FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.worker_is_own TO weld_api, weld_reader;
DROP POLICY people ON weld.certificate;
CREATE POLICY reading ON weld.certificate FOR SELECT TO weld_api, weld_reader
    USING (EXISTS (SELECT 1 FROM weld.worker w WHERE w.id = certificate.worker));
CREATE POLICY entering ON weld.certificate FOR INSERT TO weld_api WITH CHECK (weld.worker_is_own(worker));
CREATE POLICY changing ON weld.certificate FOR UPDATE TO weld_api USING (weld.worker_is_own(worker));

-- ---------------------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, UPDATE, DELETE ON weld.department, weld.officer_enrolment TO weld_api;
GRANT SELECT, INSERT ON weld.officer_role TO weld_api;
GRANT UPDATE (withdrawn_at, withdrawn_by) ON weld.officer_role TO weld_api;
GRANT SELECT ON weld.officer_now TO weld_api;
GRANT SELECT ON weld.department TO weld_reader;
