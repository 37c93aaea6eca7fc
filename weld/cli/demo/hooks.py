"""The systems of two enforcement teams, as the demo plays them: receivers of webhooks that verify each signature.

Refuses whatever is not signed with the secret of its own endpoint.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from weld.cli.demo.settle import RECEIVERS
from weld.cli.webhook_sink import Hook, WebhookSink

_SHOWN = 12
_REMEMBERED = 500


class Received(NamedTuple):
    """A webhook and whose system took it."""

    by: str
    hook: Hook


class Receivers:
    """Both of them; `newest` is what they took, the latest first."""

    def __init__(self, sinks: list[WebhookSink], newest: deque[Received]) -> None:
        self._sinks = sinks
        self._newest = newest

    @property
    def urls(self) -> tuple[str, ...]:
        """Where they listen."""
        return tuple(sink.url for sink in self._sinks)

    @property
    def newest(self) -> list[Received]:
        """What they took, the latest first."""
        return list(self._newest)

    @property
    def refused(self) -> int:
        """Requests whose signature did not hold."""
        return sum(call.status not in {200, 204} for sink in self._sinks for call in sink.calls)

    def forget(self) -> None:
        """A demo runs for days."""
        for sink in self._sinks:
            del sink.received[:-_REMEMBERED]


@asynccontextmanager
async def receivers(secrets: tuple[str, ...]) -> AsyncIterator[Receivers]:
    """Listening until the end, each on a free port of this machine."""
    newest: deque[Received] = deque(maxlen=_SHOWN)
    async with AsyncExitStack() as exits:
        sinks = []
        for (name, _), secret in zip(RECEIVERS, secrets, strict=True):
            sinks.append(await exits.enter_async_context(WebhookSink(secret, tell=_noted(newest, name))))
        yield Receivers(sinks, newest)


def _noted(newest: deque[Received], by: str) -> Callable[[Hook], None]:
    return lambda hook: newest.appendleft(Received(by, hook))
