"""What a worker holds: leases in the database, and for each leased shard one session with the broker.

The lease loop is the only judge of what is ours; a connection is opened after the lease was taken and the memory loaded, and
after a break only when the lease was read again. Living workers share the shards evenly: who has too many hands over in order
(read no more, store and acknowledge what was read, disconnect, release). Refuses to touch messages.
"""

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from ingest import counters
from ingest.memory import Memory
from ingest.mqtt import Address, Deliver, Link
from schemas import topics
from weld.kit.clock import SteadyClock
from weld.kit.wait import wait
from weld.store import leases
from weld.store.connect import TRANSIENT, Conn, connect

log = structlog.get_logger()

# The broker begins to hand out what it kept a moment after we are connected.
CATCH_UP_S = 1.0

# How often in a lease's time the leases are looked at. A killed worker's shards are ours after one lease and one look.
_LOOKS = 6

# So many shards are taken and loaded at once: loading a million chips takes longer than the leases that are held meanwhile.
_PORTION = 2


@dataclass(slots=True)
class Shard:
    """One shard that this worker holds."""

    name: str
    epoch: int
    link: Link | None = None
    drained: bool = False
    drained_s: float = 0.0
    waiting: int = 0
    leaving: bool = False
    finished: bool = False  # it is leaving, and nothing of it waits any more
    connections: int = 0
    renewed_s: float = 0.0
    connected_s: float = 0.0
    keeper: asyncio.Task[None] | None = None

    @property
    def quiet(self) -> bool:
        """Everything that the broker had is stored, and we still read."""
        return self.drained and self.waiting == 0 and not self.leaving


