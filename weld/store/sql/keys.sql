-- :key_list
-- Keys of connected systems, the newest first; never what opens.
SELECT k.id, k.name, k.scope, k.rights, k.created_at, k.created_by, k.expires_at, k.revoked_at, k.last_used_at
FROM officer_key k WHERE (%(id)s::uuid IS NULL OR k.id = %(id)s) ORDER BY k.created_at DESC, k.id DESC

-- :key_add
-- A new key; only the hash of it is kept. No row where the name is taken.
INSERT INTO officer_key (id, name, key_hash, scope, rights, expires_at, created_by, created_at)
VALUES (%(id)s, %(name)s, %(key_hash)s, %(scope)s, %(rights)s, %(expires_at)s, %(created_by)s, %(now)s)
ON CONFLICT (name) DO NOTHING
