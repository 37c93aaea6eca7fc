"""Machines over HTTP, for officers: list, detail, timeline, days, lock, block. Refuses to fill what is unknown."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api import orders
from api.caller import Caller, Officer, through
from api.paging import Day, Limit, Moment, encode, page, word
from api.problems import RefusedError
from api.unlock_view import session
from schemas import desk, http
from weld.core import look as looks
from weld.store import commands, machines, sessions, timeline
from weld.store.commands import GivenRow
from weld.store.machines import MachineRow
from weld.store.sessions import Wanted
from weld.store.timeline import Span

router = APIRouter(tags=["machines"])

Reader = Annotated[Caller, through(Officer("machines:read"))]
Locker = Annotated[Caller, through(Officer("machines:lock"))]

_COMMANDS = 10
_LONGEST_SPAN = timedelta(days=7)
# A day of telemetry every ten seconds has 8,640 messages.
_MOST_POINTS = 10_000
_MOST_SESSIONS = 200


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Filter(_Asked):
    """Which machines."""

    plate: http.Plate | None = None
    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$")] | None = None
    enterprise: UUID | None = None
    q: (
        Annotated[
            str, Query(min_length=1, max_length=40, description="Tail number, part of the plate, model or serial")
        ]
        | None
    ) = None
    look: desk.Look | None = None
    after: http.Cursor | None = None
    limit: Limit = 50


class When(_Asked):
    """Which span; the last day without words."""

    since: Moment | None = None
    until: Moment | None = None


class Days(_Asked):
    """Which machine and which days of its division."""

    plate: http.Plate
    since: Day | None = None
    until: Day | None = None


@router.get("/machines")
async def list_machines(caller: Reader, asked: Annotated[Filter, Query()]) -> desk.MachineList:
    """Machines in your scope, by plate."""
    found = await machines.search(
        caller.conn,
        plate=asked.plate,
        division=asked.division,
        enterprise=asked.enterprise,
        part=asked.q,
        facts=None if asked.look is None else looks.words(asked.look),
        after=word(asked.after),
        limit=asked.limit + 1,
    )
    rows, last = page(found, asked.limit)
    return desk.MachineList(machines=[_machine(row) for row in rows], next=encode(last.plate) if last else None)


@router.get("/machines/{plate}")
async def read_machine(plate: http.Plate, caller: Reader) -> desk.MachineDetail:
    """One machine, what was ordered of it lately, and its chip's clock."""
    row = await _found(caller, plate)
    orders_given = await commands.latest(caller.conn, plate, _COMMANDS)
    clock_ms = await machines.clock_ms(caller.conn, plate)
    return desk.MachineDetail(
        machine=_machine(row), clock_ms=clock_ms, commands=[_command(given) for given in orders_given]
    )


@router.get("/machines/{plate}/timeline")
async def read_timeline(plate: http.Plate, caller: Reader, asked: Annotated[When, Query()]) -> desk.Timeline:
    """What the chip said in a span, and where it said nothing."""
    await _found(caller, plate)
    span = _span(plate, asked, caller.now)
    telemetry = await timeline.telemetry(caller.conn, span)
    events = await timeline.events(caller.conn, span)
    arcs = await timeline.arcs(caller.conn, span)
    wanted = Wanted(plate=plate, since=span.since, until=span.until)
    held = await sessions.search(caller.conn, wanted, limit=_MOST_SESSIONS)
    gaps = await timeline.gaps(caller.conn, span)
    if held:  # a page that is left open asks again and again, mostly for a machine that nobody uses
        caller.leave_trace("sessions.listed", plate, {"sessions": len(held), "fields": "worker names"})
    return desk.Timeline(
        plate=plate,
        since=span.since,
        until=span.until,
        cut=max(len(telemetry), len(events), len(arcs)) == span.limit or len(held) == _MOST_SESSIONS,
        telemetry=[desk.TelemetryPoint(**row._asdict()) for row in telemetry],
        events=[desk.EventPoint(**row._asdict()) for row in events],
        arcs=[desk.Arc(**row._asdict()) for row in arcs],
        sessions=[session(row, caller.parts.vault) for row in held],
        unknown=[desk.Unknown(**row._asdict()) for row in gaps],
    )


@router.post("/machines/{plate}/lock", status_code=202)
async def lock_machine(plate: http.Plate, asked: desk.LockRequest, caller: Locker) -> desk.Command:
    """Order the machine's contact open. What was ordered is not what is: look at what the chip reports."""
    return _command(await orders.lock(caller, plate, asked.level, asked.reason))


@router.post("/machines/{plate}/block")
async def block_machine(plate: http.Plate, asked: desk.BlockRequest, caller: Locker) -> desk.MachineView:
    """Take the machine out of use: nobody can start it. A running session goes on; lock it too if it must not."""
    await orders.block(caller, plate, asked.reason, blocked=True)
    return _machine(await _found(caller, plate))


@router.post("/machines/{plate}/unblock")
async def unblock_machine(plate: http.Plate, asked: desk.BlockRequest, caller: Locker) -> desk.MachineView:
    """Bring the machine back into use."""
    await orders.block(caller, plate, asked.reason, blocked=False)
    return _machine(await _found(caller, plate))


@router.get("/days")
async def list_days(caller: Reader, asked: Annotated[Days, Query()]) -> desk.DayList:
    """The days of one machine; the last month without words."""
    until = asked.until or caller.now.date() + timedelta(days=1)
    since = asked.since or until - timedelta(days=31)
    if not timedelta(0) <= until - since <= timedelta(days=800):
        raise RefusedError("bad_request", detail="since, until: at most 800 days, in order")
    rows = await machines.days(caller.conn, asked.plate, since, until)
    return desk.DayList(days=[desk.Day(**row._asdict()) for row in rows])


async def _found(caller: Caller, plate: str) -> MachineRow:
    rows = await machines.search(caller.conn, plate=plate)
    if not rows:
        raise RefusedError("not_found")
    return rows[0]


def _span(plate: http.Plate, asked: When, now: datetime) -> Span:
    until = asked.until or now + timedelta(minutes=2)
    since = asked.since or until - timedelta(days=1)
    if not timedelta(0) < until - since <= _LONGEST_SPAN:
        raise RefusedError("bad_request", detail="since, until: at most 7 days, in order")
    return Span(plate, since, until, _MOST_POINTS)


def _machine(row: MachineRow) -> desk.MachineView:
    words = row._asdict()
    name = desk.Words(zh=words.pop("division_zh"), en=words.pop("division_en"))
    look = looks.of(words.pop("facts"))
    return desk.MachineView(**words, look=look, division_name=name)


def _command(row: GivenRow) -> desk.Command:
    return desk.Command(**row._asdict())
