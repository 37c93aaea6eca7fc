-- What the screens need: officers who sign in by password and second factor, arcs of a session for its worker, the indexes
-- behind today's figures. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- An officer's account. The password is an argon2id hash, the TOTP secret is sealed by the vault.
CREATE TABLE weld.officer (
    id            uuid PRIMARY KEY,
    login         text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9._-]{2,40}$'),
    name          text NOT NULL,
    password_hash text NOT NULL,
    totp_sealed   bytea NOT NULL,
    totp_step     bigint NOT NULL DEFAULT 0, -- the last time step that was used: a code opens once
    scope         text NOT NULL CHECK (scope ~ '^(platform|division:[0-9/]+|enterprise:[0-9a-f-]{36})$'),
    rights        text[] NOT NULL,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL
);

-- Failures in a row at a login. Kept for logins that nobody has as well, by a blind index: a hold does not tell who has an
-- account, and what was typed by mistake is not stored.
CREATE TABLE weld.officer_try (
    login_index bytea PRIMARY KEY,
    failures    integer NOT NULL CHECK (failures > 0),
    at          timestamptz NOT NULL,
    held_until  timestamptz                  -- nothing is tried before
);

CREATE TABLE weld.officer_sign_in (
    token_hash bytea PRIMARY KEY,
    officer    uuid NOT NULL REFERENCES weld.officer ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX officer_sign_in_officer ON weld.officer_sign_in (officer);

CREATE INDEX refusal_at ON weld.refusal (at);

-- The arcs of one session, for whoever may see the session (its worker sees no machine, so machine_arc shows him nothing).
CREATE FUNCTION weld.session_arc(the_session uuid, row_limit integer) RETURNS SETOF weld.arc
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT a.* FROM weld.session s JOIN weld.arc a ON a.session = s.id
    WHERE s.id = the_session AND weld.in_scope(s.division, s.enterprise, s.worker)
    ORDER BY a.started_at DESC LIMIT row_limit
$$;
REVOKE ALL ON FUNCTION weld.session_arc FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.session_arc TO weld_api, weld_reader;

GRANT SELECT, INSERT, UPDATE ON weld.officer, weld.officer_try, weld.officer_sign_in TO weld_api;
GRANT DELETE ON weld.officer_try, weld.officer_sign_in TO weld_api;
