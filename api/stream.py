"""One unlock as a live stream (Server-Sent Events): what the contact reports, when it reports it.

A hint wakes the stream, a slow look covers lost hints and brings the chip's readings, which nobody hints at; a comment line
keeps proxies awake. Each look checks the token again and holds a connection only that long. Refuses other people's unlocks and
to outlive the sign-in.
"""

import time
from collections.abc import AsyncIterator
from uuid import UUID

from api.caller import Caller
from api.unlock_view import look_at
from schemas import http
from weld.core.unlocking import FINAL
from weld.store import grants, signins
from weld.store.connect import TRANSIENT, scoped

# What comes with every message of the chip: told when it changed, but not more often than a person reads a number.
_READINGS = {"heard_at", "current_a"}
_READINGS_EVERY_S = 2.0


async def events(caller: Caller, unlock: UUID) -> AsyncIterator[str]:
    """The unlock whenever it changes, until its end, the client's leaving, or the end of the process."""
    parts = caller.parts
    said, facts_said, said_at = "", "", time.monotonic()
    with parts.board.watch(caller.actor, f"grant:{unlock}") as watch:
        while not parts.board.closing:
            view = await _look(caller, unlock)
            if view is None:
                return
            text, facts = view.model_dump_json(), view.model_dump_json(exclude=_READINGS)
            quiet_s = time.monotonic() - said_at
            if facts != facts_said or (text != said and quiet_s >= _READINGS_EVERY_S):
                said, facts_said, said_at = text, facts, time.monotonic()
                yield f"event: unlock\ndata: {text}\n\n"
            elif quiet_s >= parts.settings.api_stream_heartbeat_s:
                said_at = time.monotonic()
                yield ": still here\n\n"
            if view.state in FINAL:
                return
            if view.session is not None:
                watch.follow(f"session:{view.session}")
            await watch.wait(min(parts.settings.api_stream_poll_s, parts.settings.api_stream_heartbeat_s))


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
