"""One unlock as a live stream (Server-Sent Events): what the contact reports, when it reports it.

A hint wakes the stream, a slow look covers lost hints, a comment line keeps proxies awake. Each look checks the token again
and holds a connection only that long. Refuses other people's unlocks and to outlive the sign-in.
"""

import time
from collections.abc import AsyncIterator
from uuid import UUID

from api.caller import Caller
from api.parts import Parts
from api.unlock_view import look_at
from schemas import http
from weld.core.unlocking import FINAL
from weld.store import grants, signins
from weld.store.connect import TRANSIENT, scoped


async def events(caller: Caller, unlock: UUID) -> AsyncIterator[str]:
    """The unlock whenever it changes, until its end, the client's leaving, or the end of the process."""
    parts, poll_s = caller.parts, caller.parts.settings.api_stream_poll_s
    said, heard_at = "", time.monotonic()
    with parts.board.watch(caller.actor, f"grant:{unlock}") as watch:
        while not parts.board.closing:
            view = await _look(caller, unlock)
            if view is None:
                return
            if (text := view.model_dump_json()) != said:
                said, heard_at = text, time.monotonic()
                yield f"event: unlock\ndata: {text}\n\n"
            elif time.monotonic() - heard_at >= parts.settings.api_stream_heartbeat_s:
                heard_at = time.monotonic()
                yield ": still here\n\n"
            if view.state in FINAL:
                return
            if view.session is not None:
                watch.follow(f"session:{view.session}")
            await watch.wait(_patience(parts, view, poll_s))


def _patience(parts: Parts, view: http.Unlock, poll_s: float) -> float:
    """Until the click every moment counts; afterwards a slow look is enough, but no slower than the heartbeat."""
    slow = poll_s if view.state != "closed" else poll_s * 5
    return min(slow, parts.settings.api_stream_heartbeat_s)


async def _look(caller: Caller, unlock: UUID) -> http.Unlock | None:
    """The unlock now; None where the sign-in is over. A database that is away for a moment is waited for."""
    parts = caller.parts
    while not parts.board.closing:
        try:
            async with scoped(parts.pool, f"worker:{caller.worker}") as conn:
                now = parts.clock.now()
                if await signins.signed_in(conn, caller.token_hash, now) is None:
                    return None
                row = await grants.read(conn, unlock, caller.worker)
                return None if row is None else look_at(row, now)
        except TRANSIENT:
            await parts.clock.sleep(1)
    return None
