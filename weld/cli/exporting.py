"""Takes records away into a file, as `weldgate export` is asked: page by page, with progress, whole or not at all.

Reads with the role api and the platform's eyes, and says so in the audit. Refuses to leave half a file under the file's name, and
to let others of this machine read one.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

import psycopg

from weld.cli.as_api import as_api
from weld.core.records import ZONE, Asked, What, fault
from weld.kit import tables
from weld.kit.tables import Form
from weld.store import audit, exports
from weld.store.audit import Trace
from weld.store.connect import Pool, pool, scoped

_ACTOR = "command:export"
_SCOPE = "platform"
_PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person typed."""

    what: What
    since: str
    until: str | None = None
    division: str | None = None
    plate: str | None = None
    form: Form | None = None
    bom: bool = False


def run(wanted: Wanted, file: Path | None) -> int:
    """Write the file, or to stdout where there is none; 1 where that cannot be."""
    try:
        asked, form = _asked(wanted, datetime.now(UTC)), _form(wanted, file)
        with _terminable(), as_api() as (url, _), _place(file) as sink:
            rows, size = asyncio.run(_export(url, asked, form, sink, bom=wanted.bom))
    except KeyboardInterrupt:
        _say("stopped; no file was written")
        return 130
    except (RuntimeError, ValueError, OSError, psycopg.Error) as error:
        _say(str(error))
        return 1
    _say(f"{rows:,} rows, {size:,} bytes")
    if file is not None:
        print(json.dumps({"what": asked.what, "rows": rows, "bytes": size, "file": str(file)}, ensure_ascii=False))
    return 0


def _asked(wanted: Wanted, now: datetime) -> Asked:
    until = now if wanted.until is None else moment(wanted.until)
    asked = Asked(wanted.what, moment(wanted.since), until, wanted.division, wanted.plate)
    if (found := fault(asked)) is not None:
        raise ValueError(found)
    return asked


def _form(wanted: Wanted, file: Path | None) -> Form:
    form = wanted.form or ("parquet" if file is not None and file.suffix == ".parquet" else "csv")
    if file is None and form == "parquet":
        raise ValueError("Parquet goes into a file: --to FILE")
    return form


def moment(text: str) -> datetime:
    """A day as its midnight, or a moment of its own zone; ValueError for anything else."""
    try:
        if len(text) == len("2026-01-01"):
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), ZONE)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text}: neither a day (2026-01-01) nor a moment (2026-01-01T08:00:00+08:00)") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZONE)


@contextmanager
def _place(file: Path | None) -> Iterator[BinaryIO]:
    """Where the bytes go: stdout, or a file beside the one that is wanted, which takes its name at the end."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


async def _export(url: str, asked: Asked, form: Form, sink: BinaryIO, *, bom: bool) -> tuple[int, int]:
    """How many rows and bytes it were."""
    words = {**asked.words(), "format": form}
    async with pool(url, "export", 1) as connections:
        await _trace(connections, "export.begun", asked.what, words)
        progress = _Progress()
        try:
            await _write(connections, asked, tables.table(form, exports.columns(asked.what), bom=bom), sink, progress)
        finally:
            ended = {"rows": progress.rows, "complete": progress.complete}
            await _trace(connections, "export.ended", asked.what, ended)
    return progress.rows, progress.size


async def _write(connections: Pool, asked: Asked, table: tables.Table, sink: BinaryIO, progress: "_Progress") -> None:
    progress.size += sink.write(table.begin())
    async for page in exports.pages(connections, _SCOPE, asked):
        progress.size += sink.write(table.add(page.rows))
        progress.add(len(page.rows), page.behind)
    progress.size += sink.write(table.end())
    progress.complete = True


async def _trace(connections: Pool, action: str, subject: str, words: Mapping[str, object]) -> None:
    async with scoped(connections, _SCOPE) as conn:
        await audit.append(conn, [Trace(datetime.now(UTC), _ACTOR, action, subject, dict(words))])


class _Progress:
    """How far it is; says so now and then."""

    def __init__(self) -> None:
        self.rows = 0
        self.size = 0
        self.complete = False
        self._said_at = time.monotonic()

    def add(self, rows: int, behind: float) -> None:
        self.rows += rows
        if time.monotonic() - self._said_at > _PROGRESS_EVERY_S:
            self._said_at = time.monotonic()
            _say(f"{behind:.0%}, {self.rows:,} rows")


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does, and the half file goes."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(line: str) -> None:
    print(f"weldgate: {line}", file=sys.stderr, flush=True)
