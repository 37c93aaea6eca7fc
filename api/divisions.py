"""The divisions in scope, for filters and breadcrumbs, and in which of them a place lies."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.caller import Caller, Officer, through
from api.problems import RefusedError
from schemas import desk
from weld.store import divisions
from weld.store.divisions import DivisionRow, PlaceRow

router = APIRouter(prefix="/divisions", tags=["desk"])

Reader = Annotated[Caller, through(Officer("machines:read"))]
Lat = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="WGS-84 degrees")]
Lon = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="WGS-84 degrees")]


@router.get("")
async def list_divisions(caller: Reader) -> desk.DivisionList:
    """The divisions in your scope, parents before children, with their machines. The topmost ones have no parent here.

    Townships and divisions that have ended are here where they have machines.
    """
    return desk.DivisionList(divisions=[_view(row) for row in await divisions.in_scope(caller.conn)])


@router.get("/at")
async def division_at(caller: Reader, lat: Lat, lon: Lon) -> desk.DivisionPlace:
    """The division whose land has this place. 404 outside of your scope, and of the areas that were imported."""
    code = await divisions.at_point(caller.conn, lat, lon)
    path = [] if code is None else await divisions.way_down(caller.conn, code)
    if code is None or not path:
        raise RefusedError("not_found")
    return desk.DivisionPlace(code=code, path=[_step(row) for row in path])


def _view(row: DivisionRow) -> desk.DivisionView:
    name = desk.Words(zh=row.name_zh, en=row.name_en)
    return desk.DivisionView(
        code=row.code, parent=row.parent, name=name, level=row.level, until=row.until, machines=row.machines
    )


def _step(row: PlaceRow) -> desk.DivisionStep:
    return desk.DivisionStep(code=row.code, name=desk.Words(zh=row.name_zh, en=row.name_en), level=row.level)
