-- The first schema: registers, the two walks, evidence, alerts, dispatch.
-- Runs as weld_owner. Group roles (weld_ingest, ...) hold the grants; the login roles of one database are members of them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

CREATE SCHEMA weld;
GRANT USAGE ON SCHEMA weld TO weld_ingest, weld_gateway, weld_dispatch, weld_api, weld_reader;

-- ---------------------------------------------------------------------------------------------------------------------
-- Registers: what people know. Written by api (and by `weldgate seed` through the same functions).

CREATE TABLE weld.division (
    code      text PRIMARY KEY CHECK (code ~ '^[0-9]{2,12}$'),
    name_zh   text NOT NULL,
    name_en   text NOT NULL,
    parent    text REFERENCES weld.division,
    -- codes from the root down to this one, with slashes: 41/4105/410502. Subtree = prefix, also for odd codes (419001 under 41).
    path      text NOT NULL UNIQUE,
    zone      text NOT NULL DEFAULT 'Asia/Shanghai',
    longest_s integer CHECK (longest_s BETWEEN 60 AND 86400)
);

CREATE TABLE weld.enterprise (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    credit_code text NOT NULL UNIQUE CHECK (credit_code ~ '^[0-9A-Z]{18}$'),
    division    text NOT NULL REFERENCES weld.division,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE weld.chip (
    chip        text PRIMARY KEY CHECK (chip ~ '^[A-Z0-9]{8,32}$'),
    chip_no     integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    shard       text NOT NULL CHECK (shard ~ '^[0-9a-f]{2}$'),
    model       text NOT NULL,
    public_key  bytea CHECK (octet_length(public_key) = 32),
    profile     smallint NOT NULL DEFAULT 3 CHECK (profile BETWEEN 0 AND 3),
    rejected    boolean NOT NULL DEFAULT false,
    -- what a lock raises and a ticket carries: tickets below the chip's floor are refused (P18)
    counter     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chip_shard ON weld.chip (shard);

CREATE TABLE weld.machine (
    plate          text PRIMARY KEY CHECK (plate ~ '^[0-9A-Z]{17}$'),
    chip           text UNIQUE REFERENCES weld.chip,
    division       text NOT NULL REFERENCES weld.division,
    enterprise     uuid REFERENCES weld.enterprise,
    maker          text NOT NULL,
    model          text NOT NULL,
    serial         text NOT NULL,
    rated_a        real CHECK (rated_a BETWEEN 1 AND 5000),
    work           text NOT NULL DEFAULT 'ordinary' CHECK (work IN ('ordinary', 'building', 'special_equipment')),
    presence       text NOT NULL DEFAULT 'none' CHECK (presence IN ('none', 'button')),
    longest_s      integer CHECK (longest_s BETWEEN 60 AND 86400),
    blocked_reason text,
    lat            double precision CHECK (lat BETWEEN -90 AND 90),
    lon            double precision CHECK (lon BETWEEN -180 AND 180),
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX machine_division ON weld.machine (division);
CREATE INDEX machine_enterprise ON weld.machine (enterprise);

CREATE TABLE weld.binding (
    chip   text NOT NULL REFERENCES weld.chip,
    plate  text NOT NULL REFERENCES weld.machine,
    since  timestamptz NOT NULL,
    until  timestamptz CHECK (until >= since),
    PRIMARY KEY (chip, since)
);
CREATE UNIQUE INDEX binding_one_machine ON weld.binding (chip) WHERE until IS NULL;
CREATE UNIQUE INDEX binding_one_chip ON weld.binding (plate) WHERE until IS NULL;

CREATE TABLE weld.worker (
    id             uuid PRIMARY KEY,
    enterprise     uuid REFERENCES weld.enterprise,
    division       text NOT NULL REFERENCES weld.division,
    name_sealed     bytea NOT NULL,
    identity_sealed bytea NOT NULL,
    identity_index  bytea NOT NULL UNIQUE,
    phone_sealed    bytea NOT NULL,
    phone_index     bytea NOT NULL UNIQUE,
    suspended_reason text,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX worker_enterprise ON weld.worker (enterprise);
CREATE INDEX worker_division ON weld.worker (division);

CREATE TABLE weld.certificate (
    id            uuid PRIMARY KEY,
    worker        uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    kind          text NOT NULL CHECK (kind IN ('operation', 'construction', 'equipment')),
    number_sealed bytea NOT NULL,
    number_index  bytea NOT NULL,
    category      text NOT NULL,
    item          text NOT NULL,
    valid_from    date NOT NULL,
    valid_to      date NOT NULL CHECK (valid_to >= valid_from),
    review_due    date,
    status        text NOT NULL DEFAULT 'verified'
                  CHECK (status IN ('unverified', 'verified', 'revoked', 'cancelled', 'suspended', 'suspected_fake')),
    issuer        text NOT NULL,
    checked_at    timestamptz,
    UNIQUE (kind, number_index, item)
);
CREATE INDEX certificate_worker ON weld.certificate (worker);

CREATE TABLE weld.officer_key (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    key_hash    bytea NOT NULL UNIQUE,
    scope       text NOT NULL CHECK (scope ~ '^(platform|division:[0-9/]+|enterprise:[0-9a-f-]{36})$'),
    rights      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);

CREATE TABLE weld.endpoint (
    id            uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    url           text NOT NULL,
    secret_sealed bytea NOT NULL,
    division      text NOT NULL REFERENCES weld.division,
    codes         text[],
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled')),
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Sign-in of workers

CREATE TABLE weld.sign_in_code (
    request     uuid PRIMARY KEY,
    phone_index bytea NOT NULL,
    address     inet NOT NULL,             -- of whoever asked: limits count by it; rows live a day
    worker      uuid REFERENCES weld.worker ON DELETE CASCADE,
    code_hash   bytea NOT NULL,
    tries       smallint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX sign_in_code_phone ON weld.sign_in_code (phone_index, created_at);
CREATE INDEX sign_in_code_address ON weld.sign_in_code (address, created_at);

CREATE TABLE weld.sign_in (
    token_hash bytea PRIMARY KEY,
    worker     uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);

CREATE TABLE weld.idempotency (
    subject      text NOT NULL,
    key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request_hash bytea NOT NULL,
    status       smallint,
    body         jsonb,
    at           timestamptz NOT NULL,
    PRIMARY KEY (subject, key)
);
CREATE INDEX idempotency_at ON weld.idempotency (at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Walk (b): grants and commands

CREATE TABLE weld.unlock_grant (
    id            uuid PRIMARY KEY,              -- is the ticket's jti as well
    worker        uuid NOT NULL REFERENCES weld.worker,
    plate         text NOT NULL REFERENCES weld.machine,
    chip          text NOT NULL REFERENCES weld.chip,
    division      text NOT NULL,
    enterprise    uuid,
    certificate   uuid,
    checks        jsonb NOT NULL,
    rules_version integer NOT NULL,
    presence      text NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,          -- the ticket's exp
    longest_s     integer NOT NULL,
    state         text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'ended')),
    session       uuid,
    armed_at      timestamptz,
    closed_at     timestamptz,                   -- when the contact was reported closed
    ended_at      timestamptz,
    end_reason    text,
    CHECK ((state = 'ended') = (ended_at IS NOT NULL AND end_reason IS NOT NULL))
);
CREATE UNIQUE INDEX unlock_grant_one_live ON weld.unlock_grant (plate) WHERE state = 'live';
CREATE INDEX unlock_grant_worker_live ON weld.unlock_grant (worker) WHERE state = 'live';
CREATE INDEX unlock_grant_worker ON weld.unlock_grant (worker, created_at);

CREATE TABLE weld.refusal (
    id         uuid PRIMARY KEY,
    worker     uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    plate      text NOT NULL,
    division   text,
    enterprise uuid,
    reasons    text[] NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX refusal_worker ON weld.refusal (worker, at);
CREATE INDEX refusal_plate ON weld.refusal (plate, at);

CREATE TABLE weld.command (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('ticket', 'lock', 'end')),
    chip          text NOT NULL REFERENCES weld.chip,
    plate         text NOT NULL REFERENCES weld.machine,
    grant_id      uuid REFERENCES weld.unlock_grant,
    session       uuid,
    level         smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
    grace_s       smallint NOT NULL DEFAULT 60 CHECK (grace_s BETWEEN 0 AND 600),
    counter       bigint NOT NULL,
    by            text NOT NULL CHECK (by IN ('worker', 'rule', 'authority')),
    actor         text NOT NULL,
    why           text NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    state         text NOT NULL DEFAULT 'queued'
                  CHECK (state IN ('queued', 'sent', 'waiting', 'done', 'refused', 'failed', 'expired', 'superseded')),
    reason        text,
    ended_at      timestamptz,
    -- the gateway's own columns
    wire          bytea,
    attempts      integer NOT NULL DEFAULT 0,
    leased_until  timestamptz,
    first_sent_at timestamptz,
    last_sent_at  timestamptz,
    CHECK ((kind = 'ticket') = (grant_id IS NOT NULL)),
    CHECK ((state IN ('queued', 'sent', 'waiting')) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX command_one_live ON weld.command (plate) WHERE state IN ('queued', 'sent', 'waiting');
CREATE INDEX command_grant ON weld.command (grant_id);
CREATE INDEX command_plate ON weld.command (plate, created_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Walk (a): what chips reported. Written by ingest only.

CREATE TABLE weld.lease (
    shard      text PRIMARY KEY CHECK (shard ~ '^[0-9a-f]{2}$'),
    owner      text,
    epoch      bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '-infinity',
    -- everything that the broker had for this shard was in the store at this time: absence is judged against it
    drained_at timestamptz
);

CREATE TABLE weld.chip_state (
    chip_no       integer PRIMARY KEY REFERENCES weld.chip (chip_no),
    chip          text NOT NULL,
    shard         text NOT NULL,
    rules_version integer NOT NULL,
    boot          integer NOT NULL,
    seq           bigint NOT NULL,
    received_at   timestamptz NOT NULL,
    at            timestamptz,
    state         text,
    contact       text CHECK (contact IN ('open', 'closed')),
    session       uuid,
    ticket        uuid,
    current_a     real,
    energy_wh     double precision,
    lat           double precision,
    lon           double precision,
    accuracy_m    real,
    online        boolean,
    connection    integer,
    presence_boot integer,
    nonce         text,
    config_version integer,
    presence_at   timestamptz,
    fold          jsonb NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE weld.chip_boot (
    chip_no     integer NOT NULL REFERENCES weld.chip (chip_no),
    boot        integer NOT NULL,
    anchor_at   timestamptz NOT NULL,      -- when `up` was 0, fixed at the first word of this boot, never changed
    received_at timestamptz NOT NULL,
    hash        bigint,                    -- of the boot message, once it was answered
    reply       bytea,                     -- the same message again gets the same reply again
    PRIMARY KEY (chip_no, boot)
);

CREATE TABLE weld.telemetry (
    chip_no      integer NOT NULL,
    at           timestamptz NOT NULL,      -- as sent, or anchor + up where the chip sent null; never rewritten
    boot         integer NOT NULL,
    seq          bigint NOT NULL,
    received_at  timestamptz NOT NULL,
    corrected_at timestamptz,
    clock        text NOT NULL,             -- synced, drifting, unset
    late         text NOT NULL,             -- live, chip (it says so), ours (it waited on our side)
    hash         bigint NOT NULL,
    up_ms        bigint NOT NULL,
    from_up      bigint NOT NULL,
    step_ms      integer NOT NULL,
    current_a    real[] NOT NULL,
    peak_a       real[] NOT NULL,
    voltage_v    real[] NOT NULL,
    arc_ms       integer[] NOT NULL,
    state        text NOT NULL,
    contact      text,
    energy_wh    double precision,
    mains        boolean,
    temperature_c real,
    signal_dbm   smallint,
    battery_v    real,
    lat          double precision,
    lon          double precision,
    accuracy_m   real,
    session      uuid,
    ticket       uuid
) PARTITION BY RANGE (at);
CREATE UNIQUE INDEX telemetry_key ON weld.telemetry (chip_no, at, boot, seq);

CREATE TABLE weld.event (
    chip_no      integer NOT NULL,
    at           timestamptz NOT NULL,
    boot         integer NOT NULL,
    seq          bigint NOT NULL,
    received_at  timestamptz NOT NULL,
    corrected_at timestamptz,
    clock        text NOT NULL,
    late         text NOT NULL,
    hash         bigint NOT NULL,
    up_ms        bigint NOT NULL,
    kind         text NOT NULL,             -- boot, event, result, log
    name         text NOT NULL,             -- the event's name, otherwise the kind
    session      uuid,
    body         jsonb NOT NULL
) PARTITION BY RANGE (at);
CREATE UNIQUE INDEX event_key ON weld.event (chip_no, at, boot, seq);

CREATE TABLE weld.hole (
    chip_no  integer NOT NULL,
    boot     integer NOT NULL,
    from_seq bigint NOT NULL,
    to_seq   bigint NOT NULL CHECK (to_seq >= from_seq),
    why      text NOT NULL CHECK (why IN ('lost', 'unreadable')),
    at       timestamptz NOT NULL,
    PRIMARY KEY (chip_no, boot, from_seq)
);

CREATE TABLE weld.quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    topic       text NOT NULL,
    chip        text,
    boot        integer,
    seq         bigint,
    reason      text NOT NULL,
    detail      text NOT NULL,
    hash        bigint NOT NULL,
    payload     bytea NOT NULL
);
CREATE INDEX quarantine_key ON weld.quarantine (chip, boot, seq);
CREATE INDEX quarantine_at ON weld.quarantine (received_at);

CREATE TABLE weld.quarantine_day (
    chip  text NOT NULL,
    day   date NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (chip, day)
);

CREATE TABLE weld.session (
    id          uuid PRIMARY KEY,
    chip        text NOT NULL,
    chip_no     integer NOT NULL,
    plate       text,
    division    text,
    enterprise  uuid,
    worker      uuid,
    grant_id    uuid,
    ticket      uuid,
    authorised  boolean,                   -- null: the word that would tell is missing
    opened_at   timestamptz NOT NULL,
    ends_at     timestamptz,               -- the ticket's end: min(expiry, start + longest)
    closed_at   timestamptz CHECK (closed_at >= opened_at),
    end_reason  text,
    state       text NOT NULL CHECK (state IN ('open', 'closed', 'inferred')),
    resumed     integer NOT NULL DEFAULT 0,
    contact_ms  bigint NOT NULL DEFAULT 0, -- how long the contact was closed
    covered_ms  bigint NOT NULL DEFAULT 0, -- how much of it is known from telemetry; the rest is unknown
    arc_ms      bigint NOT NULL DEFAULT 0,
    energy_wh   double precision NOT NULL DEFAULT 0,
    peak_a      real,
    historical  boolean NOT NULL DEFAULT false,
    updated_at  timestamptz NOT NULL,
    CHECK ((state = 'open') = (closed_at IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX session_one_open ON weld.session (plate) WHERE state = 'open';
CREATE INDEX session_opened ON weld.session (opened_at, id);
CREATE INDEX session_plate ON weld.session (plate, opened_at);
CREATE INDEX session_worker ON weld.session (worker, opened_at);
CREATE INDEX session_chip ON weld.session (chip_no, opened_at);

CREATE TABLE weld.arc (
    chip_no    integer NOT NULL,
    boot       integer NOT NULL,
    from_up    bigint NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    arc_ms     bigint,
    peak_a     real,
    contact    text,
    session    uuid,
    PRIMARY KEY (chip_no, boot, from_up)
);
CREATE INDEX arc_time ON weld.arc (chip_no, started_at);
CREATE INDEX arc_session ON weld.arc (session);

CREATE TABLE weld.machine_day (
    plate      text NOT NULL,
    day        date NOT NULL,              -- a day of the division's zone
    arc_ms     bigint NOT NULL DEFAULT 0,
    covered_ms bigint NOT NULL DEFAULT 0,
    energy_wh  double precision NOT NULL DEFAULT 0,
    sessions   integer NOT NULL DEFAULT 0,
    messages   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (plate, day)
) WITH (fillfactor = 80);

-- ---------------------------------------------------------------------------------------------------------------------
-- Alerts and what leaves

CREATE TABLE weld.alert (
    id              uuid PRIMARY KEY,
    code            text NOT NULL CHECK (code ~ '^[A-HO][0-9]{2}$'),
    level           smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
    subject         text NOT NULL,         -- the plate, or the chip where no machine is bound
    episode         text NOT NULL,         -- one physical episode has one name
    plate           text,
    chip            text,
    worker          uuid,
    session         uuid,
    division        text,
    enterprise      uuid,
    since           timestamptz NOT NULL,
    last_at         timestamptz NOT NULL CHECK (last_at >= since),
    occurrences     integer NOT NULL DEFAULT 1,
    historical      boolean NOT NULL DEFAULT false,
    late_by_ms      bigint NOT NULL DEFAULT 0,
    evidence        jsonb NOT NULL,
    raised_by       text NOT NULL CHECK (raised_by IN ('ingest', 'api')),
    raised_at       timestamptz NOT NULL,
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'closed')),
    acknowledged_at timestamptz,
    acknowledged_by text,
    closed_at       timestamptz,
    closed_by       text,
    outcome         text CHECK (outcome IN ('confirmed', 'false_alarm', 'test', 'other')),
    note            text,
    CHECK ((state = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL AND outcome IS NOT NULL)),
    UNIQUE (subject, code, episode)
);
-- A person who tries again and again is one open alert, until somebody closes it.
CREATE UNIQUE INDEX alert_one_open_attempt ON weld.alert (subject, code, worker) WHERE raised_by = 'api' AND state <> 'closed';
CREATE INDEX alert_queue ON weld.alert (state, raised_at DESC);
CREATE INDEX alert_subject ON weld.alert (subject, code, last_at);

CREATE TABLE weld.outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact       text NOT NULL,              -- alert.opened, alert.closed, ...
    subject    uuid NOT NULL,
    code       text,
    division   text,
    payload    jsonb NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- dispatch reads from its snapshot's xmin on: a row that commits late with a lower id is never behind the reader
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX outbox_tail ON weld.outbox (xid, id);

CREATE TABLE weld.expansion (
    outbox_id bigint PRIMARY KEY REFERENCES weld.outbox ON DELETE CASCADE,
    at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE weld.delivery (
    id           uuid PRIMARY KEY,
    endpoint     uuid NOT NULL REFERENCES weld.endpoint ON DELETE CASCADE,
    outbox_id    bigint NOT NULL,
    fact         text NOT NULL,
    subject      uuid NOT NULL,            -- the alert: deliveries of one subject leave in the order of the outbox
    payload      text NOT NULL,            -- the exact body: every attempt sends the same bytes
    state        text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead', 'cancelled')),
    attempts     integer NOT NULL DEFAULT 0,   -- begun, not finished: the number of the attempt under way
    first_at     timestamptz,                  -- of the first attempt: giving up is counted from here
    next_at      timestamptz NOT NULL,
    leased_until timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    UNIQUE (endpoint, outbox_id)
);
CREATE INDEX delivery_due ON weld.delivery (endpoint, next_at, outbox_id) WHERE state = 'pending';
CREATE INDEX delivery_leased ON weld.delivery (endpoint) WHERE state = 'pending' AND leased_until IS NOT NULL;
CREATE INDEX delivery_order ON weld.delivery (endpoint, subject, outbox_id) WHERE state = 'pending';
CREATE INDEX delivery_subject ON weld.delivery (subject);

CREATE TABLE weld.attempt (
    delivery   uuid NOT NULL REFERENCES weld.delivery ON DELETE CASCADE,
    number     integer NOT NULL,
    at         timestamptz NOT NULL,
    latency_ms integer NOT NULL,
    status     smallint,
    error      text,
    PRIMARY KEY (delivery, number)
);

-- How an endpoint fares, as dispatch sees it; a row only once it has failed.
CREATE TABLE weld.endpoint_health (
    endpoint      uuid PRIMARY KEY REFERENCES weld.endpoint ON DELETE CASCADE,
    failures      integer NOT NULL CHECK (failures >= 0),  -- in a row
    failing_since timestamptz,
    hold_until    timestamptz                              -- nothing is sent before
);

-- The live map's tail: a row only when a visible state changes; read below the snapshot's xmin, never by id alone.
CREATE TABLE weld.change (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    plate text NOT NULL,
    state text NOT NULL,
    at    timestamptz NOT NULL
);
CREATE INDEX change_tail ON weld.change (xid, id);

CREATE TABLE weld.audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text NOT NULL,
    detail  jsonb NOT NULL DEFAULT '{}'
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Scope. `weld.scope` is set for a transaction: platform | division:PATH | enterprise:UUID | worker:UUID.
-- Unset or unknown shows nothing.

CREATE FUNCTION weld.in_scope(row_division text, row_enterprise uuid, row_worker uuid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = weld, pg_temp AS $$
    SELECT CASE split_part(coalesce(current_setting('weld.scope', true), ''), ':', 1)
        WHEN 'platform' THEN true
        WHEN 'division' THEN EXISTS (
            SELECT 1 FROM weld.division d WHERE d.code = row_division
            AND starts_with(d.path || '/', split_part(current_setting('weld.scope', true), ':', 2) || '/'))
        WHEN 'enterprise' THEN coalesce(row_enterprise = split_part(current_setting('weld.scope', true), ':', 2)::uuid, false)
        WHEN 'worker' THEN coalesce(row_worker = split_part(current_setting('weld.scope', true), ':', 2)::uuid, false)
        ELSE false END
$$;

DO $$
DECLARE
    spec record;
    machinery text;
BEGIN
    FOR spec IN SELECT * FROM (VALUES
        ('enterprise',   'weld.in_scope(division, id, NULL)'),
        ('machine',      'weld.in_scope(division, enterprise, NULL)'),
        ('worker',       'weld.in_scope(division, enterprise, id)'),
        ('unlock_grant', 'weld.in_scope(division, enterprise, worker)'),
        ('refusal',      'weld.in_scope(division, enterprise, worker)'),
        ('session',      'weld.in_scope(division, enterprise, worker)'),
        ('alert',        'weld.in_scope(division, enterprise, NULL)'),
        ('endpoint',     'weld.in_scope(division, NULL, NULL)'),
        ('certificate',  'EXISTS (SELECT 1 FROM weld.worker w WHERE w.id = certificate.worker)'),
        -- a worker sees no machines, but the commands to his own grants and sessions
        ('command',      'EXISTS (SELECT 1 FROM weld.machine m WHERE m.plate = command.plate)
                          OR EXISTS (SELECT 1 FROM weld.unlock_grant g WHERE g.id = command.grant_id)
                          OR EXISTS (SELECT 1 FROM weld.session s WHERE s.id = command.session)'),
        ('machine_day',  'EXISTS (SELECT 1 FROM weld.machine m WHERE m.plate = machine_day.plate)'),
        ('delivery',     'EXISTS (SELECT 1 FROM weld.endpoint e WHERE e.id = delivery.endpoint)'),
        ('attempt',      'EXISTS (SELECT 1 FROM weld.delivery d WHERE d.id = attempt.delivery)'),
        ('endpoint_health', 'EXISTS (SELECT 1 FROM weld.endpoint e WHERE e.id = endpoint_health.endpoint)')
    ) AS t (name, rule) LOOP
        EXECUTE format('ALTER TABLE weld.%I ENABLE ROW LEVEL SECURITY', spec.name);
        EXECUTE format('CREATE POLICY people ON weld.%I TO weld_api, weld_reader USING (%s)', spec.name, spec.rule);
        -- The machinery acts for no person: what it may touch is bounded by its grants.
        FOREACH machinery IN ARRAY ARRAY['weld_ingest', 'weld_gateway', 'weld_dispatch'] LOOP
            EXECUTE format('CREATE POLICY %I ON weld.%I TO %I USING (true)', machinery, spec.name, machinery);
        END LOOP;
    END LOOP;
END $$;

-- Telemetry and events carry no row-level security (columnstore refuses it, partitions bypass it): people read them
-- through these functions, which check the machine's scope first.
CREATE FUNCTION weld.chip_periods(the_plate text) RETURNS TABLE (chip_no integer, since timestamptz, until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    -- What a chip said before its first binding belongs to that first machine: it was fitted before it was entered.
    SELECT c.chip_no, coalesce((SELECT max(p.until) FROM weld.binding p WHERE p.chip = b.chip AND p.since < b.since), '-infinity'),
           coalesce(b.until, 'infinity')
    FROM weld.machine m JOIN weld.binding b ON b.plate = m.plate JOIN weld.chip c ON c.chip = b.chip
    WHERE m.plate = the_plate AND weld.in_scope(m.division, m.enterprise, NULL)
$$;

CREATE FUNCTION weld.machine_telemetry(the_plate text, from_at timestamptz, to_at timestamptz, row_limit integer)
RETURNS SETOF weld.telemetry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT t.* FROM weld.chip_periods(the_plate) p JOIN weld.telemetry t ON t.chip_no = p.chip_no
    WHERE t.at >= from_at AND t.at < to_at AND t.at >= p.since AND t.at < p.until
    ORDER BY t.at, t.boot, t.seq LIMIT row_limit
$$;

CREATE FUNCTION weld.machine_event(the_plate text, from_at timestamptz, to_at timestamptz, row_limit integer)
RETURNS SETOF weld.event
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT e.* FROM weld.chip_periods(the_plate) p JOIN weld.event e ON e.chip_no = p.chip_no
    WHERE e.at >= from_at AND e.at < to_at AND e.at >= p.since AND e.at < p.until
    ORDER BY e.at, e.boot, e.seq LIMIT row_limit
$$;

CREATE FUNCTION weld.machine_arc(the_plate text, from_at timestamptz, to_at timestamptz, row_limit integer)
RETURNS SETOF weld.arc
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT a.* FROM weld.chip_periods(the_plate) p JOIN weld.arc a ON a.chip_no = p.chip_no
    WHERE a.started_at >= from_at AND a.started_at < to_at AND a.started_at >= p.since AND a.started_at < p.until
    ORDER BY a.started_at LIMIT row_limit
$$;

REVOKE ALL ON FUNCTION weld.chip_periods, weld.machine_telemetry, weld.machine_event, weld.machine_arc FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.machine_telemetry, weld.machine_event, weld.machine_arc TO weld_api, weld_reader;

-- ---------------------------------------------------------------------------------------------------------------------
-- Grants: one writer per table, and only what its work needs.

GRANT SELECT ON weld.division TO weld_ingest, weld_gateway, weld_dispatch, weld_api, weld_reader;

GRANT SELECT, INSERT, UPDATE ON weld.division, weld.enterprise, weld.chip, weld.machine, weld.binding, weld.worker,
    weld.certificate, weld.officer_key, weld.endpoint, weld.sign_in_code, weld.sign_in, weld.idempotency TO weld_api;
GRANT DELETE ON weld.idempotency, weld.sign_in_code TO weld_api;
GRANT SELECT, INSERT, UPDATE ON weld.unlock_grant, weld.command, weld.alert TO weld_api;
GRANT SELECT, INSERT ON weld.refusal, weld.audit, weld.outbox TO weld_api;
GRANT SELECT ON weld.chip_state, weld.session, weld.machine_day, weld.lease, weld.quarantine, weld.quarantine_day, weld.hole,
    weld.change, weld.delivery, weld.attempt, weld.endpoint_health TO weld_api;
GRANT UPDATE (state, next_at, leased_until, first_at) ON weld.delivery TO weld_api;

GRANT SELECT ON weld.chip, weld.machine, weld.binding, weld.unlock_grant, weld.command TO weld_ingest;
GRANT UPDATE (counter) ON weld.chip TO weld_ingest;
GRANT UPDATE (state, session, armed_at, closed_at, ended_at, end_reason) ON weld.unlock_grant TO weld_ingest;
GRANT INSERT ON weld.command TO weld_ingest;
GRANT UPDATE (state, reason, ended_at) ON weld.command TO weld_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON weld.lease, weld.chip_state, weld.chip_boot, weld.session, weld.arc, weld.machine_day,
    weld.hole, weld.quarantine_day TO weld_ingest;
GRANT SELECT, INSERT ON weld.telemetry, weld.event, weld.quarantine, weld.outbox, weld.change TO weld_ingest;
GRANT SELECT, INSERT, UPDATE ON weld.alert TO weld_ingest;

GRANT SELECT ON weld.command, weld.unlock_grant, weld.chip, weld.machine, weld.chip_state TO weld_gateway;
GRANT UPDATE (state, reason, ended_at, wire, attempts, leased_until, first_sent_at, last_sent_at) ON weld.command TO weld_gateway;

GRANT SELECT ON weld.outbox, weld.endpoint, weld.alert, weld.machine TO weld_dispatch;
GRANT SELECT, INSERT, UPDATE, DELETE ON weld.expansion, weld.delivery, weld.attempt, weld.endpoint_health TO weld_dispatch;
GRANT UPDATE (state) ON weld.endpoint TO weld_dispatch;

GRANT SELECT ON weld.enterprise, weld.machine, weld.binding, weld.unlock_grant, weld.refusal, weld.command, weld.session,
    weld.machine_day, weld.alert, weld.delivery, weld.attempt, weld.chip_state TO weld_reader;