class Holdings:
    """The shards of one worker. `lost` is told which were taken from us, before anything else happens with them."""

    def __init__(
        self,
        owner: str,
        names: list[str],
        lease_s: float,
        memory: Memory,
        address: Address,
        take: Deliver,
        lost: Callable[[str], None],
        clock: SteadyClock,
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
        self._clock = clock
        self._paused = False
        self._share = 0
        self._surplus: list[str] = []
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
        return {name: s.quiet and s.drained_s < since_s for name, s in self.shards.items()}

    def era(self, name: str) -> str:
        """A name for the time in which we watch this shard without a break."""
        shard = self.shards.get(name)
        return "" if shard is None else f"{shard.epoch}:{shard.connections}"

    def mark_drained(self, waiting: Mapping[str, int], minds: Callable[[str], bool]) -> None:
        """What waits for the shards that somebody minds; where nothing does any more, the watermark may move."""
        now_s = asyncio.get_running_loop().time()
        for shard in [shard for shard in self.shards.values() if minds(shard.name)]:
            shard.waiting = waiting.get(shard.name, 0)
            if shard.leaving and shard.waiting == 0 and not shard.finished:
                shard.finished = True
                self._renew_now.set()
            quiet = shard.link is not None and shard.link.alive and shard.waiting == 0
            if quiet and not shard.drained and now_s > shard.connected_s + CATCH_UP_S:
                shard.drained, shard.drained_s = True, now_s

    def pause(self, *, paused: bool) -> None:
        """Stop or go on reading from the broker, on all connections and on those to come."""
        self._paused = paused
        for shard in self.shards.values():
            self._read_or_not(shard)

    def _read_or_not(self, shard: Shard) -> None:
        if shard.link is not None:
            shard.link.pause() if self._paused or shard.leaving else shard.link.resume()

    def wake(self) -> None:
        """Look at the leases now."""
        self._renew_now.set()

    async def leave(self, conn: Conn | None) -> None:
        """Close the sessions, which stay with the broker, and hand the leases back."""
        for shard in self.shards.values():
            _part(shard)
        if conn is None or conn.closed:
            return
        try:
            await leases.release(conn, self.epochs)
            await leases.leave(conn, self._owner)
        except TRANSIENT as error:  # then they run out
            log.warning("leases_not_released", error=type(error).__name__)

    async def keep(self, url: str, stop: asyncio.Event) -> None:
        """Renew what is ours, hand over what is too much and take what is free, until `stop`."""
        while not stop.is_set():
            try:
                conn = await connect(url, "ingest leases")
                async with conn:
                    await leases.make(conn, self._names)
                    while not stop.is_set():
                        await self._look(conn, stop)
                        self.ready.set()
                        await wait(self._renew_now, self._lease_s / _LOOKS)
                        self._renew_now.clear()
            except TRANSIENT as error:
                self.ready.clear()
                log.warning("lease_connection_lost", error=type(error).__name__)
                await wait(stop, 0.5)

    async def _look(self, conn: Conn, stop: asyncio.Event) -> None:
        self._clock.compare(await leases.clock(conn))
        if self._clock.off_s is not None:  # what we hold goes on by the steady time; nothing new until both agree
            log.warning("clock_off", seconds=round(self._clock.off_s, 1))
        await self._renew(conn)
        await self._hand_over(conn)
        await self._acquire(conn, stop)
        counters.SHARDS.set(len(self.shards))
        counters.CATCHING_UP.set(sum(not shard.drained for shard in self.shards.values()))
        counters.CHIPS.set(len(self._memory))

    async def _renew(self, conn: Conn) -> None:
        """Say that we live, and keep what is ours. We are heard of no later than our leases are: both end together."""
        living = await leases.attend(conn, self._owner, self._lease_s)
        self._share = math.ceil(len(self._names) / living)
        if not self.shards:
            return
        epochs = self.epochs
        drained = {name: shard.quiet for name, shard in self.shards.items()}
        asked_s = asyncio.get_running_loop().time()
        ours = await leases.renew(conn, self._owner, epochs, drained, self._lease_s)
        for name in ours & set(self.shards):
            self.shards[name].renewed_s = asked_s
        self.lose(set(epochs) - ours)

    async def _hand_over(self, conn: Conn) -> None:
        """What is above our share goes, once two looks agree on it: a worker that only flickers moves nothing."""
        surplus = sorted(self.shards)[self._share :]
        leaving, self._surplus = set(surplus) & set(self._surplus), surplus
        for shard in self.shards.values():
            self._turn(shard, leaving=shard.name in leaving)
        done = {name: shard.epoch for name, shard in self.shards.items() if shard.finished}
        for name in done:
            self._drop(self.shards.pop(name))
        if done:
            await leases.release(conn, done)
            counters.LEASES_HANDED.inc(len(done))
            log.info("shards_handed_over", shards=len(done))

    def _turn(self, shard: Shard, *, leaving: bool) -> None:
        """Begin to leave a shard, or stay after all: then it counts as just connected, for nobody read meanwhile."""
        if shard.leaving == leaving:
            return
        shard.leaving, shard.finished = leaving, False
        if not leaving:
            shard.drained, shard.connected_s = False, asyncio.get_running_loop().time()
        self._read_or_not(shard)

    async def _acquire(self, conn: Conn, stop: asyncio.Event) -> None:
        """Take what is free, up to our share; each portion is read from the broker before the next is loaded."""
        before = len(self.shards)
        while not stop.is_set() and self._clock.off_s is None and (room := self._share - len(self.shards)) > 0:
            wanted = [name for name in self._names if name not in self.shards]
            got = await leases.acquire(conn, self._owner, wanted, min(room, _PORTION), self._lease_s)
            if not got:
                if wanted and await leases.evict(conn, self._owner, wanted):
                    log.warning("sleeping_owner_evicted")
                break
            await self._memory.load(conn, list(got))
            for name, epoch in got.items():
                shard = Shard(name, epoch)
                self.shards[name] = shard
                shard.keeper = asyncio.create_task(self._keep_link(shard))
            await self._renew(conn)
        if len(self.shards) > before:
            log.info("shards_acquired", shards=len(self.shards) - before)

    def lose(self, names: Iterable[str]) -> None:
        """Another worker has these: leave the broker, forget everything, touch nothing."""
        for name in list(names):
            shard = self.shards.pop(name, None)
            if shard is None:
                continue
            counters.LEASES_LOST.inc()
            log.warning("lease_lost", shard=name, epoch=shard.epoch)
            if shard.link is not None:
                shard.link.abort()
            self._drop(shard)

    def _drop(self, shard: Shard) -> None:
        self._lost(shard.name)  # while its link, if it is alive, can still say something
        _part(shard)
        self._memory.drop([shard.name])

    async def _keep_link(self, shard: Shard) -> None:
        """Stay connected while the lease is ours; a new connection starts as one that has to catch up."""
        backoff_s = 0.1
        client_id, filters = f"wg-ingest-{shard.name}", topics.filters(shard.name)
        while True:
            try:
                shard.link = await Link.open(client_id, shard.name, self._address, filters, self._take)
            except (OSError, TimeoutError) as error:
                log.warning("broker_unreachable", shard=shard.name, error=type(error).__name__)
                await asyncio.sleep(backoff_s * (0.5 + random.random()))  # noqa: S311  (spreads reconnects, no secret)
                backoff_s = min(backoff_s * 2, 5.0)
                continue
            if not shard.link.session_present:
                counters.SUBSCRIBED.inc()
            self._read_or_not(shard)
            backoff_s = 0.1
            shard.connections += 1
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


def _part(shard: Shard) -> None:
    """Leave the broker; its session, and what was not acknowledged, stay there."""
    if shard.keeper is not None:
        shard.keeper.cancel()
    if shard.link is not None:
        shard.link.close()
