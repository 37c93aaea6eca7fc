"""Absence: permissions that nobody used, chips that fell silent, sessions whose chip never came back, chips gone by the hundred.

Judged against drained groups only, and not before one interval after they drained: while we catch up, silence proves nothing
(architecture.md 4.7). Refuses to run a batch of its own: it asks the worker.
"""

import asyncio
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import structlog

from ingest import mapping
from weld.core import catalogue, detect, outage
from weld.core.ids import uuid7
from weld.core.outage import Count, Sample
from weld.kit.wait import wait
from weld.store import leases, outages, reported, rollups
from weld.store.connect import FAILURES, Conn
from weld.store.outages import OutageRow
from weld.store.reported import AlertRow, SilentRow
from weld.store.rollups import Sum

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ingest.holdings import Holdings
    from ingest.memory import Memory
    from ingest.settings import IngestSettings
    from weld.core.session import Session
    from weld.kit.clock import Clock

log = structlog.get_logger()

# Chips online are counted at each so-manieth look; a count that was not repeated in three such times is not believed.
_COUNT_EACH = 6

# So many chips are written again in one transaction of ours: batches wait for it.
_PORTION = 1000


_Mark = tuple[UUID, int, int] | None


class Host(Protocol):
    """What the watchdog needs of its worker."""

    settings: "IngestSettings"
    memory: "Memory"
    holdings: "Holdings"

    @property
    def clock(self) -> "Clock":
        """What time it is."""

    async def review(self, names: "Sequence[tuple[str, str]]") -> None:
        """Write these chips' open sessions as they stand now."""

    async def with_connection(self, work: "Callable[[Conn], Awaitable[None]]") -> None:
        """Run this between batches."""

    def settled(self) -> "Mapping[str, bool]":
        """For each group held: drained since at least one interval."""


