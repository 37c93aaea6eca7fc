"""Officers' accounts, and who is signed in at a screen.

TOTP secrets are sealed here and nowhere else; passwords come as argon2id hashes, logins that were tried as blind indexes,
tokens as hashes. Written by api only; roles and enrolment are in accounts.py.
Refuses to decide whether a password or a code fits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.roles import rights_of
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
    disabled: bool


class ProfileRow(NamedTuple):
    """Whoever is signed in at a screen, as the screen shows it."""

    id: UUID
    login: str
    name: str
    scope: str
    roles: list[str]
    way: str
    expires_at: datetime
    stepped_up_at: datetime | None
    enterprise: str | None
    division: str | None
    department: str | None


class SignedInRow(NamedTuple):
    """A sign-in at a screen that is still good, and whose it is."""

    sign_in: UUID
    officer: OfficerRow
    stepped_up_at: datetime | None
    rotated_at: datetime
    expires_at: datetime


class NewSignIn(NamedTuple):
    """A sign-in as it begins. `way` is password, passkey or single_sign_on; the last brings no fresh proof."""

    id: UUID
    token_hash: bytes
    officer: UUID
    way: str
    address: str
    browser: str
    expires_at: datetime


class SignInRow(NamedTuple):
    """One of an officer's sign-ins, as he sees it in his list."""

    id: UUID
    way: str
    address: str
    browser: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class _Sealed(NamedTuple):
    id: UUID
    login: str
    name: str
    password_hash: str
    totp_sealed: bytes
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
        await sign_out_everywhere(conn, officer.id, now)
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


async def wrong_from(conn: Conn, address: str, since: datetime) -> int:
    """How many wrong tries came from this address since then, at whatever login."""
    row = await (await conn.execute(query("officer_wrong_count"), {"address": address, "since": since})).fetchone()
    return int(row[0]) if row else 0


async def add_wrong(conn: Conn, address: str, now: datetime) -> None:
    """One more of them."""
    await conn.execute(query("officer_wrong_add"), {"address": address, "now": now})


async def sign_in(conn: Conn, row: NewSignIn, now: datetime) -> None:
    """Remember a screen's token by its hash."""
    await conn.execute(query("officer_sign_in_add"), row._asdict() | {"now": now})


async def signed_in(conn: Conn, token_hash: bytes, now: datetime, idle: timedelta) -> SignedInRow | None:
    """The officer of a token that is still good and was shown within `idle`."""
    words = {"token_hash": token_hash, "now": now, "idle_since": now - idle}
    row = await (await conn.execute(query("officer_signed_in"), words)).fetchone()
    return None if row is None else SignedInRow(row[0], _with_rights(row[1:4]), *row[4:])


async def still_in(conn: Conn, sign_in: UUID, now: datetime, idle: timedelta) -> OfficerRow | None:
    """The officer of a sign-in that is still good, whatever its token is by now."""
    words = {"sign_in": sign_in, "now": now, "idle_since": now - idle}
    row = await (await conn.execute(query("officer_still_in"), words)).fetchone()
    return None if row is None else _with_rights(row)


def _with_rights(row: Sequence[Any]) -> OfficerRow:
    return OfficerRow(row[0], row[1], rights_of(row[2]))


async def seen(conn: Conn, sign_in: UUID, now: datetime, idle: timedelta) -> None:
    """A request came from this screen; written once a minute at most, as every request comes here."""
    before = now - min(timedelta(minutes=1), idle / 4)
    await conn.execute(query("officer_seen"), {"sign_in": sign_in, "now": now, "before": before})


async def rotate(
    conn: Conn, sign_in: UUID, token_hash: bytes, now: datetime, *, older_than: timedelta, grace: timedelta
) -> bool:
    """Another token for a sign-in whose token is older; False where somebody was quicker."""
    words = {"sign_in": sign_in, "token_hash": token_hash, "now": now}
    words |= {"before": now - older_than, "previous_until": now + grace}
    return (await conn.execute(query("officer_rotate"), words)).rowcount == 1


async def step_up(conn: Conn, sign_in: UUID, token_hash: bytes, now: datetime, grace: timedelta) -> None:
    """A fresh proof was given at this screen; it gets another token."""
    words = {"sign_in": sign_in, "token_hash": token_hash, "now": now, "previous_until": now + grace}
    await conn.execute(query("officer_step_up"), words)


async def profile(conn: Conn, sign_in: UUID) -> ProfileRow | None:
    """What this screen shows of its officer."""
    async with conn.cursor(row_factory=class_row(ProfileRow)) as cursor:
        return await (await cursor.execute(query("officer_profile"), {"sign_in": sign_in})).fetchone()


async def sign_ins(conn: Conn, officer: UUID, now: datetime, idle: timedelta) -> list[SignInRow]:
    """Where this officer is signed in, the latest used first."""
    words = {"officer": officer, "now": now, "idle_since": now - idle}
    async with conn.cursor(row_factory=class_row(SignInRow)) as cursor:
        return await (await cursor.execute(query("officer_sign_ins"), words)).fetchall()


async def end_sign_in(conn: Conn, officer: UUID, sign_in: UUID, now: datetime) -> bool:
    """End one of this officer's sign-ins; False where he has none such."""
    words = {"officer": officer, "sign_in": sign_in, "now": now}
    return (await conn.execute(query("officer_sign_in_end"), words)).rowcount == 1


async def sign_out_everywhere(conn: Conn, officer: UUID, now: datetime) -> None:
    """End every sign-in of this officer."""
    await conn.execute(query("officer_sign_out_everywhere"), {"officer": officer, "now": now})


async def sign_out(conn: Conn, token_hash: bytes, now: datetime) -> None:
    """This token is worthless from now on."""
    await conn.execute(query("officer_sign_out"), {"token_hash": token_hash, "now": now})
