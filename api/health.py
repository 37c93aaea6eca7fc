"""Whether this process lives and can work: the database answers, and its clock is ours. Refuses details about what is behind."""

from datetime import datetime

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from api.caller import Open
from api.parts import Parts, parts_of
from schemas import http
from weld.store import pulse
from weld.store.connect import TRANSIENT

router = APIRouter(tags=["health"], dependencies=[Depends(Open())])


@router.get("/health/live", status_code=204)
async def live() -> None:
    """The process answers."""


@router.get("/health/ready", response_model=http.Health)
async def ready(request: Request) -> JSONResponse:
    """The process can work. 503 where it cannot."""
    health = await look(parts_of(request))
    return JSONResponse(health.model_dump(mode="json"), 200 if health.ready else 503)


async def look(parts: Parts) -> http.Health:
    """One look at the database and its clock."""
    try:
        async with parts.pool.connection(timeout=2) as conn:
            now: datetime = parts.clock.now()
            off_ms = int((now - await pulse.database_now(conn)).total_seconds() * 1000)
    except TRANSIENT:
        return http.Health(ready=False, database=False, clock_off_ms=None)
    close = abs(off_ms) < parts.settings.api_clock_off_max_s * 1000
    return http.Health(ready=close, database=True, clock_off_ms=off_ms)


async def why_not(parts: Parts) -> str | None:
    """Why this process is not ready, for its door; None where it is."""
    health = await look(parts)
    if not health.database:
        return "the database does not answer"
    return None if health.ready else f"the clock is {health.clock_off_ms} ms off the database's"
