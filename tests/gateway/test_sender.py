"""The gateway: signed bytes, sent once they are asked for, repeated until somebody answers, never after their time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import REGISTRY

from gateway.sender import Broker, Sender
from gateway.settings import GatewaySettings
from schemas.down import SignedDown, decode_down
from schemas.signed import Command, PinnedKeys, SigningKey, Ticket
from tests.database import Database
from tests.ingest.conftest import PLATE, broker, enrol, grant, until
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import SystemClock

__all__ = ["broker"]

PERMIT = Ed25519PrivateKey.generate()
PINNED = PinnedKeys({"permit-1": PERMIT.public_key()}, {})
CHIP = "CHIP0001"


@asynccontextmanager
async def sending(
    database: Database, broker: Mosquitto, where: Broker | None = None, **changed: Any
) -> AsyncIterator[Sender]:
    settings = GatewaySettings(**({"poll_s": 0.1, "send_again_s": 0.5} | changed))
    where = where or Broker(broker.platform.host, broker.platform.port, "gateway", broker.password("gateway"))
    sender = Sender(settings, database.url("gateway"), where, SigningKey("permit-1", PERMIT), SystemClock())
    stop = asyncio.Event()
    task = asyncio.create_task(sender.run(stop))
    try:
        await until(sender.connected.is_set, task)
        yield sender
    finally:
        stop.set()
        await task


@asynccontextmanager
async def listening(broker: Mosquitto) -> AsyncIterator[list[bytes]]:
    """Everything that the chip hears on `down`, as bytes."""
    heard: list[bytes] = []
    async with aiomqtt.Client(broker.chips.host, broker.chips.port, username=CHIP, identifier=CHIP) as client:
        await client.subscribe(f"wg/1/00/{CHIP}/down", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                heard.append(bytes(message.payload))  # noqa: PERF401  (grows while the test looks at it)

        task = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def command(database: Database, kind: str = "ticket", ticket: UUID | None = None, seconds: float = 30) -> UUID:
    """A command row, as the api writes it."""
    made = uuid4()
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO command (id, kind, chip, plate, grant_id, level, counter, by, actor, why, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, 2, 5, 'worker', 'w', 'test', now(), now() + %s)",
            (made, kind, CHIP, PLATE, ticket, timedelta(seconds=seconds)),
        )
    return made


def nonce(database: Database) -> None:
    """The chip has told its nonce."""
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, fold, nonce)"
            " SELECT chip_no, chip, shard, 1, 1, 1, now(), '{}', 'nonce-nonce-nonce' FROM chip"
        )


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def state(database: Database) -> list[tuple[Any, ...]]:
    return database.rows("SELECT state, first_sent_at IS NOT NULL FROM weld.command ORDER BY created_at")


async def test_p18_a_ticket_is_signed_for_the_chip_s_present_nonce(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    nonce(database)
    ticket = grant(database)
    made = command(database, ticket=ticket)
    async with listening(broker) as heard, sending(database, broker):
        await until(lambda: heard)
        words = decode_down(heard[0])
        assert isinstance(words, SignedDown)
        told = PINNED.verify(words.jws, Ticket, CHIP)
        await until(lambda: state(database) == [("sent", True)])
    assert (told.jti, told.cmd, told.nonce, told.counter) == (str(ticket), str(made), "nonce-nonce-nonce", 5)


async def test_p22_the_same_bytes_are_repeated_until_an_answer_or_the_expiry(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    nonce(database)
    command(database, ticket=grant(database), seconds=2)
    async with listening(broker) as heard, sending(database, broker):
        await until(lambda: len(heard) >= 3)
        await asyncio.sleep(2)
        last = len(heard)
        await asyncio.sleep(1.2)
        assert len(heard) == last
    assert len(set(heard)) == 1


async def test_a_ticket_waits_for_the_chip_s_nonce(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    command(database, ticket=grant(database))
    async with listening(broker) as heard, sending(database, broker):
        await asyncio.sleep(1)
        assert heard == []
        assert state(database) == [("queued", False)]
        nonce(database)
        await until(lambda: heard)


async def test_an_order_to_lock_carries_the_new_floor(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    command(database, kind="lock")
    async with listening(broker) as heard, sending(database, broker):
        await until(lambda: heard)
    words = decode_down(heard[0])
    assert isinstance(words, SignedDown)
    told = PINNED.verify(words.jws, Command, CHIP)
    assert (told.action, told.floor, told.by) == ("lock", 5, "worker")


async def test_sent_means_that_the_broker_has_it_and_a_dead_broker_is_waited_for(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with sending(database, broker):
        broker.kill()
        command(database, kind="lock")
        await asyncio.sleep(1)
        assert state(database) == [("queued", False)]
        broker.restart()
        await until(lambda: state(database) == [("sent", True)], seconds=30)


async def test_a_command_that_the_broker_took_while_nobody_listened_is_sent_and_counted(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    before, made = figure("weldgate_gateway_unheard_total"), command(database, kind="lock")
    async with sending(database, broker, send_again_s=30):
        await until(lambda: state(database) == [("sent", True)])
        assert figure("weldgate_gateway_unheard_total") == before + 1
        async with listening(broker):
            database.rows("UPDATE weld.command SET leased_until = NULL WHERE id = %s", made)
            await until(lambda: database.rows("SELECT attempts FROM weld.command") == [(2,)])
            await asyncio.sleep(0.3)
        assert figure("weldgate_gateway_unheard_total") == before + 1


async def test_a_command_that_the_broker_refuses_stays_queued_is_counted_and_tried_again(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    command(database, kind="lock")
    before = figure("weldgate_gateway_failed_total", why="refused")
    stranger = Broker(broker.chips.host, broker.chips.port, "CHIP0002", None)  # whom the access list forbids this topic
    async with sending(database, broker, stranger):
        await until(lambda: figure("weldgate_gateway_failed_total", why="refused") >= before + 2)
        assert state(database) == [("queued", False)]
    async with listening(broker) as heard, sending(database, broker):
        await until(lambda: heard)
        await until(lambda: state(database) == [("sent", True)])


async def test_two_gateways_send_a_command_once(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with (
        listening(broker) as heard,
        sending(database, broker, send_again_s=30),
        sending(database, broker, send_again_s=30),
    ):
        command(database, kind="lock")
        await until(lambda: heard)
        await asyncio.sleep(1)
    assert len(heard) == 1


async def test_an_answered_command_is_sent_no_more(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    made = command(database, kind="lock")
    async with listening(broker) as heard, sending(database, broker):
        await until(lambda: heard)
        with psycopg.connect(database.url("owner"), autocommit=True) as conn:
            conn.execute("UPDATE command SET state = 'done', ended_at = now() WHERE id = %s", (made,))
        await asyncio.sleep(0.2)
        told = len(heard)
        await asyncio.sleep(1.2)
        assert len(heard) == told
