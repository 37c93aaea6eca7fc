"""Many chips in one process, living a made-up working day: one agenda for all, connected in groups, each with seeded habits.

The listen queue of the broker is short (100), so a thousand chips never dial at once. Refuses to unlock anything: people with
phones do that; a fleet's machines idle, some lose their link or their power, and some are worked past the chip when asked.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from simulator.agenda import Agenda
from simulator.device import Device
from simulator.identity import ChipIdentity, Settings
from weld.kit.clock import Clock
from weld.kit.wait import wait

GROUP = 50
DIALLING = 64  # sockets that may be opening at the same time
KEEP_ALIVE_S = 300  # an idle chip's ping every 150 s is all that it costs between heartbeats
STEP_MS = 1000  # one reading a second is enough for a crowd
_GROUP_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Habits:
    """What the machines of a fleet do, as times an hour for each chip."""

    drops_an_hour: float = 0.1
    reboots_an_hour: float = 0.0
    bypasses_an_hour: float = 0.0


class Fleet:
    """`async with Fleet(identities, host, port, clock) as fleet: await fleet.live(stop)`."""

    def __init__(
        self,
        identities: Sequence[ChipIdentity],
        host: str,
        port: int,
        clock: Clock,
        *,
        seed: int = 0,
        settings: Settings | None = None,
        boots_before: int = 0,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._agenda = Agenda(clock)
        dialling = asyncio.Semaphore(DIALLING)
        self.devices = [
            Device(
                identity,
                host,
                port,
                clock,
                seed=seed + number,
                settings=settings,
                agenda=self._agenda,
                dialling=dialling,
                keep_alive_s=KEEP_ALIVE_S,
                step_ms=STEP_MS,
                boots_before=boots_before,
            )
            for number, identity in enumerate(identities)
        ]
        self._dice = random.Random(seed)  # noqa: S311  (days must be repeatable)
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._agenda.run())
        for start in range(0, len(self.devices), GROUP):
            group = self.devices[start : start + GROUP]
            for device in group:
                device.start()
            self._tell(f"{start + len(group)} of {len(self.devices)} chips started")
            await asyncio.sleep(_GROUP_EVERY_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
        for device in self.devices:
            await device.stop()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def live(self, stop: asyncio.Event, habits: Habits | None = None) -> None:
        """An ordinary day until `stop`. One draw a second for the whole fleet, however large it is."""
        wanted = habits or Habits()
        while not stop.is_set() and not self._broken():
            self._some(wanted.drops_an_hour, self._drop)
            self._some(wanted.reboots_an_hour, Device.reboot)
            self._some(wanted.bypasses_an_hour, self._bypass)
            await wait(stop, 1)

    def _broken(self) -> bool:
        """An error of one device stops the agenda; it must not stop in silence."""
        if self._task is not None and self._task.done():
            self._task.result()
        return False

    def _some(self, an_hour: float, act: Callable[[Device], None]) -> None:
        expected = an_hour / 3600 * len(self.devices)
        count = int(expected) + (self._dice.random() < expected % 1)
        for device in self._dice.sample(self.devices, min(count, len(self.devices))):
            act(device)

    def _drop(self, device: Device) -> None:
        device.start_outage(self._dice.uniform(2, 30))

    def _bypass(self, device: Device) -> None:
        device.start_bypass(self._dice.uniform(100, 250), self._dice.uniform(5, 40))

    @property
    def online(self) -> int:
        """How many chips are connected and let in."""
        return sum(device.online for device in self.devices)

    @property
    def unconfirmed(self) -> int:
        """Messages of all chips that the platform has not confirmed yet."""
        return sum(device.unconfirmed for device in self.devices)
