"""Work that costs much and may wait: so many at once, so many in line, and the rest are told to come again.

Taken before a connection to the database is, so that nobody's unlock waits behind it. Refuses to let a line grow for ever.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.problems import RefusedError
from weld.core.reasons import ReasonCode


class Turns:
    """`async with turns.take(): ...`."""

    def __init__(self, at_once: int, in_line: int, refusal: ReasonCode = "too_many_attempts") -> None:
        self._places = asyncio.Semaphore(at_once)
        self._in_line = in_line
        self._waiting = 0
        self._refusal: ReasonCode = refusal

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """One turn; RefusedError where the line is full."""
        if self._waiting >= self._in_line:
            raise RefusedError(self._refusal, detail="too many at once: try again in a minute")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()
