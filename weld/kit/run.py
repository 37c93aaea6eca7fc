"""Run a process from its first line to its last: signals, one task group, a clean stop, an exit code.

SIGTERM or SIGINT sets the stop event; then the work has ten seconds to finish its batch, commit and leave. A second
signal ends the process at once. Refuses to swallow a failure: whatever fails ends everything with a code above 0.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog

from weld.kit.door import PortTakenError

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Work that ends by itself, or soon after the event is set."""

STOP_WITHIN_S = 10.0

# What cancelled work may take to close its files and children, before the process ends without it.
_CANCEL_WITHIN_S = 2.0

log = structlog.get_logger()


def run(*mains: Main, stop_within_s: float = STOP_WITHIN_S) -> int:
    """Run all of them in one task group; returns the exit code: 0 = all ended by themselves, 1 = something failed."""
    deadline = _Deadline()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_run(mains, stop_within_s, deadline))
    except Exception as error:  # noqa: BLE001 - whatever it was, the exit code says so
        reason = _plain_reason(error)
        log.error("cannot_start", reason=reason) if reason else log.exception("process_failed")
        return 1
    finally:
        deadline.cancel()


def _plain_reason(error: BaseException) -> str | None:
    """The one thing to do about it, where the failure is such a thing; a traceback helps nobody then."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return str(error) if isinstance(error, PortTakenError) else None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(mains: tuple[Main, ...], stop_within_s: float, deadline: "_Deadline") -> int:
    stop = asyncio.Event()

    def on_first_signal() -> None:
        deadline.start(stop_within_s + _CANCEL_WITHIN_S + 1)
        loop.call_soon_threadsafe(stop.set)

    loop = asyncio.get_running_loop()
    with _signals(on_first_signal):
        work = asyncio.create_task(_together(mains, stop))
        told = asyncio.create_task(stop.wait())
        await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        done, _ = await asyncio.wait({work}, timeout=stop_within_s)
        return await (_result(work) if done else _give_up(work, stop_within_s))


async def _together(mains: tuple[Main, ...], stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        for main in mains:
            group.create_task(main(stop))


async def _result(work: "asyncio.Task[None]") -> int:
    await work
    return 0


async def _give_up(work: "asyncio.Task[None]", stop_within_s: float) -> int:
    log.error("stop_took_too_long", seconds=stop_within_s)
    work.cancel()
    await asyncio.wait({work}, timeout=_CANCEL_WITHIN_S)
    if not work.done():
        os._exit(1)
    return 1


@contextmanager
def _signals(on_first: Callable[[], None]) -> Iterator[None]:
    """Handlers of the interpreter, not of the loop: a second signal must work while the loop is blocked."""
    seen: list[int] = []

    def heard(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        on_first()

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Deadline:
    """A thread that ends the process, for the case that the loop, or a thread it waits for, hangs."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def start(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._over)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @staticmethod
    def _over() -> None:
        log.error("stop_hangs")
        os._exit(1)
