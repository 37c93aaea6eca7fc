"""Leases: an even share for every living worker, an old owner that can do no harm, each chip in order whatever comes and goes."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ingest.confirm import Gap
from ingest.settings import IngestSettings
from ingest.worker import Worker
from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import SERVICE, Talker, connected, enrol, grant, starting, telemetry_of, two, until, working
from weld.cli.mosquitto import Mosquitto
from weld.store import connect as connecting
from weld.store import leases
from weld.store.connect import TRANSIENT, Conn, connect


@contextmanager
def process(
    database: Database, broker: Mosquitto, folder: Path, name: str, *options: str, **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A real ingest process with leases of two seconds and six groups of two shards, unless told otherwise; ended at the end."""
    key, address = folder / "service.pem", folder / f"{name}.address"
    key.write_bytes(SERVICE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    words = {
        "door_port": 0,
        "shards": 12,
        "groups": 6,
        "lease_s": 2,
        "stored_after_s": 0.2,
        "resend_after_s": 0.5,
    } | settings
    environment = os.environ | {
        "WELDGATE_PROCESS_DATABASE_URL": database.url("ingest"),
        "WELDGATE_PROCESS_MQTT_URL": broker.platform_url("ingest"),
        "WELDGATE_KEY_FILE": str(key),
        "WELDGATE_ADDRESS_FILE": str(address),
    }
    environment |= {f"WELDGATE_{key.upper()}": str(value) for key, value in words.items()}
    command = [sys.executable, "-m", "weld.cli.main", "ingest", *options]
    with (folder / f"{name}.log").open("w") as log:
        running = subprocess.Popen(command, env=environment, stderr=log, stdout=log)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGCONT)
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def answers(address: str) -> bool:
    """Whether the door there says ready."""
    with contextlib.suppress(OSError):
        return bool(urllib.request.urlopen(f"{address}/ready", timeout=2).status == 200)
    return False


def owners(database: Database) -> dict[str, str]:
    """The living owner of each group."""
    return dict(
        database.rows("SELECT shard_group, owner FROM weld.lease WHERE owner IS NOT NULL AND expires_at > now()")
    )


def held(database: Database, running: subprocess.Popen[bytes]) -> list[str]:
    """The groups of one process."""
    return [group for group, owner in owners(database).items() if f":{running.pid}:" in owner]


async def taken(conn: Conn, seconds: float = 5) -> dict[str, int]:
    """Group 00 for the owner `two`, as soon as it can be had."""
    async with asyncio.timeout(seconds):
        while not (got := await leases.acquire(conn, "two", 1, ["00"], 1, 5)):
            await leases.evict(conn, "two")
            await asyncio.sleep(0.05)
    return got


# -- the fence


async def test_a_take_over_waits_until_the_old_owner_s_batch_has_ended(database: Database) -> None:
    async with two(database) as (one, other):
        old = await leases.acquire(one, "one", 1, ["00"], 1, 0.05)
        async with one.transaction():
            assert await leases.hold(one, old) == {"00"}
            await asyncio.sleep(0.1)
            assert await leases.acquire(other, "two", 1, ["00"], 1, 5) == {}
        assert await leases.acquire(other, "two", 1, ["00"], 1, 5) == {"00": 2}
        async with one.transaction():
            assert await leases.hold(one, old) == set()


async def test_an_owner_that_was_not_told_yet_is_refused_by_the_epoch(database: Database, broker: Mosquitto) -> None:
    chip = enrol(database)
    async with working(database, broker, lease_s=60.0) as worker, Talker.connected(broker, chip) as talker:
        await talker.boots()
        await until(lambda: talker.stored_upto() == 1)
        database.rows("UPDATE weld.lease SET owner = 'another', epoch = epoch + 1 WHERE shard_group = '00'")
        await talker.publish(talker.samples())
        await until(lambda: "00" not in worker.groups)
        assert telemetry_of(database) == [(1, 1)]
        assert "01" in worker.groups


