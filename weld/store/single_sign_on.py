"""Ways to the single sign-on and back, and whose account a person there opens. Written by api only.

Refuses to make an account, and to keep a state or a browser's secret: their hashes only.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class Errand(NamedTuple):
    """A way there and back as it begins. `linking` is the officer who links his own account; None for a sign-in."""

    state_hash: bytes
    browser_hash: bytes
    nonce: str
    code_verifier: str
    back_to: str
    linking: UUID | None
    address: str
    expires_at: datetime


class TakenRow(NamedTuple):
    """What it takes to end one."""

    nonce: str
    code_verifier: str
    back_to: str
    linking: UUID | None
    expires_at: datetime


class NewLink(NamedTuple):
    """Who shall open whose account, and by whose word."""

    issuer: str
    subject: str
    officer: UUID
    linked_by: UUID


class LinkRow(NamedTuple):
    """A link as the owner of the account sees it."""

    linked_at: datetime
    by_owner: bool


async def open_errands(conn: Conn, address: str, now: datetime) -> int:
    """How many from this address have no end yet."""
    row = await (await conn.execute(query("errand_count"), {"address": address, "now": now})).fetchone()
    return int(row[0]) if row else 0


async def begin(conn: Conn, errand: Errand) -> None:
    """Remember one."""
    await conn.execute(query("errand_add"), errand._asdict())


async def take(conn: Conn, state_hash: bytes, browser_hash: bytes, now: datetime) -> TakenRow | None:
    """End one, this once; None where there is none such in this browser, or it took too long."""
    words = {"state_hash": state_hash, "browser_hash": browser_hash}
    async with conn.cursor(row_factory=class_row(TakenRow)) as cursor:
        row = await (await cursor.execute(query("errand_take"), words)).fetchone()
    return row if row is not None and row.expires_at > now else None


async def linked(conn: Conn, issuer: str, subject: str) -> UUID | None:
    """The officer whose account this person opens, unless it is disabled."""
    row = await (await conn.execute(query("link_find"), {"issuer": issuer, "subject": subject})).fetchone()
    return None if row is None else row[0]


async def hold_owner(conn: Conn, officer: UUID, now: datetime) -> bool:
    """Whether an officer still sits at some screen; his links wait until the transaction ends."""
    return (await conn.execute(query("link_owner_hold"), {"officer": officer, "now": now})).rowcount == 1


async def link(conn: Conn, new: NewLink, now: datetime) -> bool:
    """From now on this person opens that account; False where he opens one already, or somebody opens this one.

    Whoever calls holds the account.
    """
    return (await conn.execute(query("link_add"), new._asdict() | {"now": now})).rowcount == 1


async def link_of(conn: Conn, issuer: str, officer: UUID) -> LinkRow | None:
    """Since when somebody opens this account."""
    async with conn.cursor(row_factory=class_row(LinkRow)) as cursor:
        return await (await cursor.execute(query("link_of"), {"issuer": issuer, "officer": officer})).fetchone()


async def unlink(conn: Conn, officer: UUID) -> bool:
    """Nobody opens this account that way any more; False where nobody did."""
    return (await conn.execute(query("link_remove"), {"officer": officer})).rowcount > 0
