-- :import_add
-- A new import, of which nothing has come yet.
INSERT INTO import (id, actor, scope, format, created_at, stepped_at)
VALUES (%(id)s, %(actor)s, %(scope)s, %(format)s, %(at)s, %(at)s)

-- :import_part_add
-- The next piece of the file.
INSERT INTO import_part (import, number, sealed) VALUES (%(id)s, %(number)s, %(sealed)s)

-- :import_received
-- The file is here as a whole.
UPDATE import SET state = 'uploaded', bytes = %(bytes)s, parts = %(parts)s, encoding = %(encoding)s, stepped_at = %(at)s
WHERE id = %(id)s AND state = 'receiving'

-- :import_kept
-- How many imports of this scope hold something of their files and are not at their end.
SELECT count(*) FROM import WHERE scope = %(scope)s AND ended_at IS NULL

-- :import_read
-- Imports with their counts, one or the newest in sight.
SELECT i.id, i.actor, i.scope, i.format, i.encoding, i.state, i.bytes, i.parts, i.heading, i.read_chunks, i.rows_read,
    i.entered_chunks, i.rows_entered, i.why_zh, i.why_en, i.created_at, i.ended_at,
    coalesce(c.created, 0)::int AS created, coalesce(c.updated, 0)::int AS updated, coalesce(c.unchanged, 0)::int AS unchanged,
    coalesce(c.bad, 0)::int AS bad
FROM import i LEFT JOIN LATERAL (
    SELECT sum(created) AS created, sum(updated) AS updated, sum(unchanged) AS unchanged, sum(bad) AS bad
    FROM import_chunk WHERE import = i.id) c ON true
WHERE (%(id)s::uuid IS NULL OR i.id = %(id)s) AND (%(after)s::uuid IS NULL OR i.id < %(after)s)
ORDER BY i.id DESC LIMIT %(limit)s

-- :import_take
-- The import that has waited longest and that nobody is at; nobody else gets it before the transaction ends.
SELECT id, actor, scope, format, encoding, state, parts, heading, read_chunks, rows_read, entered_chunks
FROM import WHERE state IN ('uploaded', 'running') AND (%(id)s::uuid IS NULL OR id = %(id)s)
ORDER BY stepped_at LIMIT 1 FOR UPDATE SKIP LOCKED

-- :import_part
-- One piece of the file.
SELECT sealed FROM import_part WHERE import = %(id)s AND number = %(number)s

-- :import_heading
-- The headings as they were read.
UPDATE import SET heading = %(heading)s WHERE id = %(id)s

-- :import_chunk_add
-- Rows as they were read, and what would become of them.
INSERT INTO import_chunk (import, number, rows, sealed, faults, created, updated, unchanged, bad)
VALUES (%(id)s, %(number)s, %(rows)s, %(sealed)s, %(faults)s, %(created)s, %(updated)s, %(unchanged)s, %(bad)s)

-- :import_chunk_read
-- It is counted in the same transaction.
UPDATE import SET read_chunks = %(number)s + 1, rows_read = rows_read + %(rows)s, stepped_at = %(at)s WHERE id = %(id)s

-- :import_previewed
-- All rows are read.
UPDATE import SET state = 'previewed', stepped_at = %(at)s WHERE id = %(id)s AND state = 'uploaded'

-- :import_parts_forget
-- The file itself is needed no longer.
DELETE FROM import_part WHERE import = %(id)s

-- :import_chunks
-- Chunks in order, from one on; only those with faults where that is asked for.
SELECT number, rows, sealed, faults FROM import_chunk
WHERE import = %(id)s AND number >= %(number)s AND (bad > 0 OR NOT %(faulty)s) ORDER BY number LIMIT %(limit)s

-- :import_chunk_done
-- What became of the rows; only those that were wrong are kept.
UPDATE import_chunk SET sealed = %(sealed)s, faults = %(faults)s, created = %(created)s, updated = %(updated)s,
    unchanged = %(unchanged)s, bad = %(bad)s
WHERE import = %(id)s AND number = %(number)s

-- :import_chunk_entered
-- It is counted in the same transaction.
UPDATE import SET entered_chunks = %(number)s + 1, rows_entered = rows_entered + %(rows)s, stepped_at = %(at)s WHERE id = %(id)s

-- :import_confirm
-- From here on rows are entered.
UPDATE import SET state = 'running', stepped_at = %(at)s WHERE id = %(id)s AND state = 'previewed' RETURNING id

