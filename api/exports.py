"""Sessions, telemetry and rollups to take away, as CSV or Parquet: streamed as they are read, in your scope.

One at a time an officer, and a few at once in a process. It ends when the client leaves, the sign-in is over or the process ends,
and then the connection breaks: an answer that ends as HTTP asks is whole. Told to the audit before the first byte leaves, and at
its end. Refuses who may not read the same page by page.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.types import Receive, Scope, Send

from api.board import Board
from api.caller import Caller, Officer, officer_still_in, through
from api.paging import Moment
from api.problems import RefusedError
from schemas import http
from weld.core.records import Asked, What, fault
from weld.kit import tables
from weld.store import audit, exports
from weld.store.audit import Trace
from weld.store.connect import FAILURES, scoped

router = APIRouter(tags=["exports"])

Exporter = Annotated[Caller, through(Officer("records:export"))]

# A day of ten thousand machines; who wants more of all names a machine, or uses the command.
_LONGEST_OF_ALL = timedelta(days=1)
_LOOK_EVERY_S = 5.0
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILE = {200: {"description": "The file", "content": {tables.MEDIA["csv"]: _BYTES, tables.MEDIA["parquet"]: _BYTES}}}


class Filter(BaseModel):
    """Which rows, and as what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Moment
    until: Annotated[Moment | None, Query(description="Outside; now, without")] = None
    division: Annotated[str | None, Query(pattern=r"^[0-9]{2,12}$")] = None
    plate: http.Plate | None = None
    format: tables.Form = "csv"
    bom: Annotated[bool, Query(description="Mark a CSV as UTF-8, for Excel")] = False


class BrokenOffError(Exception):
    """An export that cannot go on. Raised after the answer has begun: the server cuts the connection."""


@router.get("/exports/{what}", response_class=StreamingResponse, responses=_FILE)  # type: ignore[arg-type]
async def export_records(what: What, caller: Exporter, asked: Annotated[Filter, Query()]) -> StreamingResponse:
    """Rows of a span, in order, as a file. Workers are ids; times are UTC; days are days of the division's zone."""
    right = "sessions:read" if what == "sessions" else "machines:read"
    if caller.officer is None or right not in caller.officer.rights:
        raise RefusedError("not_allowed", detail=f"the right {right} is missing")
    wanted = Asked(what, asked.since, asked.until or caller.now, asked.division, asked.plate)
    _check(wanted)
    _check_free(caller)
    caller.leave_trace("export.begun", what, {**wanted.words(), "format": asked.format})
    return _Download(_Export(caller, wanted, caller.officer.scope), asked.format, bom=asked.bom)


def _check(asked: Asked) -> None:
    if (found := fault(asked)) is not None:
        raise RefusedError("bad_request", detail=found)
    if asked.what == "telemetry" and asked.plate is None and asked.until - asked.since > _LONGEST_OF_ALL:
        raise RefusedError("bad_request", detail="since, until: at most one day of telemetry without a plate")


def _check_free(caller: Caller) -> None:
    board, settings = caller.parts.board, caller.parts.settings
    if caller.actor in board.exporting:
        raise RefusedError("too_many_attempts", detail="one export at a time")
    if len(board.exporting) >= settings.api_exports_at_once:
        raise RefusedError("too_many_attempts", detail="too many exports at once")


@dataclass(slots=True)
class _Export:
    """One export on its way, and how far it came."""

    caller: Caller
    asked: Asked
    scope: str
    rows: int = 0
    complete: bool = False

    async def pieces(self, table: tables.Table) -> AsyncGenerator[bytes]:
        """The file; what costs time is done in a thread, as others are waiting."""
        looked_at = time.monotonic()
        yield await asyncio.to_thread(table.begin)
        async for page in exports.pages(self.caller.parts.pool, self.scope, self.asked):
            self.rows += len(page.rows)
            if piece := await asyncio.to_thread(table.add, page.rows):
                yield piece
            if self.caller.parts.board.closing:
                raise BrokenOffError("the process ends")
            if time.monotonic() - looked_at > _LOOK_EVERY_S:
                looked_at = time.monotonic()
                await self._look()
        yield await asyncio.to_thread(table.end)
        self.complete = True

    async def _look(self) -> None:
        async with scoped(self.caller.parts.pool, "nobody") as conn:
            if not await officer_still_in(conn, self.caller):
                raise BrokenOffError("the sign-in is over")

    async def tell(self) -> None:
        """What became of it, for the audit. A database that is away learns it not, and shows an export without an end."""
        words = {"rows": self.rows, "complete": self.complete}
        trace = Trace(self.caller.parts.clock.now(), self.caller.actor, "export.ended", self.asked.what, words)
        with suppress(*FAILURES):
            async with scoped(self.caller.parts.pool, "nobody") as conn:
                await audit.append(conn, [trace])


class _Download(StreamingResponse):
    """The answer: counted to the officer while it lasts."""

    def __init__(self, export: _Export, form: tables.Form, *, bom: bool) -> None:
        asked = export.asked
        self._export = export
        self._pieces = export.pieces(tables.table(form, exports.columns(asked.what), bom=bom))
        # Nothing but our own words and digits stands in the name.
        name = f"weldgate-{asked.what}-{asked.since:%Y%m%d}-{asked.until:%Y%m%d}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"}
        super().__init__(self._pieces, media_type=tables.MEDIA[form], headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = self._export.caller
        with _counted(caller.parts.board, caller.actor):
            try:
                async with aclosing(self._pieces):
                    await super().__call__(scope, receive, send)
            finally:
                await self._export.tell()


@contextmanager
def _counted(board: Board, actor: str) -> Iterator[None]:
    if actor in board.exporting:  # two came at the same moment
        raise RefusedError("too_many_attempts", detail="one export at a time")
    board.exporting.add(actor)
    try:
        yield
    finally:
        board.exporting.discard(actor)
