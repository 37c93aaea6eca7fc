"""The live feed of one scope: what changed, read once and encoded once for all streams of that scope.

There is no task behind it: whichever stream finds a look due does it, the others find its batch. So a feed without streams costs
nothing, and one whose streams are all slow looks less often. Between looks nothing is held of the database. A cursor names the
feed and its last batch, so what a client missed is replayed from the ring, or it hears that it must start anew.
Refuses to remember more than the ring, and to show more than row-level security shows this scope.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog

from api import figures
from api.alerts import view
from api.parts import Parts
from schemas import live as shapes
from schemas.http import Shape
from weld.core import look as looks
from weld.store import alerts, live
from weld.store.alerts import Wanted
from weld.store.connect import TRANSIENT, Conn, scoped
from weld.store.live import PlacedRow, StandingRow

log = structlog.get_logger()

Name = Literal["hello", "machines", "alerts", "figures", "beat", "resync"]

# Batches that a client who was away gets again; and how far one who reads too slowly may fall behind.
RING = 60
SLOW = 3
# At most five looks a second, however many hints come.
_APART_S = 0.2
# A feed that nobody asked for this long is forgotten; whoever comes back to it starts anew.
_IDLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look found, encoded, by event."""

    number: int
    events: Sequence[tuple[Name, str]]


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the last look saw: where the tail was settled up to, and how every alert stood that nobody has closed."""

    position: str
    standings: Mapping[UUID, StandingRow]


class Feed:
    """One scope's batches. `number` is the newest one's."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.number = 0
        self.asked_at = time.monotonic()
        self._name = secrets.token_hex(4)
        self._batches: deque[Batch] = deque(maxlen=RING)
        self._picture: _Picture | None = None
        self._busy = asyncio.Lock()
        self._looked_at = 0.0
        self._counted_at = time.monotonic()

    def cursor(self, number: int) -> str:
        """What a client names to get everything after this batch."""
        return f"{self._name}-{number}"

    def place(self, cursor: str | None) -> int | None:
        """The batch that a cursor names, if everything after it is still here."""
        name, _, number = (cursor or "").partition("-")
        if name != self._name or not number.isdecimal() or len(number) > 15:
            return None
        return int(number) if self.number - len(self._batches) <= int(number) <= self.number else None

    def after(self, number: int, most: int) -> list[Batch] | None:
        """The batches after this one; None where they are more than `most` or no longer here."""
        missed = self.number - number
        if missed > min(most, len(self._batches)):
            return None
        return list(self._batches)[len(self._batches) - missed :]

    def due_in(self, parts: Parts) -> float:
        """Seconds until the next look is due without a hint."""
        return max(0.0, self._looked_at + parts.settings.api_live_every_s - time.monotonic())

    async def begin(self, conn: Conn) -> str:
        """The cursor before anything else is read on this connection, which looks with this scope's eyes."""
        self.asked_at = time.monotonic()
        # Without the lock: whoever waited for it here would hold a connection that a look may need. Of two first pictures
        # the one that was set first stays; the other's reader reads later than that, and misses nothing.
        if self._picture is None:
            seen = await _picture(conn)
            self._picture = self._picture or seen
        return self.cursor(self.number)

    async def refresh(self, parts: Parts, hinted_at: float) -> None:
        """Look, if a hint or the time asks for it: once for all streams. A database that is away is asked again later."""
        self.asked_at = time.monotonic()
        async with self._busy:
            if self.due_in(parts) > 0 and hinted_at <= self._looked_at:
                return
            await asyncio.sleep(max(0.0, self._looked_at + _APART_S - time.monotonic()))
            self._looked_at = time.monotonic()
            try:
                async with scoped(parts.pool, self.scope) as conn:
                    await self._look(conn, parts)
            except TRANSIENT as error:
                log.warning("live_waits", error=type(error).__name__)

    async def _look(self, conn: Conn, parts: Parts) -> None:
        now = parts.clock.now()
        seen = await _picture(conn)
        events = [] if self._picture is None else await _changes(conn, self._picture, seen, now)
        counting = time.monotonic() - self._counted_at >= parts.settings.api_figures_every_s
        if counting:
            events.append(("figures", (await figures.count(conn, parts, now)).model_dump_json()))
        # Only what was read to the end is remembered: a look that was broken off is done again.
        self._picture = seen
        self._counted_at = time.monotonic() if counting else self._counted_at
        if events:
            self.number += 1
            self._batches.append(Batch(self.number, events))


def feed_of(parts: Parts, scope: str) -> Feed:
    """The feed of a scope; feeds that nobody asks any more are forgotten."""
    feeds, now = parts.board.feeds, time.monotonic()
    for name in [name for name, feed in feeds.items() if now - feed.asked_at > _IDLE_S]:
        del feeds[name]
    return feeds.setdefault(scope, Feed(scope))


def event(name: Name, data: Shape | str, cursor: str | None = None) -> str:
    """One event of the stream."""
    text = data if isinstance(data, str) else data.model_dump_json()
    told = f"event: {name}\ndata: {text}\n\n"
    return told if cursor is None else f"id: {cursor}\n{told}"


async def _picture(conn: Conn) -> _Picture:
    """The position first: what commits after it is behind it, or seen already, and never missed."""
    position = await live.position(conn)
    return _Picture(position, {row.id: row for row in await live.standings(conn)})


async def _changes(conn: Conn, before: _Picture, seen: _Picture, now: datetime) -> list[tuple[Name, str]]:
    changed = await live.changes(conn, before.position, seen.position)
    standing = [row for row in seen.standings.values() if before.standings.get(row.id) != row]
    gone = [row for row in before.standings.values() if row.id not in seen.standings]
    # An alert of tampering or silence is a look too, and leaves no word in the tail.
    moved = (*standing, *gone)
    plates = {row.plate: now for row in moved if row.plate is not None and row.code in looks.CODES} | changed
    machines = await live.machines(conn, list(plates)) if plates else []
    ids = [row.id for row in moved]
    told = await alerts.search(conn, Wanted(), ids=ids, limit=len(ids)) if ids else []
    events: list[tuple[Name, str]] = []
    if machines:
        shown = [_change(row, plates[row.plate]) for row in machines]
        events.append(("machines", shapes.MachinesEvent(at=now, machines=shown).model_dump_json()))
    if told:
        events.append(("alerts", shapes.AlertsEvent(at=now, alerts=[view(row) for row in told]).model_dump_json()))
    return events


def _change(row: PlacedRow, at: datetime) -> shapes.MachineChange:
    words = row._asdict()
    look = looks.of(words.pop("facts"))
    return shapes.MachineChange(**words, look=look, at=at)