async def test_an_owner_that_was_not_told_yet_gives_up_nothing_in_the_name_of_the_new_one(
    database: Database, broker: Mosquitto
) -> None:
    chip = enrol(database)
    async with working(database, broker, lease_s=60.0) as worker, Talker.connected(broker, chip) as talker:
        await talker.boots()
        await until(lambda: talker.stored_upto() == 1)
        lane = worker.lane("00")
        database.rows("UPDATE weld.lease SET owner = 'another', epoch = epoch + 1 WHERE shard_group = '00'")
        await lane.give_up([("00", Gap(talker.chip, 1, 3, 5))])
        assert database.rows("SELECT from_seq, to_seq FROM weld.hole") == []
        assert lane.doubt


async def test_a_long_batch_costs_no_lease(database: Database) -> None:
    """A renewal passes the batch of its own worker, and keeps what nobody took even when its time had run out."""
    async with two(database) as (one, other):
        mine = await leases.acquire(one, "one", 1, ["00"], 1, 0.05)
        async with one.transaction():
            assert await leases.hold(one, mine) == {"00"}
            await asyncio.sleep(0.1)
            async with asyncio.timeout(1):
                assert await leases.renew(other, "one", mine, {}, 5) == {"00"}
        assert await leases.acquire(other, "two", 1, ["00"], 1, 5) == {}


async def test_an_owner_that_stopped_inside_a_copy_is_evicted(database: Database) -> None:
    """No timeout of PostgreSQL looks there: without the eviction its groups would be nobody's for ever."""
    async with two(database) as (one, other):
        await one.execute("CREATE TEMP TABLE words (word text)")
        old = await leases.acquire(one, "one", 1, ["00"], 1, 0.05)
        words = one.cursor().copy("COPY words FROM STDIN")
        await one.execute("BEGIN")
        await leases.hold(one, old)
        copy = await words.__aenter__()
        await copy.write("x\n" * 200_000)
        began_s = time.monotonic()
        assert await taken(other) == {"00": 2}
        assert time.monotonic() - began_s < 2
        with pytest.raises(TRANSIENT):
            await words.__aexit__(None, None, None)


async def test_a_worker_s_sessions_carry_the_name_by_which_they_are_evicted(
    database: Database, broker: Mosquitto
) -> None:
    async with working(database, broker):
        found = database.rows(
            "SELECT count(*) FROM pg_stat_activity a, (SELECT DISTINCT owner FROM weld.lease) l"
            " WHERE a.application_name = 'weldgate ingest ' || l.owner"
        )
    assert found == [(2,)]  # one for each lane


async def test_a_transaction_that_nobody_goes_on_with_is_ended_by_the_server(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "IDLE_IN_TRANSACTION_MS", 200)
    async with two(database) as (one, other):
        old = await leases.acquire(one, "another name than its session has", 1, ["00"], 1, 0.05)
        await one.execute("BEGIN")
        await leases.hold(one, old)
        assert await taken(other) == {"00": 2}
        with pytest.raises(TRANSIENT):
            await one.execute("SELECT 1")


def test_a_transaction_may_idle_for_less_than_a_lease() -> None:
    assert IngestSettings().lease_s * 1000 > connecting.IDLE_IN_TRANSACTION_MS


# -- the share


async def test_who_holds_nothing_counts_and_who_is_silent_does_not(database: Database) -> None:
    async with two(database) as (one, other):
        assert await leases.attend(one, "one", 0.2) == 1
        assert await leases.attend(other, "two", 0.2) == 2
        await asyncio.sleep(0.3)
        assert await leases.attend(one, "one", 0.2) == 1
        await leases.leave(one, "one")
        assert database.rows("SELECT owner FROM weld.lease_owner") == [("two",)]


