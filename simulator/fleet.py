"""Many chips in one process, living a made-up working day: connected in groups, then each with its own seeded habits.

The listen queue of the broker is short (100), so a thousand chips do not dial at once. Refuses to unlock anything: people with
phones do that; a fleet's machines idle, and some are worked past the chip when asked.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from simulator.device import Device
from simulator.identity import ChipIdentity
from weld.kit.clock import Clock
from weld.kit.wait import wait

GROUP = 50
_GROUP_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Habits:
    """What the machines of a fleet do: the share of chips that drop their link, and that are bypassed, in an hour."""

    drops_an_hour: float = 0.1
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
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.devices = [Device(one, host, port, clock, seed=seed + n) for n, one in enumerate(identities)]
        self._clock = clock
        self._dice = random.Random(seed)  # noqa: S311  (days must be repeatable)
        self._tell = tell
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> "Fleet":
        for start in range(0, len(self.devices), GROUP):
            group = self.devices[start : start + GROUP]
            for device in group:
                await self._exits.enter_async_context(device)
            self._tell(f"{start + len(group)} of {len(self.devices)} chips started")
            await asyncio.sleep(_GROUP_EVERY_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def live(self, stop: asyncio.Event, habits: Habits | None = None) -> None:
        """An ordinary day until `stop`."""
        wanted = habits or Habits()
        while not stop.is_set():
            for device in self.devices:
                self._maybe(device, wanted)
            await wait(stop, 1)

    def _maybe(self, device: Device, wanted: Habits) -> None:
        if self._dice.random() < wanted.drops_an_hour / 3600:
            device.drop_link()
            asyncio.get_running_loop().call_later(self._dice.uniform(2, 30), device.restore_link)
        if self._dice.random() < wanted.bypasses_an_hour / 3600:
            device.start_bypass(self._dice.uniform(100, 250), self._dice.uniform(5, 40))

    @property
    def unconfirmed(self) -> int:
        """Messages of all chips that the platform has not confirmed yet."""
        return sum(device.unconfirmed for device in self.devices)
