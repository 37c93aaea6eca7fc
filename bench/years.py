"""`weldgate bench year`: a year of days in an hour, with real messages, real ingest and real rounds of maintenance.

What is simulated is the calendar and nothing else: all clocks (the chips', ingest's, maintenance's) are the machine's own plus a
number of days, and at the end of a day's turn they jump by one together. So each day lasts some seconds, in which every chip says
the words of two sessions, one after the other as always; messages are as old when they arrive as in life. Each day has its round
of maintenance while messages come: partitions or chunks made ahead, compressed where the engine can, the oldest dropped.
The store begins as if it had been at work for as long as telemetry is kept, so that every round has something to drop. Refuses
to pause for maintenance; ingest is stopped for nothing.

What goes by the database's own clock lives in the real day: leases, expiries of commands (there are none), and the look for a
message under another time, which goes through 40 days back from the real one: more partitions with every day, never fewer.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench import store_servers, usage
from bench.chaos.ingest import CLOCK_FILE, move_clock
from bench.domain_path import heard_once
from bench.feeder import Feeder
from bench.product import Product
from bench.publisher import Load
from bench.store_servers import StoreGround
from bench.years_ingest import TOOK_FILE
from simulator.stream import CYCLE
from weld.cli.maintain import MaintainSettings, maintain
from weld.kit.clock import SystemClock
from weld.store import load, province, retention, sizes

_DAY_S = 86_400
_CYCLES = 2  # sessions of a working chip a day
_QUIET = 0.85  # of a day's turn words come; then what is on its way arrives, and the clocks jump
_STALL_MS = 1000.0
_UPDATED = ("chip_state", "session", "arc", "machine_day", "machine_hour", "division_day", "enterprise_day")
_ANY_CLOCK = 1_000_000_000  # ingest's clock is days off the database's, and says so by this setting

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """How long, and how much a real second."""

    minutes: float = 60.0
    days: int = 365
    rate: float = 2000.0
    engine: str = "postgresql"

    @property
    def turn_s(self) -> float:
        """How long a day lasts."""
        return self.minutes * 60 / self.days

    @property
    def chips(self) -> int:
        """So many that each says its two sessions within a day at this rate."""
        return max(10, int(self.rate * self.turn_s * _QUIET / (len(CYCLE) * _CYCLES)))

    @property
    def a_day(self) -> int:
        """Messages."""
        return self.chips * len(CYCLE) * _CYCLES


@dataclass(slots=True)
class Year:
    """What came of it so far."""

    sent: int = 0
    late_days: int = 0  # that took longer than their turn
    done: Counter[str] = field(default_factory=Counter)  # by maintenance
    rounds_s: list[float] = field(default_factory=list)


def run(asked: Asked, *, quiet: bool) -> int:
    """Live through it; the last line of stdout is JSON. 1 where ingest stalled or lost something, 2 where it could not be."""
    say: Say = _silent if quiet else _say
    try:
        told = measure(asked, say)
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(json.dumps(told))
    return 0 if told["stored"] == told["sent"] and told["commit_ms"]["max"] <= _STALL_MS else 1


def measure(asked: Asked, say: Say) -> dict[str, Any]:
    """The whole year on a throw-away stack."""
    ground = store_servers.make(asked.engine, ingest_clock_off_max_s=_ANY_CLOCK)
    clock, took = ground.folder / "clock", ground.folder / "took.json"
    move_clock(clock)
    ground.programs = {"ingest": "bench.years_ingest"}
    ground.environment = {**ground.environment, CLOCK_FILE: str(clock), TOOK_FILE: str(took)}
    with ground:
        _furnish(ground, asked, say)
        before = _pieces(ground)
        product = Product(ground)
        with Feeder(Load(asked.chips, apart=len(CYCLE)), ground.mosquitto) as feeder:
            year = _live(asked, _Hands(ground, feeder, product, clock, say))
        stored, after = product.done(), _pieces(ground)
        product.stop()
        lasted = json.loads(took.read_text())
        return {
            "engine": asked.engine, **province.server(ground.admin_url), "machine": usage.machine(),
            "days": asked.days, "minutes": asked.minutes, "chips": asked.chips, "sent": year.sent, "stored": stored,
            "days_over_time": year.late_days, "maintenance": dict(year.done), "round_s": _spread(year.rounds_s, _STALL_MS / 1000),
            "pieces": {"before": before, "after": after}, "in_store": load.stored(ground.role_url("owner"))._asdict(),
            "hot_share": _hot(ground),
            "commit_ms": _spread(lasted["commit_ms"]), "lag_ms": _spread(lasted["lag_ms"]),
        }  # fmt: skip


def _furnish(ground: StoreGround, asked: Asked, say: Say) -> None:
    """Registers, permissions that last the year, and the days of telemetry that the rounds will drop."""
    load.fill(ground.admin_url, 0, asked.chips * len(CYCLE), shards=64, heard=heard_once())
    load.last(ground.admin_url, SystemClock().now() + timedelta(days=asked.days + 2))
    today, kept = SystemClock().now().date(), _kept_days(_rules(ground))
    first, number = today - timedelta(days=kept), min(asked.days, kept - 36)
    rows = province.fill_past(ground.admin_url, ground.role_url("owner"), first, number, asked.a_day)
    say(f"{asked.chips} chips speak, {asked.a_day} messages a day; {number} old days hold {rows} rows")


@dataclass(frozen=True, slots=True)
class _Hands:
    """What the days are made with."""

    ground: StoreGround
    feeder: Feeder
    product: Product
    clock: Path
    say: Say


def _live(asked: Asked, hands: _Hands) -> Year:
    year, began_s = Year(), time.monotonic()
    settings = MaintainSettings(retention=_rules(hands.ground))
    with ThreadPoolExecutor(1) as keeper:
        for day in range(asked.days):
            move_clock(hands.clock, ahead_s=day * _DAY_S)
            hands.feeder.set_ahead(day * _DAY_S)
            hands.feeder.pace(asked.a_day / (asked.turn_s * _QUIET), (day + 1) * asked.a_day)
            round_ = keeper.submit(_maintain, hands.ground, settings, SystemClock().now() + timedelta(days=day))
            year.sent = _await_day(hands, (day + 1) * asked.a_day)
            done, lasted_s = round_.result()
            year.done.update(done)
            year.rounds_s.append(lasted_s)
            left_s = began_s + (day + 1) * asked.turn_s - time.monotonic()
            year.late_days += left_s < 0
            time.sleep(max(0.0, left_s))
            if day % max(1, asked.days // 24) == 0:
                hands.say(
                    f"day {day + 1} of {asked.days}: {year.sent} messages, {dict(year.done)}, the round {lasted_s:.2f} s"
                )
    return year


def _await_day(hands: _Hands, upto: int) -> int:
    """Until all of the day is committed, so that no chip believes in yesterday."""
    until_s = time.monotonic() + 120
    while (stored := hands.product.done()) < upto:
        if time.monotonic() > until_s:
            raise RuntimeError(f"{upto} messages are on their way, and {stored} are stored after 120 s")
        time.sleep(0.05)
    return int(hands.feeder.report()["sent"])


def _maintain(ground: StoreGround, settings: MaintainSettings, now: datetime) -> tuple[dict[str, int], float]:
    """A real round, as `weldgate maintain` has it every hour; what it did, and how long that took."""
    began_s = time.monotonic()
    done = maintain(ground.role_url("owner"), settings, now)
    return {name: number for name, number in done.items() if number}, time.monotonic() - began_s


def _rules(ground: StoreGround) -> Path:
    """The shipped retention, but for what may go by days: that is kept no longer than the law asks."""
    file = ground.folder / "retention.toml"
    if not file.exists():
        text = re.sub(
            r"(?m)^(\w+ = \{ how = \"partition\", days = )(\d+)(, law_days = (\d+))?",
            _shortest,
            retention.SHIPPED.read_text(),
        )
        file.write_text(text)
    return file


def _shortest(found: re.Match[str]) -> str:
    return f"{found[1]}{found[4] or 180}{found[3] or ''}"


def _kept_days(rules: Path) -> int:
    return retention.in_force(retention.load(rules), SystemClock().now().date()).days("telemetry")


def _pieces(ground: StoreGround) -> dict[str, int]:
    """Partitions or chunks by table."""
    with psycopg.connect(ground.admin_url, autocommit=True) as conn:
        return province.count_pieces(conn)


def _hot(ground: StoreGround) -> dict[str, float]:
    """Of each table that is updated: the share of updates that touched no index (G11 asks it of chip_state)."""
    found = {one.name: one for one in sizes.tables(ground.role_url("owner"))}
    return {name: round(found[name].hot_updates / found[name].updates, 3) for name in _UPDATED if found[name].updates}


def _spread(values: list[float], stall: float = _STALL_MS) -> dict[str, float]:
    values = sorted(values) or [0.0]
    high = values[min(len(values) - 1, len(values) * 99 // 100)]
    return {
        "p50": round(values[len(values) // 2], 2), "p99": round(high, 2), "max": round(values[-1], 2),
        "times": len(values), "over_1s": sum(value > stall for value in values),
    }  # fmt: skip


def _silent(_text: str) -> None:
    return None


def _say(text: str) -> None:
    print(f"year: {text}", file=sys.stderr, flush=True)