async def test_workers_share_evenly_and_nothing_moves_without_need(database: Database, broker: Mosquitto) -> None:
    def whole(*workers: Worker) -> bool:
        parts = [len(worker.groups) for worker in workers]
        even = sum(parts) == 8 and max(parts) <= ceil(8 / len(parts))
        return even and all(connected(worker) for worker in workers)

    words: dict[str, Any] = {"shards": 16, "groups": 8, "lease_s": 1.2}
    async with starting(database, broker, **words) as first:
        await until(lambda: whole(first))
        async with starting(database, broker, **words) as second:
            await until(lambda: whole(first, second), seconds=3)
            before = {**first.holdings.epochs, **second.holdings.epochs}
            await asyncio.sleep(2)
            assert {**first.holdings.epochs, **second.holdings.epochs} == before
            async with starting(database, broker, **words) as third:
                await until(lambda: whole(first, second, third), seconds=3)
                assert sorted(len(worker.groups) for worker in (first, second, third)) == [2, 3, 3]
                moved = {**first.holdings.epochs, **second.holdings.epochs, **third.holdings.epochs}
                assert sum(moved[name] > before[name] for name in moved) == 2
        await until(lambda: len(first.groups) == 8, seconds=2)  # those that leave in order are not waited for


async def test_a_worker_that_only_flickers_moves_nothing(database: Database, broker: Mosquitto) -> None:
    async with starting(database, broker, shards=4, lease_s=1.2) as worker:
        await until(lambda: len(worker.groups) == 4)
        async with await connect(database.url("ingest"), "test") as conn:
            for step in range(100):  # of 20 ms: in each half second it lives for less than two looks of the other
                if step % 25 == 0:
                    await leases.attend(conn, "flickers", 1.2)
                if step % 25 == 5:
                    await leases.leave(conn, "flickers")
                await asyncio.sleep(0.02)
                assert not any(group.leaving for group in worker.groups.values())
        assert set(worker.holdings.epochs.values()) == {1}


async def test_more_workers_than_groups_stand_by_and_step_in(database: Database, broker: Mosquitto) -> None:
    async with starting(database, broker, shards=2) as first, starting(database, broker, shards=2) as second:
        await until(lambda: len(first.groups) == len(second.groups) == 1)
        async with starting(database, broker, shards=2) as third:
            await asyncio.sleep(1)
            assert (len(first.groups), len(second.groups), len(third.groups)) == (1, 1, 0)


# -- whatever comes and goes


class Life:
    """A chip in a licensed session that talks until told to stop, and what the books must say of it in the end."""

    def __init__(self, talker: Talker, ticket: str) -> None:
        self.talker = talker
        self._ticket = ticket
        self._session = str(uuid4())
        self.samples = 0

    async def talk(self, stop: asyncio.Event, every_s: float = 0.03) -> None:
        await self.talker.boots()
        await self.talker.event(wire.RelayClosed(session=self._session, ticket=self._ticket))
        while not stop.is_set():
            await self.talker.publish(self.talker.samples(700, "closed", self._session))
            self.samples += 1
            await asyncio.sleep(every_s)

    @property
    def books(self) -> tuple[Any, ...]:
        """Chip, messages, last sequence number, arc and covered time of its one session, and of its day."""
        arc_ms, covered_ms = 700 * self.samples, 1000 * self.samples
        return (self.talker.chip, self.samples + 2, self.samples + 2, arc_ms, covered_ms, arc_ms, covered_ms)


_PARTS: dict[str, Any] = {"shards": 12, "groups": 6}

_BOOKS = """
    SELECT c.chip, (SELECT count(*) FROM weld.telemetry t WHERE t.chip_no = c.chip_no)
        + (SELECT count(*) FROM weld.event e WHERE e.chip_no = c.chip_no), x.seq, s.arc_ms, s.covered_ms, d.arc_ms, d.covered_ms
    FROM weld.chip c JOIN weld.chip_state x USING (chip_no) JOIN weld.session s USING (chip_no)
    JOIN weld.machine m ON m.chip = c.chip JOIN weld.machine_day d ON d.plate = m.plate ORDER BY c.chip"""


