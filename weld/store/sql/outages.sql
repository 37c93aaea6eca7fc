-- :outage_current
-- The open alert of a whole outage, and how many chips were there and online before it.
SELECT id, (evidence ->> 'chips')::int, (evidence ->> 'online_before')::int FROM alert WHERE code = 'O01' AND state <> 'closed'

-- :outage_raise
-- An alert without a machine, for the whole platform; one at a time, whichever worker is first.
INSERT INTO alert (id, code, level, subject, episode, since, last_at, evidence, raised_by, raised_at)
VALUES (%(id)s, 'O01', %(level)s, 'platform', %(id)s::text, %(since)s, %(now)s, %(evidence)s, 'ingest', %(now)s)
ON CONFLICT DO NOTHING RETURNING id

-- :outage_close
-- The chips are back.
UPDATE alert SET state = 'closed', last_at = greatest(last_at, %(now)s), closed_at = %(now)s, closed_by = 'platform', outcome = 'other',
    note = 'back online'
WHERE id = %(id)s AND state <> 'closed' RETURNING id
