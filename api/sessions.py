"""Sessions over HTTP: a worker's own, an officer's scope, and ending one's own. Refuses to end another person's session."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api import orders
from api.caller import Caller, Officer, SignedInOr, WorkerCaller, through
from api.paging import Limit, Moment, at_and_id, encode, page
from api.problems import RefusedError
from api.unlock_view import session as view
from schemas import http
from weld.store import sessions, signins
from weld.store.sessions import Wanted

router = APIRouter(tags=["sessions"])

_MOST_BURSTS = 2000


class Filter(BaseModel):
    """Which sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: http.Plate | None = None
    worker: UUID | None = None
    enterprise: UUID | None = None
    site: Annotated[UUID | None, Query(description="Where the machine stood when the session began")] = None
    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$", description="And everything below it")] | None = None
    state: http.SessionState | None = None
    since: Moment | None = None
    until: Moment | None = None
    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/sessions")
async def list_sessions(
    caller: Annotated[Caller, through(Officer("sessions:read"))], asked: Annotated[Filter, Query()]
) -> http.SessionList:
    """Sessions in your scope, the newest first; since and until are a span that they touch."""
    found = await sessions.search(
        caller.conn,
        Wanted(
            plate=asked.plate,
            worker=asked.worker,
            enterprise=asked.enterprise,
            site=asked.site,
            division=asked.division,
            state=asked.state,
            since=asked.since,
            until=asked.until,
        ),
        after=at_and_id(asked.after),
        limit=asked.limit + 1,
    )
    rows, last = page(found, asked.limit)
    following = encode(last.opened_at, last.id) if last else None
    caller.leave_trace("sessions.listed", "sessions", {"sessions": len(rows), "fields": "worker names"})
    return http.SessionList(sessions=[view(row, caller.parts.vault) for row in rows], next=following)


@router.get("/sessions/{session}/bursts")
async def list_bursts(session: UUID, caller: Annotated[Caller, through(SignedInOr("sessions:read"))]) -> http.BurstList:
    """The bursts of welding in one session: your own, or one in your scope."""
    if not await sessions.search(caller.conn, Wanted(session=session, worker=caller.worker)):
        raise RefusedError("not_found")
    rows = await sessions.bursts(caller.conn, session, _MOST_BURSTS)
    return http.BurstList(bursts=[http.Burst(**row._asdict()) for row in rows])


@router.get("/sessions/{session}")
async def read_session(session: UUID, caller: Annotated[Caller, through(SignedInOr("sessions:read"))]) -> http.Session:
    """One session: your own, or one in your scope."""
    found = await sessions.search(caller.conn, Wanted(session=session, worker=caller.worker))
    if not found:
        raise RefusedError("not_found")
    caller.leave_trace("session.read", str(session), {"fields": "worker name"})
    return view(found[0], caller.parts.vault)


@router.post("/sessions/{session}/end")
async def end_session(session: UUID, caller: WorkerCaller) -> http.Session:
    """End your own session: at once without an arc, otherwise when the arc ends. Asking twice is asking once."""
    if not await sessions.search(caller.conn, Wanted(session=session, worker=caller.worker)):
        raise RefusedError("not_found")
    await orders.end(caller, session)
    caller.leave_trace("session.read", str(session), {"fields": "worker name"})
    await signins.look_as(caller.conn, f"worker:{caller.worker}")
    found = await sessions.search(caller.conn, Wanted(session=session, worker=caller.worker))
    return view(found[0], caller.parts.vault)
