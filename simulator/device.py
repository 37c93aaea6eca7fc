"""One chip running: the pure chip, its connection, its sensor and its contactor, on a clock; and the faults that a story wants.

The shell only moves inputs and outputs; every decision is the chip's. Refuses to know the platform: it speaks MQTT and nothing
else.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from schemas.chip import BootCause, CaseOpened, Contact
from simulator import chip as chips
from simulator.board import Chip, shown
from simulator.flash import Flash, blank
from simulator.identity import ChipIdentity, Settings
from simulator.link import Link
from simulator.recording import Recording
from simulator.signals import (
    ButtonPressed,
    ClockFault,
    Coil,
    Connected,
    ContactRead,
    Dial,
    Down,
    HangUp,
    Input,
    LinkLost,
    Network,
    Observed,
    Output,
    Publish,
    Readings,
    Tick,
)
from simulator.source import Source
from weld.kit.clock import Clock

CONTACT_MS = 30  # a contactor needs about this long to move


@dataclass(slots=True)
class Counters:
    """What a device did, for whoever compares it with what the platform says."""

    published: int = 0
    lost: int = 0
    heard: int = 0
    arc_ms: int = 0


class Device:
    """`async with Device(identity, host, port, clock) as device: await device.weld(180, 20)`."""

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
    ) -> None:
        self.identity = identity
        self.counters = Counters()
        self._host = host
        self._port = port
        self._clock = clock
        self._dice = random.Random(seed)  # noqa: S311  (stories must be repeatable)
        self._source = Source(self._dice)
        self._settings = settings or Settings()
        self._chip = self._power_up(flash or blank(self._settings.capacity, self._dice.randbytes(32)), "power")
        self._inputs: asyncio.Queue[Input | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._link: Link | None = None
        self._bypass = False
        self._stuck: Contact | None = None
        self._dialled = 0
        self._faults = Faults()
        self._changed = asyncio.Event()
        self.playing_from_up = 0

    # -- life

    async def __aenter__(self) -> Self:
        self._spawn(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._link is not None:
            self._link.close()

    def _power_up(self, flash: Flash, cause: BootCause, rtc_ms: int | None = None) -> Chip:
        self._booted_s = self._clock.monotonic()
        self._source = Source(self._dice, burned_ms=self._source.burned_ms)
        seed = self._dice.randbytes(32)
        return chips.power_up(self.identity, self._settings, flash, seed, cause, rtc_ms)

    @property
    def up_ms(self) -> int:
        """Milliseconds since this boot."""
        return int((self._clock.monotonic() - self._booted_s) * 1000)

    async def _run(self) -> None:
        self._feed(ContactRead(self.up_ms, "open"))
        while True:
            wake_up = self._source.next_up(self.up_ms)
            due = chips.due(self._chip)
            wake_up = wake_up if due is None else min(wake_up, due)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._real_s(wake_up)):
                    given = await self._inputs.get()
                    if given is not None:
                        self._sense(given.up_ms)  # what was measured before it happened comes before it
                        self._feed(given)
            self._sense(self.up_ms)

    def _real_s(self, wake_up: int) -> float:
        rate = getattr(self._clock, "rate", 1.0)  # a scaled clock passes faster than the loop's timers
        return max(0.001, (wake_up - self.up_ms) / 1000 / rate)

    def _sense(self, up: int) -> None:
        readings = self._source.until(up, flows=self._bypass or self.contact == "closed")
        self.counters.arc_ms = self._source.burned_ms
        self._feed(Readings(up, readings) if readings else Tick(up))

    def _feed(self, given: Input) -> None:
        self._chip, outputs = chips.step(self._chip, given)
        for output in outputs:
            self._do(output)
        self._changed.set()

    def _do(self, output: Output) -> None:
        match output:
            case Publish():
                self._publish(output)
            case Coil(on):
                self._spawn(self._move("closed" if on else "open"))
            case Dial(will):
                self._spawn(self._dial(will))
            case HangUp():
                self._hang_up()

    async def _move(self, contact: Contact) -> None:
        boot = self._chip.flash.boot
        await self._clock.sleep(CONTACT_MS / 1000)
        if boot == self._chip.flash.boot:  # a reboot lets the contact go by itself
            self._inputs.put_nowait(ContactRead(self.up_ms, self._stuck or contact))

    async def _dial(self, will: bytes) -> None:
        self._dialled += 1
        call = self._dialled  # words of an older connection must not be taken for the newest one's
        try:
            link = await Link.open(
                self.identity,
                self._host,
                self._port,
                will,
                lambda said: self._heard(call, said),
                lambda: self._lost(call),
            )
        except (OSError, TimeoutError):
            self._lost(call)
            return
        if call != self._dialled:
            link.abort()
            return
        self._link = link
        self._inputs.put_nowait(Connected(self.up_ms))

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _heard(self, call: int, payload: bytes) -> None:
        if call == self._dialled:
            self.counters.heard += 1
            self._inputs.put_nowait(Down(self.up_ms, payload))

    def _lost(self, call: int) -> None:
        if call == self._dialled:
            self._link = None
            self._inputs.put_nowait(LinkLost(self.up_ms))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _publish(self, output: Publish) -> None:
        if self._link is None:
            return
        self.counters.published += 1
        if output.leaf == "up" and self._faults.drops():
            self.counters.lost += 1
            return
        for payload in self._faults.garble(output.payload, self._dice):
            self._link.publish(output.leaf, payload)

    # -- what a story does with it

    @property
    def contact(self) -> Contact | None:
        """The contact as read back."""
        return self._chip.contact

    @property
    def session(self) -> str | None:
        """The session in force."""
        return shown(self._chip).session

    @property
    def unconfirmed(self) -> int:
        """How many messages the platform has not confirmed yet."""
        return len(self._chip.flash.ring.entries)

    def wall_ms(self, up_ms: int) -> int | None:
        """What the chip's own clock said, or will say, at a moment of this boot; None while it is unset."""
        return self._chip.wall.at(up_ms)

    async def weld(self, current_a: float, seconds: float) -> None:
        """Hold the arc: current flows where the contact lets it."""
        self._source.weld(self.up_ms, int(seconds * 1000), current_a)
        self._inputs.put_nowait(None)
        await self._clock.sleep(seconds)

    async def bypass_weld(self, current_a: float, seconds: float) -> None:
        """Weld around the contact."""
        self._bypass = True
        try:
            await self.weld(current_a, seconds)
        finally:
            await self._clock.sleep(0.2)
            self._bypass = False

    def start_bypass(self, current_a: float, seconds: float) -> None:
        """The same without waiting for its end."""
        self._spawn(self.bypass_weld(current_a, seconds))

    async def play(self, recording: Recording, *, bypass: bool) -> None:
        """Play a recording as the sensor; the current flows whatever the contact does."""
        self._bypass = bypass
        self.playing_from_up = self.up_ms + 500
        self._source.play(recording, self.playing_from_up)
        self._inputs.put_nowait(None)
        while self._source.playing:
            await self._clock.sleep(0.5)
        await self._clock.sleep(3)
        self._bypass = False

    def press_button(self) -> None:
        """Somebody presses the button on the machine."""
        self._inputs.put_nowait(ButtonPressed(self.up_ms))

    def open_case(self) -> None:
        """Somebody opens the case."""
        self._inputs.put_nowait(Observed(self.up_ms, CaseOpened()))

    def drop_link(self) -> None:
        """The network goes away."""
        self._inputs.put_nowait(Network(self.up_ms, available=False))
        if self._link is not None:
            self._link.abort()

    def restore_link(self) -> None:
        """The network is back."""
        self._inputs.put_nowait(Network(self.up_ms, available=True))

    def jump_clock(self, seconds: float) -> None:
        """The wall clock's hardware jumps."""
        self._inputs.put_nowait(ClockFault(self.up_ms, int(seconds * 1000)))

    def lose_range(self, messages: int) -> None:
        """The next so many messages vanish on the wire; the chip keeps them until they are confirmed."""
        self._faults.drop_next += messages

    def disturb(self, faults: "Faults") -> None:
        """From now on the wire loses, doubles and delays with these shares."""
        self._faults = faults

    def stick(self, contact: Contact | None) -> None:
        """The contact stays where it is, whatever the coil does; None mends it."""
        self._stuck = contact

    def reboot(self, cause: BootCause = "watchdog") -> None:
        """The chip starts anew with what its flash holds; the contact falls open, the battery keeps the clock."""
        rtc_ms = self.wall_ms(self.up_ms)
        self._dialled += 1
        if self._link is not None:
            self._link.abort()
            self._link = None
        while not self._inputs.empty():
            self._inputs.get_nowait()
        self._chip = self._power_up(self._chip.flash, cause, rtc_ms)
        self._inputs.put_nowait(ContactRead(self.up_ms, self._stuck or "open"))

    async def wait_contact(self, contact: Contact, within_s: float) -> None:
        """Return when the contact is there; TimeoutError otherwise."""
        async with asyncio.timeout(within_s):
            while self.contact != contact:
                await self._next_change()

    async def wait_all_stored(self, within_s: float) -> None:
        """Return when the platform has confirmed everything."""
        async with asyncio.timeout(within_s):
            while self.unconfirmed:
                await self._next_change()

    async def _next_change(self) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._changed.wait()


@dataclass(slots=True)
class Faults:
    """What the wire does to evidence, as shares of one; `drop_next` messages vanish for certain."""

    loss: float = 0.0
    double: float = 0.0
    drop_next: int = 0
    dice: random.Random | None = None

    def drops(self) -> bool:
        """Whether this message vanishes."""
        if self.drop_next > 0:
            self.drop_next -= 1
            return True
        return self.dice is not None and self.dice.random() < self.loss

    def garble(self, payload: bytes, dice: random.Random) -> list[bytes]:
        """The message, perhaps twice."""
        return [payload, payload] if self.double and dice.random() < self.double else [payload]
