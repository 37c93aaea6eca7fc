"""A machine over long spans, for officers: its year by day or hour, page by page what it said, and its current at any zoom.

Refuses to fill what is unknown, and spans that no rollup answers.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, Moment, encode, keys, moment, page, whole
from api.problems import RefusedError
from schemas import desk, http, questions
from weld.core.curve import LONGEST
from weld.store import curves, history
from weld.store.history import Place, StepRow

router = APIRouter(prefix="/machines/{plate}", tags=["machines"])

Reader = Annotated[Caller, through(Officer("machines:read"))]

_HOURS = timedelta(days=62)
_YEAR = timedelta(days=365)
_DAY = timedelta(days=1)


class _Span(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Moment | None = None
    until: Moment | None = None


class Steps(_Span):
    """Which span, the last year without words; by hour at most 62 days, the last week without words."""

    by: Literal["day", "hour"] = "day"


class Zoomed(_Span):
    """Which span, the last day without words, in how many points."""

    points: Annotated[int, Query(ge=10, le=4000)] = 1000


class Page(_Span):
    """Which span, the last day without words, and where in it."""

    after: http.Cursor | None = None
    limit: Limit = 200


@router.get("/history")
async def read_history(plate: http.Plate, caller: Reader, asked: Annotated[Steps, Query()]) -> questions.MachineHistory:
    """A machine's year, or any span, by day or by hour: sums, silence, lost numbers, alerts.

    Where hours are kept no longer, by day.
    """
    by_hour = asked.by == "hour"
    since, until = _span(asked, caller.now, timedelta(days=7) if by_hour else _YEAR, _HOURS if by_hour else LONGEST)
    found = await history.timeline_year(caller.conn, plate, since, until, by_hour=by_hour)
    if found is None:
        raise RefusedError("not_found")
    return questions.MachineHistory(
        plate=plate,
        since=since,
        until=until,
        zone=found.zone,
        by="hour" if found.by_hour else "day",
        steps=[_step(row) for row in found.steps],
        silent=[questions.Silence(since=gap.since, until=gap.until) for gap in found.silent],
        lost=[questions.Lost(**row._asdict()) for row in found.lost],
        missing=found.missing,
        alerts=[questions.AlertMark(**row._asdict()) for row in found.alerts],
    )


@router.get("/telemetry")
async def list_telemetry(plate: http.Plate, caller: Reader, asked: Annotated[Page, Query()]) -> questions.TelemetryPage:
    """Telemetry of a span in order of time, each message summed up."""
    since, until = await _shown(caller, plate, asked)
    rows = await history.telemetry_page(
        caller.conn, plate, since, until, after=_place(asked.after), limit=asked.limit + 1
    )
    shown, last = page(rows, asked.limit)
    points = [desk.TelemetryPoint(**row._asdict()) for row, _ in shown]
    return questions.TelemetryPage(telemetry=points, next=encode(*last[1]) if last else None)


@router.get("/events")
async def list_events(plate: http.Plate, caller: Reader, asked: Annotated[Page, Query()]) -> questions.EventPage:
    """Boots, events, results and log lines of a span in order of time."""
    since, until = await _shown(caller, plate, asked)
    rows = await history.event_page(caller.conn, plate, since, until, after=_place(asked.after), limit=asked.limit + 1)
    shown, last = page(rows, asked.limit)
    points = [desk.EventPoint(**row._asdict()) for row, _ in shown]
    return questions.EventPage(events=points, next=encode(*last[1]) if last else None)


@router.get("/current")
async def read_current(plate: http.Plate, caller: Reader, asked: Annotated[Zoomed, Query()]) -> questions.CurrentCurve:
    """The current over a span. Up to three days are drawn from samples, up to a hundred from hours, longer ones from days.

    Every peak is in the answer at every zoom. Where samples and hours are kept no longer, whole days are told.
    """
    since, until = _span(asked, caller.now, _DAY, LONGEST)
    found = await curves.current_curve(caller.conn, plate, since, until, asked.points)
    if found is None:
        raise RefusedError("not_found")
    points = [questions.CurvePoint(**row._asdict()) for row in found.points]
    return questions.CurrentCurve(
        plate=plate, since=since, until=until, zone=found.zone, source=found.source, points=points
    )


async def _shown(caller: Caller, plate: str, asked: Page) -> tuple[datetime, datetime]:
    """The span, where somebody in scope knows the machine."""
    if await curves.home(caller.conn, plate) is None:
        raise RefusedError("not_found")
    return _span(asked, caller.now, _DAY, LONGEST)


def _span(asked: _Span, now: datetime, usual: timedelta, longest: timedelta) -> tuple[datetime, datetime]:
    until = asked.until or now + timedelta(minutes=2)
    since = asked.since or until - usual
    if not timedelta(0) < until - since <= longest:
        raise RefusedError("bad_request", detail=f"since, until: at most {longest.days} days, in order")
    return since, until


def _place(cursor: str | None) -> Place | None:
    found = keys(cursor, moment, whole(31), whole(63), whole(31))
    return None if found is None else Place(*found)


def _step(row: StepRow) -> questions.Step:
    return questions.Step(**row._asdict(), late_ms=max(0, row.covered_ms - row.online_ms))
