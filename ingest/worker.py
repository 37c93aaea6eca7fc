"""A worker: holds leases of groups of shards, one broker session a group, and lanes in which what arrives is folded, batch
by batch.

What it hears goes to the lane of its group; what chips are told of their own stream (stored, resend) leaves from here. Refuses
batches (ingest/lane.py), rules and SQL.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from ingest import arrival, counters, mapping
from ingest.batch import Batch
from ingest.chip import Chip
from ingest.confirm import Confirmations, Due, Resends
from ingest.holdings import Group, Holdings
from ingest.lane import Lane, Surroundings
from ingest.memory import Memory
from ingest.mqtt import Address, Link
from ingest.settings import IngestSettings
from ingest.watchdog import Watchdog
from schemas import down, topics
from schemas.signed import SigningKey, Stored
from weld.core import intake
from weld.core.shard import grouped
from weld.kit.clock import Clock, SteadyClock
from weld.kit.wait import wait
from weld.store import chips, evidence, leases
from weld.store.connect import FAILURES, Conn, connect

log = structlog.get_logger()

T = TypeVar("T")


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
        self._loop_time: Callable[[], float] = lambda: 0.0
        self._tick_s = 0.0
        self._tick_ms = 0
        self._waiting = 0  # in the inboxes of all lanes
        self._paused = False
        self._confirmations = Confirmations(settings.stored_after_s, settings.stored_a_second)
        self._resends = Resends(settings.resend_after_s)
        groups = grouped(settings.shards, settings.groups)
        counters.CONFIGURED.set(len(groups))
        self.holdings = Holdings(
            self.owner,
            groups,
            settings.lanes,
            settings.lease_s,
            self.memory,
            address,
            self._take,
            self._forget,
            self.clock,
        )
        around = Surroundings(
            settings, self.clock, self.memory, self.holdings, self._connect, self._sign, self._committed
        )
        self.lanes = [Lane(number, around) for number in range(settings.lanes)]

    @property
    def groups(self) -> dict[str, Group]:
        """The groups of shards held now."""
        return self.holdings.groups

    @property
    def ready(self) -> asyncio.Event:
        """Set while the lease table can be reached."""
        return self.holdings.ready

    def lane(self, shard: str) -> Lane:
        """The lane of a shard that is held."""
        return self.lanes[self.holdings.shards[shard].lane]

    # -- life

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; then finish the batches, acknowledge, release the leases."""
        structlog.contextvars.bind_contextvars(worker=self.owner)
        self._loop_time = asyncio.get_running_loop().time
        for lane in self.lanes:
            await lane.open(stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                work = [tasks.create_task(self.holdings.keep(self._url, stop))]
                work += [tasks.create_task(lane.run(stop, self._breathe)) for lane in self.lanes]
                work += [tasks.create_task(self._reply(stop)), tasks.create_task(Watchdog(self).run(stop))]
                await stop.wait()
                self.holdings.wake()
                for lane in self.lanes:
                    lane.wake()
                await asyncio.gather(*work)
        finally:
            await self.holdings.leave(self.lanes[0].conn)
            for lane in self.lanes:
                await lane.close()

    async def _connect(self) -> Conn:
        conn = await connect(self._url, f"ingest {self.owner}")
        await chips.prepare(conn)
        return conn

    # -- arrivals

    def _take(self, link: Link, packet_id: int | None, topic: str, payload: bytes) -> None:
        group = self.holdings.groups.get(link.group)
        if group is None:  # its connection is being closed: the broker gives this to somebody again
            return
        tick_s = self._loop_time()
        if tick_s != self._tick_s:  # one look at the clock for all that comes in one turn of the loop
            self._tick_s, self._tick_ms = tick_s, mapping.ms_of(self.clock.now())
        self.lanes[group.lane].take(arrival.read(link, packet_id, topic, payload, self._tick_ms))
        self._waiting += 1
        if self._waiting > self.settings.inbox_messages and not self._paused:
            self._pause(paused=True)

    def _breathe(self, taken: int) -> None:
        """So many were taken for a batch: read again where there is room again."""
        self._waiting -= taken
        counters.WAITING.set(self._waiting)
        if self._paused and self._waiting < self.settings.inbox_messages // 2:
            self._pause(paused=False)

    def _pause(self, *, paused: bool) -> None:
        self._paused = paused
        counters.PAUSED.set(paused)
        self.holdings.pause(paused=paused)

    def _forget(self, group: Group) -> None:
        """A group was taken from us."""
        for shard in group.shards:
            self._resends.forget(shard)
            self._confirmations.forget(shard)

    # -- after a batch

    def _sign(self, words: object) -> bytes:
        return down.encode_signed(words, self._key)  # type: ignore[arg-type]  # the draft holds only signed words

    def _committed(self, batch: Batch) -> None:
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
            for lane, given_up in self._by_lane(give_up):
                await lane.give_up(given_up)
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
        """For each group held: everything the broker had is stored, and has been for a whole interval."""
        return self.holdings.settled(asyncio.get_running_loop().time() - self.settings.watch_every_s)

    async def review(self, names: Sequence[tuple[str, str]]) -> None:
        """Write these silent chips, as (shard, chip), again as they stand now."""
        for lane, named in self._by_lane(names):
            await lane.review(named)

    def _by_lane(self, items: Sequence[tuple[str, T]]) -> list[tuple[Lane, list[tuple[str, T]]]]:
        """Things of shards that are held, by the lanes of those."""
        held = self.holdings.shards
        sorted_out = [
            (lane, [item for item in items if item[0] in held and held[item[0]].lane == lane.number])
            for lane in self.lanes
        ]
        return [(lane, of_it) for lane, of_it in sorted_out if of_it]

    async def with_connection(self, work: Callable[[Conn], Awaitable[None]]) -> None:
        """Run the watchdog's own work between batches, in a transaction that holds all our leases."""
        async with self.lanes[0].between_batches() as conn:
            epochs = self.holdings.epochs
            async with conn.transaction():
                held = await leases.hold(conn, epochs)
                if held == set(epochs):
                    await work(conn)

    def _send(self, shard: str, chip: str, payload: bytes, kind: str) -> None:
        held = self.holdings.shards.get(shard)
        if held is not None and held.link is not None and held.link.alive:
            held.link.publish(topics.build(shard, chip, "down"), payload)
            counters.REPLIES.labels(kind).inc()
