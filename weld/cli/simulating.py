"""`weldgate simulator`: the chips of a seed file on the clone's running stack; with a scenario, the first machine plays it.

Refuses stacks that are not the clone's own: a simulated chip of a real name would disturb a real one.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from simulator.device import Device
from simulator.fleet import Fleet, Habits
from simulator.identity import ChipIdentity
from simulator.scenario import BadStory, Player, StoryBroken, parse
from weld.cli.stack import Stack
from weld.core.shard import shard_of
from weld.kit.clock import SystemClock
from weld.kit.run import run as run_until_stopped
from weld.kit.settings import Settings


def run(file: Path, scenario: str | None, count: int, bypasses: float) -> int:
    """Until Ctrl-C, or to the end of the scenario; 1 where a step of it did not hold, 2 where it cannot be read."""
    try:
        if scenario is not None:
            _check(scenario)
        entries = _entries(file)
    except (BadStory, OSError, yaml.YAMLError) as error:
        _say(str(error))
        return 2
    with Stack.main() as stack:
        identities = [_identity(stack, entry) for entry in entries["chips"][: count or None]]
        there = stack.broker(None)
        if scenario is not None:
            return asyncio.run(_story(identities[0], there.host, there.port, scenario))

        async def live(stop: asyncio.Event) -> None:
            async with Fleet(
                identities, there.host, there.port, SystemClock(), boots_before=_boots_before(), tell=_say
            ) as fleet:
                await fleet.live(stop, Habits(bypasses_an_hour=bypasses))

        return run_until_stopped(live)


def _entries(file: Path) -> dict[str, Any]:
    entries: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(entries, dict) or not entries.get("chips"):
        raise BadStory(f"{file} has no chips: a seed file with a list `chips` is wanted")
    return entries


def _check(scenario: str) -> None:
    """A scenario on the running stack has no phone and no officer's key: said before any chip starts."""
    for step in parse(scenario):
        if step.verb.startswith(("scan", "end", "expect")):
            raise BadStory(f"`{step.text}` needs a phone or an officer's key: do that part with curl (README)")


def _boots_before() -> int:
    """A chip's boot counter never goes back, so each start of the simulator is later than the one before: seconds since 2026."""
    return int((SystemClock().now() - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())


def _identity(stack: Stack, entry: dict[str, Any]) -> ChipIdentity:
    shard = entry.get("shard") or shard_of(entry["chip"], Settings().shards)
    return ChipIdentity(entry["chip"], shard, stack.installation.pinned())


class _Nobody:
    """The people of a story that needs none."""

    async def scan(self) -> str | None:
        raise StoryBroken("there is no phone here")

    async def end(self) -> None:
        raise StoryBroken("there is no phone here")

    async def alerts(self) -> list[str]:
        raise StoryBroken("there is no officer here")

    async def session(self) -> str | None:
        raise StoryBroken("there is no officer here")


async def _story(identity: ChipIdentity, host: str, port: int, scenario: str) -> int:
    async with Device(identity, host, port, SystemClock(), boots_before=_boots_before()) as device:
        try:
            await device.wait_all_stored(30)
            await Player(device, _Nobody(), _say).play(scenario)
            await device.wait_all_stored(60)
        except (StoryBroken, TimeoutError) as error:
            _say(str(error) or "the platform did not confirm in time: is `weldgate up` running?")
            return 1
    return 0


def _say(line: str) -> None:
    print(f"simulator: {line}", file=sys.stderr, flush=True)
