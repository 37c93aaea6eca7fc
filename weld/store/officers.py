"""Officers' accounts, and who is signed in at a screen.

TOTP secrets are sealed here and nowhere else; passwords come as argon2id hashes, logins that were tried as blind indexes,
tokens as hashes. Written by api only. Refuses to decide whether a password or a code fits.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store import fields
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.registers import Outcome
from weld.store.signins import OfficerRow
from weld.store.vault import Vault


class Officer(NamedTuple):
    """An account, with its TOTP secret in plain words."""

    id: UUID
    login: str
    name: str
    password_hash: str
    totp_secret: str
    scope: str
    rights: list[str]
    disabled: bool


class ProfileRow(NamedTuple):
    """Whoever is signed in at a screen, as the screen shows it."""

    id: UUID
    login: str
    name: str
    scope: str
    rights: list[str]
    expires_at: datetime
    enterprise: str | None
    division: str | None


class _Sealed(NamedTuple):
    id: UUID
    login: str
    name: str
    password_hash: str
    totp_sealed: bytes
    scope: str
    rights: list[str]
    disabled: bool


async def find(conn: Conn, vault: Vault, login: str) -> Officer | None:
    """The account of this login."""
    found = await _find(conn, login)
    return None if found is None else _opened(vault, found)


async def put(conn: Conn, vault: Vault, officer: Officer, now: datetime) -> Outcome:
    """Add or change an account. Whose password or second factor changes, or who is disabled, is signed out everywhere."""
    found = await _find(conn, officer.login)
    words = officer._asdict() | {
        "totp_sealed": vault.seal(fields.OFFICER_TOTP, officer.id, officer.totp_secret),
        "now": now,
    }
    if found is None:
        await conn.execute(query("officer_add"), words)
        return "created"
    kept = _opened(vault, found)
    if kept == officer and vault.is_current(fields.OFFICER_TOTP, found.totp_sealed):
        return "unchanged"
    await conn.execute(query("officer_change"), words)
    proofs = (kept.password_hash, kept.totp_secret)
    if officer.disabled or proofs != (officer.password_hash, officer.totp_secret):
        await conn.execute(query("officer_sign_out_everywhere"), {"officer": officer.id, "now": now})
    return "updated"


async def _find(conn: Conn, login: str) -> _Sealed | None:
    async with conn.cursor(row_factory=class_row(_Sealed)) as cursor:
        return await (await cursor.execute(query("officer_find"), {"login": login})).fetchone()


def _opened(vault: Vault, found: _Sealed) -> Officer:
    words = found._asdict()
    sealed = words.pop("totp_sealed")
    return Officer(**words, totp_secret=vault.open(fields.OFFICER_TOTP, found.id, sealed))


async def try_once(conn: Conn, login_index: bytes, now: datetime) -> int | None:
    """Count one more try; how many in a row now, None while the login is held. Tries at one login wait for each other."""
    words = {"login_index": login_index, "now": now}
    row = await (await conn.execute(query("officer_try"), words)).fetchone()
    return None if row is None else int(row[0])


async def hold(conn: Conn, login_index: bytes, until: datetime) -> None:
    """Nothing is tried at this login before that time."""
    await conn.execute(query("officer_hold"), {"login_index": login_index, "until": until})


async def forgive(conn: Conn, login_index: bytes) -> None:
    """The try was right: failures are counted anew."""
    await conn.execute(query("officer_forgive"), {"login_index": login_index})


async def use_step(conn: Conn, officer: UUID, step: int) -> bool:
    """Use a time step up; False where it, or a later one, was used before."""
    return (await conn.execute(query("officer_step"), {"id": officer, "step": step})).rowcount == 1


async def sign_in(conn: Conn, token_hash: bytes, officer: UUID, now: datetime, expires_at: datetime) -> None:
    """Remember a screen's token by its hash."""
    words = {"token_hash": token_hash, "officer": officer, "now": now, "expires_at": expires_at}
    await conn.execute(query("officer_sign_in_add"), words)


async def signed_in(conn: Conn, token_hash: bytes, now: datetime, idle: timedelta) -> OfficerRow | None:
    """The officer of a token that is still good and was shown within `idle`."""
    words = {"token_hash": token_hash, "now": now, "idle_since": now - idle}
    async with conn.cursor(row_factory=class_row(OfficerRow)) as cursor:
        return await (await cursor.execute(query("officer_signed_in"), words)).fetchone()


async def seen(conn: Conn, token_hash: bytes, now: datetime, idle: timedelta) -> None:
    """A request came with this token; written once a minute at most, as every request comes here."""
    before = now - min(timedelta(minutes=1), idle / 4)
    await conn.execute(query("officer_seen"), {"token_hash": token_hash, "now": now, "before": before})


async def profile(conn: Conn, token_hash: bytes) -> ProfileRow | None:
    """What the screen of this token shows of its officer."""
    async with conn.cursor(row_factory=class_row(ProfileRow)) as cursor:
        return await (await cursor.execute(query("officer_profile"), {"token_hash": token_hash})).fetchone()


async def sign_out(conn: Conn, token_hash: bytes, now: datetime) -> None:
    """This token is worthless from now on."""
    await conn.execute(query("officer_sign_out"), {"token_hash": token_hash, "now": now})


async def forget(conn: Conn, before: datetime) -> None:
    """Remove sign-ins that were over by then, and failures of days past."""
    await conn.execute(query("officer_sign_ins_forget"), {"before": before})
    await conn.execute(query("officer_tries_forget"), {"before": before})
