"""`weldgate bench soak`: a steady load for long, and how ingest and the database fare meanwhile.

A line a minute: rate, how long messages waited, memory, how the tables grow, how vacuum keeps up. Refuses a verdict.
"""

import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bench import usage
from bench.domain_path import heard_once
from bench.feeder import Feeder
from bench.ground import Ground
from bench.product import Product
from bench.publisher import Load
from weld.kit.settings import Settings
from weld.store import load, sizes

_LAG = re.compile(r'weldgate_ingest_lag_ms_bucket\{le="([^"]+)"\} (\S+)')
_LOOKED_AT = ("telemetry", "event", "chip_state", "session", "machine_day", "arc")


@dataclass(frozen=True, slots=True)
class Minute:
    """One look. `lag_*_ms` are of the batches since the last one: from reading a batch's oldest message to its commit."""

    at_s: float
    stored: int
    rate: float
    lag_p50_ms: float
    lag_p99_ms: float
    ingest_mb: float
    postgres_mb: float
    mosquitto_mb: float
    cpu_us: dict[str, float]


def run(chips: int, rate: float, minutes: float) -> int:
    """The load and the looks; the last line of stdout is JSON."""
    with Ground.make("soak") as ground:
        load.fill(ground.admin_url, 0, chips, shards=Settings().shards, heard=heard_once())
        _say(f"{chips} machines are in the registers")
        maintain = ground.start("maintain")
        maintain.wait_ready()
        product = Product(ground)
        with Feeder(Load(chips), ground.mosquitto) as feeder:
            feeder.pace(rate)
            looks = list(_minutes(product, minutes))
            feeder.pace(0)
            drained = _drain(feeder, product)
            report = feeder.report()
        tables = [one for one in sizes.tables(ground.role_url("owner")) if one.name in _LOOKED_AT]
    told = {"minutes": [asdict(look) for look in looks], "tables": {one.name: one._asdict() for one in tables}}
    print(json.dumps(told | {"sent": report["sent"], "stored": product_total(looks), "drained": drained}))
    return 0 if drained else 1


def product_total(looks: list[Minute]) -> int:
    """What was stored by the last look."""
    return looks[-1].stored if looks else 0


def _drain(feeder: Feeder, product: Product) -> bool:
    until_s = time.monotonic() + 120
    while time.monotonic() < until_s:
        if product.done() == feeder.report()["sent"]:
            return True
        time.sleep(0.5)
    return False


def _minutes(product: Product, minutes: float) -> Iterator[Minute]:
    began_s, every_s = time.monotonic(), min(60.0, minutes * 60 / 2)
    stored, used, lags = product.done(), usage.cpu_of(product.processes), _lags(product)
    seen_s = began_s
    while seen_s - began_s < minutes * 60:
        time.sleep(every_s)
        now_s, now_stored, now_used, now_lags = (
            time.monotonic(), product.done(), usage.cpu_of(product.processes), _lags(product),
        )  # fmt: skip
        done = max(1, now_stored - stored)
        cpu_us = {name: round((now_used[name] - used[name]) * 1e6 / done, 1) for name in used}
        since = {limit: count - lags.get(limit, 0.0) for limit, count in now_lags.items()}
        memory = {name: usage.rss_mb(pid) for name, pid in product.processes.items()}
        look = Minute(
            round(now_s - began_s, 1), now_stored, round(done / (now_s - seen_s), 1),
            _quantile(since, 0.5), _quantile(since, 0.99),
            round(memory["ingest"], 1), round(memory["postgres"], 1), round(memory["mosquitto"], 1), cpu_us,
        )  # fmt: skip
        _say(
            f"{look.at_s / 60:5.1f} min  {look.rate:7.0f}/s  lag p99 <= {look.lag_p99_ms:.0f} ms  ingest {look.ingest_mb:.0f} MB"
        )
        yield look
        seen_s, stored, used, lags = now_s, now_stored, now_used, now_lags


def _lags(product: Product) -> dict[float, float]:
    with urllib.request.urlopen(f"{product.child.door}/metrics", timeout=30) as answer:  # noqa: S310  (our own door)
        return {float(limit): float(count) for limit, count in _LAG.findall(answer.read().decode())}


def _quantile(buckets: dict[float, float], share: float) -> float:
    """The upper end of the bucket in which this share is reached."""
    total = max(buckets.values(), default=0.0)
    return next((limit for limit, count in sorted(buckets.items()) if count >= share * total), 0.0)


def _say(line: str) -> None:
    print(f"soak: {line}", file=sys.stderr, flush=True)
