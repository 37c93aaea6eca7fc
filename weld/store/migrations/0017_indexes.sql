-- Indexes looked through one by one (docs/data-model.md): one that was missing, two that nothing asks. Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- How many machines stand at each site of a company: every site read all machines. Most machines have no site, and no entry.
CREATE INDEX machine_site ON weld.machine (site) WHERE site IS NOT NULL;

-- machine_entered (0016) begins with the same column.
DROP INDEX weld.machine_division;

-- Sites are asked for by their company; of a scope's divisions its policy makes a hash.
DROP INDEX weld.site_division;
