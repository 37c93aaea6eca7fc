"""The questions of weld/store/questions.py with random words, asked as the api's role under a real scope, and timed.

Timed is all that the api waits for: the transaction, its scope, the question, every row of the answer. Refuses the answers: a
test of each stands in tests/; here only their size is kept, so that an empty one is seen.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from bench.store_servers import StoreGround
from weld.store import province, questions
from weld.store.connect import Conn, pool, scoped
from weld.store.province import Asked, Shape

_COLD_TIMES = 20
_SEED = 6
_SPANS = tuple(timedelta(hours=hours) for hours in (1, 24, 24 * 7, 24 * 30, 24 * 365))
_LAST_ID = UUID(int=(1 << 128) - 1)
Say = Callable[[str], None]
Ask = Callable[[Conn], Awaitable[int]]


class Put(NamedTuple):
    """One question as somebody puts it: in which eyes, and what; `dense`: about a machine with a message a minute."""

    scope: str
    ask: Ask
    dense: bool = False


class Asking:
    """Makes questions about a filled store: `Asking(shape, machines).put("sessions")`; the same seed makes the same."""

    def __init__(self, shape: Shape, machines: Sequence[Asked]) -> None:
        self._shape = shape
        self._machines = machines
        self._dense = [one for one in machines if one.number < shape.dense] or machines[:1]
        self._chance = random.Random(_SEED)  # noqa: S311  (the same questions every time)
        self._until = datetime.combine(shape.until, datetime.min.time(), UTC)
        self._makers: Mapping[str, Callable[[], Put]] = {
            "timeline_year": self._timeline_year,
            "current_curve": self._current_curve,
            "sessions": self._sessions,
            "alert_queue": self._alert_queue,
            "division_month": self._division_month,
            "connection_rate": self._connection_rate,
        }

    def put(self, name: str) -> Put:
        """One question of this name, its words by chance."""
        return self._makers[name]()

    def _timeline_year(self) -> Put:
        one, dense = self._machine()
        since = self._until - timedelta(days=self._shape.days)

        async def ask(conn: Conn) -> int:
            told = await questions.timeline_year(conn, one.plate, since, self._until)
            return len(told.steps) if told else 0

        return Put(self._local(one), ask, dense)

    def _current_curve(self) -> Put:
        one, dense = self._machine()
        span = min(self._chance.choice(_SPANS), timedelta(days=self._shape.days))
        until = self._until - self._chance.random() * (timedelta(days=self._shape.days) - span)

        async def ask(conn: Conn) -> int:
            told = await questions.current_curve(conn, one.plate, until - span, until)
            return len(told.points) if told else 0

        return Put(self._local(one), ask, dense)

    def _sessions(self) -> Put:
        one = self._chance.choice(self._machines)
        before = self._until - self._chance.random() * timedelta(days=self._shape.days)
        wanted = self._chance.choice((
            questions.WantedSessions(plate=one.plate),
            questions.WantedSessions(worker=UUID(f"00000000-0000-7000-a000-{one.number:012x}")),
            questions.WantedSessions(enterprise=UUID(one.enterprise)),
            questions.WantedSessions(division=one.division),
            questions.WantedSessions(division=one.division[:4]),
            questions.WantedSessions(state="open"),
            questions.WantedSessions(since=before - timedelta(days=1), until=before),
        ))  # fmt: skip
        after = None if self._chance.random() < 0.5 else (before, _LAST_ID)

        async def ask(conn: Conn) -> int:
            return len(await questions.sessions(conn, wanted, after=after, limit=50))

        return Put(self._scope(one), ask)

    def _alert_queue(self) -> Put:
        one = self._chance.choice(self._machines)
        wanted = questions.WantedAlerts(division=self._chance.choice((None, one.division[:4])))
        after = None if self._chance.random() < 0.5 else (2, self._until - timedelta(days=10), _LAST_ID)

        async def ask(conn: Conn) -> int:
            return len(await questions.alert_queue(conn, wanted, after=after, limit=50))

        return Put(self._scope(one), ask)

    def _division_month(self) -> Put:
        one, division = self._asked_division()
        month = (self._until - self._chance.random() * timedelta(days=self._shape.days - 1)).date()

        async def ask(conn: Conn) -> int:
            told = await questions.division_month(conn, division, month)
            return len(told.days) if told else 0

        return Put(self._scope(one), ask)

    def _connection_rate(self) -> Put:
        one, division = self._asked_division()
        days = min(30, self._shape.days)
        until = (self._until - self._chance.random() * timedelta(days=self._shape.days - days)).date()

        async def ask(conn: Conn) -> int:
            told = await questions.connection_rate(conn, division, until - timedelta(days=days), until)
            return len(told.days) if told else 0

        return Put(self._scope(one), ask)

    def _machine(self) -> tuple[Asked, bool]:
        """Half of the time one that was on and talking all year."""
        dense = self._chance.random() < 0.5
        return self._chance.choice(self._dense if dense else self._machines), dense

    def _asked_division(self) -> tuple[Asked, str | None]:
        one = self._chance.choice(self._machines)
        return one, self._chance.choice((None, one.division[:4], one.division))

    def _local(self, one: Asked) -> str:
        """Somebody of the machine's own county, city or enterprise."""
        city = f"division:41/{one.division[:4]}"
        return self._chance.choice((city, f"{city}/{one.division}", f"enterprise:{one.enterprise}"))

    def _scope(self, one: Asked) -> str:
        """Somebody of the platform, the province or the machine's city."""
        return self._chance.choice(("platform", "division:41", f"division:41/{one.division[:4]}"))


