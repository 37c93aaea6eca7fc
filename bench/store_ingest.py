"""`weldgate bench engines`: how much ingest takes into PostgreSQL and into TimescaleDB, in turns within one run.

The real ingest on a broker of its own for each, the same words, both databases over loopback TCP, the loop closed at what is
committed (bench/rounds.py). Refuses to compare what was not measured in the same minute: ratios are formed turn by turn.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench import store_servers, usage
from bench.domain_path import heard_once
from bench.product import Product
from bench.rounds import Course, Outcome
from bench.site import SHARDS, Site
from bench.store_servers import ENGINES
from weld.store import load, province

WITHIN = 0.15  # the slower engine is at most so much slower
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """How often and how long."""

    turns: int = 5
    chips: int = 1000
    warm_s: float = 2.0
    turn_s: float = 10.0
    workers: int = 2  # of ingest, on the two cores that the goals are for


def run(asked: Asked, *, quiet: bool) -> int:
    """Measure, and print one JSON object; 1 where the engines are too far apart, 2 where they could not be measured."""
    say = _teller(quiet=quiet)
    try:
        with ExitStack() as exits:
            sites = {engine: exits.enter_context(_site(engine, asked, say)) for engine in ENGINES}
            courses = {engine: site.course() for engine, site in sites.items()}
            found = _in_turns(courses, asked, say)
            told = {
                engine: _told(found[engine]) | province.server(sites[engine].ground.admin_url) for engine in ENGINES
            }
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    first, second = (found[engine] for engine in ENGINES)
    ratios = [round(b.rate / a.rate, 3) for a, b in zip(first, second, strict=True)]
    costs = [sum(b.cpu_us.values()) / sum(a.cpu_us.values()) for a, b in zip(first, second, strict=True)]
    ratio, cpu_ratio = round(median(ratios), 3), round(median(costs), 3)
    within = 1 - WITHIN <= ratio <= 1 / (1 - WITHIN)
    compared = {"ratios": ratios, "ratio": ratio, "cpu_ratio": cpu_ratio, "within_15_percent": within}
    print(json.dumps({"machine": usage.machine(), "engines": told, **compared}))
    return 0 if within else 1


@contextmanager
def _site(engine: str, asked: Asked, say: Say) -> Iterator[Site]:
    say(f"{engine}: the stack is started")
    with store_servers.make(engine, shards=SHARDS, groups=8) as ground, ExitStack() as exits:
        load.fill(ground.admin_url, 0, asked.chips, shards=SHARDS, heard=heard_once())
        yield Site(ground, Product(ground, asked.workers), asked.chips, exits)


def _in_turns(courses: dict[str, Course], asked: Asked, say: Say) -> dict[str, list[Outcome]]:
    """Who is first changes from turn to turn: a machine that gets slower within one is unjust to each as often."""
    found: dict[str, list[Outcome]] = {engine: [] for engine in courses}
    for turn in range(asked.turns):
        order = list(courses) if turn % 2 == 0 else list(reversed(courses))
        for engine in order:
            outcome = courses[engine].run(asked.warm_s, asked.turn_s)
            found[engine].append(outcome)
            say(f"turn {turn + 1}/{asked.turns} {engine}: {outcome.rate:,.0f} a second, us a message {outcome.cpu_us}")
    return found


def _told(outcomes: list[Outcome]) -> dict[str, Any]:
    names = outcomes[0].cpu_us
    return {
        "rate": median(one.rate for one in outcomes),
        "rates": [one.rate for one in outcomes],
        "cpu_us": {name: round(median(one.cpu_us[name] for one in outcomes), 2) for name in names},
    }


def _teller(*, quiet: bool) -> Say:
    began_s = time.monotonic()

    def tell(line: str) -> None:
        if not quiet:
            print(f"bench {time.monotonic() - began_s:6.0f} s  {line}", file=sys.stderr, flush=True)

    return tell
