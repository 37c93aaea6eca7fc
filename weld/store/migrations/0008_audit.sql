-- The audit becomes a chain: gapless numbers, each row hashed over the one before. Tables and functions belong to weld_audit, which
-- nobody signs in as; all others append through one function and change nothing. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '20min'; -- rows that are there are hashed one by one

ALTER TABLE weld.audit RENAME TO audit_unchained;
ALTER INDEX weld.audit_pkey RENAME TO audit_unchained_pkey;

GRANT USAGE, CREATE ON SCHEMA weld TO weld_audit;
SET LOCAL ROLE weld_audit;

CREATE TABLE weld.audit (
    seq     bigint PRIMARY KEY CHECK (seq > 0),
    at      timestamptz NOT NULL CHECK (isfinite(at)),
    actor   text NOT NULL CHECK (actor <> ''),
    action  text NOT NULL CHECK (action <> ''),
    subject text NOT NULL CHECK (subject <> ''),
    detail  jsonb NOT NULL,
    before  bytea NOT NULL CHECK (length(before) = 32), -- the hash of the row before; of the first row 32 zeros
    hash    bytea NOT NULL CHECK (length(hash) = 32)
);

-- Where the chain ends: one row, and the one lock that writers stand in line for. Its number is the key and moves on, so that the
-- row is found at once also while an old snapshot keeps its earlier versions (ADR 0015).
CREATE TABLE weld.audit_head (
    seq  bigint PRIMARY KEY,
    hash bytea NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO weld.audit_head VALUES (0, decode(repeat('00', 32), 'hex'));

-- The owner's own right to change is given up: what a slip of the hand could do is refused.
REVOKE UPDATE, DELETE, TRUNCATE ON weld.audit FROM weld_audit;
REVOKE DELETE, TRUNCATE ON weld.audit_head FROM weld_audit;

-- The same bytes as weld/core/chain.py: the hash before, then each field as its length in bytes, a colon, itself, a comma.
CREATE FUNCTION weld.audit_field(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT octet_length(word)::text || ':' || word || ',' $$;

CREATE FUNCTION weld.audit_hash(before bytea, seq bigint, at timestamptz, actor text, action text, subject text, detail jsonb)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(before || convert_to(
        weld.audit_field('weldgate audit 1') || weld.audit_field(seq::text)
        || weld.audit_field(((extract(epoch FROM at) * 1000000)::bigint)::text) || weld.audit_field(actor)
        || weld.audit_field(action) || weld.audit_field(subject) || weld.audit_field(detail::text), 'UTF8'))
$$;

-- One row more, in the caller's transaction, whose end the next writer waits for: call it last.
CREATE FUNCTION weld.audit_append(the_at timestamptz, the_actor text, the_action text, the_subject text, the_detail jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = weld, pg_temp SET enable_seqscan = off AS $$
DECLARE
    last weld.audit_head;
    own  bytea;
BEGIN
    -- Who holds the head and falls silent is put out, or nobody could write any more.
    PERFORM set_config('idle_in_transaction_session_timeout', '4s', true);
    SELECT * INTO STRICT last FROM weld.audit_head h ORDER BY h.seq DESC LIMIT 1 FOR UPDATE;
    own := weld.audit_hash(last.hash, last.seq + 1, the_at, the_actor, the_action, the_subject, the_detail);
    INSERT INTO weld.audit (seq, at, actor, action, subject, detail, before, hash)
    VALUES (last.seq + 1, the_at, the_actor, the_action, the_subject, the_detail, last.hash, own);
    UPDATE weld.audit_head h SET seq = last.seq + 1, hash = own WHERE h.seq = last.seq;
    RETURN last.seq + 1;
END $$;

-- What a rule orders is written in the middle of a batch of ingest; its row follows at the batch's end.
CREATE FUNCTION weld.audit_rule_command() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = weld, pg_temp AS $$
BEGIN
    PERFORM weld.audit_append(NEW.created_at, NEW.actor, 'command.' || NEW.kind, NEW.plate,
        jsonb_build_object('command', NEW.id, 'level', NEW.level, 'reason', NEW.why));
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION weld.audit_field, weld.audit_hash, weld.audit_append, weld.audit_rule_command FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weld.audit_append TO weld_owner, weld_api;
GRANT EXECUTE ON FUNCTION weld.audit_rule_command TO weld_owner;
GRANT SELECT ON weld.audit, weld.audit_head TO weld_owner, weld_api;

SET LOCAL ROLE weld_owner;
REVOKE CREATE ON SCHEMA weld FROM weld_audit;

CREATE CONSTRAINT TRIGGER command_by_rule AFTER INSERT ON weld.command DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.by = 'rule') EXECUTE FUNCTION weld.audit_rule_command();

DO $$
DECLARE
    old record;
BEGIN
    FOR old IN SELECT * FROM weld.audit_unchained ORDER BY id LOOP
        PERFORM weld.audit_append(old.at, old.actor, old.action, old.subject, old.detail);
    END LOOP;
END $$;
DROP TABLE weld.audit_unchained;
