"""Divisions added up: a month by day and by the divisions next below, and how many of the registered machines are heard (接入率).

Read under the caller's scope. Refuses to tell an enterprise the sums of a division: they are of others too.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from psycopg.rows import class_row

from weld.core.months import months_later
from weld.store.connect import Conn
from weld.store.queries import query


class TopRow(NamedTuple):
    """The division that figures are of; the empty code stands for all of the platform."""

    code: str
    path: str
    name_zh: str | None
    name_en: str | None


class SumsRow(NamedTuple):
    """Sums. `heard` counts each machine once a day on which it said something."""

    heard: int
    arc_ms: int
    covered_ms: int
    online_ms: int
    unknown_ms: int
    energy_wh: float
    sessions: int
    starts: int
    refusals: int
    alerts: int
    messages: int


_NOTHING = SumsRow(0, 0, 0, 0, 0, 0.0, 0, 0, 0, 0, 0)


class Part(NamedTuple):
    """A division next below, or the division itself for what belongs to none of them."""

    code: str
    name_zh: str
    name_en: str


class Month(NamedTuple):
    """A month by day and by part, each part with the month before; only days and parts of which there is something."""

    top: TopRow
    days: list[tuple[date, SumsRow]]
    parts: list[tuple[Part, SumsRow, SumsRow]]
    total: SumsRow
    before: SumsRow


class Connected(NamedTuple):
    """Machine days: on how many a machine was heard, of how many it was registered; and of its messages how many are here."""

    heard: int
    registered: int
    messages: int
    lost: int
    missing: int


class Connection(NamedTuple):
    """How many are heard, by day and by part. `missing` may still come; nobody knows yet of which day it is."""

    top: TopRow
    days: list[tuple[date, int, int]]
    parts: list[tuple[Part, Connected]]
    total: Connected


async def division_month(conn: Conn, division: str | None, month: date) -> Month | None:
    """The month of `month` for a division and all below it; None: for that of the caller's scope. None where there is none."""
    top = await _top(conn, division)
    if top is None:
        return None
    first = month.replace(day=1)
    words = {"path": top.path, "before": months_later(first, -1), "since": first, "until": months_later(first, 1)}
    rows = await _rows(conn, "month_sums", words)
    parts = {(part, this_month): SumsRow(*sums) for day, part, this_month, *sums in rows if part is not None}
    names = await _names(conn, {part for part, _ in parts})
    return Month(
        top,
        [(day, SumsRow(*sums)) for day, part, _, *sums in rows if part is None and day is not None],
        [(one, parts.get((one.code, True), _NOTHING), parts.get((one.code, False), _NOTHING)) for one in names],
        _sum(sums for (_, this_month), sums in parts.items() if this_month),
        _sum(sums for (_, this_month), sums in parts.items() if not this_month),
    )


async def connection_rate(conn: Conn, division: str | None, since: date, until: date) -> Connection | None:
    """Machines heard against machines registered on each day from `since` on and before `until`, and what came of their messages.

    None where there is no such division in scope. Registered is whoever is in the register now, from the day of his entry on.
    """
    top = await _top(conn, division)
    if top is None:
        return None
    words = {"path": top.path, "since": since, "until": until}
    days = [since + timedelta(days=number) for number in range((until - since).days)]
    told = {
        (part, day): (heard, messages) for part, day, heard, messages in await _rows(conn, "connection_heard", words)
    }
    entered = {(part, day): count for part, day, count in await _rows(conn, "connection_registered", words)}
    gone = {part: (lost, missing) for part, lost, missing in await _rows(conn, "connection_missing", words)}
    names = await _names(conn, {part for part, _ in (*told, *entered)} | set(gone))
    parts, by_day = [], {day: [0, 0] for day in days}
    for part in names:
        registered = list(accumulate(entered.get((part.code, day), 0) for day in days))
        heard = [told.get((part.code, day), (0, 0)) for day in days]
        for day, there, (spoke, _) in zip(days, registered, heard, strict=True):
            by_day[day][0] += spoke
            by_day[day][1] += there
        sums = (sum(spoke for spoke, _ in heard), sum(registered), sum(messages for _, messages in heard))
        parts.append((part, Connected(*sums, *gone.get(part.code, (0, 0)))))
    total = Connected(*(sum(column) for column in zip(*(one for _, one in parts), strict=True))) if parts else None
    return Connection(
        top, [(day, by_day[day][0], by_day[day][1]) for day in days], parts, total or Connected(0, 0, 0, 0, 0)
    )


async def _top(conn: Conn, division: str | None) -> TopRow | None:
    async with conn.cursor(row_factory=class_row(TopRow)) as cursor:
        return await (await cursor.execute(query("top"), {"division": division})).fetchone()


async def _names(conn: Conn, codes: set[str]) -> list[Part]:
    rows = await _rows(conn, "part_names", {"codes": sorted(codes)})
    return sorted((Part(*row) for row in rows), key=lambda part: part.code)


async def _rows(conn: Conn, name: str, words: dict[str, Any]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query(name), words, prepare=False)).fetchall()


def _sum(rows: Iterable[SumsRow]) -> SumsRow:
    found = list(rows)
    return SumsRow(*(sum(column) for column in zip(*found, strict=True))) if found else _NOTHING
