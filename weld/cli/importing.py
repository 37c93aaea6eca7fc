"""`weldgate import workers FILE`: workers with certificates from a table, through the functions that the api's door uses.

Shows what the rows would do before it enters them. What is interrupted goes on where it was as soon as an api runs, or can be
looked at and stopped there. Refuses to print a cell: the rows that are wrong go to a file.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import typer

from api.importer import Importer, TooLargeError
from api.imports import error_report
from api.settings import ApiSettings
from api.sheets import Format
from weld.cli.as_api import as_api
from weld.core.ids import uuid7
from weld.core.law import Words
from weld.kit.clock import SystemClock
from weld.store import audit, imports
from weld.store.audit import Trace
from weld.store.connect import Pool, pool, scoped
from weld.store.imports import ImportRow
from weld.store.vault import Vault

_ACTOR = "command:import"
_SCOPE = "platform"
_PIECE = 1 << 16
_SHOWN = 20
_BY_HAND = Words("已由经办人停止", "stopped by an officer")

Agree = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for. `errors` is where the rows go that were wrong."""

    file: Path
    dry_run: bool = False
    yes: bool = False
    errors: Path | None = None


def run(asked: Asked) -> int:
    """Import into the clone's own registers; 1 where the file was refused or any row is wrong."""
    try:
        with as_api() as (url, vault):
            found = asyncio.run(
                bring(asked, url, vault, ApiSettings(), lambda: asked.yes or typer.confirm("录入？ / Enter?", err=True))
            )
    except (RuntimeError, ValueError, OSError, TooLargeError, psycopg.Error) as error:
        # what a database says of a value stays unsaid
        print(f"weldgate: {type(error).__name__ if isinstance(error, psycopg.Error) else error}", file=sys.stderr)
        return 1
    if found.why_en is not None:
        print(f"{found.why_zh} / {found.why_en}", file=sys.stderr)
    print(json.dumps(_told(found)))
    return 0 if found.bad == 0 and (found.state == "done" or (asked.dry_run and found.rows_read > 0)) else 1


async def bring(asked: Asked, database_url: str, vault: Vault, settings: ApiSettings, agree: Agree) -> ImportRow:
    """Read the file, show what it would do, and enter it once that is agreed to (`database_url` is that of the role api)."""
    async with pool(database_url, "import", size=2) as connections:
        hand = Importer(connections, vault, SystemClock(), settings.api_import_rows)
        number = await _take_in(asked.file, connections, hand, settings)
        found = await _work(hand, connections, number, "uploaded")
        if found.state == "previewed":
            await _show(connections, vault, found)
            go_on = not asked.dry_run and agree()
            async with scoped(connections, _SCOPE) as conn:
                await (
                    imports.confirm(conn, number, SystemClock().now())
                    if go_on
                    else imports.end(conn, number, "stopped", SystemClock().now(), _BY_HAND)
                )
            found = await _work(hand, connections, number, "running")
        if asked.errors is not None and found.bad:
            descriptor = os.open(asked.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
                async for lines in error_report(connections, vault, _SCOPE, found, "zh"):
                    out.write(lines)
        return found


async def _take_in(file: Path, connections: Pool, hand: Importer, settings: ApiSettings) -> UUID:
    kind: Format = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    now = SystemClock().now()
    number = uuid7(now, os.urandom(10))
    async with scoped(connections, _SCOPE) as conn:
        await imports.add(conn, number, _ACTOR, _SCOPE, kind, now)
        await audit.append(conn, [Trace(now, _ACTOR, "import.brought", str(number), {"format": kind})])
    most = settings.api_import_bytes if kind == "csv" else settings.api_import_workbook_bytes
    await hand.take_in(_SCOPE, number, _pieces(file), most)
    return number


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while data := source.read(_PIECE):
            yield data


async def _work(hand: Importer, connections: Pool, number: UUID, state: str) -> ImportRow:
    """Chunk after chunk while the import is in this state; an api that runs may do some of them."""
    while True:
        worked = await hand.step(number)
        async with scoped(connections, _SCOPE) as conn:
            found = await imports.read(conn, number)
        if found is None:
            raise RuntimeError("the import is gone")
        if found.state != state:
            return found
        done = (
            f"{found.rows_entered:,} of {found.rows_read:,} entered"
            if state == "running"
            else f"{found.rows_read:,} read"
        )
        print(done, file=sys.stderr, flush=True)
        if not worked:
            await asyncio.sleep(0.2)


async def _show(connections: Pool, vault: Vault, found: ImportRow) -> None:
    print(
        ", ".join(f"{name} {count:,}" for name, count in _told(found).items() if isinstance(count, int)),
        file=sys.stderr,
    )
    async with scoped(connections, _SCOPE) as conn:
        chunks = await imports.chunks(conn, vault, found.id, 0, faulty=True, opened=False)
    for row, mistake in [fault for chunk in chunks for fault in chunk.faults][:_SHOWN]:
        column = mistake.column
        print(f"{row}: {column.zh} {mistake.words.zh} / {column.en}: {mistake.words.en}", file=sys.stderr)


def _told(found: ImportRow) -> dict[str, str | int]:
    counts = {"rows": found.rows_read, "created": found.created, "updated": found.updated, "unchanged": found.unchanged}
    return {"import": str(found.id), "state": found.state, **counts, "bad": found.bad}
