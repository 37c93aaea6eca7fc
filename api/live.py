"""The live map: a snapshot, the figures, and one stream a tab."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.caller import Caller, Officer, through
from schemas import live

router = APIRouter(tags=["live"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "model": live.LiveEvents,
        "description": "Events hello, machines, alerts, figures, beat, resync; the data of each is the field of that name",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/map")
async def read_map(caller: Annotated[Caller, through(Officer("machines:read"))]) -> live.MapSnapshot:
    """Every machine in scope and its look, with the open alerts."""
    raise NotImplementedError


@router.get("/figures")
async def read_figures(caller: Annotated[Caller, through(Officer("machines:read"))]) -> live.Figures:
    """The figures of today."""
    raise NotImplementedError


@router.get("/live", response_class=StreamingResponse, responses=_STREAM)
async def watch(
    caller: Annotated[Caller, through(Officer("machines:read"))],
    since: Annotated[str | None, Query(max_length=200)] = None,
) -> StreamingResponse:
    """What changes in scope, as it changes."""
    raise NotImplementedError
