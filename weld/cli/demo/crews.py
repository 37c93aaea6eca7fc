"""The ordinary day: crews at their machines (scan, weld, pause, end), and plugs that are pulled when they go.

Arcs and pauses keep real lengths; how long a session lasts and when the next one begins follows the plan of the day. Refuses to
judge what the platform answers: a refused worker shrugs and tries again after his break.
"""

import random
from collections.abc import Iterable

from simulator.device import Device
from weld.cli.demo.city import City, Crew, Machine, Shift, Worker
from weld.cli.demo.day import Day, is_unplugged, is_within, on_shift
from weld.cli.demo.people import AWAY, People
from weld.kit.clock import Clock

_CLICK_WITHIN_S = 30.0
_SHORTEST_S = 20.0  # of a session, however fast the plan runs
_FIRST_WITHIN_S = 25.0  # nobody watches an empty city for longer


class Work:
    """One crew's day at one machine."""

    def __init__(self, crew: Crew, device: Device, people: People, day: Day, clock: Clock) -> None:
        self._crew = crew
        self._device = device
        self._people = people
        self._day = day
        self._clock = clock
        self._dice = random.Random()  # noqa: S311  (the registers must be the same every time, the day need not)

    async def run(self) -> None:
        """Until cancelled."""
        await self._clock.sleep(self._dice.uniform(0, _FIRST_WITHIN_S))
        while True:
            shift = on_shift(self._crew, self._day.hour)
            if shift is None or not self._device.online:
                await self._day.sleep(self._dice.uniform(2, 6), least_s=2)
                continue
            try:
                await self._session(shift)
            except AWAY:
                await self._clock.sleep(5)
            await self._day.sleep(self._dice.uniform(4, 25), least_s=4)

    async def _session(self, shift: Shift) -> None:
        machine, device = self._crew.machine, self._device
        if await self._people.scan(shift.worker, machine.plate):
            return
        if machine.presence == "button":
            await self._clock.sleep(self._dice.uniform(2, 5))
            device.press_button()
        await device.wait_contact("closed", _CLICK_WITHIN_S)
        session = device.session
        until_s = self._clock.monotonic() + self._day.real_s(self._dice.uniform(20, 80), _SHORTEST_S)
        while device.contact == "closed" and self._clock.monotonic() < until_s and self._is_still(shift):
            await self._weld()
        if session is not None and device.session == session:
            await self._leave(shift.worker, session)

    def _is_still(self, shift: Shift) -> bool:
        return on_shift(self._crew, self._day.hour) == shift

    async def _weld(self) -> None:
        """Prepare a seam, weld it, look at it; now and then the basement has no signal."""
        await self._clock.sleep(2 + self._dice.uniform(2, 40) / min(self._day.speed, 3))
        if self._dice.random() < 0.02:
            self._device.start_outage(self._dice.uniform(8, 45))
        if self._device.contact == "closed":
            await self._device.weld(self._dice.uniform(*self._crew.machine.model.set_a), self._dice.uniform(4, 26))
        await self._clock.sleep(self._dice.uniform(2, 5))

    async def _leave(self, worker: Worker, session: str) -> None:
        await self._people.end(worker, session)
        await self._device.wait_contact("open", _CLICK_WITHIN_S)


class Plugs:
    """Whose plug is in and whose is out, by the plan. `look` is for every second or two."""

    def __init__(self, city: City, devices: list[Device], day: Day) -> None:
        self._day = day
        self._devices = devices
        self._crews = [crew for crew in city.crews if crew.unplugs]
        manned = {crew.machine.number for crew in city.crews}
        self._others = _resting(city, (one for one in city.machines if one.number not in manned))
        self._out: set[int] = set()

    def look(self) -> None:
        """Make it so."""
        hour = self._day.hour
        for crew in self._crews:
            self._turn(crew.machine.number, out=is_unplugged(crew, hour))
        for number, hours in self._others:
            self._turn(number, out=is_within(hours, hour))

    def _turn(self, number: int, *, out: bool) -> None:
        device = self._devices[number]
        if out and number not in self._out and device.online and device.contact == "open":
            self._out.add(number)
            device.unplug()
        elif not out and number in self._out:
            self._out.discard(number)
            device.plug_in()


def _resting(city: City, machines: Iterable[Machine]) -> list[tuple[int, tuple[tuple[float, float], ...]]]:
    return [(one.number, hours) for one in machines if (hours := city.off_hours(one))]
