"""Plates to print: one, or an A4 sheet, as SVG or PDF; each code is read back before it leaves."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.caller import Caller, Officer, through
from schemas import desk, http

router = APIRouter(tags=["plates"])

Printer = Annotated[Caller, through(Officer("plates:print"))]

_SVG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/machines/{plate}/plate.svg", response_class=Response, responses=_SVG)
async def plate_svg(plate: http.Plate, caller: Printer) -> Response:
    """One plate as SVG."""
    raise NotImplementedError


@router.get("/machines/{plate}/plate.pdf", response_class=Response, responses=_PDF)
async def plate_pdf(plate: http.Plate, caller: Printer) -> Response:
    """One plate as PDF, in its true size."""
    raise NotImplementedError


@router.post("/plates/sheet", response_class=Response, responses=_PDF)
async def plate_sheet(asked: desk.SheetRequest, caller: Printer) -> Response:
    """A4 sheets of 24 plates each."""
    raise NotImplementedError
