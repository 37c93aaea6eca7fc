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
from ingest.confirm import Confirmations, Gap, Resends
from ingest.draft import Draft
from ingest.holdings import Holdings, Shard
from ingest.memory import Answered, Chip, Memory
from ingest.mqtt import Address, Delivery, Link
from ingest.pipeline import LeaseLost
from ingest.settings import IngestSettings
from ingest.watchdog import Watchdog
from schemas import down, topics
from schemas.chip import Envelope
from schemas.signed import SigningKey, Stored
from weld.core import intake
from weld.kit.clock import Clock
from weld.kit.wait import wait
from weld.store import chips, leases
from weld.store.connect import DOUBLED, FAILURES, Conn, blames_data, connect

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Portion:
    """A batch or a part of one; `again`: memory was loaded anew for it once; `poison`: it is one message, and why it is bad."""

    deliveries: list[Delivery]
    again: bool = False
    poison: str | None = None

    def once_more(self) -> "Portion":
        """The same with fresh memory."""
        return replace(self, again=True)

    def split(self, error: str) -> "list[Portion]":
        """Its halves, the second first (they are taken from the end); a single message is the bad one."""
        if len(self.deliveries) == 1:
            return [] if self.poison is not None else [replace(self, poison=error)]
        half = len(self.deliveries) // 2
        return [Portion(self.deliveries[half:], self.again), Portion(self.deliveries[:half], self.again)]


