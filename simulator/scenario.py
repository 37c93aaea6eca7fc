"""Stories in one line, for people and tests:
`scan ok; wait relay=closed 2s; weld 180A 20s; drop_link 5s; bypass; expect alert=D01`.

    scan ok | scan refused=CODE      a licensed worker's phone asks for the machine (an expired one's, where it must be refused)
    button                           somebody presses the button on the machine
    wait relay=open|closed Ns        until the contact is there, at most N seconds
    wait stored Ns                   until the platform has confirmed everything
    weld NA Ns                       an arc of N ampere for N seconds, where the contact lets it
    bypass [NA Ns]                   the same around the contact (150A 5s unless told)
    drop_link Ns | reboot | jump_clock Ns | lose N | button | sleep Ns
    end                              the worker ends the session
    expect alert=CODE [within Ns]    an alert of this code on this machine (within 15 s unless told)
    expect no alert                  no alert on this machine but those expected before
    expect session=open|closed       what the platform says of the last session

A story is read whole before it is played: a word that is not understood is named with what was expected there. Refuses to know
HTTP and the platform: who scans and who reads alerts is handed in.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.device import Device


class BadStory(ValueError):
    """A line that is no story; the message names the step, and what was expected."""


class StoryBroken(AssertionError):
    """What a story expected did not happen."""


class People(Protocol):
    """Who acts beside the device."""

    async def scan(self) -> str | None:
        """Ask for the machine with a phone: None = granted, otherwise the first reason's code."""

    async def end(self) -> None:
        """End the session."""

    async def alerts(self) -> list[str]:
        """The codes of the machine's alerts."""

    async def session(self) -> str | None:
        """The state of the machine's last session; None for none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its words as written, its verb, and the values found in it."""

    text: str
    verb: str
    values: tuple[str, ...]


_SECONDS = r"(\d+(?:\.\d+)?)s"
_GRAMMAR: tuple[tuple[str, str], ...] = (
    ("scan_ok", r"scan ok"),
    ("scan_refused", r"scan refused=(\w+)"),
    ("button", r"button"),
    ("wait_relay", rf"wait relay=(open|closed) {_SECONDS}"),
    ("wait_stored", rf"wait stored {_SECONDS}"),
    ("weld", rf"weld (\d+)A {_SECONDS}"),
    ("bypass", rf"bypass(?: (\d+)A {_SECONDS})?"),
    ("drop_link", rf"drop_link {_SECONDS}"),
    ("reboot", r"reboot"),
    ("jump_clock", r"jump_clock (-?\d+)s"),
    ("lose", r"lose (\d+)"),
    ("end", r"end"),
    ("sleep", rf"sleep {_SECONDS}"),
    ("expect_alert", rf"expect alert=([A-HO]\d\d)(?: within {_SECONDS})?"),
    ("expect_no_alert", r"expect no alert"),
    ("expect_session", r"expect session=(open|closed)"),
)


def parse(story: str) -> list[Step]:
    """The steps of a line; BadStory names the first that is not understood."""
    texts = [" ".join(part.split()) for part in re.split(r"[;\n]", story)]
    steps = [_step(text) for text in texts if text]
    if not steps:
        raise BadStory("the story is empty; a step looks like `weld 180A 20s`")
    return steps


def _step(text: str) -> Step:
    for verb, pattern in _GRAMMAR:
        if found := re.fullmatch(pattern, text):
            return Step(text, verb, tuple(value or "" for value in found.groups()))
    word = text.split(maxsplit=1)[0]
    near = [pattern for _, pattern in _GRAMMAR if pattern.split(maxsplit=1)[0].split("(")[0] == word]
    hint = " or ".join(_readable(pattern) for pattern in near) or "one of " + ", ".join(
        sorted({v.split("_")[0] for v, _ in _GRAMMAR})
    )
    raise BadStory(f"`{text}` is not a step; expected {hint}")


def _readable(pattern: str) -> str:
    plain = pattern.replace(_SECONDS, "Ns").replace(r"(\d+)", "N").replace(r"(-?\d+)", "N").replace(r"(\w+)", "CODE")
    return (
        "`"
        + plain.replace(r"([A-HO]\d\d)", "CODE")
        .replace("(?:", "[")
        .replace(")?", "]")
        .replace("(", "")
        .replace(")", "")
        + "`"
    )


class Player:
    """Plays stories with one device and the people around it."""

    def __init__(self, device: Device, people: People, tell: Callable[[str], None] = lambda _: None) -> None:
        self._device = device
        self._people = people
        self._tell = tell
        self._expected: set[str] = set()

    async def play(self, story: str) -> None:
        """All steps in order; StoryBroken or TimeoutError where one does not hold."""
        for step in parse(story):
            self._tell(step.text)
            try:
                await self._verbs[step.verb](self, *step.values)
            except TimeoutError:
                raise StoryBroken(f"`{step.text}`: it did not happen in time") from None

    async def _scan_ok(self) -> None:
        refused = await self._people.scan()
        if refused is not None:
            raise StoryBroken(f"`scan ok`: refused with {refused}")

    async def _scan_refused(self, code: str) -> None:
        refused = await self._people.scan()
        if refused != code:
            raise StoryBroken(f"`scan refused={code}`: the answer was {refused or 'granted'}")

    async def _button(self) -> None:
        self._device.press_button()

    async def _wait_relay(self, contact: str, seconds: str) -> None:
        await self._device.wait_contact("closed" if contact == "closed" else "open", float(seconds))

    async def _wait_stored(self, seconds: str) -> None:
        await self._device.wait_all_stored(float(seconds))

    async def _weld(self, current_a: str, seconds: str) -> None:
        await self._device.weld(float(current_a), float(seconds))

    async def _bypass(self, current_a: str, seconds: str) -> None:
        await self._device.bypass_weld(float(current_a or 150), float(seconds or 5))

    async def _drop_link(self, seconds: str) -> None:
        self._device.drop_link()
        await asyncio.sleep(float(seconds))
        self._device.restore_link()

    async def _reboot(self) -> None:
        self._device.reboot()

    async def _jump_clock(self, seconds: str) -> None:
        self._device.jump_clock(float(seconds))

    async def _lose(self, messages: str) -> None:
        self._device.lose_range(int(messages))

    async def _end(self) -> None:
        await self._people.end()

    async def _sleep(self, seconds: str) -> None:
        await asyncio.sleep(float(seconds))

    async def _expect_alert(self, code: str, seconds: str) -> None:
        self._expected.add(code)
        async with asyncio.timeout(float(seconds or 15)):
            while code not in await self._people.alerts():
                await asyncio.sleep(0.2)

    async def _expect_no_alert(self) -> None:
        others = set(await self._people.alerts()) - self._expected
        if others:
            raise StoryBroken(f"`expect no alert`: there are {', '.join(sorted(others))}")

    async def _expect_session(self, state: str) -> None:
        async with asyncio.timeout(15):
            while await self._people.session() != state:
                await asyncio.sleep(0.2)

    _verbs: dict[str, Callable[..., Awaitable[Any]]] = {  # noqa: RUF012  (made once, never changed)
        "scan_ok": _scan_ok,
        "scan_refused": _scan_refused,
        "button": _button,
        "wait_relay": _wait_relay,
        "wait_stored": _wait_stored,
        "weld": _weld,
        "bypass": _bypass,
        "drop_link": _drop_link,
        "reboot": _reboot,
        "jump_clock": _jump_clock,
        "lose": _lose,
        "end": _end,
        "sleep": _sleep,
        "expect_alert": _expect_alert,
        "expect_no_alert": _expect_no_alert,
        "expect_session": _expect_session,
    }
