-- A lease is of a group of shards, with one session at the broker (docs/adr/0014). Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- Who takes part and who holds what is told anew within seconds.
DELETE FROM weld.lease;

ALTER TABLE weld.lease RENAME COLUMN shard TO shard_group;
ALTER TABLE weld.lease RENAME CONSTRAINT lease_shard_check TO lease_shard_group_check;

-- Into how many groups the shards are divided: of groups that overlap only those of one division may be held.
ALTER TABLE weld.lease ADD groups smallint NOT NULL CHECK (groups BETWEEN 1 AND 256);
