"""One-time codes of a demo: printed by the demo's api with the masked phone, read here, shown on the demo's page.

There is no carrier of messages in a demo, so whoever watches reads the codes where he would otherwise look at his phone. What
the city's own people ask for they take away again at once. Refuses to show a whole phone number.
"""

import asyncio
import re
import sys
import threading
from collections import deque
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from weld.cli.stack import Child
from weld.core.mask import mask_phone
from weld.kit.clock import Clock

_LINE = re.compile(r"one-time code (\d{6}) for request ([0-9a-f-]{36}) to (\S+)")
_WITHIN_S = 15.0
_SHOWN = 8


class MaskedConsole:
    """The code provider of a demo's api: a line on stdout."""

    async def send(self, phone: str, code: str, request: UUID) -> None:
        sys.stdout.write(f"one-time code {code} for request {request} to {mask_phone(phone)}\n")
        sys.stdout.flush()


class Code(NamedTuple):
    """A code on its way to somebody."""

    code: str
    phone: str
    at: datetime


class CodeBook:
    """What the api prints. `of` is for the city's people, `newest` for everybody else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._said: dict[str, Code] = {}
        self._order: deque[str] = deque()

    def listen(self, api: Child) -> None:
        """Read this process's output until it ends."""
        threading.Thread(target=self._read, args=(api,), daemon=True).start()

    def _read(self, api: Child) -> None:
        for line in api.process.stdout or ():
            if (found := _LINE.search(line)) is not None:
                try:
                    self._loop.call_soon_threadsafe(self._take, found[1], found[2], found[3])
                except RuntimeError:  # the loop is closed: nobody reads any more
                    return

    def _take(self, code: str, request: str, phone: str) -> None:
        waiting = self._waiting.pop(request, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(code)
            return
        self._said[request] = Code(code, phone, self._clock.now())
        self._order.append(request)
        while len(self._order) > 200:
            self._said.pop(self._order.popleft(), None)

    async def of(self, request: str) -> str:
        """The code of a request, which is then shown to nobody; TimeoutError where none comes."""
        said = self._said.pop(request, None)
        if said is not None:
            return said.code
        self._waiting[request] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await self._waiting[request]
        finally:
            self._waiting.pop(request, None)

    @property
    def newest(self) -> list[Code]:
        """The newest codes that nobody of the city has taken, the latest first."""
        found = [self._said[request] for request in reversed(self._order) if request in self._said]
        return found[:_SHOWN]
