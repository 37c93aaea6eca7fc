"""What a worker holds: leases of groups of shards in the database, and for each leased group one session with the broker.

The lease loop is the only judge of what is ours; a connection is opened after the lease was taken and the memory loaded, and
after a break only when the lease was read again. Living workers share the groups evenly: who has too many hands over in order
(read no more, store and acknowledge what was read, disconnect, release). Refuses to touch messages.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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

# How often in a lease's time the leases are looked at. A killed worker's groups are ours after one lease and one look.
_LOOKS = 6


@dataclass(slots=True)
class Group:
    """One group of shards that this worker holds, from taking the lease to losing it: taken again, it is another."""

    name: str
    epoch: int
    shards: Sequence[str]
    lane: int  # its batches are in this lane as long as it is held
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
    """The groups of one worker. `lost` is told which were taken from us, before anything else happens with them."""

    def __init__(
        self,
        owner: str,
        shards: Mapping[str, Sequence[str]],
        lanes: int,
        lease_s: float,
        memory: Memory,
        address: Address,
        take: Deliver,
        lost: Callable[[Group], None],
        clock: SteadyClock,
    ) -> None:
        self.groups: dict[str, Group] = {}
        self.shards: dict[str, Group] = {}  # every shard of those, with its group
        self.ready = asyncio.Event()
        self._owner = owner
        self._shards = shards
        self._lanes = lanes
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
        """Every group held, with the epoch of its lease."""
        return {name: group.epoch for name, group in self.groups.items()}

    def has(self, group: Group) -> bool:
        """Whether it is held, and was not lost and taken again."""
        return self.groups.get(group.name) is group

    def catching_up(self, shard: str) -> bool:
        """Whether the broker still has old messages of this shard for us."""
        return shard in self.shards and not self.shards[shard].drained

    def settled(self, since_s: float) -> dict[str, bool]:
        """For each group held: everything the broker had was stored, and has been since then (loop time)."""
        return {name: g.quiet and g.drained_s < since_s for name, g in self.groups.items()}

    def era(self, name: str) -> str:
        """A name for the time in which we watch this group without a break."""
        group = self.groups.get(name)
        return "" if group is None else f"{group.epoch}:{group.connections}"

    def mark_drained(self, waiting: Mapping[str, int], lane: int) -> None:
        """What waits for the groups of a lane; where nothing does any more, the watermark may move."""
        now_s = asyncio.get_running_loop().time()
        for group in [group for group in self.groups.values() if group.lane == lane]:
            group.waiting = waiting.get(group.name, 0)
            if group.leaving and group.waiting == 0 and not group.finished:
                group.finished = True
                self._renew_now.set()
            quiet = group.link is not None and group.link.alive and group.waiting == 0
            if quiet and not group.drained and now_s > group.connected_s + CATCH_UP_S:
                group.drained, group.drained_s = True, now_s

    def pause(self, *, paused: bool) -> None:
        """Stop or go on reading from the broker, on all connections and on those to come."""
        self._paused = paused
        for group in self.groups.values():
            self._read_or_not(group)

    def _read_or_not(self, group: Group) -> None:
        if group.link is not None:
            group.link.pause() if self._paused or group.leaving else group.link.resume()

    def wake(self) -> None:
        """Look at the leases now."""
        self._renew_now.set()

    async def leave(self, conn: Conn | None) -> None:
        """Close the sessions, which stay with the broker, and hand the leases back."""
        for group in self.groups.values():
            _part(group)
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
                    while not stop.is_set():
                        await self._look(conn, stop)
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
        if not self.groups and not await leases.make(conn, self._owner, list(self._shards)):
            self.ready.clear()
            log.warning("shards_grouped_otherwise", groups=len(self._shards))
            return
        await self._renew(conn)
        await self._hand_over(conn)
        await self._acquire(conn, stop)
        self.ready.set()
        counters.GROUPS.set(len(self.groups))
        counters.CATCHING_UP.set(sum(not group.drained for group in self.groups.values()))
        counters.CHIPS.set(len(self._memory))

    async def _renew(self, conn: Conn, taken: Mapping[str, int] | None = None) -> set[str]:
        """Say that we live, and keep what is ours, also what we have only `taken`; returns what is still ours.

        We are heard of no later than our leases are: both end together.
        """
        living = await leases.attend(conn, self._owner, self._lease_s)
        self._share = math.ceil(len(self._shards) / living)
        held = self.epochs
        epochs = {**held, **(taken or {})}
        if not epochs:
            return set()
        drained = {name: group.quiet for name, group in self.groups.items()}
        asked_s = asyncio.get_running_loop().time()
        ours = await leases.renew(conn, self._owner, epochs, drained, self._lease_s)
        for name in ours & set(self.groups):
            self.groups[name].renewed_s = asked_s
        self.lose({name: epoch for name, epoch in held.items() if name not in ours})
        return ours

    async def _hand_over(self, conn: Conn) -> None:
        """What is above our share goes, once two looks agree on it: a worker that only flickers moves nothing."""
        surplus = self._above_share()
        leaving, self._surplus = set(surplus) & set(self._surplus), surplus
        for group in self.groups.values():
            self._turn(group, leaving=group.name in leaving)
        done = {name: group.epoch for name, group in self.groups.items() if group.finished}
        for name in done:
            self._drop(self.groups.pop(name))
        if done:
            await leases.release(conn, done)
            counters.LEASES_HANDED.inc(len(done))
            log.info("groups_handed_over", groups=len(done))

    def _above_share(self) -> list[str]:
        """Of each lane in its turn, so that what stays keeps all lanes busy."""
        places: Counter[int] = Counter()
        ranked = []
        for name in sorted(self.groups):
            lane = self.groups[name].lane
            ranked.append((places[lane], name))
            places[lane] += 1
        return [name for _, name in sorted(ranked)[self._share :]]

    def _turn(self, group: Group, *, leaving: bool) -> None:
        """Begin to leave a group, or stay after all: then it counts as just connected, for nobody read meanwhile."""
        if group.leaving == leaving:
            return
        group.leaving, group.finished = leaving, False
        if not leaving:
            group.drained, group.connected_s = False, asyncio.get_running_loop().time()
        self._read_or_not(group)

    async def _acquire(self, conn: Conn, stop: asyncio.Event) -> None:
        """Take what is free, up to our share; each group is read from the broker before the next is loaded."""
        before = len(self.groups)
        while not stop.is_set() and self._clock.off_s is None and len(self.groups) < self._share:
            wanted = [name for name in self._shards if name not in self.groups]
            got = await leases.acquire(conn, self._owner, len(self._shards), wanted, 1, self._lease_s)
            if not got:
                if wanted and await leases.evict(conn, self._owner):
                    log.warning("sleeping_owner_evicted")
                break
            for name, epoch in got.items():
                await self._begin(conn, Group(name, epoch, self._shards[name], self._emptiest_lane()))
        if len(self.groups) > before:
            log.info("groups_acquired", groups=len(self.groups) - before)

    def _emptiest_lane(self) -> int:
        """The lane that minds the fewest groups. The same group may have been in another one before: what is left of it there
        came by a connection that is gone, and is not folded any more (ingest/lane.py)."""
        minded = Counter(group.lane for group in self.groups.values())
        return min(range(self._lanes), key=lambda lane: (minded[lane], lane))

    async def _begin(self, conn: Conn, group: Group) -> None:
        """Load the chips of a group that was just taken, then read its session. A province's group takes longer to load than a
        lease lasts: all leases are renewed between its shards."""
        for shard in group.shards:
            await self._memory.load(conn, [shard])
            if group.name not in await self._renew(conn, {group.name: group.epoch}):
                self._memory.drop(group.shards)
                return
        self.groups[group.name] = group
        self.shards.update(dict.fromkeys(group.shards, group))
        group.keeper = asyncio.create_task(self._keep_link(group))

    def lose(self, epochs: Mapping[str, int]) -> None:
        """Another worker has these: leave the broker, forget everything, touch nothing. One taken again since stays."""
        for name, epoch in epochs.items():
            group = self.groups.get(name)
            if group is None or group.epoch != epoch:
                continue
            del self.groups[name]
            counters.LEASES_LOST.inc()
            log.warning("lease_lost", group=name, epoch=epoch)
            if group.link is not None:
                group.link.abort()
            self._drop(group)

    def _drop(self, group: Group) -> None:
        self._lost(group)  # while its link, if it is alive, can still say something
        for shard in group.shards:
            del self.shards[shard]
        _part(group)
        self._memory.drop(group.shards)

    async def _keep_link(self, group: Group) -> None:
        """Stay connected while the lease is ours; a new connection starts as one that has to catch up."""
        backoff_s = 0.1
        filters = [pattern for shard in group.shards for pattern in topics.filters(shard)]
        while True:
            try:
                group.link = await Link.open(self._client_id(group), group.name, self._address, filters, self._take)
            except (OSError, TimeoutError) as error:
                log.warning("broker_unreachable", group=group.name, error=type(error).__name__)
                await asyncio.sleep(backoff_s * (0.5 + random.random()))  # noqa: S311  (spreads reconnects, no secret)
                backoff_s = min(backoff_s * 2, 5.0)
                continue
            if not group.link.session_present:
                counters.SUBSCRIBED.inc()
            self._read_or_not(group)
            backoff_s = 0.1
            group.connections += 1
            group.connected_s = asyncio.get_running_loop().time()
            await group.link.wait_closed()
            group.drained = False
            await self._still_ours(group)

    def _client_id(self, group: Group) -> str:
        """It names the division too: a session that is present is not subscribed again, so it must be of these very shards."""
        shards = sum(len(each) for each in self._shards.values())
        return f"wg-ingest-{shards}-{len(self._shards)}-{group.name}"

    async def _still_ours(self, group: Group) -> None:
        """Read the lease before reconnecting: a new owner's session must not be stolen back. A lost one cancels us here."""
        lost_s = asyncio.get_running_loop().time()
        self._renew_now.set()
        while group.renewed_s <= lost_s:
            await asyncio.sleep(0.05)


def _part(group: Group) -> None:
    """Leave the broker; its session, and what was not acknowledged, stay there."""
    if group.keeper is not None:
        group.keeper.cancel()
    if group.link is not None:
        group.link.close()
