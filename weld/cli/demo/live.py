"""The city alive: its chips, its crews, its stories and its plugs in one event loop, on the addresses of a running stack.

Refuses to start processes and pages: command.py does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from schemas.signed import PinnedKeys
from simulator.device import Device
from simulator.fleet import Fleet, Habits
from simulator.identity import ChipIdentity
from weld.cli.demo.city import SHARDS, City, Machine
from weld.cli.demo.codes import CodeBook
from weld.cli.demo.crews import Plugs, Work
from weld.cli.demo.day import Day
from weld.cli.demo.desk import Desk
from weld.cli.demo.holds import Holds
from weld.cli.demo.people import People
from weld.cli.demo.settle import words_of
from weld.cli.demo.stories import Stories, Told
from weld.cli.stack import Stack
from weld.core.shard import shard_of
from weld.kit.clock import Clock

_ONLINE_WITHIN_S = 20.0
_PLUGS_EVERY_S = 2.0
_STORED_WITHIN_S = 1.5


@dataclass
class Living:
    """What the page and the command see of it."""

    city: City
    day: Day
    devices: list[Device]
    people: People
    stories: Stories
    desk: Desk
    holds: Holds
    fleet: Fleet

    def counts(self) -> dict[str, int]:
        """How the machines stand, by their chips' own word."""
        states = [device.state for device in self.devices]
        return {
            "machines": len(states),
            "online": self.fleet.online,
            "unlocked": sum(state in {"unlocked", "arcing"} for state in states),
            "arcing": states.count("arcing"),
        }


@asynccontextmanager
async def living(
    stack: Stack, address: str, city: City, speed: float, codes: CodeBook, clock: Clock, tell: Callable[[Told], None]
) -> AsyncIterator[Living]:
    """The city from the moment that its chips are online to its orderly end."""
    there, pinned, boots = stack.broker(None), stack.installation.pinned(), _boots_before(clock)
    identities = [_identity(machine, pinned) for machine in city.machines]
    fleet = Fleet(identities, there.host, there.port, clock, boots_before=boots)
    holds = Holds(stack.folder, fleet.devices)
    holds.recall()

    def make_clone(machine: Machine) -> Device:
        """A copy of the chip as it was before its last start: it counts the same boot."""
        before = fleet.devices[machine.number].boot - 1
        identity = _identity(machine, pinned)
        return Device(identity, there.host, there.port, clock, seed=machine.number + 1, boots_before=before)

    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(base_url=address, timeout=20, limits=limits) as http, fleet:
        day = Day(clock, speed, clock.monotonic())
        people = People(http, codes, clock)
        stories = Stories(city, fleet.devices, people, clock, make_clone, lambda: day.shown, tell)
        spared = frozenset(machine.plate for machine in city.machines if machine.role == "try")
        desk = Desk(http, words_of(stack.folder).key, spared, clock)
        alive = Living(city, day, fleet.devices, people, stories, desk, holds, fleet)
        try:
            yield alive
        finally:
            await _end(alive)


async def wait_online(alive: Living, clock: Clock, stop: asyncio.Event) -> None:
    """Until nearly all chips are in, or it takes too long to wait for the last, or nobody wants to."""
    wanted = 0.98 * len(alive.devices)
    until_s = clock.monotonic() + max(_ONLINE_WITHIN_S, len(alive.devices) / 50)
    while alive.fleet.online < wanted and clock.monotonic() < until_s and not stop.is_set():
        await clock.sleep(0.1)


async def go_on(alive: Living, clock: Clock, stop: asyncio.Event) -> None:
    """The day, until `stop`. Whatever fails in it ends the demo: half a city would be hard to notice."""
    work = [Work(crew, alive.devices[crew.machine.number], alive.people, alive.day, clock) for crew in alive.city.crews]
    endless: list[Coroutine[Any, Any, None]] = [
        *(one.run() for one in work),
        alive.stories.now_and_then(alive.day.speed),
        alive.desk.run(),
        alive.holds.keep(),
        _turn_plugs(Plugs(alive.city, alive.devices, alive.day)),
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in endless]
        await alive.fleet.live(stop, Habits(drops_an_hour=0.05))
        for task in tasks:
            task.cancel()


async def _turn_plugs(plugs: Plugs) -> None:
    while True:
        await asyncio.sleep(_PLUGS_EVERY_S)
        plugs.look()


async def _end(alive: Living) -> None:
    """Everybody lets go of the torch and pulls the plug, so that the platform knows how it ended."""
    await alive.stories.stop()
    for device in alive.devices:
        if device.contact == "closed":
            device.unplug()
    await asyncio.sleep(_STORED_WITHIN_S if any(device.hold for device in alive.devices) else 0.2)


def _identity(machine: Machine, pinned: PinnedKeys) -> ChipIdentity:
    return ChipIdentity(machine.chip, str(shard_of(machine.chip, SHARDS)), pinned)


def _boots_before(clock: Clock) -> int:
    """A chip's boot counter never goes back, so each run of the demo is later than the one before: seconds since 2026."""
    return int((clock.now() - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