@asynccontextmanager
async def talking(database: Database, broker: Mosquitto) -> AsyncIterator[list[Life]]:
    """Chips of different shards, two in a group, that talk all the time; in the end the books are those of an undisturbed day."""
    start, stop = datetime.now(UTC) - timedelta(hours=1), asyncio.Event()  # they live a second in each 30 ms
    async with starting(database, broker, **_PARTS) as first:
        await until(lambda: len(first.groups) == 6 and connected(first))
    # from now on the broker keeps what nobody reads
    async with contextlib.AsyncExitStack() as exits:
        lives = []
        for n in range(6):
            chip, plate = f"CHIP000{n}", f"4105020000000000{n}"
            enrol(database, chip, plate, f"{2 * n:02x}")
            talker = await exits.enter_async_context(Talker.connected(broker, chip, shard=f"{2 * n:02x}", start=start))
            lives.append(Life(talker, str(grant(database, chip, plate))))
        tasks = [asyncio.create_task(life.talk(stop)) for life in lives]
        try:
            yield lives
        finally:
            stop.set()
            await asyncio.gather(*tasks)
        wanted = [life.books for life in lives]
        async with starting(database, broker, **_PARTS):  # somebody stores what still waits
            with contextlib.suppress(TimeoutError):
                await until(lambda: database.rows(_BOOKS) == wanted, seconds=20)
        assert database.rows(_BOOKS) == wanted
        assert database.rows("SELECT count(*) FROM weld.alert") == [(0,)]
        assert database.rows("SELECT count(*) FROM weld.quarantine") == [(0,)]
        in_order(database)


def in_order(database: Database) -> None:
    """Batches of one chip were stored in the order in which it spoke: the moment of storing never goes back."""
    found = database.rows("SELECT chip_no, received_at FROM weld.telemetry ORDER BY chip_no, boot, seq")
    assert all(a[1] <= b[1] for a, b in pairwise(found) if a[0] == b[0])


