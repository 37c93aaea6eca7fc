"""The fault proxy before a real mosquitto and a real PostgreSQL: each fault does what it says, and nothing else."""

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import aiomqtt
import mqtt5
import psycopg
import pytest

from bench.chaos.frames import Shuffle, kind, split
from bench.chaos.proxy import Proxy, Target
from schemas.signed import PinnedKeys
from simulator.identity import ChipIdentity
from simulator.link import Link
from tests.database import Database
from weld.cli.mosquitto import Mosquitto

CHIP = ChipIdentity("CHIP0001", "00", PinnedKeys({}, {}))
HALF_A_SECOND = 0.5


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with tempfile.TemporaryDirectory(prefix="wgb") as folder:
        Path(folder).chmod(0o755)
        with Mosquitto(Path(folder) / "broker") as running:
            yield running


def dice() -> random.Random:
    return random.Random(7)


@dataclass
class Ear:
    """Ingest's place on the broker: hears what chips say, in the order in which the broker got it."""

    heard: list[bytes] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def listening(cls, broker: Mosquitto) -> AsyncIterator["Ear"]:
        ear, there = cls(), broker.platform
        client = aiomqtt.Client(there.host, there.port, username="ingest", password=broker.password("ingest"))
        async with client:
            await client.subscribe("wg/1/00/+/up", qos=1)
            listening = asyncio.create_task(ear._listen(client))
            try:
                yield ear
            finally:
                listening.cancel()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            self.heard.append(bytes(message.payload))

    async def hears(self, number: int) -> list[bytes]:
        async with asyncio.timeout(10):
            while len(self.heard) < number:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        return self.heard


@asynccontextmanager
async def talking(proxy: Proxy) -> AsyncIterator[tuple[Link, asyncio.Event]]:
    """A chip behind the proxy, and whether it noticed that its connection is gone."""
    lost = asyncio.Event()
    link = await Link.open(CHIP, "127.0.0.1", proxy.port, b"{}", lambda _: None, lost.set)
    try:
        yield link, lost
    finally:
        link.abort()


def words(number: int) -> list[bytes]:
    return [b"word %d" % n for n in range(number)]


async def test_without_a_fault_everything_passes_in_order(broker: Mosquitto) -> None:
    async with (
        Ear.listening(broker) as ear,
        Proxy(Target(port=broker.chips.port), dice(), mqtt=True) as proxy,
        talking(proxy) as (link, _),
    ):
        for word in words(200):
            link.publish(word)
        assert await ear.hears(200) == words(200)


async def test_a_delay_keeps_the_order(broker: Mosquitto) -> None:
    async with (
        Ear.listening(broker) as ear,
        Proxy(Target(port=broker.chips.port), dice()) as proxy,
        talking(proxy) as (link, _),
    ):
        proxy.faults.delay_s = proxy.faults.jitter_s = HALF_A_SECOND / 2
        began_s = time.monotonic()
        for word in words(20):
            link.publish(word)
            await asyncio.sleep(0.01)
        assert await ear.hears(20) == words(20)
        assert time.monotonic() - began_s > HALF_A_SECOND / 2


async def test_a_narrow_line_takes_its_time(broker: Mosquitto) -> None:
    async with (
        Ear.listening(broker) as ear,
        Proxy(Target(port=broker.chips.port), dice()) as proxy,
        talking(proxy) as (link, _),
    ):
        proxy.faults.bytes_per_s = 20_000
        began_s = time.monotonic()
        for _ in range(10):
            link.publish(b"x" * 1000)
        await ear.hears(10)
        assert time.monotonic() - began_s > HALF_A_SECOND * 0.9


async def test_duplicates_arrive_twice_and_the_chip_stays_connected(broker: Mosquitto) -> None:
    async with (
        Ear.listening(broker) as ear,
        Proxy(Target(port=broker.chips.port), dice(), mqtt=True) as proxy,
        talking(proxy) as (link, lost),
    ):
        proxy.faults.duplicate = 1.0
        for word in words(50):
            link.publish(word)
        assert await ear.hears(100) == [word for word in words(50) for _ in range(2)]
        assert not lost.is_set()


async def test_neighbours_change_places_and_none_waits_for_ever(broker: Mosquitto) -> None:
    async with (
        Ear.listening(broker) as ear,
        Proxy(Target(port=broker.chips.port), dice(), mqtt=True) as proxy,
        talking(proxy) as (link, _),
    ):
        proxy.faults.reorder = 1.0
        for word in words(5):
            link.publish(word)
            await asyncio.sleep(0.02)
        heard = await ear.hears(5)
        assert heard == [b"word 1", b"word 0", b"word 3", b"word 2", b"word 4"]


async def test_a_cut_ends_both_sides_and_the_next_connection_works(broker: Mosquitto) -> None:
    async with Ear.listening(broker) as ear, Proxy(Target(port=broker.chips.port), dice()) as proxy:
        for how in ("cut", "reset"):
            async with talking(proxy) as (_, lost):
                proxy.end(proxy.some(1.0), how)
                await asyncio.wait_for(lost.wait(), 5)
        async with talking(proxy) as (link, _):
            link.publish(b"again")
            assert await ear.hears(1) == [b"again"]


async def test_a_reset_is_one(broker: Mosquitto) -> None:
    async with Proxy(Target(port=broker.chips.port), dice()) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await asyncio.sleep(0.1)
        proxy.end(proxy.some(1.0), "reset")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await asyncio.sleep(0.1)
        proxy.end(proxy.some(1.0), "cut")
        assert await reader.read() == b""
        writer.close()


