"""What people and stories do with a machine: weld, press, unplug, go around it, disturb it; and wait for what it does then.

Holds verbs only; what follows from them is decided by the chip. Seconds are those of the device's clock.
"""

import asyncio
import random
from collections.abc import Callable

from msgspec.structs import replace

from schemas.chip import BootCause, CaseOpened, Contact, Happening
from simulator import contactor as contactors
from simulator.board import Online, shown
from simulator.dice import seed_of
from simulator.flash import Hold
from simulator.machine import BOOT_MS, Machine
from simulator.recording import Recording
from simulator.signals import ButtonPressed, ClockFault, Mains, Network, Observed
from simulator.source import Idle, Playback, Weld
from simulator.wire import Faults, Wire

LEAD_MS = 500  # a recording begins this much after it was asked for
FOR_LONG_S = 10 * 365 * 86_400.0  # unplugged until somebody plugs it in


class Device(Machine):
    """`async with Device(identity, host, port, clock) as device: await device.weld(180, 20)`."""

    playing_from_up = 0

    # -- at the machine

    async def weld(self, current_a: float, seconds: float) -> None:
        """Hold the arc for so long: current flows where the contact lets it."""
        now_ms = self._now_ms()
        self._pass(now_ms)
        dice = self._random("weld", now_ms)
        self._source = Weld(now_ms, int(seconds * 1000), current_a, dice, self._step_ms)
        self._plan()
        await self._clock.sleep(seconds)
        self.wake()

    def start_weld(self, current_a: float, seconds: float) -> None:
        """The same without waiting for its end."""
        self._spawn(self.weld(current_a, seconds))

    async def bypass_weld(self, current_a: float, seconds: float) -> None:
        """Weld with a jumper around the contact."""
        self._set_bypass(on=True)
        try:
            await self.weld(current_a, seconds)
        finally:
            self._set_bypass(on=False)

    def start_bypass(self, current_a: float, seconds: float) -> None:
        """The same without waiting for its end."""
        self._spawn(self.bypass_weld(current_a, seconds))

    async def play(self, recording: Recording, *, bypass: bool = False) -> None:
        """Impose a recording on the sensor, and return when the chip has told its end."""
        self._set_bypass(on=bypass)
        now_ms = self._now_ms()
        self._source = Playback(now_ms + LEAD_MS, recording)
        self.playing_from_up = now_ms + LEAD_MS - self._boot_ms
        self._plan()
        await self._clock.sleep((LEAD_MS + recording.duration_ms) / 1000 + 3)
        self.wake()
        self._set_bypass(on=False)

    def stop_welding(self) -> None:
        """Let go of the torch."""
        self._pass(self._now_ms())
        self._source = Idle(self._now_ms())
        self.wake()

    def press_button(self) -> None:
        """Press the button on the machine."""
        self._input(ButtonPressed)

    def open_case(self) -> None:
        """Open the case."""
        self.observe(CaseOpened())

    def observe(self, happening: Happening) -> None:
        """Let another input of the chip see something."""
        self._input(lambda up_ms: Observed(up_ms, happening))

    def stick(self, contact: Contact | None) -> None:
        """The contact jams in this position, whatever the coil does; None mends it."""
        now_ms = self._now_ms()
        self._pass(now_ms)
        before = self._contactor.contact
        self._contactor = contactors.held(self._contactor, now_ms, contact)
        if self._contactor.contact != before:
            self._tell_contact(now_ms)
        self.wake()

    def _set_bypass(self, *, on: bool) -> None:
        self._pass(self._now_ms())  # what was measured before belongs to before
        self._bypass = on
        self.wake()

    # -- power, network, clock, line

    def reboot(self, cause: BootCause = "watchdog") -> None:
        """The chip starts anew with what its flash holds; the contact falls open."""
        self._power_down(BOOT_MS, cause)

    def power_cut(self, seconds: float, *, gasp: bool = False) -> None:
        """The plug is pulled for so long; with a last gasp the chip still says so."""
        if gasp:
            self._input(lambda up_ms: Mains(up_ms, present=False))
        self._power_down(max(BOOT_MS, int(seconds * 1000)), "power")

    def unplug(self) -> None:
        """The plug is pulled, and stays so; the chip says it with its last breath."""
        if self._chip is not None:
            self.power_cut(FOR_LONG_S, gasp=True)

    def plug_in(self) -> None:
        """The plug is back; nothing where it never was out."""
        off, now_ms = self._off, self._now_ms()
        if off is None or self._chip is not None or off.until_ms <= now_ms:
            return
        rtc_ms = None if off.rtc_ms is None else off.rtc_ms - (off.until_ms - now_ms)
        self._off = replace(off, until_ms=now_ms, rtc_ms=rtc_ms)
        self.wake()

    def free(self) -> None:
        """Somebody on site frees a chip that an order has blocked. The protocol has no word for it yet."""
        if self._chip is not None:
            self._chip = replace(self._chip, flash=replace(self._chip.flash, blocked=False))
            self.wake()

    def remember(self, hold: Hold) -> None:
        """Before the start: the flash still holds this session of an earlier life."""
        self._flash = replace(self._flash, hold=hold)

    def drop_link(self) -> None:
        """The network goes away."""
        self._input(lambda up_ms: Network(up_ms, available=False))
        if self._link is not None:
            self._link.abort()

    def restore_link(self) -> None:
        """The network is back."""
        self._input(lambda up_ms: Network(up_ms, available=True))

    async def outage(self, seconds: float) -> None:
        """The network goes away for so long."""
        self.drop_link()
        await self._clock.sleep(seconds)
        self.restore_link()

    def start_outage(self, seconds: float) -> None:
        """The same without waiting for its end."""
        self._spawn(self.outage(seconds))

    def kick(self) -> None:
        """The connection breaks; the network stays."""
        if self._link is not None:
            self._link.abort()

    def jump_clock(self, seconds: float) -> None:
        """The hardware of the wall clock jumps."""
        self._input(lambda up_ms: ClockFault(up_ms, int(seconds * 1000)))

    def lose_range(self, messages: int) -> None:
        """The next so many messages vanish on the line; the chip keeps them until they are confirmed."""
        self._line().faults.drop_next += messages

    def disturb(self, faults: Faults) -> None:
        """From now on the line loses, doubles and reorders with these shares."""
        self._line().faults = faults

    def _random(self, *purpose: object) -> random.Random:
        return random.Random(seed_of(self.identity.chip, self._seed, *purpose))  # noqa: S311  (stories must be repeatable)

    def _line(self) -> Wire:
        if self._wire is None:
            self._wire = Wire(self._random("line"))
        return self._wire

    # -- what can be seen

    @property
    def state(self) -> str:
        """The chip's state word; `off` without power."""
        return "off" if self._chip is None else shown(self._chip).state

    @property
    def contact(self) -> Contact | None:
        """The contact as read back."""
        return None if self._chip is None else self._chip.contact

    @property
    def session(self) -> str | None:
        """The session in force."""
        return None if self._chip is None else shown(self._chip).session

    @property
    def hold(self) -> Hold | None:
        """What the flash holds of an open session: enough to declare it over after a loss of all the rest."""
        return (self._flash if self._chip is None else self._chip.flash).hold

    @property
    def boot(self) -> int:
        """The number of this boot, or of the last one."""
        return (self._flash if self._chip is None else self._chip.flash).boot

    @property
    def online(self) -> bool:
        """Connected, and let in by the boot gate."""
        chip = self._chip
        return chip is not None and isinstance(chip.uplink, Online) and chip.gate.status == "accepted"

    @property
    def unconfirmed(self) -> int:
        """How many messages the platform has not confirmed yet."""
        flash = self._flash if self._chip is None else self._chip.flash
        return len(flash.ring.entries) + len(flash.ring.lost)

    @property
    def stored_upto(self) -> int:
        """The seq of this boot up to which everything is confirmed."""
        chip = self._chip
        if chip is None:
            return 0
        waiting = [entry.seq for entry in chip.flash.ring.entries if entry.boot == chip.flash.boot]
        return min(waiting, default=chip.seq + 1) - 1

    def wall_ms(self, up_ms: int) -> int | None:
        """What the chip's own clock said, or will say, at a moment of this boot; None while it is unset."""
        return None if self._chip is None else self._chip.wall.at(up_ms)

    @property
    def lost(self) -> int:
        """How many messages the disturbed line has swallowed."""
        return self._wire.lost if self._wire else 0

    # -- waiting

    async def wait_contact(self, contact: Contact, timeout_s: float) -> None:
        """Until the contact is read there; TimeoutError otherwise."""
        await self.wait_until(lambda: self.contact == contact, timeout_s)

    async def wait_online(self, timeout_s: float) -> None:
        """Until the chip is connected and accepted; TimeoutError otherwise."""
        await self.wait_until(lambda: self.online, timeout_s)

    async def wait_all_stored(self, timeout_s: float) -> None:
        """Until everything said so far is confirmed; TimeoutError otherwise. What is said meanwhile need not be."""
        chip = self._chip
        said = (chip.flash.boot, chip.seq) if chip is not None else (self._flash.boot, 2**53)

        def confirmed() -> bool:
            flash = self._flash if self._chip is None else self._chip.flash
            return self._chip is not None and not flash.ring.lost and all(e.key > said for e in flash.ring.entries)

        await self.wait_until(confirmed, timeout_s)

    async def wait_until(self, true: Callable[[], bool], timeout_s: float) -> None:
        """Until this is true of the device; TimeoutError after so many seconds of its clock."""
        if true():
            return
        waiter = (true, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        late = asyncio.ensure_future(self._clock.sleep(timeout_s))
        agenda = [task for task in self._tasks if task.get_name() == "agenda"]
        try:
            await asyncio.wait((waiter[1], late, *agenda), return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            self._waiters.remove(waiter)
        for task in agenda:
            if task.done():
                task.result()  # whatever stopped the device
        if not waiter[1].done():
            raise TimeoutError(
                f"not within {timeout_s:g} s: {self.identity.chip} is {self.state}, contact {self.contact}"
            )
