"""The divisions in scope, for filters and breadcrumbs."""

from typing import Annotated

from fastapi import APIRouter

from api.caller import Caller, Officer, through
from schemas import desk
from weld.store import divisions
from weld.store.divisions import DivisionRow

router = APIRouter(tags=["desk"])


@router.get("/divisions")
async def list_divisions(caller: Annotated[Caller, through(Officer("machines:read"))]) -> desk.DivisionList:
    """The divisions in your scope, parents before children, with their machines. The topmost ones have no parent here."""
    return desk.DivisionList(divisions=[_view(row) for row in await divisions.in_scope(caller.conn)])


def _view(row: DivisionRow) -> desk.DivisionView:
    name = desk.Words(zh=row.name_zh, en=row.name_en)
    return desk.DivisionView(code=row.code, parent=row.parent, name=name, machines=row.machines)
