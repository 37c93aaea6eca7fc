-- :division_find
-- One division as it stands.
SELECT code, name_zh, name_en, parent, path, zone, longest_s FROM division WHERE code = %(code)s

-- :division_add
-- A new division under its parent.
INSERT INTO division (code, name_zh, name_en, parent, path, zone, longest_s)
VALUES (%(code)s, %(name_zh)s, %(name_en)s, %(parent)s, %(path)s, %(zone)s, %(longest_s)s)

-- :division_change
-- What may change of a division; its parent and path may not, as scopes and histories name them.
UPDATE division SET name_zh = %(name_zh)s, name_en = %(name_en)s, zone = %(zone)s, longest_s = %(longest_s)s
WHERE code = %(code)s

-- :enterprise_find
-- One enterprise by its credit code.
SELECT id, name, credit_code, division FROM enterprise WHERE credit_code = %(credit_code)s

-- :enterprise_add
-- A new enterprise.
INSERT INTO enterprise (id, name, credit_code, division)
VALUES (%(id)s, %(name)s, %(credit_code)s, %(division)s)

-- :enterprise_change
-- Another name or division.
UPDATE enterprise SET name = %(name)s, division = %(division)s WHERE id = %(id)s

-- :chip_find
-- One chip as it was enrolled.
SELECT chip, shard, model, public_key, profile FROM chip WHERE chip = %(chip)s

-- :chip_add
-- Enrol a chip; its shard is for life.
INSERT INTO chip (chip, shard, model, public_key, profile)
VALUES (%(chip)s, %(shard)s, %(model)s, %(public_key)s, %(profile)s)

-- :chip_change
-- Another model, key or security profile; never another shard.
UPDATE chip SET model = %(model)s, public_key = %(public_key)s, profile = %(profile)s WHERE chip = %(chip)s

-- :machine_find
-- One machine by its plate, without its chip.
SELECT plate, division, enterprise, maker, model, serial, rated_a, work, presence, longest_s, lat, lon, process, site
FROM machine WHERE plate = %(plate)s

-- :machine_labels
-- What plates say of their machines: these, or all of an enterprise, or of a division and below.
SELECT plate, model FROM machine
WHERE (%(plates)s::text[] IS NULL OR plate = ANY(%(plates)s)) AND (%(enterprise)s::uuid IS NULL OR enterprise = %(enterprise)s)
    AND (%(division)s::text IS NULL OR division = ANY(ARRAY(
        SELECT b.code FROM division b JOIN division f ON starts_with(b.path || '/', f.path || '/') WHERE f.code = %(division)s)))
ORDER BY plate LIMIT %(limit)s

-- :site_find
-- One site of an enterprise by its name.
SELECT id, enterprise, name, division, work, lat, lon, since, until FROM site WHERE enterprise = %(enterprise)s AND name = %(name)s

-- :site_add
-- A new site.
INSERT INTO site (id, enterprise, name, division, work, lat, lon, since, until)
VALUES (%(id)s, %(enterprise)s, %(name)s, %(division)s, %(work)s, %(lat)s, %(lon)s, %(since)s, %(until)s)

-- :site_change
-- Another place, kind of work or time.
UPDATE site SET division = %(division)s, work = %(work)s, lat = %(lat)s, lon = %(lon)s, since = %(since)s, until = %(until)s
WHERE id = %(id)s

-- :machine_add
-- A new machine, and a word in the live map's tail.
WITH added AS (
    INSERT INTO machine (plate, division, enterprise, maker, model, serial, rated_a, work, presence, longest_s, lat, lon,
        process, site)
    VALUES (%(plate)s, %(division)s, %(enterprise)s, %(maker)s, %(model)s, %(serial)s, %(rated_a)s, %(work)s, %(presence)s,
        %(longest_s)s, %(lat)s, %(lon)s, %(process)s, %(site)s) RETURNING plate)
INSERT INTO change (plate, state, at) SELECT plate, 'registered', clock_timestamp() FROM added

-- :machine_change
-- What the register knows of a machine, but for its chip and its blocks; open maps hear of it.
WITH changed AS (
    UPDATE machine SET division = %(division)s, enterprise = %(enterprise)s, maker = %(maker)s, model = %(model)s,
        serial = %(serial)s, rated_a = %(rated_a)s, work = %(work)s, presence = %(presence)s, longest_s = %(longest_s)s,
        lat = %(lat)s, lon = %(lon)s, process = %(process)s, site = %(site)s
    WHERE plate = %(plate)s RETURNING plate)
INSERT INTO change (plate, state, at) SELECT plate, 'registered', clock_timestamp() FROM changed

-- :binding_now
-- The chip that sits in a machine now.
SELECT chip FROM machine WHERE plate = %(plate)s AND chip IS NOT NULL

