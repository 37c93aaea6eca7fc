"""`weldgate load`: a crowd of light chips, or their words published directly, on a throw-away stack or the running one.

Refuses to publish directly on a stack that somebody uses: there a chip speaks over its own connection only.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import psycopg

from bench import usage
from bench.domain_path import heard_once
from bench.feeder import Feeder
from bench.ground import Ground
from bench.product import Product
from bench.publisher import Load
from bench.rounds import Course
from simulator.crowd import Crowd
from weld.cli.stack import Stack
from weld.kit.clock import SystemClock
from weld.kit.run import run as run_until_stopped
from weld.kit.settings import Settings
from weld.store import load


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    chips: int
    rate: float
    seconds: float
    seed: int
    storm_every_s: float = 0.0
    direct: bool = False
    join: bool = False


def run(asked: Asked) -> int:
    """Load until the time is over or Ctrl-C; the exit code. JSON on the last line of stdout."""
    try:
        if asked.join:
            return _on_the_running_stack(asked)
        with Ground.make("load") as ground:
            heard = heard_once() if asked.direct else None
            load.fill(ground.admin_url, 0, asked.chips, shards=Settings().shards, heard=heard)
            say(f"{asked.chips} machines are in the registers")
            product = Product(ground)
            return _direct(asked, ground, product) if asked.direct else _crowd(asked, ground, product)
    except (RuntimeError, ValueError, psycopg.OperationalError) as error:
        say(str(error))
        return 2


def _direct(asked: Asked, ground: Ground, product: Product) -> int:
    """The words of all chips over a few connections: paced, or with rate 0 as fast as they are committed."""
    with Feeder(Load(asked.chips, seed=asked.seed), ground.mosquitto) as feeder:
        course = Course(feeder, product.done, product.processes | {"publisher": feeder.pid})
        if not asked.rate:
            outcome = course.run(min(2.0, asked.seconds / 4), asked.seconds)
        else:
            outcome = course.paced(asked.rate, asked.seconds)
        print(json.dumps({**asdict(outcome), **feeder.report(), "stored": _stored(ground)}))
    return 0


def _crowd(asked: Asked, ground: Ground, product: Product) -> int:
    crowd = _make_crowd(asked, ground, boot=1)
    code, spent = _speak(asked, crowd, product.processes)
    cpu_us = {name: round(cpu_s * 1e6 / max(1, crowd.tally.said), 2) for name, cpu_s in spent.items()}
    print(json.dumps({**asdict(crowd.tally), "cpu_us": cpu_us, "in_store": _stored(ground)}))
    return code


def _on_the_running_stack(asked: Asked) -> int:
    if asked.direct:
        raise ValueError("--direct needs a throw-away stack: leave out --join")
    with Stack.main(prepares=False) as stack:
        load.fill(stack.role_url("owner"), 0, asked.chips, shards=Settings().shards)
        # later than any boot before
        boot = int((SystemClock().now() - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
        crowd = _make_crowd(asked, stack, boot)
        code, _ = _speak(asked, crowd, {})
        print(json.dumps(asdict(crowd.tally)))
        return code


def _make_crowd(asked: Asked, stack: Stack, boot: int) -> Crowd:
    there = stack.broker(None)
    return Crowd(asked.chips, asked.seed, there.host, there.port, SystemClock(), shards=Settings().shards, boot=boot)


def _speak(asked: Asked, crowd: Crowd, processes: Mapping[str, int]) -> tuple[int, dict[str, float]]:
    """The exit code, and the CPU seconds from the moment that all are connected to the last `stored`."""
    everybody = {**processes, "crowd": os.getpid()}
    spent: dict[str, float] = {}

    async def main(stop: asyncio.Event) -> None:
        async with crowd:
            say(f"{crowd.tally.connected} chips are connected")
            before = usage.cpu_of(everybody)
            await crowd.speak(asked.rate, asked.seconds, stop, storm_every_s=asked.storm_every_s, tell=_teller(crowd))
            if not await crowd.all_stored(stop, 120):
                say(f"{crowd.kept} words were not called stored in time")
            spent.update({name: cpu_s - before[name] for name, cpu_s in usage.cpu_of(everybody).items()})

    return run_until_stopped(main), spent


def _teller(crowd: Crowd) -> Callable[[], None]:
    def tell() -> None:
        tally = crowd.tally
        say(
            f"said {tally.said}, again {tally.repeated}, waiting for `stored` {crowd.kept}, connected {tally.connected},"
            f" breaks {tally.breaks}"
        )

    return tell


def _stored(ground: Ground) -> dict[str, int]:
    return load.stored(ground.role_url("owner"))._asdict()


def say(line: str) -> None:
    """Progress, for whoever watches."""
    print(f"load: {line}", file=sys.stderr, flush=True)
