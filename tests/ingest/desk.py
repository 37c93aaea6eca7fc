"""One lane of ingest with nothing before it: what arrives is handed to it, in any batches, and it writes to the real database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec

from ingest import arrival
from ingest.holdings import Group, Holdings
from ingest.lane import Lane, Portion, Surroundings
from ingest.mapping import ms_of
from ingest.memory import Memory
from ingest.settings import IngestSettings
from schemas import topics
from schemas.chip import Message
from schemas.decode import encode
from tests.database import Database
from weld.core.shard import grouped
from weld.store import chips, leases
from weld.store.connect import connect

SHARDS = 4
_NOBODY: Any = None  # no connection to a broker, nobody to answer


class Desk:
    """`take` stores one batch; it fails where the lane would have to do anything but commit."""

    def __init__(self, lane: Lane, clock: "Standing") -> None:
        self.lane = lane
        self.clock = clock

    async def take(self, batch: Sequence[tuple[str, str, Message]]) -> None:
        """Store (shard, chip, message), received now."""
        received_ms = ms_of(self.clock.now())
        arrivals = [
            arrival.read(_NOBODY, None, topics.build(shard, chip, "up"), encode(message), received_ms)
            for shard, chip, message in batch
        ]
        await self.lane._commit(Portion(arrivals))

    async def close_quarters(self, names: Sequence[tuple[str, str]]) -> None:
        """What the watchdog asks for: idle time to the rollups."""
        await self.lane.review(names)


class Standing:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """As it was set."""
        return self.at

    def monotonic(self) -> float:
        """Nothing here waits."""
        return 0.0


@asynccontextmanager
async def desk(database: Database, at: datetime, owner: str = "desk") -> AsyncIterator[Desk]:
    """A lane that holds all groups, from now on."""
    settings, memory, clock = IngestSettings(shards=SHARDS), Memory(), Standing(at)
    shards = grouped(SHARDS, 2)
    conn = await connect(database.url("ingest"), f"ingest {owner}")

    async def again() -> Any:
        raise AssertionError("the lane lost its trust")

    try:
        await chips.prepare(conn)
        await leases.make(conn, owner, list(shards))
        epochs = await leases.acquire(conn, owner, len(shards), list(shards), len(shards), 60)
        holdings = Holdings(owner, shards, 1, 60, memory, _NOBODY, _NOBODY, _NOBODY, _NOBODY)
        for name, epoch in epochs.items():
            group = holdings.groups[name] = Group(name, epoch, shards[name], 0, drained=True)
            holdings.shards |= dict.fromkeys(shards[name], group)
        await memory.load(conn, [shard for names in shards.values() for shard in names])
        around = Surroundings(settings, clock, memory, holdings, again, msgspec.json.encode, lambda _: None)  # type: ignore[arg-type]
        lane = Lane(0, around)
        lane.conn = conn
        yield Desk(lane, clock)
        await leases.release(conn, epochs)
    finally:
        await conn.close()
