-- Personal data: who looked at a number in full, who agreed to which text, people whose data were erased, and what retention
-- looks for. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- Each time that somebody was shown a number in full. The limit counts here, so that several apis agree.
CREATE TABLE weld.reveal (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    officer uuid NOT NULL,
    worker  uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    field   text NOT NULL CHECK (field IN ('identity_number', 'phone')),
    reason  text CHECK (length(reason) BETWEEN 4 AND 200), -- null: the person was erased
    at      timestamptz NOT NULL
);
CREATE INDEX reveal_officer ON weld.reveal (officer, at);
CREATE INDEX reveal_worker ON weld.reveal (worker, at);

-- Which version of the text on personal data a worker agreed to.
CREATE TABLE weld.consent (
    worker  uuid NOT NULL REFERENCES weld.worker ON DELETE CASCADE,
    version date NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (worker, version)
);

ALTER TABLE weld.reveal ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.reveal TO weld_api USING (EXISTS (SELECT 1 FROM weld.worker w WHERE w.id = reveal.worker));
ALTER TABLE weld.consent ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.consent TO weld_api USING (EXISTS (SELECT 1 FROM weld.worker w WHERE w.id = consent.worker));
GRANT SELECT, INSERT ON weld.reveal, weld.consent TO weld_api;

-- How often this officer was shown a number since then, also of people who are out of his sight by now.
CREATE FUNCTION weld.reveals_of(the_officer uuid, since timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT count(*) FROM weld.reveal r WHERE r.officer = the_officer AND r.at > since
$$;
REVOKE ALL ON FUNCTION weld.reveals_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.reveals_of TO weld_api;

-- ---------------------------------------------------------------------------------------------------------------------
-- Erasure. Evidence refers to a worker by the opaque id, so the row stays as a stub that nobody sees any more.

ALTER TABLE weld.worker
    ALTER name_sealed DROP NOT NULL, ALTER identity_sealed DROP NOT NULL, ALTER identity_index DROP NOT NULL,
    ALTER phone_sealed DROP NOT NULL, ALTER phone_index DROP NOT NULL,
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT worker_erased CHECK (CASE WHEN erased_at IS NULL
        THEN num_nulls(name_sealed, identity_sealed, identity_index, phone_sealed, phone_index) = 0
        ELSE num_nonnulls(enterprise, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index, suspended_reason,
            retirement_group, last_work_on, practical_test_on) = 0 END);
CREATE POLICY erased ON weld.worker AS RESTRICTIVE FOR SELECT TO weld_api, weld_reader USING (erased_at IS NULL);

CREATE OR REPLACE FUNCTION weld.worker_is_own(the_worker uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM weld.worker w
        WHERE w.id = the_worker AND w.erased_at IS NULL AND weld.in_scope(w.division, w.enterprise, w.id))
$$;

-- What may keep a person's data from being erased, wherever it is: work that runs, a proceeding, the last trace of work.
CREATE FUNCTION weld.worker_ties(the_worker uuid)
RETURNS TABLE (open_sessions bigint, live_grants bigint, open_alerts bigint, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT (SELECT count(*) FROM weld.session s WHERE s.worker = w.id AND s.state = 'open'),
        (SELECT count(*) FROM weld.unlock_grant g WHERE g.worker = w.id AND g.state = 'live'),
        (SELECT count(*) FROM weld.alert a WHERE a.worker = w.id AND a.state <> 'closed'),
        greatest((SELECT max(coalesce(s.closed_at, s.opened_at)) FROM weld.session s WHERE s.worker = w.id),
            (SELECT max(r.at) FROM weld.refusal r WHERE r.worker = w.id),
            (SELECT max(a.last_at) FROM weld.alert a WHERE a.worker = w.id))
    FROM weld.worker w WHERE w.id = the_worker AND weld.worker_is_own(w.id)
$$;

-- All of a person goes at once, and only for whom the person is his own. `words` are the name and the numbers in plain, to be
-- taken out of what people wrote about his alerts. False where there is nobody such, or he works right now.
CREATE FUNCTION weld.erase_worker(the_worker uuid, the_at timestamptz, words text[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weld, pg_temp AS $$
DECLARE
    word text;
BEGIN
    PERFORM 1 FROM weld.worker w WHERE w.id = the_worker AND w.erased_at IS NULL
        AND weld.in_scope(w.division, w.enterprise, NULL) FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT 1 FROM weld.unlock_grant g WHERE g.worker = the_worker AND g.state = 'live')
        OR EXISTS (SELECT 1 FROM weld.session s WHERE s.worker = the_worker AND s.state = 'open') THEN
        RETURN false;
    END IF;
    DELETE FROM weld.register_answer r USING weld.certificate c
        WHERE c.worker = the_worker AND (r.kind, r.number_index, r.item) = (c.kind, c.number_index, c.item);
    DELETE FROM weld.certificate c WHERE c.worker = the_worker;
    DELETE FROM weld.sign_in_code c WHERE c.worker = the_worker
        OR c.phone_index = (SELECT w.phone_index FROM weld.worker w WHERE w.id = the_worker);
    DELETE FROM weld.device d WHERE d.worker = the_worker; -- and the sign-ins at it
    DELETE FROM weld.guest g WHERE g.worker = the_worker;
    DELETE FROM weld.idempotency i WHERE i.subject = 'worker:' || the_worker;
    UPDATE weld.reveal SET reason = NULL WHERE worker = the_worker;
    FOREACH word IN ARRAY words LOOP
        UPDATE weld.alert a SET note = replace(a.note, word, '…') WHERE a.worker = the_worker AND strpos(a.note, word) > 0;
    END LOOP;
    UPDATE weld.worker w SET erased_at = the_at, enterprise = NULL, name_sealed = NULL, identity_sealed = NULL, identity_index = NULL,
        phone_sealed = NULL, phone_index = NULL, suspended_reason = NULL, retirement_group = NULL, last_work_on = NULL,
        practical_test_on = NULL
    WHERE w.id = the_worker;
    DELETE FROM weld.recheck_due d WHERE d.worker = the_worker;
    RETURN true;
END $$;
-- Where a person worked as a guest, for whom he is his own: nobody reads that table.
CREATE FUNCTION weld.worker_guest_places(the_worker uuid) RETURNS TABLE (division text, last_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = weld, pg_temp AS $$
    SELECT g.division, g.last_at FROM weld.guest g WHERE g.worker = the_worker AND weld.worker_is_own(the_worker)
    ORDER BY g.last_at DESC
$$;

REVOKE ALL ON FUNCTION weld.worker_ties, weld.erase_worker, weld.worker_guest_places FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.worker_ties, weld.erase_worker, weld.worker_guest_places TO weld_api;

-- ---------------------------------------------------------------------------------------------------------------------
-- What retention looks for, once an hour, in tables that are written in the order of time.

CREATE INDEX outbox_at ON weld.outbox USING brin (at);
CREATE INDEX delivery_created ON weld.delivery USING brin (created_at);
