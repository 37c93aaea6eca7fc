"""Officers' accounts as administrators see them: made without rights, enrolled by their owners, given and deprived of roles.

TOTP secrets are sealed here as in officers.py; enrolment secrets are kept as hashes. Written by api only, and by `weldgate init`.
Refuses to decide who may grant what: weld/core/roles.py does, and a trigger has the last word.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.errors import CheckViolation
from psycopg.rows import class_row

from weld.core import password
from weld.core.roles import Account, Role
from weld.store import fields
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.vault import Vault

# What the trigger says where two granted at the same moment.
APART = CheckViolation

ENROLMENT_LASTS: Final = timedelta(days=3)


class AccountRow(NamedTuple):
    """One account as it stands. `enrol_until` says that its owner has not set a password yet."""

    id: UUID
    login: str
    name: str
    department: UUID | None
    department_name: str | None
    scope: str | None
    roles: list[str]
    created_at: datetime
    created_by: UUID | None
    disabled_at: datetime | None
    enrol_until: datetime | None
    linked: bool
    last_sign_in_at: datetime | None

    @property
    def account(self) -> Account:
        """What the rules about granting look at."""
        disabled = self.disabled_at is not None
        return Account(self.id, frozenset(self.roles), self.scope, self.created_by, disabled)


class NewAccount(NamedTuple):
    """An account to be made, for `secret_hash` to enrol."""

    id: UUID
    login: str
    name: str
    department: UUID | None
    created_by: UUID | None
    totp_secret: str
    secret_hash: bytes


class Enrolling(NamedTuple):
    """Whoever holds an enrolment secret."""

    id: UUID
    login: str
    name: str
    totp_secret: str


class Administrator(NamedTuple):
    """One of the three; `waiting` for the owner to enrol."""

    id: UUID
    login: str
    name: str
    role: str
    waiting: bool


async def search(
    conn: Conn, *, officer: UUID | None = None, after: str | None = None, limit: int = 1
) -> list[AccountRow]:
    """Accounts by login."""
    async with conn.cursor(row_factory=class_row(AccountRow)) as cursor:
        words = {"id": officer, "after": after, "limit": limit}
        return await (await cursor.execute(query("account_list"), words)).fetchall()


async def held(conn: Conn, officer: UUID) -> AccountRow | None:
    """One account, locked until the transaction ends."""
    await conn.execute(query("account_hold"), {"id": officer})
    rows = await search(conn, officer=officer)
    return rows[0] if rows else None


async def add(conn: Conn, vault: Vault, account: NewAccount, now: datetime) -> None:
    """Make an account without rights that waits for its owner."""
    words = account._asdict() | {
        "password_hash": password.DECOY,
        "totp_sealed": vault.seal(fields.OFFICER_TOTP, account.id, account.totp_secret),
        "now": now,
    }
    await conn.execute(query("account_add"), words)
    await offer(conn, account.id, account.secret_hash, now)


async def reset(conn: Conn, vault: Vault, officer: UUID, totp_secret: str, secret_hash: bytes, now: datetime) -> None:
    """What the owner knew opens nothing any more; he enrols anew."""
    await set_proofs(conn, vault, officer, password.DECOY, totp_secret, 0)
    for other_way in ("account_passkeys_forget", "account_links_forget"):
        await conn.execute(query(other_way), {"id": officer})
    await conn.execute(query("officer_sign_out_everywhere"), {"officer": officer, "now": now})
    await offer(conn, officer, secret_hash, now)


async def offer(conn: Conn, officer: UUID, secret_hash: bytes, now: datetime) -> None:
    """Let the account be enrolled with this secret and no other."""
    words = {"officer": officer, "secret_hash": secret_hash, "now": now, "expires_at": now + ENROLMENT_LASTS}
    await conn.execute(query("enrolment_put"), words)


async def set_proofs(conn: Conn, vault: Vault, officer: UUID, hashed: str, totp_secret: str, step: int) -> None:
    """Another password and second factor; `step` is the last time step that was used of it."""
    sealed = vault.seal(fields.OFFICER_TOTP, officer, totp_secret)
    words = {"id": officer, "password_hash": hashed, "totp_sealed": sealed, "step": step}
    await conn.execute(query("account_proofs"), words)


async def enrolling(conn: Conn, vault: Vault, secret_hash: bytes, now: datetime) -> Enrolling | None:
    """Whose secret this is, where it is good."""
    row = await (await conn.execute(query("enrolment_find"), {"secret_hash": secret_hash, "now": now})).fetchone()
    return None if row is None else Enrolling(row[0], row[1], row[2], vault.open(fields.OFFICER_TOTP, row[0], row[3]))


async def enrolled(conn: Conn, officer: UUID, secret_hash: bytes) -> bool:
    """Use the secret up; False where somebody was first."""
    words = {"officer": officer, "secret_hash": secret_hash}
    return (await conn.execute(query("enrolment_use"), words)).rowcount == 1


async def change(conn: Conn, officer: UUID, name: str, department: UUID | None) -> None:
    """Another name or department."""
    await conn.execute(query("account_change"), {"id": officer, "name": name, "department": department})


async def disable(conn: Conn, officer: UUID, now: datetime) -> bool:
    """The account opens nothing any more, also where somebody sits at it; whether that was news."""
    changed = (await conn.execute(query("account_disable"), {"id": officer, "now": now})).rowcount
    await conn.execute(query("officer_sign_out_everywhere"), {"officer": officer, "now": now})
    return changed == 1


async def enable(conn: Conn, officer: UUID) -> bool:
    """The account is good again; whether that was news."""
    return (await conn.execute(query("account_enable"), {"id": officer})).rowcount == 1


class Grant(NamedTuple):
    """One role over one scope, given by somebody (None: the installation itself)."""

    id: UUID
    officer: UUID
    role: Role
    scope: str
    by: UUID | None


async def grant(conn: Conn, given: Grant, now: datetime) -> None:
    """Give a role; APART where the trigger knows better."""
    await conn.execute(query("role_add"), given._asdict() | {"now": now})


async def withdraw(conn: Conn, officer: UUID, role: str | None, by: UUID | None, now: datetime) -> int:
    """Take a role back (None: all of them); how many there were."""
    words = {"officer": officer, "role": role, "by": by, "now": now}
    return (await conn.execute(query("role_withdraw"), words)).rowcount


async def roles_of_others(conn: Conn, officer: UUID) -> Collection[str]:
    """Which roles are held by others who can sign in."""
    rows = await (await conn.execute(query("roles_of_others"), {"officer": officer})).fetchall()
    return {row[0] for row in rows}


async def administrators(conn: Conn) -> list[Administrator]:
    """Who holds one of the three offices."""
    async with conn.cursor(row_factory=class_row(Administrator)) as cursor:
        return await (await cursor.execute(query("administrators"))).fetchall()


async def hold_administrators(conn: Conn) -> None:
    """One at a time makes or takes away administrators, until the transaction ends."""
    await conn.execute(query("administrators_hold"))