-- :import_end
-- It is done, or was stopped.
UPDATE import SET state = %(state)s, ended_at = %(at)s, why_zh = %(zh)s, why_en = %(en)s
WHERE id = %(id)s AND ended_at IS NULL RETURNING id

-- :roster_workers
-- Who has these identity numbers, wherever they are.
SELECT id, enterprise, division, identity_index, name_sealed, identity_sealed, phone_sealed, phone_index
FROM worker WHERE identity_index = ANY(%(identities)s)

-- :roster_phones
-- Whose these phones are, wherever they are.
SELECT phone_index, identity_index FROM worker WHERE phone_index = ANY(%(phones)s)

-- :roster_papers
-- The certificates of these kinds, numbers and items, wherever their holders are.
SELECT c.id, c.worker, c.kind, c.number_index, c.number_sealed, c.category, c.item, c.valid_from, c.valid_to, c.review_due, c.status,
    c.issuer
FROM unnest(%(kinds)s::text[], %(indexes)s::bytea[], %(items)s::text[]) AS k (kind, number_index, item)
JOIN certificate c ON c.kind = k.kind AND c.number_index = k.number_index AND c.item = k.item

-- :roster_divisions
-- Which of these divisions there are.
SELECT code FROM division WHERE code = ANY(%(codes)s)

-- :roster_enterprises
-- Which of these enterprises are in scope; with an id that one too.
SELECT id, credit_code, division FROM enterprise WHERE credit_code = ANY(%(codes)s) OR id = %(own)s

-- :roster_scope
-- Which of these places are in scope.
SELECT p.division, p.enterprise FROM unnest(%(divisions)s::text[], %(enterprises)s::uuid[]) AS p (division, enterprise)
WHERE in_scope(p.division, p.enterprise, NULL)

-- :roster_workers_add
-- New workers.
INSERT INTO worker (id, enterprise, division, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index)
SELECT * FROM unnest(%(ids)s::uuid[], %(enterprises)s::uuid[], %(divisions)s::text[], %(names)s::bytea[], %(identities)s::bytea[],
    %(identity_indexes)s::bytea[], %(phones)s::bytea[], %(phone_indexes)s::bytea[])

-- :roster_workers_change
-- Another name, phone, enterprise or division, all sealed anew.
UPDATE worker SET enterprise = n.enterprise, division = n.division, name_sealed = n.name, identity_sealed = n.identity,
    phone_sealed = n.phone, phone_index = n.phone_index
FROM unnest(%(ids)s::uuid[], %(enterprises)s::uuid[], %(divisions)s::text[], %(names)s::bytea[], %(identities)s::bytea[],
    %(identity_indexes)s::bytea[], %(phones)s::bytea[], %(phone_indexes)s::bytea[])
    AS n (id, enterprise, division, name, identity, identity_index, phone, phone_index)
WHERE worker.id = n.id

-- :roster_papers_add
-- New certificates.
INSERT INTO certificate (id, worker, kind, number_sealed, number_index, category, item, valid_from, valid_to, review_due, status,
                         issuer, checked_at)
SELECT n.*, CASE WHEN n.status <> 'unverified' THEN %(at)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(workers)s::uuid[], %(kinds)s::text[], %(numbers)s::bytea[], %(indexes)s::bytea[],
    %(categories)s::text[], %(items)s::text[], %(firsts)s::date[], %(lasts)s::date[], %(reviews)s::date[], %(statuses)s::text[],
    %(issuers)s::text[])
    AS n (id, worker, kind, number_sealed, number_index, category, item, valid_from, valid_to, review_due, status, issuer)

-- :roster_papers_change
-- What a renewal, a review or a look-up changes. What an officer withdraws while the chunk is entered stays withdrawn.
UPDATE certificate c SET number_sealed = n.number_sealed, category = n.category, valid_from = n.valid_from, valid_to = n.valid_to,
    review_due = n.review_due, issuer = n.issuer,
    status = CASE WHEN c.status IN ('suspended', 'revoked', 'cancelled', 'suspected_fake') AND n.status IN ('unverified', 'verified')
        THEN c.status ELSE n.status END,
    checked_at = CASE WHEN n.status <> 'unverified' THEN %(at)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(workers)s::uuid[], %(kinds)s::text[], %(numbers)s::bytea[], %(indexes)s::bytea[],
    %(categories)s::text[], %(items)s::text[], %(firsts)s::date[], %(lasts)s::date[], %(reviews)s::date[], %(statuses)s::text[],
    %(issuers)s::text[])
    AS n (id, worker, kind, number_sealed, number_index, category, item, valid_from, valid_to, review_due, status, issuer)
WHERE c.id = n.id
