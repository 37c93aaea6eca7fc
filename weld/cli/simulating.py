"""`weldgate simulator`: the chips of a seed file on the clone's running stack; with a scenario, the first machine plays it.

Refuses stacks that are not the clone's own: a simulated chip of a real name would disturb a real one.
"""

import asyncio
import sys
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
        parse(scenario or "sleep 1s")
        entries = _entries(file)
    except (BadStory, OSError, yaml.YAMLError, KeyError, TypeError) as error:
        _say(f"{type(error).__name__}: {error}")
        return 2
    with Stack.main() as stack:
        identities = [_identity(stack, entry) for entry in entries["chips"][: count or None]]
        there = stack.broker(None)
        if scenario is not None:
            return asyncio.run(_story(identities[0], there.host, there.port, scenario))

        async def live(stop: asyncio.Event) -> None:
            async with Fleet(identities, there.host, there.port, SystemClock(), tell=_say) as fleet:
                await fleet.live(stop, Habits(bypasses_an_hour=bypasses))

        return run_until_stopped(live)


def _entries(file: Path) -> dict[str, Any]:
    entries: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    entries["chips"][0]["chip"]
    return entries


def _identity(stack: Stack, entry: dict[str, Any]) -> ChipIdentity:
    shard = entry.get("shard") or shard_of(entry["chip"], Settings().shards)
    return ChipIdentity(entry["chip"], shard, stack.installation.pinned())


class _Nobody:
    """A scenario on the running stack has no phone and no officer's key: steps that need one say so."""

    async def scan(self) -> str | None:
        raise StoryBroken("`scan` needs a worker's phone: scan with the real page or with curl (README)")

    async def end(self) -> None:
        raise StoryBroken("`end` needs a worker's phone: end the session with curl (README)")

    async def alerts(self) -> list[str]:
        raise StoryBroken("`expect alert` needs an officer's key: look with curl (README)")

    async def session(self) -> str | None:
        raise StoryBroken("`expect session` needs an officer's key: look with curl (README)")


async def _story(identity: ChipIdentity, host: str, port: int, scenario: str) -> int:
    async with Device(identity, host, port, SystemClock()) as device:
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
