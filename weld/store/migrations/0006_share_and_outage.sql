-- Workers of ingest share the shards fairly, and judge together whether chips vanish by the thousand. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- Every living worker of ingest, also one that holds nothing yet: a fair share is counted over these.
CREATE TABLE weld.lease_owner (
    owner   text PRIMARY KEY,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON weld.lease_owner TO weld_ingest;

-- The chips of a shard and how many were online, counted only while nothing of the shard waits: while we catch up it is unknown.
-- Counts of different eras (another owner, another connection to the broker) are not compared: between them nobody watched.
ALTER TABLE weld.lease ADD chips integer, ADD online integer, ADD era text, ADD counted_at timestamptz;

-- One outage at a time, however many workers see it.
CREATE UNIQUE INDEX alert_one_outage ON weld.alert (code) WHERE code = 'O01' AND state <> 'closed';
