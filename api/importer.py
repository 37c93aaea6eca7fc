"""The work on imports: read the rows of a file and say what would become of them, then, once confirmed, enter them.

A step is one chunk in one transaction, under the scope of whoever brought the file; the import's row is held meanwhile (SKIP
LOCKED), so several apis share the work and a killed one is missed by nobody. What costs time in Python runs beside the loop that
answers people. Refuses to log a cell, and to try for ever what fails.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

import structlog

from api import sheets
from api.parts import Parts
from api.sheets import UnreadableError
from weld.core import roster
from weld.core.ids import uuid7
from weld.core.law import Words
from weld.core.roster import Heading, Mistake
from weld.kit.clock import Clock
from weld.kit.wait import wait
from weld.store import audit, imports, rosters, signins
from weld.store.audit import Trace
from weld.store.connect import TRANSIENT, Conn, Pool, scoped
from weld.store.imports import Chunk, Counts, Fault, Job, Row
from weld.store.registers import CLASHES
from weld.store.roster_plan import Plan
from weld.store.vault import Vault

log = structlog.get_logger()

CHUNK = 1000
PIECE = 1 << 20
_IDLE_S = 1.0
_TRIES = 3

_FAILED = Words(
    "导入时出了内部错误，已停止；已录入的保留，可以再导入一次",
    "stopped by an internal error; what was entered stays, import it again",
)
_EMPTY = Words("表格里没有数据行", "the table has no rows")


_BROKEN_OFF = Words("上传没有完成", "the file did not come to its end")


class TooLargeError(Exception):
    """A file is larger than it may be."""


class Weighed(NamedTuple):
    """What becomes of a chunk, and what is wrong in it."""

    plan: Plan
    faults: list[Fault]
    counts: Counts


class Importer:
    """Works on whatever import waits. `most_rows` is how many a file may have."""

    def __init__(self, pool: Pool, vault: Vault, clock: Clock, most_rows: int = 1_000_000) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._most_rows = most_rows
        self._readers: dict[UUID, _Reader] = {}
        self._failures: Counter[UUID] = Counter()

    @classmethod
    def of(cls, parts: Parts) -> Self:
        """One with an api's own parts."""
        return cls(parts.pool, parts.vault, parts.clock, parts.settings.api_import_rows)

    async def take_in(self, scope: str, made: UUID, data: AsyncIterator[bytes], most: int) -> None:
        """Seal a file piece by piece as it comes; TooLargeError, or ValueError for an empty one."""
        try:
            size, parts, encoding = await self._pieces(scope, made, data, most)
        except BaseException:
            async with scoped(self._pool, scope) as conn:
                await imports.end(conn, made, "stopped", self._clock.now(), _BROKEN_OFF)
            raise
        async with scoped(self._pool, scope) as conn:
            await imports.received(conn, made, size, parts, encoding, self._clock.now())

    async def _pieces(self, scope: str, made: UUID, data: AsyncIterator[bytes], most: int) -> tuple[int, int, str]:
        sniffer, waiting, size, count = sheets.Sniffer(), bytearray(), 0, 0
        async for more in data:
            size += len(more)
            if size > most:
                raise TooLargeError(f"the file is larger than {most} bytes")
            sniffer.add(more)
            waiting += more
            while len(waiting) >= PIECE:
                await self._keep(scope, made, count, bytes(waiting[:PIECE]))
                del waiting[:PIECE]
                count += 1
        sniffer.add(b"", last=True)
        if not size:
            raise ValueError("the body must be the file")
        if waiting:
            await self._keep(scope, made, count, bytes(waiting))
            count += 1
        return size, count, sniffer.encoding

    async def _keep(self, scope: str, made: UUID, which: int, data: bytes) -> None:
        async with scoped(self._pool, scope) as conn:
            await imports.add_part(conn, self._vault, made, which, data)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                worked = await self.step()
            except TRANSIENT as error:
                log.warning("import_waits", error=type(error).__name__)
                worked = False
            if not worked:
                await wait(stop, _IDLE_S)

    async def step(self, only: UUID | None = None) -> bool:
        """One chunk of one import; False where none waits."""
        job: Job | None = None
        try:
            async with scoped(self._pool, "platform") as conn:
                job = await imports.take(conn, only)
                if job is None:
                    self._readers.clear()
                    return False
                await signins.look_as(conn, job.scope)
                await (self._read(conn, job) if job.state == "uploaded" else self._enter(conn, job))
                self._failures.pop(job.id, None)
        except UnreadableError as error:
            if job is not None:
                await self._stop(job, error.words)
        except TRANSIENT:
            raise
        except Exception as error:
            if job is None:
                raise
            await self._failed(job, error)
        return True

    async def _failed(self, job: Job, error: Exception) -> None:
        """Somebody else may have been at the same rows, so once more; then it is a fault of ours, or of the keys."""
        self._readers.pop(job.id, None)
        self._failures[job.id] += 1
        # the class alone: a message of the database may hold a value
        log.error("import_failed", number=str(job.id), error=type(error).__name__)
        if not isinstance(error, CLASHES) or self._failures[job.id] >= _TRIES:
            await self._stop(job, _FAILED)

    async def _stop(self, job: Job, why: Words) -> None:
        self._readers.pop(job.id, None)
        self._failures.pop(job.id, None)
        async with scoped(self._pool, job.scope) as conn:
            if await imports.end(conn, job.id, "stopped", self._clock.now(), why):
                await audit.append(conn, [Trace(self._clock.now(), job.actor, "import.failed", str(job.id), {})])

    async def _read(self, conn: Conn, job: Job) -> None:
        reader = self._readers.get(job.id)
        if reader is None or reader.chunk > job.read_chunks:
            reader = self._readers[job.id] = _Reader(job)
        while reader.chunk < job.read_chunks:  # somebody else read these, or we did before we were restarted
            await reader.rows(conn, self._vault)
        rows = await reader.rows(conn, self._vault)
        if job.heading is None and reader.headings:
            await imports.put_heading(conn, job.id, reader.headings)
        if not rows:
            await self._finish_reading(conn, job)
            return
        if job.rows_read + len(rows) > self._most_rows:
            most = f"{self._most_rows:,}"
            raise UnreadableError(
                Words(f"超过 {most} 行：请分成几个文件", f"has more than {most} rows: bring it in parts")
            )
        weighed = await self._weigh(conn, job, reader.heading, rows)
        await imports.add_chunk(conn, self._vault, job, rows, weighed.faults, weighed.counts, self._clock.now())

    async def _finish_reading(self, conn: Conn, job: Job) -> None:
        self._readers.pop(job.id, None)
        if job.read_chunks == 0:
            raise UnreadableError(_EMPTY)
        await imports.previewed(conn, job.id, self._clock.now())

    async def _enter(self, conn: Conn, job: Job) -> None:
        now = self._clock.now()
        found = await imports.chunks(conn, self._vault, job.id, job.entered_chunks)
        if not found:
            await imports.end(conn, job.id, "done", now)
            await audit.append(
                conn, [Trace(now, job.actor, "import.done", str(job.id), {"chunks": job.entered_chunks})]
            )
            return
        chunk = found[0]
        weighed = await self._weigh(conn, job, _understood(job.heading or []), chunk.rows)
        await rosters.put(conn, await asyncio.to_thread(weighed.plan.sealed), now)
        await imports.chunk_done(conn, self._vault, job, chunk, weighed.faults, weighed.counts, now)
        detail = {"chunk": chunk.number, **weighed.counts._asdict()}
        await audit.append(conn, [Trace(now, job.actor, "import.entered", str(job.id), detail)])

    async def _weigh(self, conn: Conn, job: Job, heading: Heading, rows: Sequence[Row]) -> Weighed:
        now = self._clock.now()
        good, wrong = await asyncio.to_thread(_judged, self._vault, heading, rows, now)
        known = await rosters.known(conn, job.scope, good)
        trusted = not job.scope.startswith("enterprise:")
        plan = Plan(known, self._vault, lambda: uuid7(now, os.urandom(10)), trusted=trusted)
        await asyncio.to_thread(plan.add, good)
        for number, mistakes in wrong:
            plan.refuse(number, mistakes)
        faults = [Fault(number, told) for number, mistakes in sorted(plan.mistakes.items()) for told in mistakes]
        done = plan.outcomes
        return Weighed(plan, faults, Counts(done["created"], done["updated"], done["unchanged"], done["bad"]))


