"""Scenario lines: what is understood, what is refused and in which words, and one played with a device on a real broker."""

import pytest

from schemas.chip import CurrentWhileOpen, RelayClosed, RelayOpened
from schemas.signed import Command
from schemas.topics import Topic
from simulator.scenario import BadStory, Player, StoryBroken, parse
from tests.simulator.bench import uuid
from tests.simulator.test_device import a_device
from tests.simulator.tiny_platform import TinyPlatform
from weld.cli.mosquitto import Mosquitto


def test_a_line_is_read_as_steps() -> None:
    steps = parse("scan ok; wait relay=closed 2s;\n weld  180A 20s ; bypass; expect alert=D01 within 5s")
    assert [(step.verb, step.values) for step in steps] == [
        ("scan_ok", ()),
        ("wait_relay", ("closed", "2")),
        ("weld", ("180", "20")),
        ("bypass", ("", "")),
        ("expect_alert", ("D01", "5")),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("weld 180 20s", "`weld 180 20s` is not a step; expected `weld NA Ns`"),
        ("scan ok; dance", "`dance` is not a step; expected one of "),
        ("wait relay=ajar 2s", "`wait relay=ajar 2s` is not a step; expected `wait relay="),
        ("expect alert=X99", "`expect alert=X99` is not a step; expected `expect alert=CODE"),
        (" ; ; ", "the story is empty"),
    ],
)
def test_what_is_not_understood_is_named_with_what_was_expected(line: str, words: str) -> None:
    with pytest.raises(BadStory) as refused:
        parse(line)
    assert words in str(refused.value)


class Town:
    """The people of a story, in front of the tiny platform."""

    def __init__(self, platform: TinyPlatform, chip: str, *, licensed: bool = True) -> None:
        self._platform, self._chip, self._licensed = platform, chip, licensed

    async def scan(self) -> str | None:
        if not self._licensed:
            return "A03"
        await self._platform.unlock(self._chip)
        return None

    async def end(self) -> None:
        words = Command(
            id=uuid(77),
            aud=self._chip,
            action="end",
            level=2,
            grace_s=60,
            session=None,
            by="worker",
            exp=2**31,
            floor=0,
        )
        await self._platform.say(Topic("00", self._chip, "down"), words)

    async def alerts(self) -> list[str]:
        return ["D01" for event in self._platform.events(self._chip) if isinstance(event, CurrentWhileOpen)]

    async def session(self) -> str | None:
        events = [e for e in self._platform.events(self._chip) if isinstance(e, RelayClosed | RelayOpened)]
        return ("open" if isinstance(events[-1], RelayClosed) else "closed") if events else None


async def test_a_story_is_played_to_its_end(broker: Mosquitto) -> None:
    name = "WGSTORY1"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        await Player(device, Town(platform, name)).play(
            "expect no alert; scan ok; wait relay=closed 2s; expect session=open; weld 180A 1s; lose 2; drop_link 0.5s;"
            "wait stored 20s; end; wait relay=open 5s; expect session=closed; wait stored 20s;"
            "bypass 150A 1s; expect alert=D01 within 5s"
        )


async def test_a_story_that_does_not_hold_says_which_step(broker: Mosquitto) -> None:
    name = "WGSTORY2"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        with pytest.raises(StoryBroken, match=r"scan ok.*A03"):
            await Player(device, Town(platform, name, licensed=False)).play("scan refused=A03; scan ok")
        with pytest.raises(StoryBroken, match="relay=closed"):
            await Player(device, Town(platform, name)).play("wait relay=closed 0.2s")
