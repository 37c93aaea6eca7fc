"""Unlocks over HTTP: ask for one, look at it, watch it. Refuses to grant anything itself: scan.py does.

A refusal is an answer like any other: it is stored, committed and kept under its Idempotency-Key.
"""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, StreamingResponse

from api import stream
from api.caller import Caller, WorkerCaller
from api.problems import RefusedError, problem, status_of
from api.scan import Denied, attempt
from api.unlock_view import look_at
from schemas import http
from weld.store import grants, idempotency

router = APIRouter(tags=["unlocks"])

_AGAIN: dict[int | str, dict[str, Any]] = {200: {"model": http.Unlock, "description": "You have it already"}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events named `unlock`, the data of each an Unlock; comment lines in between",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

Key = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,200}$")]


@router.post("/unlocks", status_code=201, response_model=http.Unlock, responses=_AGAIN)
async def unlock(asked: http.UnlockRequest, caller: WorkerCaller, idempotency_key: Key = None) -> JSONResponse:
    """Ask to start the machine with this plate. 201: a new permission; 200: you have it already."""
    if idempotency_key is None:
        raise RefusedError("idempotency_key_missing")
    asked_for = hashlib.sha256(b"POST /unlocks " + asked.model_dump_json().encode()).digest()
    kept = await idempotency.claim(caller.conn, caller.actor, idempotency_key, asked_for, caller.now)
    if kept is not None:
        if kept.request_hash != asked_for:
            raise RefusedError("idempotency_key_reused")
        return JSONResponse(kept.body, kept.status)
    status, body = await _ask(caller, asked.plate)
    await idempotency.answer(caller.conn, caller.actor, idempotency_key, status, body)
    return JSONResponse(body, status)


@router.get("/unlocks/{unlock}")
async def read_unlock(unlock: UUID, caller: WorkerCaller) -> http.Unlock:
    """One unlock of yours as it stands."""
    row = await grants.read(caller.conn, unlock, caller.worker)
    if row is None:
        raise RefusedError("not_found")
    return look_at(row, caller.now)


@router.get("/unlocks/{unlock}/events", response_class=StreamingResponse, responses=_STREAM)
async def watch_unlock(unlock: UUID, caller: WorkerCaller) -> StreamingResponse:
    """One unlock of yours as a stream of `unlock` events, each an Unlock, until its end."""
    if await grants.read(caller.conn, unlock, caller.worker) is None:
        raise RefusedError("not_found")
    if caller.parts.board.streams(caller.actor) >= caller.parts.settings.api_streams_per_worker:
        raise RefusedError("too_many_attempts", detail="too many open streams")
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(stream.events(caller, unlock), media_type="text/event-stream", headers=headers)


async def _ask(caller: Caller, plate: str) -> tuple[int, dict[str, Any]]:
    if caller.worker is None:
        raise RefusedError("signed_out")
    outcome = await attempt(caller, caller.worker, plate)
    if isinstance(outcome, Denied):
        body = problem(outcome.reasons, caller.language, caller.request_id)
        return status_of(outcome.reasons), body.model_dump(mode="json")
    row = await grants.read(caller.conn, outcome.unlock)
    if row is None:
        raise RefusedError("not_found")
    return 201 if outcome.fresh else 200, look_at(row, caller.now).model_dump(mode="json")
