"""A worker: holds leases, one broker session a shard, and folds what arrives, batch by batch.

The order of things is the whole point: COMMIT, then memory, then acknowledgement, then replies. After any doubt (an error, a
lost answer, a new connection) memory is thrown away and loaded again. Refuses rules and SQL.
"""

import asyncio
import os
import socket
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from ingest import arrival, counters, mapping, memory, pipeline
from ingest.arrival import Arrival
from ingest.batch import Batch
from ingest.confirm import Confirmations, Due, Gap, Resends
from ingest.draft import Draft
from ingest.holdings import Holdings, Shard
from ingest.memory import Anchor, Chip, Memory
from ingest.mqtt import Address, Link
from ingest.pipeline import LeaseLost
from ingest.settings import IngestSettings
from ingest.watchdog import Watchdog
from schemas import down, topics
from schemas.chip import BootUp, Envelope
from schemas.signed import SigningKey, Stored
from weld.core import intake
from weld.kit.clock import Clock, SteadyClock
from weld.kit.wait import wait
from weld.store import chips, evidence, leases
from weld.store.connect import DOUBLED, FAILURES, TRANSIENT, Conn, blames_data, connect

log = structlog.get_logger()

# A batch of so many tells that more are on their way.
_BUSY = 32


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


class Worker:
    """One ingest worker. `run` returns after `stop` is set and everything taken is committed and acknowledged."""

    def __init__(
        self, settings: IngestSettings, database_url: str, address: Address, key: SigningKey, clock: Clock
    ) -> None:
        self.settings = settings
        self.clock = SteadyClock(clock, settings.ingest_clock_off_max_s)
        # of at most 63 characters with its prefix: our connections are named by it, so that they can be ended
        self.owner = f"{socket.gethostname()[:24]}:{os.getpid()}:{os.urandom(4).hex()}"
        self.memory = Memory()
        self._url = database_url
        self._key = key
        self._inbox: deque[Arrival] = deque()
        self._loop_time: Callable[[], float] = lambda: 0.0
        self._tick_s = 0.0
        self._tick_ms = 0
        self._arrived = asyncio.Event()
        self._paused = False
        self._doubt = False
        self._last_batch = 0
        self._confirmations = Confirmations(settings.stored_after_s, settings.stored_a_second)
        self._resends = Resends(settings.resend_after_s)
        self._conn: Conn | None = None
        self._busy = asyncio.Lock()  # one transaction at a time: batches, and the watcher's own
        names = [f"{number:02x}" for number in range(settings.shards)]
        self.holdings = Holdings(
            self.owner, names, settings.lease_s, self.memory, address, self._take, self._forget, self.clock
        )

    @property
    def shards(self) -> dict[str, Shard]:
        """The shards held now."""
        return self.holdings.shards

    @property
    def ready(self) -> asyncio.Event:
        """Set while the lease table can be reached."""
        return self.holdings.ready

    # -- life

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; then finish the batch, acknowledge, release the leases."""
        structlog.contextvars.bind_contextvars(worker=self.owner)
        self._loop_time = asyncio.get_running_loop().time
        await self._first_connection(stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                leasing = tasks.create_task(self.holdings.keep(self._url, stop))
                folding = tasks.create_task(self._fold(stop))
                replying = tasks.create_task(self._reply(stop))
                watching = tasks.create_task(Watchdog(self).run(stop))
                await stop.wait()
                self.holdings.wake()
                self._arrived.set()
                await asyncio.gather(leasing, folding, replying, watching)
        finally:
            await self.holdings.leave(self._conn)
            if self._conn is not None:
                await self._conn.close()

    async def _first_connection(self, stop: asyncio.Event) -> None:
        """The database may come after us; a schema that is not ours is an error that nobody can wait for."""
        while self._conn is None and not stop.is_set():
            try:
                self._conn = await self._connect()
            except TRANSIENT as error:
                log.warning("database_awaited", error=type(error).__name__)
                await wait(stop, 1.0)

    # -- arrivals

    def _take(self, link: Link, packet_id: int | None, topic: str, payload: bytes) -> None:
        self._inbox.append(arrival.read(link, packet_id, topic, payload, self._received_ms()))
        self._arrived.set()
        if not self._paused and len(self._inbox) > self.settings.inbox_messages:
            self._pause(paused=True)

    def _received_ms(self) -> int:
        """The time of receipt: one look at the clock for all that comes in one turn of the loop."""
        tick_s = self._loop_time()
        if tick_s != self._tick_s:
            self._tick_s, self._tick_ms = tick_s, mapping.ms_of(self.clock.now())
        return self._tick_ms

    def _pause(self, *, paused: bool) -> None:
        self._paused = paused
        counters.PAUSED.set(paused)
        self.holdings.pause(paused=paused)

    def _forget(self, shard: str) -> None:
        """A shard was taken from us."""
        self._resends.forget(shard)

    # -- batches

    async def _fold(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            waited = await wait(self._arrived, 0.5)
            if waited:
                self._arrived.clear()
            while self._inbox and not stop.is_set():
                await self._gather()
                taken = [self._inbox.popleft() for _ in range(min(len(self._inbox), self.settings.batch_messages))]
                self._last_batch = len(taken)
                counters.RECEIVED.inc(len(taken))
                counters.WAITING.set(len(self._inbox))
                async with self._busy:
                    await self._process([one for one in taken if one.link.alive], stop)
                if self._paused and len(self._inbox) < self.settings.inbox_messages // 2:
                    self._pause(paused=False)
                self._mark_drained()
            self._mark_drained()

    async def _gather(self) -> None:
        """A transaction costs some milliseconds however small it is: where many messages come, let them share one."""
        few = len(self._inbox) < self.settings.batch_messages // 4
        if self._last_batch >= _BUSY and few and self.settings.gather_ms:
            await asyncio.sleep(self.settings.gather_ms / 1000)

    def _mark_drained(self) -> None:
        self.holdings.mark_drained(Counter(one.shard for one in self._inbox))

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
                self.holdings.lose(lost.shards)
                work.append(portion)
            except DOUBLED:
                counters.BATCHES.labels("memory_wrong").inc()
                log.error("memory_was_wrong", messages=len(portion.arrivals))
                self._doubt = True
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
                self._doubt = True
                work.append(portion)
                await wait(stop, backoff_s)
                backoff_s = min(backoff_s * 2, 5.0)

    def _poisoned(self, poison: Arrival, error: str) -> Draft:
        draft = self._draft([poison])
        draft.poison(poison, error)
        return draft

    async def _commit(self, portion: "Portion") -> None:
        await self._trust()
        arrivals = [one for one in portion.arrivals if one.shard in self.shards]
        if not arrivals:
            return
        if portion.poison is not None:
            await self._commit_draft(arrivals, self._poisoned(arrivals[0], portion.poison))
            return
        draft = self._draft(arrivals)
        strangers = {one.chip for one in arrivals if one.chip is not None and one.chip not in draft.chips}
        if strangers and self._conn is not None:
            for chip in (await memory.load_named(self._conn, sorted(strangers))).values():
                draft.add(chip)
        await self._recall_boots(draft, arrivals)
        for one in arrivals:
            draft.place(one)
        await self._commit_draft(arrivals, draft)

    async def _recall_boots(self, draft: Draft, arrivals: list[Arrival]) -> None:
        """What the store knows of boots that memory has forgotten: without their anchors the same message would get another time,
        and whoever says a boot message again gets the same answer again."""
        wanted = {
            (chip.chip_no, one.said.boot): chip
            for one in arrivals
            if (chip := _forgetful(draft, one)) and isinstance(one.said, Envelope)
        }
        if not wanted or self._conn is None:
            return
        for row in await chips.boots(self._conn, list(wanted)):
            anchor = Anchor(row.boot, mapping.ms_of(row.anchor_at), row.hash)
            wanted[row.chip_no, row.boot].anchor_at(anchor)

    def _draft(self, arrivals: list[Arrival]) -> Draft:
        draft = Draft(self.settings.heartbeat_s, self.holdings.catching_up)
        known, get, add = draft.chips, self.memory.get, draft.add
        for one in arrivals:
            name = one.chip
            if name is not None and name not in known and (chip := get(one.shard, name)) is not None:
                add(chip)
        return draft

    async def _commit_draft(self, arrivals: list[Arrival], draft: Draft) -> None:
        assert self._conn is not None  # noqa: S101  (run opens it before anything else)
        loop = asyncio.get_running_loop()
        wanted = {one.shard for one in arrivals} | {draft.chips[name].shard for name in draft.touched}
        gone = wanted - set(self.shards)
        if gone:  # lost while we looked things up
            raise LeaseLost(gone)
        epochs = {name: self.shards[name].epoch for name in wanted}
        batch = Batch(self._conn, draft, epochs, self._key, self.clock.now(), self._sign)
        began_s = loop.time()
        await pipeline.run(batch)
        counters.COMMIT_MS.observe((loop.time() - began_s) * 1000)
        self.memory.advance(chip for chip in draft.chips.values() if chip.shard in self.shards)
        self._acknowledge(arrivals)
        self._after(batch)
        if arrivals:
            counters.LAG_MS.observe(max(0, mapping.ms_of(self.clock.now()) - arrivals[0].received_ms))

    def _sign(self, words: object) -> bytes:
        return down.encode_signed(words, self._key)  # type: ignore[arg-type]  # the draft holds only signed words

    def _acknowledge(self, arrivals: list[Arrival]) -> None:
        by_link: dict[Link, list[int]] = {}
        for one in arrivals:
            if one.packet_id is not None:
                by_link.setdefault(one.link, []).append(one.packet_id)
        for link, packet_ids in by_link.items():
            link.acknowledge(packet_ids)

    def _after(self, batch: Batch) -> None:
        """Count, answer, and note what chips have to be told later."""
        draft = batch.draft
        counters.BATCHES.labels("committed").inc()
        counters.BATCH_SIZE.observe(max(1, sum(draft.fates.values())))
        counters.ALERTS.inc(batch.alerts)
        counters.WRITTEN.labels("telemetry").inc(len(draft.telemetry))
        counters.WRITTEN.labels("event").inc(len(draft.events))
        for fate, number in draft.fates.items():
            counters.FATES.labels(fate).inc(number)
        for kind, number in draft.lateness.items():
            counters.LATE.labels(kind).inc(number)
        for shard, chip, payload in batch.replies:
            self._send(shard, chip, payload, "boot_reply")
        now_s = asyncio.get_running_loop().time()
        for name, boots in draft.spoken.items():
            self._confirmations.heard(draft.chips[name].shard, name, boots, now_s)
        for name in draft.touched:
            known = draft.chips[name]
            if known.gaps or known.older or name in self._resends:
                self._resends.heard(known.shard, name, known.progress, now_s)

    # -- doubt

    async def _trust(self) -> None:
        """After any doubt: a connection that works, and memory loaded again. Raises what the database raises."""
        if self._conn is None or self._conn.closed or self._doubt:
            self._doubt = True  # until memory is loaded: a new connection alone proves nothing
            if self._conn is not None:
                await self._conn.close()
            self._conn = await self._connect()
            await self.memory.load(self._conn, list(self.shards))
            self._doubt = False

    async def _connect(self) -> Conn:
        conn = await connect(self._url, f"ingest {self.owner}")
        await chips.prepare(conn)
        return conn

    # -- replies

    async def _reply(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await wait(stop, 0.1)
            now_s = asyncio.get_running_loop().time()
            forgotten = [old for due in self._confirmations.due(now_s) for old in self._confirm(due)]
            if forgotten:
                await self._confirm_old(forgotten)
            ask, give_up = self._resends.due(now_s)
            for shard, gap in ask:
                self._send(shard, gap.chip, down.encode_resend(gap.boot, gap.low, gap.high), "resend")
            if give_up:
                async with self._busy:
                    await self._give_up(give_up)
            counters.UNCONFIRMED.set(len(self._confirmations))
            counters.STORED_AGE_S.set(self._confirmations.age_s(now_s))
            counters.GAPS.set(len(self._resends))

    def _confirm(self, due: Due) -> list[tuple[Chip, int]]:
        """Tell a chip how far it is stored; returns boots that only the store remembers."""
        chip, forgotten = self.memory.get(due.shard, due.chip), []
        for boot in sorted(due.boots) if chip is not None else ():
            if chip is not None and intake.is_tracked(chip.progress, boot):
                self._tell_stored(chip, boot, intake.confirmed(chip.progress, boot))
            elif chip is not None:
                forgotten.append((chip, boot))
        return forgotten

    async def _confirm_old(self, forgotten: list[tuple[Chip, int]]) -> None:
        """Boots before those that a chip's coverage is kept of: it came back with the evidence of many."""

        async def look(conn: Conn) -> None:
            for chip, boot in forgotten:
                self._tell_stored(chip, boot, await evidence.stored_run(conn, chip.chip, chip.chip_no, boot))

        try:
            await self.with_connection(look)
        except FAILURES as error:  # they say it again, and are asked for again
            log.warning("confirmation_waits", error=type(error).__name__)

    def _tell_stored(self, chip: Chip, boot: int, upto: int) -> None:
        if upto > 0:
            self._send(chip.shard, chip.chip, self._sign(Stored(aud=chip.chip, boot=boot, upto=upto)), "stored")

    def settled(self) -> dict[str, bool]:
        """For each shard held: everything the broker had is stored, and has been for a whole interval."""
        return self.holdings.settled(asyncio.get_running_loop().time() - self.settings.watch_every_s)

    async def review(self, names: Sequence[tuple[str, str]]) -> None:
        """Write these silent chips, as (shard, chip), again as they stand now: their open sessions, their idle time."""
        async with self._busy:
            await self._trust()
            draft = self._draft([])  # inside the lock: an older picture of a chip would undo a batch
            for shard, name in names:
                if (chip := self.memory.get(shard, name)) is not None and shard in self.shards:
                    draft.add(chip)
                    draft.touched.add(name)
                    draft.review.append(name)
                    draft.close_quarter(draft.chips[name])
            await self._commit_draft([], draft)

    async def with_connection(self, work: Callable[[Conn], Awaitable[None]]) -> None:
        """Run the watchdog's own work between batches, in a transaction that holds all our leases."""
        async with self._busy:
            await self._trust()
            assert self._conn is not None  # noqa: S101  (trust gives one)
            epochs = self.holdings.epochs
            async with self._conn.transaction():
                held = await leases.hold(self._conn, epochs)
                if held == set(epochs):
                    await work(self._conn)

    async def _give_up(self, gaps: list[tuple[str, Gap]]) -> None:
        """What stays unreadable after three resends is declared so, and counted."""
        try:
            await self._trust()
            draft = self._draft([])
            for shard, gap in gaps:
                chip = self.memory.get(shard, gap.chip)
                if chip is not None and shard in self.shards:
                    if gap.chip not in draft.chips:
                        draft.add(chip)
                    draft.unreadable.append(gap)
            await self._commit_draft([], draft)
        except (LeaseLost, *FAILURES) as error:
            self._doubt = True
            log.warning("give_up_failed", error=type(error).__name__)

    def _send(self, shard: str, chip: str, payload: bytes, kind: str) -> None:
        held = self.shards.get(shard)
        if held is not None and held.link is not None and held.link.alive:
            held.link.publish(topics.build(shard, chip, "down"), payload)
            counters.REPLIES.labels(kind).inc()


def _forgetful(draft: Draft, one: Arrival) -> Chip | None:
    """The chip of an arrival, if it speaks of a boot of which memory does not hold what is needed now."""
    boot = getattr(one.said, "boot", None)
    chip = draft.chips.get(one.chip) if one.chip else None
    if chip is None or boot is None or boot > chip.boot:
        return None
    known = chip.anchor(boot)
    wanting = known is None or (known.hash is None and isinstance(one.said, BootUp))
    return chip if wanting else None
