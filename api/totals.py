"""Divisions added up, for officers: a month by day and part beside the month before, and the connection rate (接入率).

Refuses an enterprise: a division's sums are of others too.
"""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Day
from api.problems import RefusedError
from schemas import desk, questions
from weld.store import totals
from weld.store.totals import Connected, Part, SumsRow, TopRow

router = APIRouter(prefix="/divisions", tags=["figures"])

Reader = Annotated[Caller, through(Officer("machines:read"))]
Code = Annotated[str, Query(pattern=r"^[0-9]{2,12}$", description="Without it: that of your scope")]

_LONGEST = timedelta(days=366)


class MonthAsked(BaseModel):
    """Which division and which month; any day of it, this month without words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    division: Code | None = None
    month: Day | None = None


class DaysAsked(BaseModel):
    """Which division and which days, `until` not among them; the last 30 days without words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    division: Code | None = None
    since: Day | None = None
    until: Day | None = None


@router.get("/month")
async def read_month(caller: Reader, asked: Annotated[MonthAsked, Query()]) -> questions.DivisionMonth:
    """A month of a division and everything below it, by day and by the divisions next below."""
    month = (asked.month or caller.now.date()).replace(day=1)
    found = await totals.division_month(caller.conn, asked.division, month)
    if found is None:
        raise RefusedError("not_found")
    return questions.DivisionMonth(
        division=found.top.code or None,
        name=_name(found.top),
        month=month,
        days=[questions.DaySums(day=day, sums=_sums(sums)) for day, sums in found.days],
        parts=[
            questions.PartSums(code=part.code, name=_words(part), sums=_sums(sums), before=_sums(before))
            for part, sums, before in found.parts
        ],
        total=_sums(found.total),
        before=_sums(found.before),
    )


@router.get("/connection")
async def read_connection(caller: Reader, asked: Annotated[DaysAsked, Query()]) -> questions.ConnectionRate:
    """Machines heard against machines registered, by day and by the divisions next below, and what came of their messages."""
    until = asked.until or caller.now.date() + timedelta(days=1)
    since = asked.since or until - timedelta(days=30)
    if not timedelta(0) < until - since <= _LONGEST:
        raise RefusedError("bad_request", detail="since, until: at most 366 days, in order")
    found = await totals.connection_rate(caller.conn, asked.division, since, until)
    if found is None:
        raise RefusedError("not_found")
    return questions.ConnectionRate(
        division=found.top.code or None,
        name=_name(found.top),
        since=since,
        until=until,
        days=[_day(*day) for day in found.days],
        parts=[_part(part, connected) for part, connected in found.parts],
        total=_connected(found.total),
    )


def _day(day: date, heard: int, registered: int) -> questions.DayRate:
    return questions.DayRate(day=day, heard=heard, registered=registered)


def _part(part: Part, connected: Connected) -> questions.PartRate:
    return questions.PartRate(code=part.code, name=_words(part), connected=_connected(connected))


def _connected(row: Connected) -> questions.Connected:
    numbers = row.messages + row.lost + row.missing
    return questions.Connected(
        **row._asdict(),
        rate=row.heard / row.registered if row.registered else None,
        complete=row.messages / numbers if numbers else None,
    )


def _sums(row: SumsRow) -> questions.Sums:
    return questions.Sums(**row._asdict())


def _words(part: Part) -> desk.Words:
    return desk.Words(zh=part.name_zh, en=part.name_en)


def _name(top: TopRow) -> desk.Words | None:
    return None if top.name_zh is None else desk.Words(zh=top.name_zh, en=top.name_en or top.name_zh)
