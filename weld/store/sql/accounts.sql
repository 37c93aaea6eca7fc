-- :account_list
-- Accounts as they stand, by login.
SELECT o.id, o.login, o.name, o.department, p.name AS department_name, o.scope, o.roles, o.created_at, o.created_by, o.disabled_at,
    m.expires_at AS enrol_until, EXISTS (SELECT FROM officer_link l WHERE l.officer = o.id) AS linked,
    (SELECT max(s.created_at) FROM officer_sign_in s WHERE s.officer = o.id) AS last_sign_in_at
FROM officer_now o LEFT JOIN department p ON p.id = o.department LEFT JOIN officer_enrolment m ON m.officer = o.id
WHERE (%(id)s::uuid IS NULL OR o.id = %(id)s) AND (%(after)s::text IS NULL OR o.login > %(after)s)
ORDER BY o.login LIMIT %(limit)s

-- :account_hold
-- One account, locked until the transaction ends: two who change it wait for each other.
SELECT id FROM officer WHERE id = %(id)s FOR NO KEY UPDATE

-- :account_add
-- A new account without rights; no password fits it until its owner has enrolled.
INSERT INTO officer (id, login, name, password_hash, totp_sealed, department, created_by, created_at)
VALUES (%(id)s, %(login)s, %(name)s, %(password_hash)s, %(totp_sealed)s, %(department)s, %(created_by)s, %(now)s)

-- :account_change
-- Another name or department.
UPDATE officer SET name = %(name)s, department = %(department)s WHERE id = %(id)s

-- :account_proofs
-- Another password and second factor.
UPDATE officer SET password_hash = %(password_hash)s, totp_sealed = %(totp_sealed)s, totp_step = %(step)s WHERE id = %(id)s

-- :account_passkeys_forget
-- Passkeys open nothing after a reset.
DELETE FROM officer_passkey WHERE officer = %(id)s

-- :account_links_forget
-- Nor does the single sign-on, nor what was begun there.
WITH begun AS (DELETE FROM officer_errand WHERE linking = %(id)s)
DELETE FROM officer_link WHERE officer = %(id)s

-- :account_disable
-- The account opens nothing any more.
UPDATE officer SET disabled_at = %(now)s WHERE id = %(id)s AND disabled_at IS NULL

-- :account_enable
-- The account is good again.
UPDATE officer SET disabled_at = NULL WHERE id = %(id)s AND disabled_at IS NOT NULL

-- :enrolment_put
-- A secret that lets the owner of the account set password and second factor, once; an earlier one is void.
INSERT INTO officer_enrolment (officer, secret_hash, made_at, expires_at)
VALUES (%(officer)s, %(secret_hash)s, %(now)s, %(expires_at)s)
ON CONFLICT (officer) DO UPDATE SET secret_hash = excluded.secret_hash, made_at = excluded.made_at, expires_at = excluded.expires_at

-- :enrolment_find
-- Whose secret this is, where it is still good.
SELECT o.id, o.login, o.name, o.totp_sealed FROM officer_enrolment m JOIN officer o ON o.id = m.officer
WHERE m.secret_hash = %(secret_hash)s AND m.expires_at > %(now)s AND o.disabled_at IS NULL

-- :enrolment_use
-- The secret has done its work; no row where somebody was first.
DELETE FROM officer_enrolment WHERE officer = %(officer)s AND secret_hash = %(secret_hash)s

-- :role_add
-- An account is given a role.
INSERT INTO officer_role (id, officer, role, scope, granted_by, granted_at)
VALUES (%(id)s, %(officer)s, %(role)s, %(scope)s, %(by)s, %(now)s)

-- :role_withdraw
-- A role is taken back; the row stays to be read.
UPDATE officer_role SET withdrawn_at = greatest(granted_at, %(now)s), withdrawn_by = %(by)s
WHERE officer = %(officer)s AND (%(role)s::text IS NULL OR role = %(role)s) AND withdrawn_at IS NULL

-- :roles_of_others
-- Which roles other accounts hold that are good for signing in.
SELECT DISTINCT r.role FROM officer_role r JOIN officer o ON o.id = r.officer
WHERE r.withdrawn_at IS NULL AND o.disabled_at IS NULL AND o.id <> %(officer)s
AND NOT EXISTS (SELECT 1 FROM officer_enrolment m WHERE m.officer = o.id)

-- :administrators
-- Who holds which of the three offices; whether the account still waits for its owner.
SELECT o.id, o.login, o.name, r.role, EXISTS (SELECT 1 FROM officer_enrolment m WHERE m.officer = o.id) AS waiting
FROM officer_role r JOIN officer o ON o.id = r.officer
WHERE r.withdrawn_at IS NULL AND r.role LIKE '%%\_administrator' ORDER BY o.login

-- :administrators_hold
-- One at a time makes or takes away administrators, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('weldgate administrators'))
