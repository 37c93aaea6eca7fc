"""What the broker drops is seen at the gateway's door, and said in its log once for each rise."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiomqtt
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from gateway import figures
from gateway.broker import Limits
from gateway.figures import Drops
from gateway.main import serve
from gateway.sender import Broker
from gateway.settings import GatewaySettings
from schemas.signed import SigningKey
from tests.database import Database
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import SystemClock

UP = "wg/1/0a/CHIP0001/up"


def test_only_what_is_new_is_counted() -> None:
    drops = Drops()
    assert [drops.new(count) for count in (500, 500, 503, 510)] == [0, 0, 3, 7]


def test_a_broker_that_starts_again_counts_from_0() -> None:
    drops = Drops()
    assert [drops.new(count) for count in (500, 0, 4, 2)] == [0, 0, 4, 2]


@pytest.fixture
def small() -> Iterator[Mosquitto]:
    """A broker that keeps five messages for each reader and tells its figures every second."""
    limits = replace(Limits(), max_queued_messages=5, max_inflight_messages=1, sys_interval_s=1)
    with tempfile.TemporaryDirectory(prefix="wgb") as folder:
        Path(folder).chmod(0o755)
        with Mosquitto(Path(folder) / "broker", limits=limits) as running:
            yield running


async def until(condition: Callable[[], bool], task: "asyncio.Task[None] | None" = None) -> None:
    """Wait for something to become true; fails at once when the task has failed."""
    async with asyncio.timeout(20):
        while not condition():
            if task is not None and task.done():
                task.result()
            await asyncio.sleep(0.02)


def _where(broker: Mosquitto) -> Broker:
    return Broker(broker.platform.host, broker.platform.port, "gateway", broker.password("gateway"))


async def _overflow(broker: Mosquitto, messages: int) -> None:
    """A reader that went away, and then more for him than the broker keeps."""
    ears = aiomqtt.Client(
        broker.platform.host, broker.platform.port, username="ingest", password=broker.password("ingest"),
        identifier="wg-ingest-0a", clean_session=False,
    )  # fmt: skip
    async with ears:
        await ears.subscribe("wg/1/0a/+/up", qos=1)
    async with aiomqtt.Client(broker.chips.host, broker.chips.port, username="CHIP0001") as chip:
        for number in range(messages):
            await chip.publish(UP, str(number), qos=1)


@asynccontextmanager
async def _serving(database: Database, broker: Mosquitto) -> AsyncIterator[str]:
    """The gateway process with its door; the address of its metrics."""
    stop = asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="wgd") as folder:
        told = Path(folder) / "door"
        key = SigningKey("permit-1", Ed25519PrivateKey.generate())
        settings = GatewaySettings(door_port=0, poll_s=0.1)
        run = serve(settings, database.url("gateway"), _where(broker), key, SystemClock(), stop, told)
        task = asyncio.create_task(run)
        try:
            await until(told.exists, task)
            yield f"{told.read_text()}/metrics"
        finally:
            stop.set()
            await task


async def _metric(address: str, name: str) -> float:
    async with httpx.AsyncClient() as client:
        text = (await client.get(address)).text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


async def test_what_the_broker_drops_is_seen_at_the_gateways_door(database: Database, small: Mosquitto) -> None:
    async with _serving(database, small) as door:
        await until(lambda: figures.HEARD._value.get() == 1)
        before = await _metric(door, "weldgate_broker_dropped_total")
        with capture_logs() as logs:
            await _overflow(small, 45)  # five wait: forty have no room
            await until(lambda: figures.DROPPED._value.get() >= before + 40)
            await asyncio.sleep(2.2)  # two more looks: nothing new, nothing said
        assert await _metric(door, "weldgate_broker_dropped_total") == before + 40
        assert await _metric(door, "weldgate_broker_heard") == 1
        assert await _metric(door, "weldgate_broker_clients") >= 2
        assert await _metric(door, "weldgate_broker_kept_messages") >= 5
        assert await _metric(door, "weldgate_broker_heap_bytes") > 10_000
        said = [line for line in logs if line["event"] == "broker_dropped"]
        assert sum(line["messages"] for line in said) == 40
        assert len(said) <= 2
        assert {line["log_level"] for line in said} == {"warning"}


async def test_a_broker_that_dies_is_waited_for_and_its_new_count_is_understood(small: Mosquitto) -> None:
    task = asyncio.create_task(figures.watch(_where(small)))
    try:
        await until(lambda: figures.HEARD._value.get() == 1, task)
        before = figures.DROPPED._value.get()
        await _overflow(small, 15)
        await until(lambda: figures.DROPPED._value.get() == before + 10, task)
        small.kill()
        await until(lambda: figures.HEARD._value.get() == 0, task)
        small.restart()
        await until(lambda: figures.HEARD._value.get() == 1, task)
        await _overflow(small, 8)
        await until(lambda: figures.DROPPED._value.get() == before + 13, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
