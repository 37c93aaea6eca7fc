"""Alerts over HTTP, for officers: list, read, take up, settle. Refuses to settle one twice with two outcomes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, at_and_id, encode, keys, moment, page, whole
from api.problems import RefusedError
from schemas import desk, http, questions
from weld.core import deadline, sentence
from weld.core.catalogue import ALERTS
from weld.core.deadline import Deadlines
from weld.core.law import Words
from weld.core.sentence import Told
from weld.store import alerts
from weld.store.alerts import AlertRow, CountRow, Wanted

router = APIRouter(tags=["alerts"])

Reader = Annotated[Caller, through(Officer("alerts:read"))]
Actor = Annotated[Caller, through(Officer("alerts:act"))]


# Where an alert belongs to no division: the days of the platform.
_ZONE = "Asia/Shanghai"
_KEPT = frozenset(desk.Alert.model_fields)


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


class Waiting(BaseModel):
    """Which of the alerts that nobody has closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: http.Plate | None = None
    code: desk.AlertCode | None = None
    state: Literal["open", "acknowledged"] | None = None
    level: Annotated[int, Query(ge=1, le=4)] | None = None
    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$", description="And everything below it")] | None = None
    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/alerts")
async def list_alerts(caller: Reader, asked: Annotated[Filter, Query()]) -> desk.AlertList:
    """Alerts in your scope, the newest first; with `live` by the next deadline."""
    wanted = Wanted(asked.plate, asked.code, asked.state, asked.level, asked.division)
    look_up = alerts.queue if asked.live else alerts.search
    found = await look_up(caller.conn, wanted, after=at_and_id(asked.after), limit=asked.limit + 1)
    rows, last = page(found, asked.limit)
    following = encode(_due(last) if asked.live else last.raised_at, last.id) if last else None
    return desk.AlertList(alerts=[view(row) for row in rows], next=following)


@router.get("/alerts/queue")
async def list_queue(caller: Reader, asked: Annotated[Waiting, Query()]) -> questions.AlertQueue:
    """Alerts in your scope that nobody has closed, by level and age: the heaviest first, of one level the oldest."""
    wanted = Wanted(asked.plate, asked.code, asked.state, asked.level, asked.division)
    after = keys(asked.after, whole(15), moment, UUID)
    found = await alerts.waiting(
        caller.conn, wanted, after=None if after is None else (after[0], after[1], after[2]), limit=asked.limit + 1
    )
    rows, last = page(found, asked.limit)
    counts = None if after else [_count(row) for row in await alerts.waiting_counts(caller.conn, wanted)]
    following = encode(last.level, last.raised_at, last.id) if last else None
    return questions.AlertQueue(alerts=[view(row) for row in rows], counts=counts, next=following)


@router.get("/alerts/{alert}")
async def read_alert(alert: UUID, caller: Reader) -> desk.Alert:
    """One alert."""
    return view(await _found(caller, alert))


@router.post("/alerts/{alert}/acknowledge")
async def acknowledge_alert(alert: UUID, caller: Actor) -> desk.Alert:
    """Take an alert up. Doing it again changes nothing."""
    await _found(caller, alert)
    if await alerts.acknowledge(caller.conn, alert, caller.actor, caller.now):
        caller.leave_trace("alert.acknowledged", str(alert), {})
    return view(await _found(caller, alert))


@router.post("/alerts/{alert}/close")
async def close_alert(alert: UUID, asked: desk.CloseRequest, caller: Actor) -> desk.Alert:
    """Settle an alert with its outcome and a note."""
    before = await _found(caller, alert)
    if before.state == "closed" and (before.outcome, before.note) != (asked.outcome, asked.note):
        raise RefusedError("already_ended", detail=f"closed as {before.outcome}")
    if await alerts.close(caller.conn, alert, asked.outcome, asked.note, caller.actor, caller.now):
        words = {"outcome": asked.outcome}
        caller.leave_trace("alert.closed", str(alert), words)
    return view(await _found(caller, alert))


async def _found(caller: Caller, alert: UUID) -> AlertRow:
    rows = await alerts.search(caller.conn, Wanted(), ids=[alert])
    if not rows:
        raise RefusedError("not_found")
    return rows[0]


def _count(row: CountRow) -> questions.LevelCount:
    return questions.LevelCount(**row._asdict())


def view(row: AlertRow) -> desk.Alert:
    """One alert with its sentence and its deadlines."""
    kind = next((one for code, one in ALERTS.items() if code == row.code), None)
    told = Told(
        row.code, row.evidence, row.since, row.last_at, row.occurrences, row.historical, ZoneInfo(row.zone or _ZONE)
    )
    words = {name: value for name, value in row._asdict().items() if name in _KEPT}
    by = _deadlines(row)
    return desk.Alert(
        **words,
        text_zh=kind.zh if kind else row.code,
        text_en=kind.en if kind else row.code,
        sentence=_words(sentence.sentence(told)),
        why=_words(sentence.why(told)),
        sign_by=by.sign_by,
        close_by=by.close_by,
        division_name=None if row.division_zh is None else desk.Words(zh=row.division_zh, en=row.division_en or ""),
    )


def _words(said: Words) -> desk.Words:
    return desk.Words(zh=said.zh, en=said.en)


def _deadlines(row: AlertRow) -> Deadlines:
    return deadline.deadlines(level=row.level, raised_at=row.raised_at, state=row.state, historical=row.historical)


def _due(row: AlertRow) -> datetime:
    return deadline.following(_deadlines(row), row.state)
