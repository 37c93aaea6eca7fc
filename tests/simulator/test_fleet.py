"""Many chips in one process, and the agenda that wakes them."""

import asyncio
from itertools import pairwise

from schemas.chip import CurrentWhileOpen
from simulator.agenda import Agenda
from simulator.fleet import Fleet, Habits
from simulator.identity import ChipIdentity, Settings
from simulator.link import Link
from tests.simulator.bench import KEYS
from tests.simulator.tiny_platform import TinyPlatform
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import ScaledClock, SystemClock


def identities(count: int, prefix: str) -> list[ChipIdentity]:
    return [ChipIdentity(f"{prefix}{number:04d}", f"{number % 4:02x}", KEYS) for number in range(count)]


async def test_a_fleet_comes_online_and_everything_is_stored(broker: Mosquitto) -> None:
    there, told = broker.chips, list[str]()
    async with TinyPlatform(broker) as platform:
        chips = identities(150, "WGFA")
        async with Fleet(chips, there.host, there.port, SystemClock(), tell=told.append) as fleet:
            async with asyncio.timeout(30):
                while fleet.online < 150 or fleet.unconfirmed:
                    await asyncio.sleep(0.05)
            assert len(platform.messages) == 150
            assert (
                len({boot.nonce for boot in platform.presences.values()}) == 150
            )  # no two chips share their randomness
        assert told[-1] == "150 of 150 chips started"
        async with asyncio.timeout(10):
            while any(presence.online for presence in platform.presences.values()):
                await asyncio.sleep(0.05)


def bypassed(platform: TinyPlatform) -> bool:
    return any(isinstance(event, CurrentWhileOpen) for chip in platform.messages for event in platform.events(chip))


async def test_habits_drop_links_and_go_around_chips(broker: Mosquitto) -> None:
    there, stop = broker.chips, asyncio.Event()
    clock, habits = ScaledClock(), Habits(drops_an_hour=600, bypasses_an_hour=1200)
    async with TinyPlatform(broker) as platform:
        chips = identities(10, "WGFB")
        async with Fleet(chips, there.host, there.port, clock, settings=Settings(dial_ms=100)) as fleet:
            async with asyncio.timeout(30):
                while fleet.online < 10:
                    await asyncio.sleep(0.05)
            clock.set_rate(20)
            living = asyncio.create_task(fleet.live(stop, habits))
            async with asyncio.timeout(30):
                while not (bypassed(platform) and any(p.connection > 1 for p in platform.presences.values())):
                    await asyncio.sleep(0.05)
            stop.set()
            await living


class Waking:
    """A sleeper that notes when it was woken, and sleeps again."""

    def __init__(self, agenda: Agenda, clock: ScaledClock, every_s: float) -> None:
        self.wakes_at: float | None = None
        self.woken: list[float] = []
        self._agenda, self._clock, self._every_s = agenda, clock, every_s

    def wake(self) -> None:
        self.woken.append(self._clock.monotonic())
        self._agenda.at(self._clock.monotonic() + self._every_s, self)


async def test_the_agenda_wakes_everybody_in_time_and_a_sooner_one_first() -> None:
    clock = ScaledClock(rate=10)
    agenda = Agenda(clock)
    slow, quick = Waking(agenda, clock, 1.0), Waking(agenda, clock, 0.25)
    running = asyncio.create_task(agenda.run())
    agenda.at(clock.monotonic() + 100, quick)
    agenda.at(clock.monotonic() + 1, slow)
    await asyncio.sleep(0.05)
    agenda.at(clock.monotonic(), quick)  # sooner than it is asleep for
    await clock.sleep(5)
    running.cancel()
    assert 3 <= len(slow.woken) <= 5
    assert 12 <= len(quick.woken) <= 21
    assert all(after - before >= 0.25 for before, after in pairwise(quick.woken))


async def test_a_link_to_nowhere_fails_in_words_and_not_with_a_stack() -> None:
    fleet = Fleet(identities(1, "WGFC"), "127.0.0.1", 9, SystemClock(), settings=Settings(dial_ms=10))
    async with fleet:
        await asyncio.sleep(0.3)
        assert fleet.online == 0
    try:
        await Link.open(identities(1, "WGFC")[0], "127.0.0.1", 9, b"{}", lambda _: None, lambda: None)
    except ConnectionRefusedError as error:
        assert "Connect call failed" in str(error)  # noqa: PT017  (both the type and the words matter)
    else:
        raise AssertionError("it must be refused")
