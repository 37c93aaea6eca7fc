-- Who signs in, how, and at which browser: sign-ins that can be told apart, looked through and ended one by one; passkeys; links
-- to a single sign-on; a worker's devices. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- Sign-ins of before know neither their browser nor their way: everybody signs in once more.
DELETE FROM weld.officer_sign_in;
DELETE FROM weld.sign_in;

ALTER TABLE weld.officer_sign_in
    ADD id             uuid NOT NULL UNIQUE,
    ADD way            text NOT NULL CHECK (way IN ('password', 'passkey', 'single_sign_on')),
    ADD address        inet NOT NULL,
    ADD browser        text NOT NULL CHECK (length(browser) <= 60),
    ADD stepped_up_at  timestamptz,           -- the last fresh proof; none after a single sign-on
    ADD rotated_at     timestamptz NOT NULL,
    ADD previous_hash  bytea UNIQUE,          -- the token of before, for requests that were under way
    ADD previous_until timestamptz;

-- Wrong tries, by the address they came from; rows live a day.
CREATE TABLE weld.officer_wrong (
    address inet NOT NULL,
    at      timestamptz NOT NULL
);
CREATE INDEX officer_wrong_address ON weld.officer_wrong (address, at);

CREATE TABLE weld.officer_passkey (
    id          uuid PRIMARY KEY,
    officer     uuid NOT NULL REFERENCES weld.officer ON DELETE CASCADE,
    credential  bytea NOT NULL UNIQUE CHECK (length(credential) <= 1023),
    public_key  bytea NOT NULL,
    sign_count  bigint NOT NULL CHECK (sign_count >= 0),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    created_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX officer_passkey_officer ON weld.officer_passkey (officer);

-- What an authenticator is to sign: each opens once.
CREATE TABLE weld.officer_challenge (
    id         uuid PRIMARY KEY,
    purpose    text NOT NULL CHECK (purpose IN ('register', 'sign_in', 'step_up')),
    officer    uuid REFERENCES weld.officer ON DELETE CASCADE,
    challenge  bytea NOT NULL,
    address    inet NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX officer_challenge_address ON weld.officer_challenge (address, expires_at);

-- Whose account a person of the single sign-on opens. Made by the officer himself or by an administrator, never by itself.
CREATE TABLE weld.officer_link (
    issuer    text NOT NULL,
    subject   text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    officer   uuid NOT NULL REFERENCES weld.officer ON DELETE CASCADE,
    linked_by uuid NOT NULL REFERENCES weld.officer ON DELETE CASCADE,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX officer_link_officer ON weld.officer_link (officer);

-- A way to the single sign-on and back that has begun; each opens once, in the browser where it began.
CREATE TABLE weld.officer_errand (
    state_hash    bytea PRIMARY KEY,
    browser_hash  bytea NOT NULL,
    nonce         text NOT NULL,
    code_verifier text NOT NULL,
    back_to       text NOT NULL,
    linking       uuid REFERENCES weld.officer ON DELETE CASCADE, -- who links his own account, none for a sign-in
    address       inet NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX officer_errand_address ON weld.officer_errand (address, expires_at);

-- A worker's device, known by a secret that it alone holds. The first is good at once, others when one that is good says so, or
-- from good_from on.
CREATE TABLE weld.device (
    id          uuid PRIMARY KEY,
    worker      uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    secret_hash bytea NOT NULL,
    browser     text NOT NULL CHECK (length(browser) <= 60),
    created_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    good_from   timestamptz NOT NULL,
    removed_at  timestamptz,
    UNIQUE (worker, secret_hash)           -- people share phones
);
CREATE INDEX device_secret ON weld.device (secret_hash);

ALTER TABLE weld.sign_in ADD device uuid NOT NULL REFERENCES weld.device ON DELETE CASCADE;
CREATE INDEX sign_in_worker ON weld.sign_in (worker);
CREATE INDEX sign_in_device ON weld.sign_in (device);

GRANT DELETE ON weld.sign_in TO weld_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON weld.officer_wrong, weld.officer_passkey, weld.officer_challenge, weld.officer_link,
    weld.officer_errand, weld.device TO weld_api;