async def test_each_chip_in_order_while_workers_come_leave_and_die(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    async with talking(database, broker), starting(database, broker, **_PARTS) as watcher:
        with process(database, broker, tmp_path, "a") as a, process(database, broker, tmp_path, "b") as b:
            await until(lambda: held(database, a) and held(database, b), seconds=20)
            a.send_signal(signal.SIGTERM)
            assert a.wait(10) == 0
            with process(database, broker, tmp_path, "c") as c:
                await until(lambda: held(database, c), seconds=20)
                b.kill()
                await until(lambda: len(held(database, c)) + len(watcher.groups) == 6, seconds=10)
                await asyncio.sleep(1)
        await until(lambda: len(watcher.groups) == 6, seconds=10)


async def test_an_owner_that_sleeps_between_batches_wakes_up_without_harm(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    async with talking(database, broker):
        with process(database, broker, tmp_path, "old") as old:
            await until(lambda: len(held(database, old)) == 6 and telemetry_of(database), seconds=20)
            old.send_signal(signal.SIGSTOP)
            with process(database, broker, tmp_path, "new") as new:
                await until(lambda: len(held(database, new)) == 6, seconds=15)
                old.send_signal(signal.SIGCONT)
                await until(lambda: "lease_lost" in (tmp_path / "old.log").read_text(), seconds=10)
                await until(lambda: len(held(database, old)) == 3, seconds=10)
                await asyncio.sleep(1)


async def test_an_owner_that_sleeps_inside_its_transaction_is_overtaken_in_bounded_time(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    """It is caught where it waits for a table, with the locks on its leases; then it is stopped, and the table set free."""
    async with talking(database, broker):
        with process(database, broker, tmp_path, "old") as old:
            await until(lambda: len(held(database, old)) == 6 and telemetry_of(database), seconds=20)
            with psycopg.connect(database.admin_url) as barrier:
                barrier.execute("LOCK TABLE weld.chip_state IN EXCLUSIVE MODE")
                waiting = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
                await until(lambda: database.rows(f"{waiting} WHERE NOT granted AND locktype = 'relation'"))
                old.send_signal(signal.SIGSTOP)
            slept_s = time.monotonic()
            sleeping = (
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in%' AND application_name LIKE 'weldgate ing%'"
            )
            await until(lambda: database.rows(sleeping))
            with process(database, broker, tmp_path, "new") as new:
                await until(lambda: len(held(database, new)) == 6, seconds=15)
                assert time.monotonic() - slept_s < 10
                old.send_signal(signal.SIGCONT)
                await until(lambda: len(held(database, old)) == 3, seconds=15)
                await asyncio.sleep(1)


async def test_after_kill_9_the_others_have_everything_in_under_ten_seconds(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    """With the lease's time as it is delivered; a province's chips take two or three more to load."""
    lease_s = IngestSettings().lease_s
    async with starting(database, broker, **(_PARTS | {"lease_s": lease_s})) as other:
        with process(database, broker, tmp_path, "killed", lease_s=lease_s) as killed:
            await until(lambda: len(held(database, killed)) == 3, seconds=30)
            killed.kill()
            began_s = time.monotonic()
            await until(
                lambda: len(other.groups) == 6 and connected(other),
                seconds=15,
            )
            assert time.monotonic() - began_s < lease_s + 2


# -- weldgate ingest --workers


async def test_a_crew_shares_the_work_replaces_the_dead_and_stops_together(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    async with talking(database, broker):
        with process(database, broker, tmp_path, "crew", "--workers", "2") as crew:
            await until(lambda: len(set(owners(database).values())) == 2 and len(owners(database)) == 6, seconds=30)
            await until((tmp_path / "crew.address").exists, seconds=10)
            doors = (tmp_path / "crew.address").read_text().split()
            await until(lambda: len(doors) == 2 and all(answers(door) for door in doors))
            first, second = sorted({int(owner.split(":")[1]) for owner in owners(database).values()})
            os.kill(first, signal.SIGKILL)
            await until(
                lambda: len(workers := pids(database)) == 2 and first not in workers and second in workers, seconds=30
            )
            crew.send_signal(signal.SIGTERM)
            assert crew.wait(15) == 0
            assert owners(database) == {}
            with pytest.raises(ProcessLookupError):
                os.kill(second, 0)


async def test_the_doors_of_a_crew_follow_one_another_from_the_number_that_was_given(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    first = two_free_ports()
    with process(database, broker, tmp_path, "crew", "--workers", "2", door_port=first):
        doors = [f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}"]
        await until(lambda: all(answers(door) for door in doors), seconds=30)
        await until((tmp_path / "crew.address").exists, seconds=10)
        assert (tmp_path / "crew.address").read_text().split() == doors
        hers = max(pids(database))
        os.kill(hers, signal.SIGKILL)
        await until(lambda: hers not in pids(database) and len(pids(database)) == 2, seconds=30)
        await until(lambda: all(answers(door) for door in doors), seconds=30)


async def test_a_crew_whose_doors_would_go_beyond_the_last_port_says_so(
    database: Database, broker: Mosquitto, tmp_path: Path
) -> None:
    with process(database, broker, tmp_path, "crew", "--workers", "2", door_port=65_535) as crew:
        assert crew.wait(20) == 1
    assert "WELDGATE_DOOR_PORT: 2 doors from 65535 on" in (tmp_path / "crew.log").read_text()


async def test_a_crew_does_not_outlive_its_parent(database: Database, broker: Mosquitto, tmp_path: Path) -> None:
    with process(database, broker, tmp_path, "crew", "--workers", "2") as crew:
        await until(lambda: len(pids(database)) == 2, seconds=30)
        crew.kill()
        await until(lambda: not owners(database), seconds=15)


def two_free_ports() -> int:
    """The first of two that follow one another."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as one, contextlib.suppress(OSError):
            port = int(one.getsockname()[1])
            socket.create_server(("127.0.0.1", port + 1)).close()
            return port


def pids(database: Database) -> set[int]:
    """The processes that hold groups."""
    return {int(owner.split(":")[1]) for owner in owners(database).values()}
