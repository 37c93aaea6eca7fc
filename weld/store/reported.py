"""What follows from chips' words: sessions, arcs, days, results of commands, alerts of rules, and the facts that leave.

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


class DayRow(NamedTuple):
    """What new messages add to the day in which `at_ms` lies (UTC)."""

    chip: str
    at_ms: int
    arc_ms: int
    covered_ms: int
    energy_wh: float
    sessions: int
    messages: int


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


async def put_sessions(conn: Conn, rows: Sequence[SessionRow], now: datetime) -> list[UUID]:
    """Write sessions that began, ended or were put together again, count them on their days, and tell their grants.

    Returns the open ones of the same machines that they ended.
    """
    words = {"rows": in_json([row._asdict() for row in rows]), "ids": [row.id for row in rows], "now": now}
    ended = await (await conn.execute(query("session_supersede"), words)).fetchall()
    before: dict[UUID, datetime] = dict(await (await conn.execute(query("session_before"), words)).fetchall())
    await conn.execute(query("session_put"), words)
    if days := [day for row in rows for day in _counted(row, before.get(row.id))]:
        await add_days(conn, days)
    if any(row.ticket is not None for row in rows):
        await conn.execute(query("grants_closed"), words)
    ends = [
        (row.ticket, row.chip, row.closed_at, row.end_reason or row.state)
        for row in rows
        if row.ticket and row.closed_at
    ]
    ends += [(grant, chip, at, "superseded") for _, grant, chip, at in ended if grant is not None]
    if ends:
        named = [dict(zip(("grant", "chip", "at", "reason"), end, strict=True)) for end in ends]
        await conn.execute(query("grants_ended"), {"rows": in_json(named)})
    return [row[0] for row in ended]


def _counted(row: SessionRow, opened_before: datetime | None) -> list[DayRow]:
    """A session counts once, on the day of its beginning, also when late words move that beginning."""
    if opened_before == row.opened_at:
        return []
    days = [DayRow(row.chip, _ms(row.opened_at), 0, 0, 0.0, 1, 0)]
    return days if opened_before is None else [*days, DayRow(row.chip, _ms(opened_before), 0, 0, 0.0, -1, 0)]


async def grow_sessions(conn: Conn, rows: Sequence[Growth], now: datetime) -> set[UUID]:
    """More is known of these open sessions, and nothing else happened to them; returns those that the books do not call open."""
    found = await conn.execute(query("session_grow"), {"rows": in_json(rows), "now": now})
    return {row["id"] for row in rows} - {row[0] for row in await found.fetchall()}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


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


async def add_days(conn: Conn, rows: Sequence[DayRow]) -> None:
    """Add to the machines' days; every message is added exactly once, in the transaction that stores it."""
    await conn.execute(query("machine_day_add"), {"rows": in_json([row._asdict() for row in rows])})


async def raise_alert(conn: Conn, row: AlertRow, now: datetime) -> tuple[UUID, bool]:
    """Open an alert or let a finding join the one of its episode; its id, and whether somebody is told now."""
    near = {"chip": row.chip, "codes": list(row.codes), "since": row.since, "last_at": row.last_at, "quiet": row.quiet}
    found = await (await conn.execute(query("finding_near"), near)).fetchone()
    if found is not None:
        return found[0], await _grow(conn, row, found[0], was_historical=found[2])
    words = {**row._asdict(), "evidence": Jsonb(row.evidence), "now": now}
    opened = await (await conn.execute(query("finding_raise"), words)).fetchone()
    if opened is None:  # the episode's alert was closed by somebody, and the episode goes on: they must know
        words["episode"] = f"{row.episode}/{row.id}"
        opened = await (await conn.execute(query("finding_raise"), words)).fetchone()
    if opened is not None and not row.historical:
        await conn.execute(query("finding_announce"), {"id": row.id})
    return row.id, opened is not None and not row.historical


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
