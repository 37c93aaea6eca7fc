"""One machine with its chip, running: the pure chip, its link, its sensor and its contactor, on a clock.

The shell only moves inputs and outputs, in the order of time; every decision is the chip's. It has no task of its own: an
agenda wakes it. Refuses to know the platform (it speaks MQTT and nothing else) and what people do with it (device.py).
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self

from msgspec import structs

from schemas.chip import BootCause
from simulator import chip as chips
from simulator import contactor as contactors
from simulator.agenda import Agenda
from simulator.board import Chip
from simulator.contactor import Contactor, Off
from simulator.dialling import dial
from simulator.dice import seed_of
from simulator.flash import Flash, blank
from simulator.identity import ChipIdentity, Settings
from simulator.link import Broker, Link, LinkCounters
from simulator.samples import BURNING_A
from simulator.seen import Reading
from simulator.signals import (
    Coil,
    Connected,
    ContactRead,
    Dial,
    Down,
    HangUp,
    Input,
    LinkLost,
    Output,
    Publish,
    Readings,
    Tick,
)
from simulator.source import STEP_MS, Idle, Source, Weld
from simulator.wire import Wire
from weld.kit.clock import Clock

BOOT_MS = 500  # a chip needs about this long to start: by then the contactor has fallen open


@dataclass(slots=True)
class Counters:
    """What a device did, for whoever compares it with what the platform says."""

    published: int = 0
    heard: int = 0
    connects: int = 0
    arc_ms: int = 0
    link: LinkCounters = field(default_factory=LinkCounters)


class Machine:
    """Randomness comes from `seed` and the chip's name: the same story twice is the same twice."""

    def __init__(
        self,
        identity: ChipIdentity,
        host: str,
        port: int,
        clock: Clock,
        *,
        seed: int = 0,
        settings: Settings | None = None,
        flash: Flash | None = None,
        agenda: Agenda | None = None,
        dialling: asyncio.Semaphore | None = None,
        keep_alive_s: int = 60,
        step_ms: int = STEP_MS,
        rtc: bool = True,
        boots_before: int = 0,
    ) -> None:
        self.identity = identity
        self.counters = Counters()
        self.wakes_at: float | None = None
        self._broker = Broker(host, port, keep_alive_s)
        self._clock = clock
        self._seed = seed
        self._settings = settings or Settings()
        fresh = blank(self._settings.capacity, seed_of(identity.chip, seed, "flash", boots_before))
        self._flash = flash or structs.replace(fresh, boot=boots_before)
        self._agenda = agenda or Agenda(clock)
        self._own_agenda = agenda is None
        self._stopped = False
        self._dialling = dialling
        self._step_ms = step_ms
        self._rtc = rtc
        self._started_s = clock.monotonic()
        self._chip: Chip | None = None
        self._boot_ms = 0
        self._off: Off | None = Off("power", 0, None)
        self._contactor = Contactor()
        self._source: Source = Idle(0)
        self._bypass = False
        self._link: Link | None = None
        self._wire: Wire | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    # -- life

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Switches it on."""
        if self._own_agenda:
            self._spawn(self._agenda.run(), "agenda")
        self.wake()

    async def stop(self) -> None:
        """Switches it off, in order: the broker tells everybody that it is offline."""
        self._stopped, self.wakes_at = True, None
        self._hang_up()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def wake(self) -> None:
        """It is time to look: called by the agenda, and harmless at any moment."""
        self._input(Tick)

    # -- time

    def _now_ms(self) -> int:
        return int((self._clock.monotonic() - self._started_s) * 1000)

    @property
    def up_ms(self) -> int:
        """Milliseconds since this boot."""
        return max(0, self._now_ms() - self._boot_ms)

    def _pass(self, now_ms: int) -> None:
        """Everything that time brings before `now_ms`, in its order: power, readings, the contactor."""
        if self._off is not None and now_ms >= self._off.until_ms:
            self._power_up(self._off)
        moves_ms = self._contactor.moves_ms
        if moves_ms is not None and moves_ms <= now_ms:
            self._read(moves_ms)
            self._contactor = contactors.passed(self._contactor, moves_ms)
            self._tell_contact(moves_ms)
        self._read(now_ms)

    def _read(self, until_ms: int) -> None:
        live = self._bypass or self._contactor.contact == "closed"
        self._measure(self._source.take(until_ms, live=live))
        end_ms = self._source.end_ms
        if end_ms is not None and until_ms >= end_ms:
            self._source = Idle(end_ms)
            self._measure(self._source.take(until_ms, live=live))

    def _measure(self, readings: list[Reading]) -> None:
        boot_ms = self._boot_ms
        if isinstance(self._source, Weld):
            self.counters.arc_ms += sum(each.holds_ms for each in readings if (each.current_a or 0) >= BURNING_A)
        if self._chip is None or not readings:
            return
        told = tuple(
            Reading(max(0, each.up_ms - boot_ms), each.current_a, each.voltage_v, each.holds_ms) for each in readings
        )
        self._give(Readings(told[-1].up_ms, told))

    def _plan(self) -> None:
        """Makes the next appointment."""
        now_ms = self._now_ms()
        due = chips.due(self._chip) if self._chip is not None else None
        wanted = [
            None if due is None else self._boot_ms + due,
            self._contactor.moves_ms,
            self._source.next_ms(now_ms),
            self._off.until_ms if self._off else None,
        ]
        next_ms = min((each for each in wanted if each is not None), default=None)
        if next_ms is not None:
            self._agenda.at(self._started_s + (max(next_ms, now_ms) + 0.5) / 1000, self)

    # -- power

    def _power_up(self, off: Off) -> None:
        self._off, self._boot_ms = None, off.until_ms
        rtc_ms = off.rtc_ms if self._rtc else None
        seed = seed_of(self.identity.chip, self._seed, "boot", self._flash.boot)
        self._chip = chips.power_up(self.identity, self._settings, self._flash, seed, off.cause, rtc_ms)
        if isinstance(self._source, Idle):
            self._source = Idle(off.until_ms)
        self._tell_contact(off.until_ms)

    def _power_down(self, off_ms: int, cause: BootCause) -> None:
        now_ms = self._now_ms()
        if self._chip is not None:
            wall_ms = self._chip.wall.at(self.up_ms)
            self._flash, self._chip = self._chip.flash, None
            self._off = Off(cause, now_ms + off_ms, None if wall_ms is None else wall_ms + off_ms)
        self._contactor = contactors.driven(self._contactor, now_ms, pulled=False)
        self._drop()
        self._plan()

    def _tell_contact(self, at_ms: int) -> None:
        if self._chip is not None:
            self._give(ContactRead(max(0, at_ms - self._boot_ms), self._contactor.contact))

    # -- the chip

    def _input(self, make: Callable[[int], Input]) -> None:
        """Something happens now. The clock is read once: what is measured until now must not come after it."""
        if self._stopped:
            return
        now_ms = self._now_ms()
        self._pass(now_ms)
        if self._chip is not None:
            self._give(make(max(0, now_ms - self._boot_ms)))
        self._plan()

    def _give(self, given: Input) -> None:
        if self._chip is None:
            return
        self._chip, outputs = chips.step(self._chip, given)
        for output in outputs:
            self._do(output)
        if self._waiters:
            self._look_for_waiters()

    def _do(self, output: Output) -> None:
        match output:
            case Publish():
                self._publish(output)
            case Coil(on):
                self._contactor = contactors.driven(self._contactor, self._now_ms(), pulled=on)
            case Dial(will):
                self._dial(will)
            case HangUp():
                self._hang_up()

    def _publish(self, output: Publish) -> None:
        link = self._link
        if link is None:
            return
        if output.leaf == "state":
            link.publish_state(output.payload)
            return
        self.counters.published += 1
        for payload in self._wire.carry(output.payload) if self._wire else (output.payload,):
            link.publish(payload)

    # -- the link

    def _dial(self, will: bytes) -> None:
        self._link = Link(self.identity, self._broker, will, self, self.counters.link)
        self._spawn(dial(self._link, self._broker, self.identity.tls, self._dialling))

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.abort()
        if self._wire:
            self._wire.cut()

    def link_up(self, link: Link) -> None:
        if link is self._link:
            self.counters.connects += 1
            self._input(Connected)

    def link_down(self, link: Link, reason: str) -> None:  # noqa: ARG002  (a chip does the same whatever the reason)
        if link is self._link:
            self._link = None
            self._input(LinkLost)

    def link_got(self, link: Link, payload: bytes) -> None:
        if link is self._link:
            self.counters.heard += 1
            self._input(lambda up_ms: Down(up_ms, payload))

    # -- small things

    def _spawn(self, work: Coroutine[Any, Any, None], name: str | None = None) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _look_for_waiters(self) -> None:
        for true, future in self._waiters:
            if not future.done() and true():
                future.set_result(None)