async def test_half_open_says_nothing_to_either_side_until_it_is_ended(broker: Mosquitto) -> None:
    async with (
        Ear.listening(broker) as ear,
        Proxy(Target(port=broker.chips.port), dice()) as proxy,
        talking(proxy) as (link, lost),
    ):
        lanes = proxy.some(1.0)
        proxy.freeze(lanes)
        link.publish(b"into the void")
        await asyncio.sleep(HALF_A_SECOND)
        assert ear.heard == []
        assert not lost.is_set()
        proxy.end(lanes, "reset")
        await asyncio.wait_for(lost.wait(), 5)


async def test_a_server_that_is_gone_looks_gone(broker: Mosquitto) -> None:
    with contextlib.ExitStack() as exits:
        folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="wgp"))
        async with Proxy(Target(path=Path(folder) / "nobody"), dice()) as proxy:
            reader, _ = await asyncio.open_connection("127.0.0.1", proxy.port)
            with pytest.raises(ConnectionResetError):
                await reader.read()


# -- PostgreSQL: behind its socket, before it a port


def behind(database: Database) -> Target:
    words = parse_qs(urlsplit(database.server_url).query)
    return Target(path=Path(words["host"][0]) / f".s.PGSQL.{words['port'][0]}")


def through(database: Database, proxy: Proxy) -> str:
    parts = urlsplit(database.url("owner"))
    who = parts.netloc.rpartition("@")[0]
    return urlunsplit((parts.scheme, f"{who}@127.0.0.1:{proxy.port}", parts.path, "sslmode=disable", ""))


async def ask(conn: psycopg.AsyncConnection) -> int:
    row = await (await conn.execute("SELECT 41 + 1")).fetchone()
    assert row is not None
    return int(row[0])


async def test_postgresql_answers_through_the_proxy_and_notices_a_cut(database: Database) -> None:
    async with Proxy(behind(database), dice()) as proxy:
        for how in ("cut", "reset"):
            async with await psycopg.AsyncConnection.connect(through(database, proxy), autocommit=True) as conn:
                assert await ask(conn) == 42
                proxy.end(proxy.some(1.0), how)
                with pytest.raises(psycopg.OperationalError):
                    await ask(conn)


async def test_a_slow_postgresql_is_only_slow(database: Database) -> None:
    async with (
        Proxy(behind(database), dice()) as proxy,
        await psycopg.AsyncConnection.connect(through(database, proxy), autocommit=True) as conn,
    ):
        proxy.faults.delay_s = HALF_A_SECOND / 2
        began_s = time.monotonic()
        assert await ask(conn) == 42
        assert time.monotonic() - began_s > HALF_A_SECOND * 0.95  # there and back
        proxy.faults.heal()
        proxy.faults.bytes_per_s = 100_000
        (filled,) = await (await conn.execute("SELECT repeat('x', 50000)")).fetchone() or ("",)
        assert len(filled) == 50_000


async def test_a_frozen_postgresql_holds_its_client_until_it_is_ended(database: Database) -> None:
    async with (
        Proxy(behind(database), dice()) as proxy,
        await psycopg.AsyncConnection.connect(through(database, proxy), autocommit=True) as conn,
    ):
        lanes = proxy.some(1.0)
        proxy.freeze(lanes)
        asking = asyncio.create_task(ask(conn))
        await asyncio.sleep(HALF_A_SECOND)
        assert not asking.done()
        proxy.end(lanes, "reset")
        with pytest.raises(psycopg.OperationalError):
            await asking


# -- packets


def publish(word: bytes, packet_id: int = 1) -> bytes:
    return mqtt5.PublishPacket("t", word, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id).write()


def test_packets_are_split_wherever_the_bytes_are_cut() -> None:
    row = [mqtt5.PingReqPacket().write(), publish(b"a"), publish(b"b" * 200), publish(b"c" * 20_000)]
    whole = b"".join(row)
    for size in (1, 2, 3, 127, 5000, len(whole)):
        packets, rest = [], b""
        for start in range(0, len(whole), size):
            more, rest = split(rest + whole[start : start + size])
            packets += more
        assert packets == row
        assert rest == b""
    assert [kind(packet) for packet in row] == [12, 3, 3, 3]


def test_a_length_that_mqtt_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="four bytes"):
        split(b"\x30\xff\xff\xff\xff\x01")


def test_the_same_seed_shuffles_in_the_same_way() -> None:
    row = [publish(b"%d" % n, n + 1) for n in range(100)]
    results = []
    for _ in range(2):
        shuffle = Shuffle(dice())
        results.append(b"".join(shuffle.feed(packet, 0.3, 0.3) for packet in row) + shuffle.flush())
    assert results[0] == results[1]
    packets, _ = split(results[0])
    assert sorted(set(packets)) == sorted(row)
    assert len(packets) == len(row) + shuffle.duplicated
    assert shuffle.reordered > 10


def test_another_packet_pushes_out_the_one_that_waits() -> None:
    shuffle, ping = Shuffle(dice()), mqtt5.PingReqPacket().write()
    assert shuffle.feed(publish(b"a"), 0.0, 1.0) == b""
    assert shuffle.holds
    assert shuffle.feed(ping, 0.0, 1.0) == publish(b"a") + ping
