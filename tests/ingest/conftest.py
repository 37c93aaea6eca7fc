"""A real broker, real workers and chips that say exactly what a test wants, for tests of ingest."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ingest.mqtt import Address
from ingest.settings import IngestSettings
from ingest.worker import Worker
from schemas import chip as wire
from schemas import down, topics
from schemas.decode import encode
from schemas.signed import BootReply, PinnedKeys, SigningKey, Stored
from tests.database import Database
from weld.cli.installation import key_id
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import Clock, SystemClock
from weld.store import leases
from weld.store.connect import Conn, connect

PLATE = "41050200000000001"
SERVICE = Ed25519PrivateKey.generate()
KEY = SigningKey(key_id(SERVICE), SERVICE)
PINNED = PinnedKeys({}, {KEY.kid: SERVICE.public_key()})
Condition = Callable[[], Any]

# What a chip says of itself when it boots.
BOOT: dict[str, Any] = {
    "model": "T1",
    "firmware": "1.0",
    "cause": "power",
    "config_version": 1,
    "contact": "open",
    "nonce": "n" * 16,
}


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    """A broker of this test's own."""
    with tempfile.TemporaryDirectory(prefix="wgb") as folder:
        Path(folder).chmod(0o755)
        with Mosquitto(Path(folder) / "broker") as running:
            yield running


def enrol(database: Database, chip: str = "CHIP0001", plate: str = PLATE, shard: str = "00") -> str:
    """A division, a machine and its chip, straight into the registers."""
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO division (code, name_zh, name_en, path) VALUES ('410502', '文峰区', 'Wenfeng', '410502')"
            " ON CONFLICT DO NOTHING"
        )
        conn.execute("INSERT INTO chip (chip, shard, model) VALUES (%s, %s, 'T1')", (chip, shard))
        conn.execute(
            "INSERT INTO machine (plate, chip, division, maker, model, serial) VALUES (%s, %s, '410502', 'M', 'ZX7', '1')",
            (plate, chip),
        )
        conn.execute("INSERT INTO binding (chip, plate, since) VALUES (%s, %s, '2020-01-01')", (chip, plate))
    return chip


def grant(database: Database, chip: str = "CHIP0001", plate: str = PLATE, hours: float = 4) -> UUID:
    """A worker with a live grant for a machine; its id is the ticket's."""
    worker, ticket = uuid4(), uuid4()
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO worker (id, division, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index)"
            " VALUES (%s, '410502', '', '', %s, '', %s)",
            (worker, worker.bytes, worker.bytes),
        )
        conn.execute(
            "INSERT INTO unlock_grant (id, worker, plate, chip, division, checks, rules_version, presence, created_at,"
            " expires_at, longest_s) VALUES (%s, %s, %s, %s, '410502', '[]', 1, 'none', now(), now() + %s, 14400)",
            (ticket, worker, plate, chip, timedelta(hours=hours)),
        )
    return ticket


@asynccontextmanager
async def working(
    database: Database, broker: Mosquitto, clock: Clock | None = None, **changed: Any
) -> AsyncIterator[Worker]:
    """A running worker that has connected to all that it holds, with short waits, stopped in order at the end."""
    async with starting(database, broker, clock, **changed) as worker:
        await until(lambda: len(worker.groups) == worker.settings.groups and connected(worker))
        yield worker


@asynccontextmanager
async def starting(
    database: Database, broker: Mosquitto, clock: Clock | None = None, **changed: Any
) -> AsyncIterator[Worker]:
    """A worker that may still wait for groups."""
    quick = {"shards": 2, "lease_s": 2.0, "stored_after_s": 0.2, "resend_after_s": 0.3, "watch_every_s": 0.3}
    if clock is not None and not isinstance(clock, SystemClock):  # a time of its own, which the database does not know
        quick["ingest_clock_off_max_s"] = 1e12
    settings = IngestSettings(**(quick | changed))
    address = Address(broker.platform.host, broker.platform.port, "ingest", broker.password("ingest").encode())
    worker = Worker(settings, database.url("ingest"), address, KEY, clock or SystemClock())
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def two(database: Database) -> AsyncIterator[tuple[Conn, Conn]]:
    """Two connections of ingest, as two owners have them, and one group."""
    one = await connect(database.url("ingest"), "ingest one")
    other = await connect(database.url("ingest"), "ingest two")
    async with one, other:
        await leases.make(one, "one", ["00"])
        yield one, other


def connected(worker: Worker) -> bool:
    """Whether it reads all that it holds."""
    return all(group.link and group.link.alive for group in worker.groups.values())


