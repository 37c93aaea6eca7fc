"""The live map: a snapshot, the figures, and one stream a tab.

The snapshot names a cursor that is taken before anything is read; handed to the stream, it gives everything that came after.
Alerts are shown to officers who may read alerts. Refuses to keep a stream open for anybody whose sign-in is over.
"""

import gzip
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from api import figures
from api.alerts import view
from api.board import ANYTHING
from api.caller import Caller, Officer, officer_still_in, through
from api.feed import RING, SLOW, Batch, Feed, event, feed_of
from api.problems import RefusedError
from schemas import live
from weld.core import look as looks
from weld.store import alerts
from weld.store import live as store
from weld.store.connect import TRANSIENT, scoped
from weld.store.live import PlacedRow

router = APIRouter(tags=["live"])

Reader = Annotated[Caller, through(Officer("machines:read"))]

# More open alerts than this nobody reads; the heaviest come first.
_MOST_ALERTS = 2000
_BEAT_S = 5.0
_READS_ALERTS = "alerts:read"

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "model": live.LiveEvents,
        "description": "Events hello, machines, alerts, figures, beat, resync; the data of each is the field of that name",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/map", response_model=live.MapSnapshot)
async def read_map(request: Request, caller: Reader) -> Response:
    """Every machine in scope and its look, with the open alerts."""
    cursor = await feed_of(caller.parts, _scope(caller)).begin(caller.conn)
    machines = await store.everything(caller.conn)
    rows = await alerts.heaviest(caller.conn, _MOST_ALERTS) if _may_read_alerts(caller) else []
    snapshot = live.MapSnapshot(
        at=caller.now,
        cursor=cursor,
        looks=list(looks.LOOKS),
        machines=_columns(machines),
        alerts=[view(row) for row in rows],
    )
    return _packed(request, snapshot.model_dump_json().encode())


def _packed(request: Request, body: bytes) -> Response:
    """The snapshot is a fifth of its size on the way; the stream is never packed, as packing would hold it back."""
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=3)
    return Response(body, headers=headers, media_type="application/json")


@router.get("/figures")
async def read_figures(caller: Reader) -> live.Figures:
    """The figures of today."""
    return await figures.count(caller.conn, caller.parts, caller.now)


@router.get("/live", response_class=StreamingResponse, responses=_STREAM)
async def watch(
    caller: Reader,
    since: Annotated[str | None, Query(max_length=200)] = None,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=200)] = None,
) -> StreamingResponse:
    """What changes in scope, as it changes; from `since`, the snapshot's cursor, or where a broken stream stopped."""
    if caller.parts.board.streams(caller.actor) >= caller.parts.settings.api_streams_per_officer:
        raise RefusedError("too_many_attempts", detail="too many open streams")
    feed = feed_of(caller.parts, _scope(caller))
    await feed.begin(caller.conn)
    return StreamingResponse(
        _events(caller, feed, last_event_id or since),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(caller: Caller, feed: Feed, cursor: str | None) -> AsyncIterator[str]:
    """Until the client leaves, the sign-in is over or the process ends."""
    board, known = caller.parts.board, feed.place(cursor)
    number = feed.number if known is None else known
    with board.watch(caller.actor, ANYTHING) as watching:
        yield "retry: 3000\n" + event("hello", _beat(caller), feed.cursor(number))
        if cursor is not None and known is None:
            yield event("resync", _beat(caller), feed.cursor(number))
        most, beat_at = RING, time.monotonic() + _BEAT_S
        while not board.closing:
            await feed.refresh(caller.parts, watching.rang_at)
            batches, number = feed.after(number, most), feed.number
            if batches is None:
                yield event("resync", _beat(caller), feed.cursor(number))
            for batch in batches or ():
                yield _told(caller, feed, batch)
            most = SLOW  # what a client missed while it was away is replayed once; from now on it must keep up
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + _BEAT_S
                try:
                    if not await _still_in(caller):
                        return
                    yield event("beat", _beat(caller))
                except TRANSIENT:
                    continue  # no beat: the screen sees that its picture grows old
            await watching.wait(min(feed.due_in(caller.parts), max(0.0, beat_at - time.monotonic())))


def _told(caller: Caller, feed: Feed, batch: Batch) -> str:
    """The batch as this officer may see it; its id stands on the last event, so a batch that broke off comes again whole."""
    seen = [one for one in batch.events if one[0] != "alerts" or _may_read_alerts(caller)]
    last = len(seen) - 1
    cursor = feed.cursor(batch.number)
    return "".join(event(name, text, cursor if at == last else None) for at, (name, text) in enumerate(seen))


async def _still_in(caller: Caller) -> bool:
    async with scoped(caller.parts.pool, "nobody") as conn:
        return await officer_still_in(conn, caller)


def _beat(caller: Caller) -> live.Beat:
    return live.Beat(at=caller.parts.clock.now())


def _scope(caller: Caller) -> str:
    if caller.officer is None:
        raise RefusedError("signed_out")
    return caller.officer.scope


def _may_read_alerts(caller: Caller) -> bool:
    return caller.officer is not None and _READS_ALERTS in caller.officer.rights


def _columns(rows: Sequence[PlacedRow]) -> live.MapMachines:
    number = {look: index for index, look in enumerate(looks.LOOKS)}
    return live.MapMachines(
        plate=[row.plate for row in rows],
        division=[row.division for row in rows],
        look=[number[looks.of(row.facts)] for row in rows],
        lat=[row.lat for row in rows],
        lon=[row.lon for row in rows],
    )
