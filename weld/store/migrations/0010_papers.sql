-- What the licence asks of people, papers, machines and places; who set a certificate's state and why; re-checks of what runs.
-- Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

ALTER TABLE weld.worker
    ADD COLUMN retirement_group text CHECK (retirement_group IN ('men', 'women_55', 'women_50')),
    ADD COLUMN last_work_on date,          -- as declared: work here is found in the sessions
    ADD COLUMN practical_test_on date;
ALTER TABLE weld.certificate
    ADD COLUMN clean_record boolean NOT NULL DEFAULT false,
    ADD COLUMN asked_at timestamptz;       -- when the register was asked last, whether it answered or not
CREATE INDEX certificate_checked ON weld.certificate (checked_at NULLS FIRST, id) WHERE status IN ('unverified', 'verified');

-- What the issuer's register said, for as long as it may stand for a new answer.
CREATE TABLE weld.register_answer (
    kind         text NOT NULL,
    number_index bytea NOT NULL,           -- blind index of the number
    item         text NOT NULL,
    said         text CHECK (said IN ('valid', 'revoked', 'cancelled', 'suspended')),  -- null: it holds no such certificate
    at           timestamptz NOT NULL,
    PRIMARY KEY (kind, number_index, item)
);

-- Where machines stand for a while: a building site makes the work on it building work.
CREATE TABLE weld.site (
    id         uuid PRIMARY KEY,
    enterprise uuid NOT NULL REFERENCES weld.enterprise,
    name       text NOT NULL,
    division   text NOT NULL REFERENCES weld.division,
    work       text NOT NULL CHECK (work IN ('ordinary', 'building', 'special_equipment')),
    lat        double precision CHECK (lat BETWEEN -90 AND 90),
    lon        double precision CHECK (lon BETWEEN -180 AND 180),
    since      date NOT NULL,
    until      date CHECK (until >= since),   -- the last day; null: not known yet
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (enterprise, name)
);
CREATE INDEX site_division ON weld.site (division);
ALTER TABLE weld.machine
    ADD COLUMN process text CHECK (process IN ('arc', 'cutting', 'resistance', 'brazing')),
    ADD COLUMN site uuid REFERENCES weld.site;

-- Who set which certificate to what, when and why. `before` is what an undo goes back to.
CREATE TABLE weld.certificate_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    certificate uuid NOT NULL REFERENCES weld.certificate ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    actor       text NOT NULL,
    act         text NOT NULL,
    before      text NOT NULL,
    after       text NOT NULL,
    reason      text NOT NULL
);
CREATE INDEX certificate_change_certificate ON weld.certificate_change (certificate, id);

ALTER TABLE weld.unlock_grant
    ADD COLUMN warnings text[] NOT NULL DEFAULT '{}',
    ADD COLUMN rechecked_on date;          -- the division's day of the last re-check; null: that of the grant

-- Workers whose papers or standing changed: their running work is to be looked at again. Append only, so that whoever changes
-- papers waits for nobody; filled by triggers, so that no way of changing them can forget it.
CREATE TABLE weld.recheck_due (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE
);

-- What became of running work whose licence does not hold any more. One row, and at most one order, for an ending.
CREATE TABLE weld.recheck (
    grant_id      uuid NOT NULL REFERENCES weld.unlock_grant,
    ending        text NOT NULL CHECK (ending IN ('goes_on', 'after_arc', 'at_once')),
    at            timestamptz NOT NULL,
    reasons       text[] NOT NULL,
    rules_version integer NOT NULL,
    command       uuid REFERENCES weld.command,   -- the lock that carries it out; null: none was needed
    PRIMARY KEY (grant_id, ending)
);

CREATE FUNCTION weld.recheck_worker() RETURNS trigger
LANGUAGE plpgsql SET search_path = weld, pg_temp AS $$
BEGIN
    INSERT INTO weld.recheck_due (worker) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION weld.recheck_holder() RETURNS trigger
LANGUAGE plpgsql SET search_path = weld, pg_temp AS $$
BEGIN
    INSERT INTO weld.recheck_due (worker) VALUES (NEW.worker);
    RETURN NULL;
END $$;
CREATE TRIGGER recheck AFTER UPDATE ON weld.worker FOR EACH ROW
    WHEN ((OLD.suspended_reason IS NULL, OLD.retirement_group) IS DISTINCT FROM (NEW.suspended_reason IS NULL, NEW.retirement_group))
    EXECUTE FUNCTION weld.recheck_worker();
CREATE TRIGGER recheck AFTER UPDATE ON weld.certificate FOR EACH ROW
    WHEN ((OLD.status, OLD.category, OLD.item, OLD.valid_from, OLD.valid_to, OLD.review_due, OLD.clean_record)
        IS DISTINCT FROM (NEW.status, NEW.category, NEW.item, NEW.valid_from, NEW.valid_to, NEW.review_due, NEW.clean_record))
    EXECUTE FUNCTION weld.recheck_holder();

ALTER TABLE weld.site ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.site TO weld_api, weld_reader USING (
    (SELECT current_setting('weld.scope', true)) = 'platform'
    OR division = ANY ((SELECT weld.scope_divisions())::text[])
    OR ((SELECT split_part(current_setting('weld.scope', true), ':', 1)) = 'enterprise' AND weld.in_scope(division, enterprise, NULL)));
ALTER TABLE weld.certificate_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.certificate_change TO weld_api, weld_reader
    USING (EXISTS (SELECT 1 FROM weld.certificate c WHERE c.id = certificate_change.certificate));
ALTER TABLE weld.recheck ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.recheck TO weld_api, weld_reader
    USING (EXISTS (SELECT 1 FROM weld.unlock_grant g WHERE g.id = recheck.grant_id));

GRANT SELECT, INSERT, UPDATE ON weld.site TO weld_api;
GRANT SELECT, INSERT ON weld.certificate_change, weld.recheck TO weld_api;
-- UPDATE: a row is locked before it is taken off
GRANT SELECT, INSERT, UPDATE, DELETE ON weld.recheck_due TO weld_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON weld.register_answer TO weld_api;
GRANT SELECT ON weld.site, weld.recheck TO weld_reader;
