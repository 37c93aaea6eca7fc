"""Sessions, telemetry and rollups row by row, to be taken away: what columns they have, and their rows in order, page by page.

Every page is a short look of its own, so that a reader who is slow keeps no transaction open, and a long export none of the rows
that the database wants to clear away; each row is as it stood when its page was read. A page is bounded before it is asked for.
Refuses names and numbers of people: workers are ids.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, get_args
from uuid import UUID

from weld.core.records import Asked, What, days
from weld.kit.tables import Column, Kind, Rows
from weld.store.connect import Pool, scoped
from weld.store.queries import query

PAGE_ROWS: Final = 10_000
_WITHIN_MS = 60_000
_WEEK = timedelta(days=7)
_OWNERS = 1000
_NO_ID = UUID(int=0)
# The rows, whose they are, and what stands before the first of these.
_QUERIES: Final[Mapping[What, tuple[str, str, str]]] = {
    "telemetry": ("export_telemetry", "export_machines", ""),
    "machine_hour": ("export_machine_hour", "export_machines", ""),
    "machine_day": ("export_machine_day", "export_machines", ""),
    "division_day": ("export_division_day", "export_divisions", ""),
    "enterprise_day": ("export_enterprise_day", "export_enterprises", str(_NO_ID)),
}


class Page(NamedTuple):
    """Some rows in order, and how much of the way lies behind them, 0 to 1."""

    rows: Rows
    behind: float


def _columns(text: str) -> tuple[Column, ...]:
    """Columns as `kind: name name; kind: name`."""
    found = []
    for group in text.split(";"):
        kind, _, names = group.partition(":")
        kinds: tuple[Kind, ...] = get_args(Kind)
        found += [Column(name, kinds[kinds.index(kind.strip())]) for name in names.split()]
    return tuple(found)


_COUNTED = "int64: arc_ms covered_ms online_ms unknown_ms; float64: energy_wh"
_OF_ONE = "float32: peak_a; int32: sessions starts refusals alerts; int64: messages"
_COLUMNS: Final[Mapping[What, tuple[Column, ...]]] = {
    "sessions": _columns(
        "instant: opened_at; text: session plate chip division enterprise site worker grant ticket; truth: authorised;"
        " instant: ends_at closed_at; text: state end_reason; int32: resumed; int64: contact_ms covered_ms arc_ms;"
        " float64: energy_wh; float32: peak_a; truth: historical; instant: updated_at"
    ),
    "telemetry": _columns(
        "text: plate chip; instant: at received_at corrected_at; text: clock late; int32: boot; int64: seq from_up_ms up_ms;"
        " int32: step_ms; text: state contact session ticket; float64: energy_wh; truth: mains; float32: temperature_c;"
        " int16: signal_dbm; float32: battery_v; float64: lat_deg lon_deg; float32: accuracy_m;"
        " float32s: current_a peak_a voltage_v; int32s: arc_ms"
    ),
    "machine_hour": _columns(f"text: plate; instant: hour; {_COUNTED}; {_OF_ONE}"),
    "machine_day": _columns(f"text: plate; day: day; text: division enterprise; {_COUNTED}; {_OF_ONE}"),
    "division_day": _columns(
        f"text: division division_name; day: day; int64: heard; {_COUNTED}; int64: sessions starts refusals alerts messages"
    ),
    "enterprise_day": _columns(
        f"text: enterprise enterprise_name; day: day; int64: heard; {_COUNTED}; int64: sessions starts refusals alerts messages"
    ),
}


_AT, _BOOT, _SEQ = ([column.name for column in _COLUMNS["telemetry"]].index(name) for name in ("at", "boot", "seq"))


def columns(what: What) -> tuple[Column, ...]:
    """The columns of one kind of rows, in order."""
    return _COLUMNS[what]


def pages(pool: Pool, scope: str, asked: Asked) -> AsyncIterator[Page]:
    """All rows in scope, in order; a page may be empty. Only for what has no fault (weld/core/records.py)."""
    eyes = _Eyes(pool, scope)
    match asked.what:
        case "sessions":
            return _sessions(eyes, asked)
        case "telemetry":
            return _telemetry(eyes, asked)
        case _:
            return _rollups(eyes, asked)


class _Eyes:
    """Short looks with one scope."""

    def __init__(self, pool: Pool, scope: str) -> None:
        self._pool = pool
        self._scope = scope

    async def look(self, name: str, words: Mapping[str, object]) -> list[tuple[Any, ...]]:
        async with scoped(self._pool, self._scope) as conn:
            await conn.execute(query("export_ready"), {"within_ms": _WITHIN_MS})
            async with conn.cursor(binary=True) as cursor:
                return await (await cursor.execute(query(name), words)).fetchall()


async def _sessions(eyes: _Eyes, asked: Asked) -> AsyncIterator[Page]:
    """Week by week, so that no look goes through more than a week where few of its sessions are in scope."""
    words = {"plate": asked.plate, "division": asked.division, "limit": PAGE_ROWS}
    begin = asked.since
    while begin < asked.until:
        end, after = min(begin + _WEEK, asked.until), (begin, _NO_ID)
        while True:
            rows = await eyes.look(
                "export_sessions", words | {"after_at": after[0], "after_id": after[1], "until": end}
            )
            yield Page(rows, _behind(asked, rows[-1][0] if len(rows) == PAGE_ROWS else end))
            if len(rows) < PAGE_ROWS:
                break
            after = (rows[-1][0], UUID(rows[-1][1]))
        begin = end


async def _telemetry(eyes: _Eyes, asked: Asked) -> AsyncIterator[Page]:
    """Machine by machine: what a chip has said lies together, and nobody knows before how much it is."""
    async for (plate,), done, total in _owners(eyes, asked, 1):
        words = {"plate": plate, "since": asked.since, "until": asked.until, "limit": PAGE_ROWS}
        after: dict[str, object] = dict.fromkeys(("after_at", "after_boot", "after_seq", "after_chip"))
        while True:
            rows = await eyes.look("export_telemetry", words | after)
            is_last = len(rows) < PAGE_ROWS
            share = 1.0 if is_last else _behind(asked, rows[-1][_AT])
            yield Page([row[:-1] for row in rows], (done + share) / total)
            if is_last:
                break
            at, boot, seq = (rows[-1][column] for column in (_AT, _BOOT, _SEQ))
            after = {"after_at": at, "after_boot": boot, "after_seq": seq, "after_chip": rows[-1][-1]}


async def _rollups(eyes: _Eyes, asked: Asked) -> AsyncIterator[Page]:
    """So many machines, divisions or enterprises at a time that their hours or days together are a page."""
    first, last = days(asked)
    each = (last - first).days + 1
    if asked.what == "machine_hour":
        each = (asked.until - asked.since) // timedelta(hours=1) + 2
    words = {"since": asked.since, "until": asked.until, "first": first, "last": last}
    async for owners, done, total in _owners(eyes, asked, max(1, PAGE_ROWS // each)):
        rows = await eyes.look(_QUERIES[asked.what][0], words | {"owners": list(owners)})
        yield Page(rows, (done + len(owners)) / total)


async def _owners(eyes: _Eyes, asked: Asked, size: int) -> AsyncIterator[tuple[Sequence[str], int, int]]:
    """Whose rows they are, so many at a time: who, how many were before them, and of how many."""
    _, name, after = _QUERIES[asked.what]
    words, done = {"plate": asked.plate, "division": asked.division, "limit": _OWNERS}, 0
    while True:
        found = await eyes.look(name, words | {"after": after})
        for at in range(0, len(found), size):
            part = [row[0] for row in found[at : at + size]]
            yield part, done + at, done + found[0][1]
        if len(found) < _OWNERS:
            return
        after, done = found[-1][0], done + len(found)


def _behind(asked: Asked, at: datetime) -> float:
    return (at - asked.since) / (asked.until - asked.since)
