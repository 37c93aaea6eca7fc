"""Alerts over HTTP, for officers: list, read, take up, settle. Refuses to settle one twice with two outcomes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, at_and_id, encode, page
from api.problems import RefusedError
from schemas import desk, http
from weld.core.catalogue import ALERTS
from weld.store import alerts, audit
from weld.store.alerts import AlertRow

router = APIRouter(tags=["alerts"])

Reader = Annotated[Caller, through(Officer("alerts:read"))]
Actor = Annotated[Caller, through(Officer("alerts:act"))]


class Filter(BaseModel):
    """Which alerts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: http.Plate | None = None
    code: desk.AlertCode | None = None
    state: desk.AlertState | None = None
    level: Annotated[int, Query(ge=1, le=4)] | None = None
    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$")] | None = None
    live: Annotated[bool, Query(description="Only alerts that are not closed, the next deadline first")] = False
    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/alerts")
async def list_alerts(caller: Reader, asked: Annotated[Filter, Query()]) -> desk.AlertList:
    """Alerts in your scope, the newest first."""
    found = await alerts.search(
        caller.conn,
        plate=asked.plate,
        code=asked.code,
        state=asked.state,
        after=at_and_id(asked.after),
        limit=asked.limit + 1,
    )
    rows, last = page(found, asked.limit)
    following = encode(last.raised_at, last.id) if last else None
    return desk.AlertList(alerts=[_view(row) for row in rows], next=following)


@router.get("/alerts/{alert}")
async def read_alert(alert: UUID, caller: Reader) -> desk.Alert:
    """One alert."""
    return _view(await _found(caller, alert))


@router.post("/alerts/{alert}/acknowledge")
async def acknowledge_alert(alert: UUID, caller: Actor) -> desk.Alert:
    """Take an alert up. Doing it again changes nothing."""
    await _found(caller, alert)
    if await alerts.acknowledge(caller.conn, alert, caller.actor, caller.now):
        await audit.record(caller.conn, caller.now, caller.actor, "alert.acknowledged", str(alert), {})
    return _view(await _found(caller, alert))


@router.post("/alerts/{alert}/close")
async def close_alert(alert: UUID, asked: desk.CloseRequest, caller: Actor) -> desk.Alert:
    """Settle an alert with its outcome and a note."""
    before = await _found(caller, alert)
    if before.state == "closed" and (before.outcome, before.note) != (asked.outcome, asked.note):
        raise RefusedError("already_ended", detail=f"closed as {before.outcome}")
    if await alerts.close(caller.conn, alert, asked.outcome, asked.note, caller.actor, caller.now):
        words = {"outcome": asked.outcome}
        await audit.record(caller.conn, caller.now, caller.actor, "alert.closed", str(alert), words)
    return _view(await _found(caller, alert))


async def _found(caller: Caller, alert: UUID) -> AlertRow:
    rows = await alerts.search(caller.conn, alert=alert)
    if not rows:
        raise RefusedError("not_found")
    return rows[0]


def _view(row: AlertRow) -> desk.Alert:
    kind = next((one for code, one in ALERTS.items() if code == row.code), None)
    return desk.Alert(**row._asdict(), text_zh=kind.zh if kind else row.code, text_en=kind.en if kind else row.code)
