"""Whatever dies: nothing lost, nothing twice, and the same sessions in any order of arrival."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import structs

from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import SERVICE, Talker, connected, enrol, grant, starting, telemetry_of, until, working
from weld.cli.mosquitto import Mosquitto
from weld.store import leases
from weld.store.connect import connect


@contextmanager
def process(
    database: Database, broker: Mosquitto, folder: Path, name: str = "ingest"
) -> Iterator[subprocess.Popen[bytes]]:
    """A real ingest process, as `weldgate up` starts it."""
    key = folder / "service.pem"
    key.write_bytes(SERVICE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    environment = os.environ | {
        "WELDGATE_PROCESS_DATABASE_URL": database.url("ingest"),
        "WELDGATE_PROCESS_MQTT_URL": broker.platform_url("ingest"),
        "WELDGATE_KEY_FILE": str(key),
        "WELDGATE_ADDRESS_FILE": str(folder / f"{name}.address"),
        "WELDGATE_DOOR_PORT": "0",
        "WELDGATE_SHARDS": "2",
        "WELDGATE_LEASE_S": "2",
        "WELDGATE_STORED_AFTER_S": "0.2",
        "WELDGATE_RESEND_AFTER_S": "0.5",
    }
    words = [sys.executable, "-m", "weld.cli.main", "ingest"]
    with (folder / f"{name}.log").open("w") as log:
        running = subprocess.Popen(words, env=environment, stderr=log, stdout=log)
        try:
            _wait_ready(running, folder / f"{name}.address")
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(15)


def _wait_ready(running: subprocess.Popen[bytes], address: Path) -> None:
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s and running.poll() is None:
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"{address.read_text()}/ready", timeout=2).status == 200:
                return
        time.sleep(0.05)
    raise AssertionError("ingest did not become ready")


async def burst(chip: Talker, messages: int, session: str) -> None:
    for _ in range(messages):
        await chip.publish(chip.samples(700, "closed", session))


def sums(database: Database) -> list[tuple[int, ...]]:
    """What the sessions and the days say; of two days where the zone's midnight was in between."""
    return [
        *database.rows("SELECT arc_ms, covered_ms FROM weld.session"),
        *database.rows(
            "SELECT sum(arc_ms)::int, sum(covered_ms)::int, sum(messages)::int, sum(sessions)::int FROM weld.machine_day"
        ),
    ]