class Worker:
    """One ingest worker. `run` returns after `stop` is set and everything taken is committed and acknowledged."""

    def __init__(
        self, settings: IngestSettings, database_url: str, address: Address, key: SigningKey, clock: Clock
    ) -> None:
        self.settings = settings
        self.clock = clock
        owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self.memory = Memory()
        self._url = database_url
        self._key = key
        self._inbox: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._paused = False
        self._doubt = False
        self._confirmations = Confirmations(settings.stored_after_s)
        self._resends = Resends(settings.resend_after_s)
        self._conn: Conn | None = None
        self._busy = asyncio.Lock()  # one transaction at a time: batches, and the watcher's own
        names = [f"{number:02x}" for number in range(settings.shards)]
        self.holdings = Holdings(owner, names, settings.lease_s, self.memory, address, self._take, self._forget)

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
        self._conn = await connect(self._url, "ingest")
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

    # -- arrivals

    def _take(self, delivery: Delivery) -> None:
        counters.RECEIVED.inc()
        self._inbox.append(delivery)
        self._arrived.set()
        if not self._paused and len(self._inbox) > self.settings.inbox_messages:
            self._pause(paused=True)

    def _pause(self, *, paused: bool) -> None:
        self._paused = paused
        self.holdings.pause(paused=paused)

    def _forget(self, shard: str) -> None:
        """A shard was taken from us."""
        self._resends.forget(chip.chip for chip in self.memory.of(shard))

    # -- batches

    async def _fold(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            waited = await wait(self._arrived, 0.5)
            if waited:
                self._arrived.clear()
            while self._inbox and not stop.is_set():
                taken = [self._inbox.popleft() for _ in range(min(len(self._inbox), self.settings.batch_messages))]
                counters.WAITING.set(len(self._inbox))
                async with self._busy:
                    await self._process([delivery for delivery in taken if delivery.link.alive], stop)
                if self._paused and len(self._inbox) < self.settings.inbox_messages // 2:
                    self._pause(paused=False)
                self._mark_drained()
            self._mark_drained()

    def _mark_drained(self) -> None:
        self.holdings.mark_drained(Counter(delivery.topic[5:7] for delivery in self._inbox))

    async def _process(self, deliveries: list[Delivery], stop: asyncio.Event) -> None:
        """One batch to its end: committed, or split down to the one message that cannot be stored.

        Whatever goes wrong here is answered here: an error in the handling of an error must not end the worker.
        """
        work, backoff_s = [Portion(deliveries)], 0.1
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
                log.error("memory_was_wrong", messages=len(portion.deliveries))
                self._doubt = True
                work += (
                    portion.split("a key that was thought new is stored") if portion.again else [portion.once_more()]
                )
            except Exception as error:  # noqa: BLE001  a bad message costs one message, whatever it breaks
                if blames_data(error):
                    # The transaction was rolled back for certain, so memory is still right.
                    counters.BATCHES.labels("split").inc()
                    log.warning("batch_failed", messages=len(portion.deliveries), error=type(error).__name__)
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
        deliveries = [d for d in portion.deliveries if d.topic[5:7] in self.shards]
        if not deliveries:
            return
        arrivals = [self._read(delivery) for delivery in deliveries]
        if portion.poison is not None:
            await self._commit_draft(deliveries, self._poisoned(arrivals[0], portion.poison))
            return
        draft = self._draft(arrivals)
        strangers = {a.chip for a in arrivals if a.chip is not None and a.chip not in draft.chips}
        if strangers and self._conn is not None:
            for chip in (await memory.load_named(self._conn, sorted(strangers))).values():
                draft.add(chip)
        await self._recall_boots(draft, arrivals)
        for one in arrivals:
            draft.place(one)
        await self._commit_draft(deliveries, draft)

    async def _recall_boots(self, draft: Draft, arrivals: list[Arrival]) -> None:
        """Anchors of earlier boots that are spoken of again: without them the same message would get another time."""
        wanted = {
            (c.chip_no, a.said.boot, c.chip)
            for a in arrivals
            if (c := _forgetful(draft, a)) and isinstance(a.said, Envelope)
        }
        if not wanted or self._conn is None:
            return
        names = {(number, boot): name for number, boot, name in wanted}
        for row in await chips.boots(self._conn, list(names)):
            known = draft.chips[names[row.chip_no, row.boot]]
            answered = Answered(mapping.ms_of(row.anchor_at), row.hash, row.reply)
            draft.chips[known.chip] = replace(known, boots={**known.boots, row.boot: answered})

    def _read(self, delivery: Delivery) -> Arrival:
        return arrival.read(delivery.topic, delivery.topic[5:7], delivery.payload, mapping.ms_of(self.clock.now()))

    def _draft(self, arrivals: list[Arrival]) -> Draft:
        draft = Draft(self.settings.heartbeat_s, self.holdings.catching_up)
        for one in arrivals:
            known = self.memory.get(one.chip) if one.chip else None
            if known is not None and one.chip not in draft.chips:
                draft.add(known)
        return draft

    async def _commit_draft(self, deliveries: list[Delivery], draft: Draft) -> None:
        assert self._conn is not None  # noqa: S101  (run opens it before anything else)
        loop = asyncio.get_running_loop()
        wanted = {d.topic[5:7] for d in deliveries} | {draft.chips[name].shard for name in draft.touched}
        gone = wanted - set(self.shards)
        if gone:  # lost while we looked things up
            raise LeaseLost(gone)
        epochs = {name: self.shards[name].epoch for name in wanted}
        batch = Batch(self._conn, draft, epochs, self._key, self.clock.now(), self._sign)
        began_s = loop.time()
        await pipeline.run(batch)
        counters.COMMIT_MS.observe((loop.time() - began_s) * 1000)
        self.memory.advance(chip for chip in draft.chips.values() if chip.shard in self.shards)
        self._acknowledge(deliveries)
        self._after(batch)

    def _sign(self, words: object) -> bytes:
        return down.encode_signed(words, self._key)  # type: ignore[arg-type]  # the draft holds only signed words

    def _acknowledge(self, deliveries: list[Delivery]) -> None:
        by_link: dict[Link, list[int]] = {}
        for delivery in deliveries:
            if delivery.packet_id is not None:
                by_link.setdefault(delivery.link, []).append(delivery.packet_id)
        for link, packet_ids in by_link.items():
            link.acknowledge(packet_ids)

    def _after(self, batch: Batch) -> None:
        """Count, answer, and note what chips have to be told later."""
        counters.BATCHES.labels("committed").inc()
        counters.BATCH_SIZE.observe(max(1, sum(batch.draft.fates.values())))
        counters.ALERTS.inc(batch.alerts)
        for fate, number in batch.draft.fates.items():
            counters.FATES.labels(fate).inc(number)
        for shard, chip, payload in batch.replies:
            self._send(shard, chip, payload, "boot_reply")
        now_s = asyncio.get_running_loop().time()
        for name in batch.draft.touched:
            self._confirmations.heard(name, batch.draft.spoken.get(name, ()), now_s)
            self._resends.heard(name, batch.draft.chips[name].fold.progress, now_s)

    # -- doubt

    async def _trust(self) -> None:
        """After any doubt: a connection that works, and memory loaded again. Raises what the database raises."""
        if self._conn is None or self._conn.closed or self._doubt:
            self._doubt = True  # until memory is loaded: a new connection alone proves nothing
            if self._conn is not None:
                await self._conn.close()
            self._conn = await connect(self._url, "ingest")
            await self.memory.load(self._conn, list(self.shards))
            self._doubt = False

    # -- replies

    async def _reply(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await wait(stop, 0.1)
            now_s = asyncio.get_running_loop().time()
            for name, boots in self._confirmations.due(now_s):
                self._confirm(name, boots)
            ask, give_up = self._resends.due(now_s)
            for gap in ask:
                self._ask(gap)
            if give_up:
                async with self._busy:
                    await self._give_up(give_up)

    def _confirm(self, name: str, boots: set[int]) -> None:
        chip = self.memory.get(name)
        for boot in sorted(boots) if chip is not None else ():
            upto = intake.confirmed(chip.fold.progress, boot) if chip is not None else 0
            if chip is not None and upto > 0:
                words = Stored(aud=name, boot=boot, upto=upto)
                self._send(chip.shard, name, self._sign(words), "stored")

    def _ask(self, gap: Gap) -> None:
        chip = self.memory.get(gap.chip)
        if chip is not None:
            self._send(chip.shard, gap.chip, down.encode_resend(gap.boot, gap.low, gap.high), "resend")

    def settled(self) -> dict[str, bool]:
        """For each shard held: everything the broker had is stored, and has been for a whole interval."""
        return self.holdings.settled(asyncio.get_running_loop().time() - self.settings.watch_every_s)

    async def review(self, names: Sequence[str]) -> None:
        """Write the open sessions of these silent chips again, as they stand now."""
        async with self._busy:
            await self._trust()
            draft = self._draft([])  # inside the lock: an older picture of a chip would undo a batch
            for name in names:
                if (chip := self.memory.get(name)) is not None and chip.shard in self.shards:
                    draft.add(chip)
                    draft.touched.add(name)
                    draft.review.append(name)
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

    async def _give_up(self, gaps: list[Gap]) -> None:
        """What stays unreadable after three resends is declared so, and counted."""
        try:
            await self._trust()
            draft = self._draft([])
            for gap in gaps:
                chip = self.memory.get(gap.chip)
                if chip is not None and chip.shard in self.shards:
                    draft.add(draft.chips.get(gap.chip, chip))
                    draft.touched.add(gap.chip)
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
    """The chip of an arrival, if it speaks of an earlier boot that memory does not hold."""
    chip = draft.chips.get(one.chip) if one.chip else None
    boot = getattr(one.said, "boot", None)
    if chip is None or boot is None or boot > chip.fold.progress.boot or boot in chip.boots:
        return None
    return chip
