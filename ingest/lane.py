"""A lane of a worker: an inbox, a database connection, and one transaction after the other for the groups that fall to it.

A worker has a few, so that one is in Python while another waits for the database; a group is in one of them as long as it is
held, so a chip's messages keep their order. What an earlier holding of a group left in another lane is not folded there: its
connection is gone, and its epoch is fenced. The order of things is the whole point: COMMIT, then memory, then
acknowledgement, then replies. After any doubt (an error, a lost answer, a new connection) what is remembered of its groups is
thrown away and loaded again. Refuses rules and SQL, and to know other lanes.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from ingest import counters, mapping, pipeline
from ingest.arrival import Arrival
from ingest.batch import Batch
from ingest.chip import Anchor, Chip
from ingest.confirm import Gap
from ingest.draft import Draft
from ingest.holdings import Group, Holdings
from ingest.memory import Memory, load_named
from ingest.mqtt import Link
from ingest.pipeline import LeaseLost
from ingest.settings import IngestSettings
from schemas.chip import BootUp, Envelope, Telemetry
from weld.kit.clock import Clock
from weld.kit.wait import wait
from weld.store import chips
from weld.store.connect import DOUBLED, FAILURES, TRANSIENT, Conn, blames_data

log = structlog.get_logger()

# A batch of so many tells that more are on their way.
_BUSY = 32

# How often the watermarks of groups are looked after while batches follow each other.
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Portion:
    """A batch or a part of one; `again`: memory was loaded anew for it once; `poison`: it is one message, and why it is bad."""

    arrivals: list[Arrival]
    again: bool = False
    poison: str | None = None

    def once_more(self) -> "Portion":
        """The same with fresh memory."""
        return replace(self, again=True)

    def split(self, error: str) -> "list[Portion]":
        """Its halves, the second first (they are taken from the end); a single message is the bad one."""
        if len(self.arrivals) == 1:
            return [] if self.poison is not None else [replace(self, poison=error)]
        half = len(self.arrivals) // 2
        return [Portion(self.arrivals[half:], self.again), Portion(self.arrivals[:half], self.again)]


@dataclass(slots=True)
class Surroundings:
    """What the lanes of a worker share. `committed` is told of each batch, after its memory and its acknowledgements."""

    settings: IngestSettings
    clock: Clock
    memory: Memory
    holdings: Holdings
    connect: Callable[[], Awaitable[Conn]]
    sign: Callable[[object], bytes]
    committed: Callable[[Batch], None]


class Lane:
    """Lane `number` of a worker. `run` returns after `stop` is set and what it had begun is committed and acknowledged."""

    def __init__(self, number: int, around: Surroundings) -> None:
        self.number = number
        self.conn: Conn | None = None
        self.doubt = False
        self.busy = asyncio.Lock()  # one transaction at a time: batches, and the watcher's own
        self._around = around
        self._inbox: deque[Arrival] = deque()
        self._arrived = asyncio.Event()
        self._last_batch = 0
        self._looked_s = 0.0

    def take(self, one: Arrival) -> None:
        """One delivery of a group of ours."""
        if not self._inbox:
            self._arrived.set()
        self._inbox.append(one)

    def wake(self) -> None:
        """Look whether it is time to stop."""
        self._arrived.set()

    async def open(self, stop: asyncio.Event) -> None:
        """The database may come after us; a schema that is not ours is an error that nobody can wait for."""
        while self.conn is None and not stop.is_set():
            try:
                self.conn = await self._around.connect()
            except TRANSIENT as error:
                log.warning("database_awaited", error=type(error).__name__)
                await wait(stop, 1.0)

    async def close(self) -> None:
        """Hang up."""
        if self.conn is not None:
            await self.conn.close()

    # -- batches

    async def run(self, stop: asyncio.Event, took: Callable[[int], None]) -> None:
        """Batch after batch until `stop`; `took` is told how many messages left the inbox for one."""
        while not stop.is_set():
            if await wait(self._arrived, 0.5):
                self._arrived.clear()
            while self._inbox and not stop.is_set():
                await self._gather()
                taken = self._next()
                self._last_batch = len(taken)
                counters.RECEIVED.inc(len(taken))
                took(len(taken))
                async with self.busy:
                    await self._process(_reachable(taken), stop)
                del taken  # thousands of messages end here, and not in the middle of the next batch
                self._mark_drained(often=False)
            self._mark_drained(often=True)

    async def _gather(self) -> None:
        """A transaction costs some milliseconds however small it is: where many messages come, let them share one."""
        settings = self._around.settings
        few = len(self._inbox) < settings.batch_messages // 4
        if self._last_batch >= _BUSY and few and settings.gather_ms:
            await asyncio.sleep(settings.gather_ms / 1000)

    def _next(self) -> list[Arrival]:
        most = self._around.settings.batch_messages
        if len(self._inbox) > most:
            return [self._inbox.popleft() for _ in range(most)]
        taken = list(self._inbox)
        self._inbox.clear()
        return taken

    def _mark_drained(self, *, often: bool) -> None:
        """Nothing of ours is in work now: what waits is what the inbox holds."""
        now_s = asyncio.get_running_loop().time()
        if often or now_s > self._looked_s + _LOOK_EVERY_S:
            self._looked_s = now_s
            self._around.holdings.mark_drained(Counter(one.link.group for one in self._inbox), self.number)

    async def _process(self, arrivals: list[Arrival], stop: asyncio.Event) -> None:
        """One batch to its end: committed, or split down to the one message that cannot be stored.

        Whatever goes wrong here is answered here: an error in the handling of an error must not end the worker.
        """
        work, backoff_s = [Portion(arrivals)], 0.1
        while work and not stop.is_set():
            portion = work.pop()
            try:
                await self._commit(portion)
                backoff_s = 0.1
            except LeaseLost as lost:
                self._around.holdings.lose(lost.epochs)
                work.append(portion)
            except DOUBLED:
                counters.BATCHES.labels("memory_wrong").inc()
                log.error("memory_was_wrong", messages=len(portion.arrivals))
                self.doubt = True
                work += (
                    portion.split("a key that was thought new is stored") if portion.again else [portion.once_more()]
                )
            except Exception as error:  # noqa: BLE001  a bad message costs one message, whatever it breaks
                if blames_data(error):
                    # The transaction was rolled back for certain, so memory is still right.
                    counters.BATCHES.labels("split").inc()
                    log.warning("batch_failed", messages=len(portion.arrivals), error=type(error).__name__)
                    work += portion.split(f"{type(error).__name__}: {error}")
                    continue
                counters.BATCHES.labels("database_lost").inc()
                log.warning("database_lost", error=type(error).__name__)
                self.doubt = True
                work.append(portion)
                await wait(stop, backoff_s)
                backoff_s = min(backoff_s * 2, 5.0)

    async def _commit(self, portion: Portion) -> None:
        await self._trust()
        held = self._held()
        arrivals = [one for one in portion.arrivals if one.shard in held]
        if not arrivals:
            return
        draft, forgetful = self._draft(arrivals)
        if portion.poison is not None:
            draft.poison(arrivals[0], portion.poison)
        else:
            await self._recall(draft, forgetful)
            for one in arrivals:
                draft.place(one)
        await self._commit_draft(arrivals, draft, held)

    def _held(self) -> dict[str, Group]:
        """The shards of this lane with their groups, as they are before memory is read: a group that is lost and taken again
        meanwhile has another epoch, and memory of its own."""
        return {shard: group for shard, group in self._around.holdings.shards.items() if group.lane == self.number}

    def _draft(self, arrivals: Iterable[Arrival]) -> tuple[Draft, list[Arrival]]:
        """The draft of a batch with the chips that are remembered, and those arrivals that need more than memory has."""
        draft, forgetful = Draft(self._around.settings.heartbeat_s, self._around.holdings.catching_up), []
        known, get = draft.chips, self._around.memory.get
        for one in arrivals:
            name, said = one.chip, one.said
            if name is None:
                continue
            chip = known.get(name)
            if chip is None:
                if (chip := get(one.shard, name)) is None:
                    forgetful.append(one)
                    continue
                draft.add(chip)
            if type(said) is not Telemetry or said.boot != chip.anchor_boot:
                forgetful.append(one)
        return draft, forgetful

    async def _recall(self, draft: Draft, forgetful: list[Arrival]) -> None:
        """Chips that memory does not hold, and boots that it has forgotten: without their anchors the same message would get
        another time, and whoever says a boot message again gets the same answer again."""
        if self.conn is None:
            return
        strangers = {one.chip for one in forgetful if one.chip is not None and one.chip not in draft.chips}
        if strangers:
            for chip in (await load_named(self.conn, sorted(strangers))).values():
                draft.add(chip)
        wanted = {(chip.chip_no, boot): chip for one in forgetful for chip, boot in _forgotten(draft, one)}
        for row in await chips.boots(self.conn, list(wanted)) if wanted else ():
            anchor = Anchor(row.boot, mapping.ms_of(row.anchor_at), row.hash)
            wanted[row.chip_no, row.boot].anchor_at(anchor)

    async def _commit_draft(self, arrivals: list[Arrival], draft: Draft, held: Mapping[str, Group]) -> None:
        assert self.conn is not None  # noqa: S101  (trust gives one)
        around, loop = self._around, asyncio.get_running_loop()
        wanted = {one.shard for one in arrivals} | {draft.chips[name].shard for name in draft.touched}
        groups = {group.name: group for group in (held[shard] for shard in wanted)}
        epochs = {name: group.epoch for name, group in groups.items()}
        if gone := {name: epochs[name] for name, group in groups.items() if not around.holdings.has(group)}:
            raise LeaseLost(gone)  # while we looked things up
        batch = Batch(self.conn, draft, epochs, around.clock.now(), around.sign)
        began_s = loop.time()
        await pipeline.run(batch)
        counters.COMMIT_MS.observe((loop.time() - began_s) * 1000)
        ours = {shard for shard, group in held.items() if around.holdings.has(group)}
        around.memory.advance((draft.before[name], chip) for name, chip in draft.chips.items() if chip.shard in ours)
        _acknowledge(arrivals)
        around.committed(batch)
        if arrivals:
            counters.LAG_MS.observe(max(0, mapping.ms_of(around.clock.now()) - arrivals[0].received_ms))

    # -- doubt

    async def _trust(self) -> None:
        """After any doubt: a connection that works, and memory loaded again. Raises what the database raises."""
        if self.conn is None or self.conn.closed or self.doubt:
            self.doubt = True  # until memory is loaded: a new connection alone proves nothing
            await self.close()
            self.conn = await self._around.connect()
            for shard, group in self._held().items():
                if self._around.holdings.has(group):  # of one that was lost meanwhile memory is not ours to load
                    await self._around.memory.load(self.conn, [shard])
            self.doubt = False

    @asynccontextmanager
    async def between_batches(self) -> AsyncIterator[Conn]:
        """Our connection while no batch is on it."""
        async with self.busy:
            await self._trust()
            assert self.conn is not None  # noqa: S101  (trust gives one)
            yield self.conn

    async def review(self, names: Sequence[tuple[str, str]]) -> None:
        """Write these silent chips, as (shard, chip), again as they stand now: their open sessions, their idle time."""
        async with self.between_batches():
            held = self._held()
            draft, _ = self._draft([])  # inside the lock: an older picture of a chip would undo a batch
            for shard, name in names:
                if shard in held and (chip := self._around.memory.get(shard, name)) is not None:
                    draft.add(chip)
                    draft.touched.add(name)
                    draft.review.append(name)
                    draft.close_quarter(draft.chips[name])
            await self._commit_draft([], draft, held)

    async def give_up(self, gaps: Sequence[tuple[str, Gap]]) -> None:
        """What stays unreadable after three resends is declared so, and counted."""
        try:
            async with self.between_batches():
                held = self._held()
                draft, _ = self._draft([])
                for shard, gap in gaps:
                    if shard in held and (chip := self._around.memory.get(shard, gap.chip)) is not None:
                        if gap.chip not in draft.chips:
                            draft.add(chip)
                        draft.touched.add(gap.chip)  # so that its lease is checked
                        draft.unreadable.append(gap)
                await self._commit_draft([], draft, held)
        except (LeaseLost, *FAILURES) as error:
            self.doubt = True
            log.warning("give_up_failed", error=type(error).__name__)


def _reachable(arrivals: list[Arrival]) -> list[Arrival]:
    """Without those whose connection is gone: the broker gives them to somebody again."""
    links = {one.link for one in arrivals}
    if all(link.alive for link in links):
        return arrivals
    return [one for one in arrivals if one.link.alive]


def _acknowledge(arrivals: list[Arrival]) -> None:
    by_link: dict[Link, list[int]] = {}
    for one in arrivals:
        if one.packet_id is not None:
            by_link.setdefault(one.link, []).append(one.packet_id)
    for link, packet_ids in by_link.items():
        link.acknowledge(packet_ids)


def _forgotten(draft: Draft, one: Arrival) -> list[tuple[Chip, int]]:
    """The chip of an arrival with the boot that it speaks of, if memory does not hold what is needed of that now."""
    chip = draft.chips.get(one.chip) if one.chip else None
    if chip is None or not isinstance(one.said, Envelope) or one.said.boot > chip.boot:
        return []
    known = chip.anchor(one.said.boot)
    wanting = known is None or (known.hash is None and isinstance(one.said, BootUp))
    return [(chip, one.said.boot)] if wanting else []