async def until(condition: Condition, *tasks: asyncio.Task[Any], seconds: float = 20) -> Any:
    """Wait for something to become true; fails at once when one of the tasks has failed."""
    async with asyncio.timeout(seconds):
        while not (value := condition()):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
    return value


@dataclass
class Talker:
    """A chip that says what a test tells it to, over the broker's own door for chips."""

    client: aiomqtt.Client
    chip: str
    shard: str = "00"
    boot: int = 1
    up: int = 0
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(seconds=30))
    heard: list[Any] = field(default_factory=list)
    sent: dict[tuple[int, int], bytes] = field(default_factory=dict)
    clock: str = "synced"

    def __post_init__(self) -> None:
        self._seq = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def connected(cls, broker: Mosquitto, chip: str = "CHIP0001", **words: Any) -> AsyncIterator["Talker"]:
        client = aiomqtt.Client(
            broker.chips.host, broker.chips.port, username=chip, identifier=chip, protocol=aiomqtt.ProtocolVersion.V5
        )
        async with client:
            talker = cls(client, chip, **words)
            await client.subscribe(f"wg/1/{talker.shard}/{chip}/down", qos=1)
            listening = asyncio.create_task(talker.listen())
            try:
                yield talker
            finally:
                listening.cancel()

    def restart(self) -> None:
        """A new boot begins at sequence number 1."""
        self._seq = itertools.count(1)

    async def listen(self) -> None:
        async for message in self.client.messages:
            words = down.decode_down(bytes(message.payload))
            if isinstance(words, down.Resend):
                self.heard.append(words)
            elif words.kind == "stored":
                self.heard.append(PINNED.verify(words.jws, Stored, self.chip))
            elif words.kind == "boot_reply":
                self.heard.append(PINNED.verify(words.jws, BootReply, self.chip))

    def of(self, kind: type) -> list[Any]:
        """What was heard of one kind."""
        return [words for words in self.heard if isinstance(words, kind)]

    def stored_upto(self, boot: int | None = None) -> int:
        """The highest confirmation of a boot."""
        wanted = self.boot if boot is None else boot
        return max((words.upto for words in self.of(Stored) if words.boot == wanted), default=0)

    def make(self, kind: type[Any], seq: int | None = None, up: int | None = None, **words: Any) -> wire.Message:
        """A message of the next sequence number, one second after the last."""
        if up is None:
            self.up += 1000
        at = None if self.clock == "unset" else int((self.start.timestamp()) * 1000) + (up or self.up)
        envelope = {
            "boot": self.boot,
            "seq": seq or next(self._seq),
            "at": at,
            "up": up or self.up,
            "clock": self.clock,
        }
        message: wire.Message = kind(**(envelope | words))
        return message

    async def say(self, kind: type[Any], **words: Any) -> wire.Message:
        """Make a message and publish it."""
        message = self.make(kind, **words)
        await self.publish(message)
        return message

    async def publish(self, message: wire.Message | bytes, **_: Any) -> None:
        """Publish one message, or any bytes, on the chip's own topic."""
        payload = message if isinstance(message, bytes) else encode(message)
        if not isinstance(message, bytes):
            self.sent[message.boot, message.seq] = payload
        await self.client.publish(topics.build(self.shard, self.chip, "up"), payload, qos=1)

    async def event(self, happening: Any, **words: Any) -> wire.Message:
        """Say that something happened."""
        return await self.say(wire.Event, event=happening, **words)

    async def boots(self, **words: Any) -> wire.Message:
        """The first message of a boot."""
        return await self.say(wire.BootUp, **(BOOT | words))

    def samples(self, arc_ms: int = 0, contact: str | None = "open", session: str | None = None, **words: Any) -> Any:
        """A telemetry message over the second before its `up`."""
        amps = 180.0 if arc_ms else 0.0
        content: dict[str, Any] = {
            "from_up": self.up, "step_ms": 1000, "current_a": [amps], "peak_a": [amps], "voltage_v": [24.0 if arc_ms else 0.0],
            "arc_ms": [arc_ms], "state": "arcing" if arc_ms else "locked", "contact": contact, "energy_wh": 1.0,
            "mains": True, "session": session,
        }  # fmt: skip
        return self.make(wire.Telemetry, **(content | words))


def telemetry_of(database: Database) -> list[tuple[int, int]]:
    """All stored keys."""
    return [
        (row[0], row[1])
        for row in database.rows(
            "SELECT boot, seq FROM weld.telemetry UNION ALL SELECT boot, seq FROM weld.event ORDER BY 1, 2"
        )
    ]


__all__ = ["Talker", "broker", "enrol", "grant", "msgspec", "telemetry_of", "until", "working"]
