"""`weldgate bench store`: a year of a province in the database, and how long its questions take; one engine after the other.

The data are generated in the database (weld/store/province.py), the questions are those of the api (weld/store/questions.py),
asked as the api's role under the scope of whoever may ask. Refuses to begin without the disk that it needs, and a verdict.
"""

import contextlib
import json
import queue
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench import store_plans, store_questions, store_servers, usage
from bench.store_servers import ENGINES, NotHereError, StoreGround
from weld.kit.clock import SystemClock
from weld.store import province
from weld.store.province import Pieces, Shape

_HANDS = 2  # connections that fill days
# Measured at 5 % of the default size: a row of telemetry with its index, and a machine's year of everything else.
_ROW_BYTES = 352
_MACHINE_YEAR_BYTES = 75_000
_REST_BYTES = 3_000_000_000  # the log, sorts, an empty server, and something for others
_HELP = {"both": ENGINES, "postgresql": ("postgresql",), "timescaledb": ("timescaledb",)}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """How much to make, and how often to ask."""

    machines: int = 100_000
    rows: int = 100_000_000
    engine: str = "both"
    days: int = 365
    times: int = 200
    plans: Path | None = None

    @property
    def shape(self) -> Shape:
        return Shape(self.machines, self.rows, self.days, SystemClock().now().date())

    @property
    def needs_bytes(self) -> int:
        """The disk that one engine takes at its fullest."""
        return self.rows * _ROW_BYTES + self.machines * self.days * _MACHINE_YEAR_BYTES // 365 + _REST_BYTES


def run(asked: Asked, *, quiet: bool) -> int:
    """Fill, ask, and print one JSON object; 2 where nothing could be measured."""
    if asked.engine not in _HELP:
        print(f"bench: --engine is one of {', '.join(_HELP)}", file=sys.stderr)
        return 2
    bench = Bench(asked, quiet=quiet)
    try:
        engines = {engine: bench.measure(engine) for engine in _HELP[asked.engine]}
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if asked.plans is not None:
        store_plans.write(asked.plans, asked.shape, bench.plans)
    told = {
        "machines": asked.machines,
        "rows": asked.rows,
        "days": asked.days,
        "machine": usage.machine(),
        "engines": engines,
    }
    print(json.dumps(told))
    return 0 if any(engines.values()) else 2


class Bench:
    """One run."""

    def __init__(self, asked: Asked, *, quiet: bool) -> None:
        self._asked, self._shape, self._quiet = asked, asked.shape, quiet
        self._began_s = time.monotonic()
        self.plans: dict[str, dict[str, list[str]]] = {}

    def say(self, line: str) -> None:
        """Progress, with the time since the start."""
        if not self._quiet:
            print(f"bench {time.monotonic() - self._began_s:6.0f} s  {line}", file=sys.stderr, flush=True)

    def measure(self, engine: str) -> dict[str, Any] | None:
        """All of one engine; None where it cannot be had here. Its data are gone at the end."""
        ground = store_servers.make(engine)
        ground.needs_broker = False
        try:
            with ground:
                return self._measure(ground)
        except NotHereError as error:
            self.say(f"{engine}: {error}")
            return None

    def _measure(self, ground: StoreGround) -> dict[str, Any]:
        self._check_disk(ground)
        began_s = time.monotonic()
        ground.hurry(on=True)
        self._fill(ground)
        filled_s = time.monotonic() - began_s
        if days := province.compress(ground.role_url("owner"), self._shape):
            self.say(f"{ground.engine}: {days} days became columns")
        sizes = province.sizes(ground.admin_url)
        row_bytes = sum(sizes["telemetry"]) / self._shape.rows
        self.say(
            f"{ground.engine}: filled and vacuumed in {filled_s:.0f} s, {sum(map(sum, sizes.values())) / 1e9:.1f} GB"
        )
        ground.hurry(on=False)
        questions = store_questions.measure(ground, self._shape, self._asked.times, self.say)
        if self._asked.plans is not None:
            self.plans[ground.engine] = store_plans.gather(ground, self._shape)
        return {
            **province.server(ground.admin_url),
            "questions": questions,
            "bytes": {name: sum(both) for name, both in sizes.items()},
            "index_bytes": {name: index for name, (_, index) in sizes.items()},
            "telemetry_row_bytes": round(row_bytes, 1),
            "telemetry_sample_bytes": round(row_bytes / province.samples_a_row(ground.admin_url, self._shape), 1),
            "filled_s": round(filled_s, 1),
        }

    def _check_disk(self, ground: StoreGround) -> None:
        needs, free = self._asked.needs_bytes, ground.free_bytes()
        self.say(f"{ground.engine}: up to {needs / 1e9:.0f} GB of disk are needed, {free / 1e9:.0f} are free")
        if needs > free:
            raise RuntimeError(
                f"{needs / 1e9:.1f} GB of disk are needed and {free / 1e9:.1f} GB are free: fewer --rows or --machines"
            )

    def _fill(self, ground: StoreGround) -> None:
        shape, days, conns = self._shape, queue.SimpleQueue[int](), list[psycopg.Connection]()
        pieces = province.furnish(ground.admin_url, ground.role_url("owner"), shape)
        self.say(f"{ground.engine}: {shape.machines} machines are in the registers, and {shape.days} days are prepared")
        for number in range(shape.days):
            days.put(number)
        with ThreadPoolExecutor(_HANDS) as hands:
            filling = [hands.submit(self._fill_days, ground, days, pieces, conns) for _ in range(_HANDS)]
            try:
                for done in filling:
                    done.result()
            except BaseException:  # whoever gives up does not wait for the rest of the year
                _empty(days)
                for conn in conns:
                    conn.cancel_safe()
                raise
        province.settle(ground.admin_url)

    def _fill_days(
        self, ground: StoreGround, days: "queue.SimpleQueue[int]", pieces: Pieces, conns: list[psycopg.Connection]
    ) -> None:
        with psycopg.connect(ground.admin_url, autocommit=True) as conn:
            conns.append(conn)
            province.ready(conn)
            while not days.empty():
                try:
                    number = days.get_nowait()
                except queue.Empty:
                    return
                rows = province.fill(conn, self._shape, number, pieces)
                if number % max(1, self._shape.days // 20) == 0:
                    self.say(f"{ground.engine}: day {number} of {self._shape.days}, {rows} rows of telemetry")


def _empty(days: "queue.SimpleQueue[int]") -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            days.get_nowait()
