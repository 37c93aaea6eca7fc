"""Plates to print: one, or A4 sheets of 24, as SVG or PDF; each code is read back before it leaves.

Refuses to hold a connection while it draws: 2,400 plates take half a minute. Who printed how many stands in the audit.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from api.caller import Caller, Officer, through
from api.paper import sheet
from api.paper.code import mark_of
from api.paper.label import Imprint, Label, svg
from api.parts import Parts
from api.problems import RefusedError
from api.settings import ApiSettings
from schemas import desk, http
from weld.core.plate import url
from weld.store import registers
from weld.store.registers import LabelRow
from weld.store.vault import Vault

router = APIRouter(tags=["plates"])

Printer = Annotated[Caller, through(Officer("plates:print"))]

MOST = 2400

_SVG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


class Drawing(Response):
    """A file that is drawn when the transaction has ended, beside the event loop. What goes wrong is still an error 500."""

    def __init__(self, draw: Callable[[], bytes], media_type: str, name: str) -> None:
        super().__init__(media_type=media_type, headers={"Content-Disposition": f'inline; filename="{name}"'})
        self._draw = draw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: Parts = scope["app"].state.parts
        async with parts.board.drawings.take():
            self.body = await asyncio.to_thread(self._draw)
        self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


@router.get("/machines/{plate}/plate.svg", response_class=Response, responses=_SVG)
async def plate_svg(plate: http.Plate, caller: Printer) -> Response:
    """One plate as SVG."""
    rows = await _printed(caller, desk.SheetRequest(plates=[plate]))
    return Drawing(lambda: svg(_labels(caller, rows)[0]).encode(), "image/svg+xml", f"{plate}.svg")


@router.get("/machines/{plate}/plate.pdf", response_class=Response, responses=_PDF)
async def plate_pdf(plate: http.Plate, caller: Printer) -> Response:
    """One plate as PDF, in its true size."""
    rows = await _printed(caller, desk.SheetRequest(plates=[plate]))
    return Drawing(lambda: sheet.single(_labels(caller, rows)[0]), "application/pdf", f"{plate}.pdf")


@router.post("/plates/sheet", response_class=Response, responses=_PDF)
async def plate_sheet(asked: desk.SheetRequest, caller: Printer) -> Response:
    """A4 sheets of 24 plates each, in the order given, or by plate."""
    rows, demo = await _printed(caller, asked), caller.parts.settings.demo
    return Drawing(lambda: sheet.sheets(_labels(caller, rows), demo=demo), "application/pdf", "plates.pdf")


def labels(rows: Sequence[LabelRow], settings: ApiSettings, vault: Vault) -> list[Label]:
    """The plates of these machines, with codes that have been read back."""
    imprint = Imprint(settings.public_url, settings.installation_name, settings.hotline)
    return [
        Label.make(row.plate, row.model, imprint, url(settings.public_url, row.plate, mark_of(vault, row.plate)))
        for row in rows
    ]


def _labels(caller: Caller, rows: Sequence[LabelRow]) -> list[Label]:
    return labels(rows, caller.parts.settings, caller.parts.vault)


async def _printed(caller: Caller, asked: desk.SheetRequest) -> list[LabelRow]:
    """The machines whose plates are asked for, all of them or none; and a trace of who asked."""
    rows = await _found(caller, asked)
    subject = rows[0].plate if len(rows) == 1 else "plates"
    caller.leave_trace("plates.printed", subject, {"plates": len(rows)})
    return rows


async def _found(caller: Caller, asked: desk.SheetRequest) -> list[LabelRow]:
    if sum(part is not None for part in (asked.plates, asked.enterprise, asked.division)) != 1:
        raise RefusedError("bad_request", detail="one of plates, enterprise, division")
    rows = await registers.labels(
        caller.conn, plates=asked.plates, enterprise=asked.enterprise, division=asked.division, limit=MOST + 1
    )
    if len(rows) > MOST:
        raise RefusedError("bad_request", detail=f"more than {MOST} plates; ask for a smaller part")
    wanted = None if asked.plates is None else list(dict.fromkeys(asked.plates))
    if not rows or (wanted is not None and len(wanted) != len(rows)):
        raise RefusedError("not_found")
    by_plate = {str(row.plate): row for row in rows}
    return rows if wanted is None else [by_plate[plate] for plate in wanted]
