"""What a worker holds: leases in the database, and for each leased shard one session with the broker.

The lease loop is the only judge of what is ours; a connection is opened after the lease was taken and the memory loaded, and
after a break only when the lease was read again. Refuses to touch messages.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from ingest import counters
from ingest.memory import Memory
from ingest.mqtt import Address, Delivery, Link
from schemas import topics
from weld.kit.wait import wait
from weld.store import leases
from weld.store.connect import TRANSIENT, Conn, connect

log = structlog.get_logger()

# The broker begins to hand out what it kept a moment after we are connected.
CATCH_UP_S = 1.0


@dataclass(slots=True)
class Shard:
    """One shard that this worker holds."""

    name: str
    epoch: int
    link: Link | None = None
    drained: bool = False
    drained_s: float = 0.0
    waiting: int = 0
    renewed_s: float = 0.0
    connected_s: float = 0.0
    keeper: asyncio.Task[None] | None = None


class Holdings:
    """The shards of one worker. `lost` is told which were taken from us, before anything else happens with them."""

    def __init__(
        self,
        owner: str,
        names: list[str],
        lease_s: float,
        memory: Memory,
        address: Address,
        take: Callable[[Delivery], None],
        lost: Callable[[str], None],
    ) -> None:
        self.shards: dict[str, Shard] = {}
        self.ready = asyncio.Event()
        self._owner = owner
        self._names = names
        self._lease_s = lease_s
        self._memory = memory
        self._address = address
        self._take = take
        self._lost = lost
        self._paused = False
        self._renew_now = asyncio.Event()

    @property
    def epochs(self) -> Mapping[str, int]:
        """Every shard held, with the epoch of its lease."""
        return {name: shard.epoch for name, shard in self.shards.items()}

    def catching_up(self, name: str) -> bool:
        """Whether the broker still has old messages of this shard for us."""
        return name in self.shards and not self.shards[name].drained

    def settled(self, since_s: float) -> dict[str, bool]:
        """For each shard held: everything the broker had was stored, and has been since then (loop time)."""
        return {name: s.drained and s.waiting == 0 and s.drained_s < since_s for name, s in self.shards.items()}

    def mark_drained(self, waiting: Mapping[str, int]) -> None:
        """Nothing waits for these shards any more: their watermark may move."""
        now_s = asyncio.get_running_loop().time()
        for shard in self.shards.values():
            shard.waiting = waiting.get(shard.name, 0)
            quiet = shard.link is not None and shard.link.alive and shard.waiting == 0
            if quiet and not shard.drained and now_s > shard.connected_s + CATCH_UP_S:
                shard.drained, shard.drained_s = True, now_s

    def pause(self, *, paused: bool) -> None:
        """Stop or go on reading from the broker, on all connections and on those to come."""
        self._paused = paused
        for shard in self.shards.values():
            if shard.link is not None:
                shard.link.pause() if paused else shard.link.resume()

    def wake(self) -> None:
        """Look at the leases now."""
        self._renew_now.set()

    async def leave(self, conn: Conn | None) -> None:
        """Close the sessions, which stay with the broker, and hand the leases back."""
        for shard in self.shards.values():
            if shard.keeper is not None:
                shard.keeper.cancel()
            if shard.link is not None:
                shard.link.close()
        if self.shards and conn is not None and not conn.closed:
            await leases.release(conn, self.epochs)

    async def keep(self, url: str, stop: asyncio.Event) -> None:
        """Renew what is ours and take what is free, until `stop`."""
        while not stop.is_set():
            try:
                conn = await connect(url, "ingest leases")
                async with conn:
                    await leases.make(conn, self._names)
                    while not stop.is_set():
                        await self._renew(conn)
                        await self._acquire(conn)
                        self.ready.set()
                        await wait(self._renew_now, self._lease_s / 3)
                        self._renew_now.clear()
            except TRANSIENT as error:
                self.ready.clear()
                log.warning("lease_connection_lost", error=type(error).__name__)
                await wait(stop, 0.5)

    async def _renew(self, conn: Conn) -> None:
        if not self.shards:
            return
        epochs = {name: shard.epoch for name, shard in self.shards.items()}
        drained = {name: shard.drained and shard.waiting == 0 for name, shard in self.shards.items()}
        asked_s = asyncio.get_running_loop().time()
        ours = await leases.renew(conn, self._owner, epochs, drained, self._lease_s)
        for name in ours & set(self.shards):
            self.shards[name].renewed_s = asked_s
        self.lose(set(epochs) - ours)

    async def _acquire(self, conn: Conn) -> None:
        wanted = [name for name in self._names if name not in self.shards]
        if not wanted:
            return
        got = await leases.acquire(conn, self._owner, wanted, len(wanted), self._lease_s)
        if got:
            log.info("shards_acquired", shards=len(got))
            await self._memory.load(conn, list(got))
            for name, epoch in got.items():
                shard = Shard(name, epoch)
                self.shards[name] = shard
                shard.keeper = asyncio.create_task(self._keep_link(shard))
        counters.SHARDS.set(len(self.shards))
        counters.CHIPS.set(len(self._memory))

    def lose(self, names: Iterable[str]) -> None:
        """Another worker has these: leave the broker, forget everything, touch nothing."""
        for name in list(names):
            shard = self.shards.pop(name, None)
            if shard is None:
                continue
            counters.LEASES_LOST.inc()
            log.warning("lease_lost", shard=name, epoch=shard.epoch)
            if shard.keeper is not None:
                shard.keeper.cancel()
            if shard.link is not None:
                shard.link.abort()
            self._lost(name)
            self._memory.drop([name])

    async def _keep_link(self, shard: Shard) -> None:
        """Stay connected while the lease is ours; a new connection starts as one that has to catch up."""
        backoff_s = 0.1
        client_id, filters = f"wg-ingest-{shard.name}", topics.filters(shard.name)
        while True:
            try:
                shard.link = await Link.open(client_id, self._address, filters, self._take)
            except (OSError, TimeoutError) as error:
                log.warning("broker_unreachable", shard=shard.name, error=type(error).__name__)
                await asyncio.sleep(backoff_s * (0.5 + random.random()))  # noqa: S311  (spreads reconnects, no secret)
                backoff_s = min(backoff_s * 2, 5.0)
                continue
            if not shard.link.session_present:
                counters.SUBSCRIBED.inc()
            if self._paused:
                shard.link.pause()
            backoff_s = 0.1
            shard.connected_s = asyncio.get_running_loop().time()
            await shard.link.wait_closed()
            shard.drained = False
            await self._still_ours(shard)

    async def _still_ours(self, shard: Shard) -> None:
        """Read the lease before reconnecting: a new owner's session must not be stolen back. A lost one cancels us here."""
        lost_s = asyncio.get_running_loop().time()
        self._renew_now.set()
        while shard.renewed_s <= lost_s:
            await asyncio.sleep(0.05)