class Watchdog:
    """The slow eye of one worker."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._inferred: dict[str, _Mark] = {}  # what was reviewed of each chip: session and last word
        self._past: tuple[Sample, ...] = ()
        self._looks = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until `stop`."""
        while not stop.is_set():
            if not await wait(stop, self._host.settings.watch_every_s):
                await self._look()

    async def _look(self) -> None:
        try:
            await self._host.with_connection(self._expire)
            if self._looks % _COUNT_EACH == 0:
                await self._count()
                await self._host.with_connection(self._judge)
                await self._host.with_connection(self._silence)
                await self._close_quarters()
            self._looks += 1
            await self._overdue_sessions()
        except FAILURES as error:
            log.warning("watchdog_waits", error=type(error).__name__)
        except RuntimeError as error:  # a lease was lost in between: the new owner looks
            log.warning("watchdog_waits", error=str(error))

    async def _expire(self, conn: Conn) -> None:
        for grant in await reported.expire(conn):
            await reported.notify(conn, "weld_fact", f"grant:{grant}")

    def _settled(self) -> dict[str, "Sequence[str]"]:
        """The groups that are settled, with their shards."""
        groups = self._host.holdings.groups
        return {name: groups[name].shards for name, settled in self._host.settled().items() if settled}

    def _settled_shards(self) -> list[str]:
        return [shard for shards in self._settled().values() for shard in shards]

    async def _silence(self, conn: Conn) -> None:
        shards, now = self._settled_shards(), self._host.clock.now()
        if not shards or await outages.current(conn) is not None:  # silent for the reason that everybody is
            return
        since = (now - timedelta(days=30)).date()
        sums: list[Sum] = []
        for row in await reported.silent_candidates(conn, shards, now - timedelta(days=7), since):
            last_ms = mapping.ms_of(row.received_at)
            if detect.silent(last_heard_ms=last_ms, arc_ms_30d=row.arc_ms, watermark_ms=mapping.ms_of(now)):
                sums += await self._raise(conn, row)
        if sums:
            await rollups.add(conn, sums, rollups.NOBODY, now)

    async def _raise(self, conn: Conn, row: SilentRow) -> list[Sum]:
        now = self._host.clock.now()
        finding = AlertRow(
            id=uuid7(now, os.urandom(10)),
            code="D06",
            codes=["D06"],
            level=catalogue.ALERTS["D06"].level,
            chip=row.chip,
            session=None,
            episode=f"silent:{row.received_at:%Y%m%dT%H%M%S}",
            since=row.received_at,
            last_at=now,
            quiet=timedelta(0),
            occurrences=1,
            historical=False,
            late_by_ms=0,
            evidence={"last_heard_ms": mapping.ms_of(row.received_at), "arc_ms_30d": row.arc_ms},
        )
        alert, told, sums = await reported.raise_alert(conn, finding, now)
        if told:
            await _tell(conn, alert)
        return sums

    async def _count(self) -> None:
        """Note how many chips of our settled groups are online, beside their leases: all workers judge by all counts."""
        counts = {}
        for group, shards in self._settled().items():
            era, known, online = self._host.holdings.era(group), 0, 0
            for shard in shards:
                shelf = self._host.memory.of(shard)
                known, online = known + len(shelf), online + shelf.online()
                await asyncio.sleep(0)  # a province is counted between the batches, not instead of one
            counts[group] = Count(known, online, era)

        async def note(conn: Conn) -> None:
            era = self._host.holdings.era  # what was lost since we counted is another worker's to note
            await leases.count(conn, {group: one for group, one in counts.items() if era(group) == one.era})

        await self._host.with_connection(note)

    async def _judge(self, conn: Conn) -> None:
        """O01: raised once for a whole outage, closed when the chips are back. While it is open nothing is compared."""
        at = self._host.clock.now()
        lately_s = 3 * _COUNT_EACH * self._host.settings.watch_every_s
        now = Sample(mapping.ms_of(at), await leases.counts(conn, lately_s))
        past, self._past = self._past, ()
        if (known := await outages.current(conn)) is not None:
            alert, before = known
            if outage.is_back(before, now) and await outages.close(conn, alert, at):
                await _tell(conn, alert)
        elif (fall := outage.fallen(past, now)) is not None:
            level = catalogue.ALERTS["O01"].level
            row = OutageRow(uuid7(at, os.urandom(10)), level, mapping.utc(fall.since_ms), fall.before, fall.now)
            if await outages.raise_alert(conn, row, at):
                log.error("outage", online_before=fall.before.online, online_now=fall.now.online)
                await _tell(conn, row.id)
        else:
            self._past = outage.remember(past, now)

    async def _close_quarters(self) -> None:
        """Idle time of chips that said no more since: to the rollups, half an hour after it began."""
        last = mapping.ms_of(self._host.clock.now()) // mapping.QUARTER_MS - 1
        for shard in self._settled_shards():
            names = [(shard, name) for name in self._host.memory.of(shard).idle_before(last)]
            for start in range(0, len(names), _PORTION):
                await self._host.review(names[start : start + _PORTION])
            await asyncio.sleep(0)

    async def _overdue_sessions(self) -> None:
        now_ms = mapping.ms_of(self._host.clock.now())
        silent = [chip for shard in self._settled_shards() for chip in self._host.memory.of(shard).overdue(now_ms)]
        chips = [chip for chip in silent if self._inferred.get(chip.chip) != _mark(chip.fold.session)]
        if chips:
            await self._host.review([(chip.shard, chip.chip) for chip in chips])
            self._inferred.update({chip.chip: _mark(chip.fold.session) for chip in chips})


async def _tell(conn: Conn, alert: UUID) -> None:
    await reported.notify(conn, "weld_fact", f"alert:{alert}")
    await reported.notify(conn, "weld_outbox", "")


def _mark(known: "Session | None") -> _Mark:
    return None if known is None else (known.id, known.last.boot, known.last.seq)