class _Reader:
    """Rows of one file, chunk after chunk. `chunk` is the next one's number."""

    def __init__(self, job: Job) -> None:
        self.chunk = 0
        self.headings: list[str] = []
        self.heading = Heading(())
        self._job = job
        self._feed = sheets.feed("csv" if job.format == "csv" else "xlsx", job.encoding)
        self._part = 0
        self._row = 0
        self._ready: list[Row] = []

    async def rows(self, conn: Conn, vault: Vault) -> list[Row]:
        """The next chunk; fewer rows, or none, at the end of the file."""
        while len(self._ready) < CHUNK:
            taken = await asyncio.to_thread(self._feed.take, CHUNK)
            if taken:
                self._number(taken)
            elif self._part < self._job.parts:
                data = await imports.part(conn, vault, self._job.id, self._part)
                await asyncio.to_thread(self._feed.add, data)
                await self._passed()
            else:
                break
        self.chunk += 1
        rows, self._ready = self._ready[:CHUNK], self._ready[CHUNK:]
        return rows

    async def _passed(self) -> None:
        self._part += 1
        if self._part == self._job.parts:
            await asyncio.to_thread(self._feed.end)

    def _number(self, taken: Sequence[list[str]]) -> None:
        """Count the rows, take the first for the headings and leave empty ones out."""
        for cells in taken:
            self._row += 1
            if not any(cell.strip() for cell in cells):
                continue
            if not self.headings:
                self.headings = [" ".join(cell.replace("\0", "").split())[:100] for cell in cells]
                self.heading = _understood(self.headings)
            else:
                self._ready.append((self._row, cells))


def _understood(headings: Sequence[str]) -> Heading:
    found = roster.heading(headings)
    if isinstance(found, Words):
        raise UnreadableError(found)
    return found


def _judged(
    vault: Vault, heading: Heading, rows: Sequence[Row], now: datetime
) -> tuple[list[rosters.Row], list[tuple[int, tuple[Mistake, ...]]]]:
    """Rows in which nothing is wrong by itself, with their blind indexes; and the others."""
    good, wrong = [], []
    for number, cells in rows:
        entry = roster.read(heading.cells(cells), now.date())
        if isinstance(entry, tuple):
            wrong.append((number, entry))
        else:
            good.append(rosters.indexed(vault, number, entry))
    return good, wrong


def wrong_rows(chunk: Chunk) -> list[tuple[list[str], list[Mistake]]]:
    """The rows of a chunk in which something is wrong, each with what it is."""
    told: dict[int, list[Mistake]] = {}
    for fault in chunk.faults:
        told.setdefault(fault.row, []).append(fault.mistake)
    return [(cells, told[number]) for number, cells in chunk.rows if number in told]