-- :binding_close
-- The end of what the chip and the machine were bound to before.
UPDATE binding SET until = greatest(since, %(at)s) WHERE until IS NULL AND (chip = %(chip)s OR plate = %(plate)s)

-- :binding_release
-- The chip leaves the machine it sat in.
UPDATE machine SET chip = NULL WHERE chip = %(chip)s AND plate <> %(plate)s

-- :binding_open
-- The chip sits in this machine from now on.
WITH bound AS (UPDATE machine SET chip = %(chip)s WHERE plate = %(plate)s)
INSERT INTO binding (chip, plate, since)
VALUES (%(chip)s, %(plate)s,
        greatest(%(at)s, (SELECT max(since) + interval '1 microsecond' FROM binding WHERE chip = %(chip)s)))

-- :worker_find
-- One worker by the index of the identity number.
SELECT id, enterprise, division, name_sealed, identity_sealed, phone_sealed, retirement_group, last_work_on, practical_test_on
FROM worker WHERE identity_index = %(identity_index)s

-- :worker_of_phone
-- Who signs in with this phone number.
SELECT id FROM worker WHERE phone_index = %(phone_index)s

-- :worker_identity
-- The sealed identity number of a worker, to compare a certificate with.
SELECT identity_sealed FROM worker WHERE id = %(id)s

-- :worker_add
-- A new worker.
INSERT INTO worker (id, enterprise, division, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index,
    retirement_group, last_work_on, practical_test_on)
VALUES (%(id)s, %(enterprise)s, %(division)s, %(name_sealed)s, %(identity_sealed)s, %(identity_index)s, %(phone_sealed)s,
        %(phone_index)s, %(retirement_group)s, %(last_work_on)s, %(practical_test_on)s)

-- :worker_change
-- Another name, phone, enterprise or division, all sealed anew.
UPDATE worker SET enterprise = %(enterprise)s, division = %(division)s, name_sealed = %(name_sealed)s,
    identity_sealed = %(identity_sealed)s, phone_sealed = %(phone_sealed)s, phone_index = %(phone_index)s,
    retirement_group = %(retirement_group)s, last_work_on = %(last_work_on)s, practical_test_on = %(practical_test_on)s
WHERE id = %(id)s

-- :certificate_find
-- One certificate by kind, index of its number, and item.
SELECT id, worker, kind, number_sealed, category, item, valid_from, valid_to, review_due, status, issuer, clean_record
FROM certificate WHERE kind = %(kind)s AND number_index = %(number_index)s AND item = %(item)s

-- :certificate_add
-- A new certificate; it was looked up now unless its status says that it was not.
INSERT INTO certificate (id, worker, kind, number_sealed, number_index, category, item, valid_from, valid_to, review_due,
                         status, issuer, checked_at, clean_record)
VALUES (%(id)s, %(worker)s, %(kind)s, %(number_sealed)s, %(number_index)s, %(category)s, %(item)s, %(valid_from)s,
        %(valid_to)s, %(review_due)s, %(status)s, %(issuer)s, %(checked_at)s, %(clean_record)s)

-- :certificate_change
-- What a renewal, a review or a look-up changes.
UPDATE certificate SET number_sealed = %(number_sealed)s, category = %(category)s, valid_from = %(valid_from)s,
    valid_to = %(valid_to)s, review_due = %(review_due)s, status = %(status)s, issuer = %(issuer)s,
    checked_at = %(checked_at)s, clean_record = %(clean_record)s
WHERE id = %(id)s

-- :endpoint_find
-- One webhook endpoint by its name.
SELECT id, name, url, secret_sealed, division, codes, department, state FROM endpoint WHERE name = %(name)s

-- :endpoint_add
-- A new webhook endpoint.
INSERT INTO endpoint (id, name, url, secret_sealed, division, codes, department, state)
VALUES (%(id)s, %(name)s, %(url)s, %(secret_sealed)s, %(division)s, %(codes)s, %(department)s, %(state)s)

-- :endpoint_change
-- Another address, secret, place, choice of codes or state.
UPDATE endpoint SET url = %(url)s, secret_sealed = %(secret_sealed)s, division = %(division)s, codes = %(codes)s,
    department = %(department)s, state = %(state)s
WHERE id = %(id)s

-- :officer_key_find
-- One officer key by its name; revoked ones too, as names are not used again.
SELECT id, name, key_hash, scope, rights, expires_at FROM officer_key WHERE name = %(name)s

-- :officer_key_add
-- A new officer key; only the hash of it is kept.
INSERT INTO officer_key (id, name, key_hash, scope, rights, expires_at)
VALUES (%(id)s, %(name)s, %(key_hash)s, %(scope)s, %(rights)s, %(expires_at)s)

-- :officer_key_change
-- Another scope, other rights, another end, or another key under the same name.
UPDATE officer_key SET key_hash = %(key_hash)s, scope = %(scope)s, rights = %(rights)s, expires_at = %(expires_at)s
WHERE id = %(id)s