async def test_kill_9_of_ingest_in_a_burst_loses_nothing_and_doubles_nothing(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    enrol(database)
    ticket, session = grant(database), str(uuid4())
    async with Talker.connected(broker, start=datetime.now(UTC) - timedelta(seconds=700)) as chip:
        with process(database, broker, tmp_path) as first:
            await chip.boots()
            await until(lambda: chip.heard, seconds=30)
            await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
            sending = asyncio.create_task(burst(chip, 600, session))
            await until(lambda: len(telemetry_of(database)) > 40)
            first.kill()
            await sending
        with process(database, broker, tmp_path):
            await until(lambda: chip.stored_upto() == 602, seconds=40)
    assert telemetry_of(database) == [(1, seq) for seq in range(1, 603)]
    assert sums(database) == [(420_000, 600_000), (420_000, 600_000, 600, 1)]
    assert database.rows("SELECT count(*) FROM weld.alert") == [(0,)]


async def test_a_second_worker_takes_over_what_a_killed_one_held(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    enrol(database)
    async with Talker.connected(broker) as chip:
        with process(database, broker, tmp_path) as first:
            await chip.boots()
            await until(lambda: chip.stored_upto() == 1, seconds=30)
            await chip.event(wire.CurrentWhileOpen(from_up=chip.up, peak_a=100.0))
            await until(lambda: chip.stored_upto() == 2)
            async with starting(database, broker) as second:
                first.kill()
                await chip.event(wire.CurrentWhileOpen(from_up=chip.up, peak_a=100.0))
                await until(lambda: chip.stored_upto() == 3, seconds=30)
                assert {group.epoch for group in second.groups.values()} == {2}
    assert database.rows("SELECT code, occurrences FROM weld.alert") == [("D01", 2)]


async def test_sigterm_hands_the_leases_back_at_once(database: Database, broker: Mosquitto, tmp_path: Path) -> None:
    enrol(database)
    with process(database, broker, tmp_path) as running:
        await until(lambda: database.rows("SELECT 1 FROM weld.lease WHERE expires_at > now()"), seconds=30)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    assert database.rows("SELECT count(*) FROM weld.lease WHERE expires_at > now()") == [(0,)]


async def test_an_old_owner_that_wakes_up_writes_nothing(database: Database) -> None:
    """The fence: the epoch is checked in the transaction itself."""
    one, two = await connect(database.url("ingest"), "one"), await connect(database.url("ingest"), "two")
    async with one, two:
        await leases.make(one, "one", ["00"])
        old = await leases.acquire(one, "one", 1, ["00"], 1, 0.05)
        await asyncio.sleep(0.1)
        new = await leases.acquire(two, "two", 1, ["00"], 1, 5)
        assert (old["00"], new["00"]) == (1, 2)
        async with one.transaction():
            assert await leases.hold(one, old) == set()
        async with two.transaction():
            assert await leases.hold(two, new) == {"00"}


async def test_stored_fills_what_a_killed_broker_lost(database: Database, broker: Mosquitto) -> None:
    """A PUBACK of the broker is not durable: what it lost is published again, because nobody confirmed it (P13)."""
    enrol(database)
    ticket, session = grant(database), str(uuid4())
    async with working(database, broker) as worker:
        async with Talker.connected(broker) as chip:
            await chip.boots()
            await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
            await burst(chip, 50, session)
            sent, boot, up, start = chip.sent, chip.boot, chip.up, chip.start
            broker.kill()
        broker.restart()
        await until(lambda: connected(worker))
        async with Talker.connected(broker, boot=boot, up=up, start=start) as again:
            for payload in sent.values():
                await again.publish(payload)
            await until(lambda: again.stored_upto() == 52, seconds=30)
    assert telemetry_of(database) == [(1, seq) for seq in range(1, 53)]
    assert sums(database) == [(35_000, 50_000), (35_000, 50_000, 50, 1)]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_any_order_of_arrival_leaves_the_same_books(database: Database, broker: Mosquitto, seed: int) -> None:
    enrol(database)
    ticket, first, second = grant(database), str(uuid4()), str(uuid4())
    async with working(database, broker, resend_after_s=60), Talker.connected(broker) as chip:
        life = _life(chip, str(ticket), first, second)
        order = list(life)
        random.Random(seed).shuffle(order)
        for message in order + order[::3]:
            await chip.publish(message)
        await until(lambda: chip.stored_upto() == len(life), seconds=30)
    rows = database.rows(
        "SELECT id::text, state, end_reason, arc_ms, covered_ms, contact_ms, authorised FROM weld.session ORDER BY opened_at"
    )
    assert rows == [
        (first, "closed", "worker", 1400, 4000, 4000, True),
        (second, "closed", "idle", 700, 2000, 2000, True),
    ]
    # the idle second may still wait in the chip's state for its quarter of an hour to end
    assert database.rows(
        "SELECT d.arc_ms, d.covered_ms + s.idle_ms, d.messages + s.idle_messages, d.sessions"
        " FROM weld.machine_day d, weld.chip_state s"
    ) == [(2100, 7000, 7, 2)]
    assert database.rows("SELECT count(*), sum(arc_ms) FROM weld.arc") == [(1, 1400)]
    assert database.rows("SELECT count(*) FROM weld.alert WHERE NOT historical") == [(0,)]


def _life(chip: Talker, ticket: str, first: str, second: str) -> list[wire.Message]:
    """Two sessions with a pause between them, in true order."""

    def event(happening: object) -> wire.Message:
        return chip.make(wire.Event, event=happening, up=chip.up)

    boot: dict[str, Any] = {
        "model": "T",
        "firmware": "1",
        "cause": "power",
        "config_version": 1,
        "contact": "open",
        "nonce": "n" * 16,
    }
    life = [chip.make(wire.BootUp, **boot), event(wire.RelayClosed(session=first, ticket=ticket))]
    life.append(event(wire.ArcStarted(from_up=chip.up, contact="closed", session=first)))
    life += [chip.samples(arc_ms, "closed", first) for arc_ms in (700, 700, 0, 0)]
    life.append(event(wire.ArcEnded(from_up=1000, to_up=3000, arc_ms=1400, peak_a=180.0, session=first)))
    life.append(event(wire.RelayOpened(reason="worker", session=first)))
    life.append(chip.samples(0, "open"))
    life.append(event(wire.RelayClosed(session=second, ticket=ticket)))
    life += [chip.samples(arc_ms, "closed", second) for arc_ms in (700, 0)]
    life.append(event(wire.RelayOpened(reason="idle", session=second)))
    return life


async def test_late_data_may_open_a_historical_finding_only(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.publish(chip.samples(1000, "open", late=True))
        await until(lambda: chip.stored_upto() == 2)
    assert database.rows("SELECT code, historical FROM weld.alert") == [("D01", True)]
    assert database.rows("SELECT count(*) FROM weld.outbox") == [(0,)]


async def test_a_historical_episode_that_goes_on_live_pages_after_all(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.publish(chip.samples(1000, "open", late=True))
        await until(lambda: chip.stored_upto() == 2)
        await chip.publish(chip.samples(1000, "open"))
        await until(lambda: chip.stored_upto() == 3)
    assert database.rows("SELECT code, historical, occurrences FROM weld.alert") == [("D01", False, 2)]
    assert database.rows("SELECT count(*) FROM weld.outbox") == [(1,)]


async def test_the_database_may_die_and_come_back_under_load(database: Database, broker: Mosquitto) -> None:
    """Connections cut by the server: the batch is tried again with fresh memory, and nothing is doubled."""
    enrol(database)
    ticket, session = grant(database), str(uuid4())
    start = datetime.now(UTC) - timedelta(seconds=400)
    async with working(database, broker), Talker.connected(broker, start=start) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        sending = asyncio.create_task(burst(chip, 300, session))
        for _ in range(5):
            await asyncio.sleep(0.05)
            with psycopg.connect(database.admin_url, autocommit=True) as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name LIKE 'weldgate ingest%'"
                )
        await sending
        await until(lambda: chip.stored_upto() == 302, seconds=40)
    assert telemetry_of(database) == [(1, seq) for seq in range(1, 303)]
    assert sums(database) == [(210_000, 300_000), (210_000, 300_000, 300, 1)]


async def test_a_review_that_waited_for_a_batch_does_not_undo_it(database: Database, broker: Mosquitto) -> None:
    """The watchdog writes a chip as it is when its turn comes, not as it was when it asked."""
    enrol(database)
    async with working(database, broker, watch_every_s=60) as worker, Talker.connected(broker) as chip:
        await chip.boots()
        await until(lambda: chip.stored_upto() == 1)
        async with worker.lane("00").busy:
            waiting = asyncio.create_task(worker.review([("00", "CHIP0001")]))
            await asyncio.sleep(0.05)
            known = worker.memory.get("00", "CHIP0001")
            assert known is not None
            worker.memory.advance([(known, structs.replace(known, seq=2))])
        await waiting
        assert worker.memory.get("00", "CHIP0001").progress.seq == 2  # type: ignore[union-attr]


async def test_a_worker_survives_errors_while_it_answers_errors(database: Database, broker: Mosquitto) -> None:
    """The database goes away again and again, also while memory is being loaded anew."""
    enrol(database)
    async with working(database, broker, watch_every_s=0.1) as worker, Talker.connected(broker) as chip:
        await chip.boots()
        await until(lambda: chip.stored_upto() == 1)
        with psycopg.connect(database.url("owner"), autocommit=True) as conn:
            conn.execute("REVOKE SELECT ON chip FROM weld_ingest")  # loading fails now
            worker.lane("00").doubt = True
            await chip.publish(chip.samples())
            await asyncio.sleep(1)
            conn.execute("GRANT SELECT ON chip TO weld_ingest")
        await until(lambda: chip.stored_upto() == 2, seconds=30)
    assert telemetry_of(database) == [(1, 1), (1, 2)]


async def test_reading_stops_above_the_limit_and_goes_on_below_it(
    database: Database, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost to back-pressure, and nobody waits for ever: the inbox is far smaller than the burst."""
    enrol(database)
    start, pauses = datetime.now(UTC) - timedelta(seconds=400), list[bool]()
    small = working(database, broker, inbox_messages=10, batch_messages=7)
    async with small as worker, Talker.connected(broker, start=start) as chip:
        pause = worker.holdings.pause

        def noted(*, paused: bool) -> None:
            pauses.append(paused)
            pause(paused=paused)

        monkeypatch.setattr(worker.holdings, "pause", noted)
        await chip.boots()
        async with worker.lane("00").busy:  # a transaction that lasts, however quick the machine is
            for _ in range(300):
                await chip.publish(chip.samples())
            await until(lambda: pauses == [True])
        await until(lambda: chip.stored_upto() == 301, seconds=30)
    assert telemetry_of(database) == [(1, seq) for seq in range(1, 302)]
    assert pauses[:2] == [True, False]
