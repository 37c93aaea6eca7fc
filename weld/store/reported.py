"""What follows from chips' words: sessions, arcs, results of commands, alerts of rules, and the facts that leave.

Ingest's side of the shared tables (grant, command, alert, outbox). Refuses decisions: it writes what the fold decided, and
the guards in SQL only keep a late or repeated word from undoing a newer one.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.store.binary import in_json
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.rollups import Sum


class GrantRow(NamedTuple):
    """The grant behind a ticket."""

    id: UUID
    chip: str
    worker: UUID
    plate: str
    expires_at: datetime
    longest_s: int


class Growth(TypedDict):
    """What grows while a session is open: sums only."""

    id: UUID
    contact_ms: int
    covered_ms: int
    arc_ms: int
    energy_wh: float
    peak_a: float | None
    resumed: int


class SessionRow(NamedTuple):
    """A session as the fold has it."""

    id: UUID
    chip: str
    chip_no: int
    ticket: UUID | None
    authorised: bool | None
    opened_at: datetime
    ends_at: datetime | None
    closed_at: datetime | None
    end_reason: str | None
    state: str
    resumed: int
    contact_ms: int
    covered_ms: int
    arc_ms: int
    energy_wh: float
    peak_a: float | None
    historical: bool


class ArcRow(NamedTuple):
    """A burst; the later columns are None until its end was heard."""

    chip_no: int
    boot: int
    from_up: int
    started_at: datetime
    ended_at: datetime | None
    arc_ms: int | None
    peak_a: float | None
    contact: str | None
    session: UUID | None


class Put(NamedTuple):
    """What follows from sessions that were written: open ones that they ended, and what the rollups have to add."""

    ended: list[UUID]
    sums: list[Sum]


class Raised(NamedTuple):
    """An alert that a finding opened or joined, whether somebody is told now, and what the rollups have to add."""

    alert: UUID
    told: bool
    sums: list[Sum]


class _Counted(NamedTuple):
    """What a session comes to in the rollups: on which machine, where, under a permission or not."""

    plate: str | None
    opened_at: datetime
    started: bool
    unknown_ms: int


class AlertRow(NamedTuple):
    """A finding on its way to becoming an alert, or a part of one."""

    id: UUID
    code: str
    codes: Sequence[str]
    level: int
    chip: str
    session: UUID | None
    episode: str
    since: datetime
    last_at: datetime
    quiet: timedelta
    occurrences: int
    historical: bool
    late_by_ms: int
    evidence: dict[str, Any]


class SilentRow(NamedTuple):
    """A chip that may have gone silent after heavy use."""

    chip: str
    chip_no: int
    received_at: datetime
    arc_ms: int


async def grants(conn: Conn, tickets: Sequence[UUID]) -> list[GrantRow]:
    """The grants behind these tickets."""
    async with conn.cursor(row_factory=class_row(GrantRow)) as cursor:
        await cursor.execute(query("grants_of_tickets"), {"tickets": list(tickets)})
        return await cursor.fetchall()


async def put_sessions(conn: Conn, rows: Sequence[SessionRow], now: datetime) -> Put:
    """Write sessions that began, ended or were put together again, and tell their grants."""
    words = {"rows": in_json([row._asdict() for row in rows]), "ids": [row.id for row in rows], "now": now}
    ended = await (await conn.execute(query("session_supersede"), words)).fetchall()
    before = await _counted(conn, "session_before", words)
    after = await _counted(conn, "session_put", words)
    sums = [more for known, counted in after.items() for more in _recounted(before.get(known), counted)]
    sums += [Sum(row[5].timestamp(), plate=row[4], unknown_ms=row[6]) for row in ended if row[4] is not None and row[6]]
    if any(row.ticket is not None for row in rows):
        await conn.execute(query("grants_closed"), words)
    ends = [
        (row.ticket, row.chip, row.closed_at, row.end_reason or row.state)
        for row in rows
        if row.ticket and row.closed_at
    ]
    ends += [(grant, chip, at, "superseded") for _, grant, chip, at, *_ in ended if grant is not None]
    if ends:
        named = [dict(zip(("grant", "chip", "at", "reason"), end, strict=True)) for end in ends]
        await conn.execute(query("grants_ended"), {"rows": in_json(named)})
    return Put([row[0] for row in ended], sums)


async def _counted(conn: Conn, name: str, words: dict[str, Any]) -> dict[UUID, _Counted]:
    return {row[0]: _Counted(*row[1:]) for row in await (await conn.execute(query(name), words)).fetchall()}


def _recounted(before: _Counted | None, after: _Counted) -> list[Sum]:
    """A session counts once, where it opened, as it is known now: also when late words move its beginning or its end."""
    if before == after:
        return []
    both = [(after, 1)] if before is None else [(before, -1), (after, 1)]
    return [
        Sum(
            one.opened_at.timestamp(),
            plate=one.plate,
            sessions=n,
            starts=n * one.started,
            unknown_ms=n * one.unknown_ms,
        )
        for one, n in both
        if one.plate is not None
    ]


async def grow_sessions(conn: Conn, rows: Sequence[Growth], now: datetime) -> set[UUID]:
    """More is known of these open sessions, and nothing else happened to them; returns those that the books do not call open."""
    found = await conn.execute(query("session_grow"), {"rows": in_json(rows), "now": now})
    return {row["id"] for row in rows} - {row[0] for row in await found.fetchall()}


async def next_opened(conn: Conn, chip_no: int, session: UUID, after: datetime) -> datetime | None:
    """When the next session of this chip began."""
    words = {"chip_no": chip_no, "after": after, "id": session}
    row = await (await conn.execute(query("session_next"), words)).fetchone()
    return row[0] if row else None


async def arm_grant(conn: Conn, chip: str, ticket: UUID, at: datetime) -> None:
    """The chip holds the ticket and waits for the button."""
    await conn.execute(query("grant_armed"), {"ticket": ticket, "chip": chip, "at": at})


async def put_result(
    conn: Conn, chip: str, command: UUID, state: str, reason: str | None, now: datetime
) -> UUID | None:
    """What the chip answered to a command; the grant that ended by it, if one did."""
    words = {"chip": chip, "command": command, "state": state, "reason": reason, "now": now}
    row = await (await conn.execute(query("command_result"), words)).fetchone()
    return row[0] if row else None


async def expire(conn: Conn) -> list[UUID]:
    """End what nobody used in time: live commands and the grants behind them; returns the grants."""
    await conn.execute(query("commands_overdue"))
    return [row[0] for row in await (await conn.execute(query("grants_overdue"))).fetchall()]


async def put_arcs(conn: Conn, rows: Sequence[ArcRow]) -> None:
    """Bursts, each from whichever of its events came; no two of one burst."""
    await conn.execute(query("arcs_put"), {"rows": in_json([row._asdict() for row in rows])})


async def raise_alert(conn: Conn, row: AlertRow, now: datetime) -> Raised:
    """Open an alert or let a finding join the one of its episode."""
    near = {"chip": row.chip, "codes": list(row.codes), "since": row.since, "last_at": row.last_at, "quiet": row.quiet}
    found = await (await conn.execute(query("finding_near"), near)).fetchone()
    if found is not None:
        return Raised(found[0], await _grow(conn, row, found[0], was_historical=found[2]), [])
    words = {**row._asdict(), "evidence": Jsonb(row.evidence), "now": now}
    opened = await (await conn.execute(query("finding_raise"), words)).fetchone()
    if opened is None:  # the episode's alert was closed by somebody, and the episode goes on: they must know
        words["episode"] = f"{row.episode}/{row.id}"
        opened = await (await conn.execute(query("finding_raise"), words)).fetchone()
    if opened is None:
        return Raised(row.id, told=False, sums=[])
    if not row.historical:
        await conn.execute(query("finding_announce"), {"id": row.id})
    sums = [Sum(now.timestamp(), plate=opened[1], alerts=1)] if opened[1] is not None else []
    return Raised(row.id, not row.historical, sums)


async def _grow(conn: Conn, row: AlertRow, alert: UUID, *, was_historical: bool) -> bool:
    words = {"id": alert, "since": row.since, "last_at": row.last_at, "occurrences": row.occurrences}
    await conn.execute(query("finding_grow"), {**words, "historical": row.historical})
    tell = was_historical and not row.historical
    if tell:
        await conn.execute(query("finding_announce"), {"id": alert})
    return tell


async def recover(conn: Conn, chips: Sequence[str], now: datetime) -> list[UUID]:
    """Close the silence alerts of chips that are heard again."""
    rows = await (await conn.execute(query("finding_recover"), {"chips": list(chips), "now": now})).fetchall()
    for row in rows:
        await conn.execute(query("finding_closed"), {"id": row[0]})
    return [row[0] for row in rows]


async def order_lock(conn: Conn, command: UUID, chip: str, session: UUID | None, code: str) -> None:
    """A rule orders the machine to lock after the arc's end; replaces whatever is live but a lock."""
    await conn.execute(query("supersede_live"), {"chip": chip})
    await conn.execute(query("lock_order"), {"id": command, "chip": chip, "session": session, "code": code})
    await notify(conn, "weld_command", "")


async def silent_candidates(conn: Conn, shards: Sequence[str], before: datetime, since: date) -> list[SilentRow]:
    """Chips of these shards not heard since `before`, with their arc time since a day."""
    words = {"shards": list(shards), "before": before, "since": since}
    async with conn.cursor(row_factory=class_row(SilentRow)) as cursor:
        await cursor.execute(query("silent_candidates"), words)
        return await cursor.fetchall()


async def notify(conn: Conn, channel: str, *texts: str) -> None:
    """Hints to whoever listens; ids only."""
    await conn.execute(query("notify"), {"channel": channel, "texts": list(texts)})