class Took(NamedTuple):
    """One answer: how long it took, and how much it was."""

    ms: float
    rows: int
    dense: bool


def measure(ground: StoreGround, shape: Shape, times: int, say: Say) -> dict[str, Any]:
    """Every question: first some times on a server that has just started with nothing in memory, then `times` times."""
    machines = machines_of(ground, shape)
    cold = asyncio.run(_ask(ground, Asking(shape, machines), min(times, _COLD_TIMES)))
    warm = asyncio.run(_ask(ground, Asking(shape, machines), times))
    found: dict[str, dict[str, Any]] = {}
    for name in questions.NAMES:
        found[name] = spread(warm[name]) | {
            f"cold_{key}": value for key, value in spread(cold[name], "p50_ms most_ms").items()
        }
        found[name] |= {"times": len(warm[name]), "rows": _middle(sorted(one.rows for one in warm[name]))}
        if dense := [one for one in warm[name] if one.dense]:
            found[name]["dense"] = spread(dense)
        say(f"{ground.engine}: {name}: {found[name]}")
    return found


def machines_of(ground: StoreGround, shape: Shape) -> list[Asked]:
    """A thousand machines by chance, and those with a message a minute."""
    return province.some(ground.admin_url, 1000, shape.dense)


async def _ask(ground: StoreGround, asking: Asking, times: int) -> dict[str, list[Took]]:
    """In turns, as people ask: no question finds everything as the same one has left it."""
    took: dict[str, list[Took]] = {name: [] for name in questions.NAMES}
    async with pool(ground.role_url("api"), "bench", 1) as connections:
        for _ in range(times):
            for name in questions.NAMES:
                put = asking.put(name)
                began_s = time.perf_counter()
                rows = await asked(scoped(connections, put.scope), put)
                took[name].append(Took((time.perf_counter() - began_s) * 1000, rows, put.dense))
    return took


async def asked(eyes: AbstractAsyncContextManager[Conn], put: Put) -> int:
    """The size of the answer."""
    async with eyes as conn:
        return await put.ask(conn)


def spread(took: Sequence[Took], names: str = "p50_ms p99_ms most_ms") -> dict[str, float]:
    """Milliseconds: the middle, the 99th of a hundred, the most."""
    ms = sorted(one.ms for one in took)
    told = {"p50_ms": _middle(ms), "p99_ms": ms[min(len(ms) - 1, len(ms) * 99 // 100)], "most_ms": ms[-1]}
    return {name: round(told[name], 2) for name in names.split()}


def _middle(sorted_: Sequence[float]) -> float:
    return sorted_[len(sorted_) // 2]
