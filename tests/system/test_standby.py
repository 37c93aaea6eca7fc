"""A real standby and a real recovery to a moment, with PostgreSQL's own programs on loopback sockets.

What docs/how-to/standby-and-replicas.md and backup-and-restore.md say is what is run here.
"""

import asyncio
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.database import Database
from tests.ingest.conftest import Talker, broker, enrol, until, working
from tests.structure.sources import ROOT
from weld.cli import backup, backup_manifest, homes
from weld.cli.keeper import Kept, Order
from weld.cli.mosquitto import Mosquitto
from weld.cli.postgres import EmbeddedPostgres
from weld.cli.postgres_folder import Place
from weld.store import leases, partitions, settle, setup
from weld.store.connect import connect
from weld.store.migrate import migrate

__all__ = ["broker"]
pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("standby")]


@dataclass
class Pair:
    """A primary of our own, and what was made of a base backup of it."""

    primary: EmbeddedPostgres
    database: Database
    others: list[Kept] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.primary._started()[1]

    @property
    def archive(self) -> Path:
        return self.place.folder / "archive"

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.primary.url, autocommit=True) as conn:
            cursor = conn.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def admit(self) -> None:
        """A line for replication: `all` does not mean it."""
        with (self.place.data / "pg_hba.conf").open("a") as file:
            file.write("local replication all scram-sha-256\n")
        self.run("SELECT pg_reload_conf()")

    def base_backup(self, name: str, *words: str) -> Path:
        """A copy of the running server, as its own user."""
        there = f"{self.primary.url.replace('/postgres?', '/?')}&application_name={name}"
        self.place.program.run(self.place.folder, "pg_basebackup", "-D", name, "-d", there, "--checkpoint=fast", *words)
        self.place.program.run(self.place.folder, "pg_verifybackup", name)
        return self.place.folder / name

    def keep(self, data: Path, port: int, *words: str) -> Kept:
        """A server over that copy; its socket lies beside the primary's."""
        folder = homes.make_folder(self.place.folder / f"{data.name}-run", self.place.user)
        argv = (str(self.place.program.binary("postgres")), "-D", str(data), "-c", f"port={port}", *words)
        environment = self.place.program.environment
        kept = Kept(Order(str(folder), argv, self.place.user, signal.SIGQUIT, 20.0, environment=environment))
        kept.join()
        self.others.append(kept)
        return kept

    def url(self, port: int) -> str:
        return self.primary.url.replace("port=5432", f"port={port}")

    def either(self, *ports: int) -> str:
        """The address that leads to whichever of them takes writes."""
        address, _, _ = self.primary.url.partition("?")
        many = ",".join([str(self.place.sockets)] * len(ports))
        numbers = ",".join(map(str, ports))
        return f"{address}?host={quote(many, safe=',')}&port={numbers}&target_session_attrs=read-write"

    def answers(self, port: int) -> Callable[[], bool]:
        def look() -> bool:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url(port), connect_timeout=2).close()
                return True
            return False

        return look


@contextmanager
def paired() -> Iterator[Pair]:
    with EmbeddedPostgres(ROOT, name="standby", throwaway=True) as primary:
        passwords = {role: secrets.token_urlsafe(18) for role in setup.ROLES}
        pair = Pair(primary, Database(primary.url, "weldgate", passwords))
        setup.create_database(primary.url, "weldgate", passwords)
        migrate(pair.database.url("owner"))
        with psycopg.connect(pair.database.url("owner"), autocommit=True) as conn:
            partitions.ensure(conn, *partitions.horizon(datetime.now(UTC)))
        try:
            yield pair
        finally:
            for kept in pair.others:
                kept.leave()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with paired() as made:
        made.admit()
        yield made


async def test_with_a_synchronous_standby_stored_means_on_both(pair: Pair, broker: Mosquitto, tmp_path: Path) -> None:
    await asyncio.to_thread(pair.base_backup, "standby", "--write-recovery-conf")
    standby = pair.keep(pair.place.folder / "standby", 5433)
    standby.launch()
    await asyncio.to_thread(standby.wait_until, pair.answers(5433), 30)
    pair.run("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)'")
    pair.run("SELECT pg_reload_conf()")
    await until(lambda: pair.run("SELECT sync_state FROM pg_stat_replication") == [("sync",)])

    enrol(pair.database)
    async with working(pair.database, broker), Talker.connected(broker) as talker:
        await talker.boots()
        await talker.publish(talker.samples())
        await until(lambda: talker.stored_upto() == 2)
        standby.signal(signal.SIGKILL)  # a commit waits from now on, and so does `stored`
        await asyncio.to_thread(standby.wait_until_gone)
        for _ in range(5):
            await talker.publish(talker.samples())
        await asyncio.sleep(2)
        assert talker.stored_upto() == 2
        standby.launch()
        await asyncio.to_thread(standby.wait_until, pair.answers(5433), 30)
        await until(lambda: talker.stored_upto() == 7)
        told = talker.stored_upto()
    replica = setup.role_url(pair.url(5433), "weldgate", "owner", pair.database.passwords["owner"])
    await asyncio.to_thread(
        backup.make, backup.Source(replica, "weldgate", {}), tmp_path / "backup", 1, datetime.now(UTC)
    )
    assert backup_manifest.read(tmp_path / "backup").survey.tables["event"].rows == 1
    await failed_over(pair, told)


async def failed_over(pair: Pair, told: int) -> None:
    """The primary is gone: the standby holds all that was called stored, and its leases go on with higher epochs."""
    before = pair.database.rows("SELECT max(epoch) FROM weld.lease")[0][0]
    await asyncio.to_thread(pair.primary.kill)
    with psycopg.connect(pair.url(5433), autocommit=True) as conn:
        assert conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("CREATE TABLE x ()")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("LISTEN weld_fact")
        conn.execute("SELECT pg_promote()")
        conn.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        conn.execute("SELECT pg_reload_conf()")
    promoted = Database(pair.either(5432, 5433), "weldgate", pair.database.passwords)
    kept = promoted.rows(
        "SELECT max(seq), count(*) FROM (SELECT seq FROM weld.telemetry UNION SELECT seq FROM weld.event) s"
    )
    assert kept == [(told, told)]
    async with await connect(promoted.url("ingest"), "test") as conn:
        taken = await leases.acquire(conn, "the next", 2, ["00", "01"], 2, 5.0)
    assert min(taken.values()) > 0
    assert max(taken.values()) == before + 1


def test_a_base_backup_and_its_wal_come_back_to_a_moment_and_are_settled(pair: Pair) -> None:
    homes.make_folder(pair.archive, pair.place.user)
    pair.run("ALTER SYSTEM SET archive_mode = on")
    there = f"{pair.archive}/%f"
    pair.run(f"ALTER SYSTEM SET archive_command = 'test ! -f {there} && cp %p {there}'")
    pair.primary.kill()
    pair.primary.start()
    pair.admit()

    pair.base_backup("base")
    owner = pair.database.url("owner")
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute("INSERT INTO division (code, name_zh, name_en, path) VALUES ('41', '河南省', 'Henan', '41')")
        conn.execute("INSERT INTO lease (shard_group, groups, owner, epoch) VALUES ('00', 1, 'old', 5)")
    pair.run("SELECT pg_create_restore_point('before the slip')")
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute("DELETE FROM division")
    (last,) = pair.run("SELECT pg_walfile_name(pg_switch_wal())")
    until_s = time.monotonic() + 60
    while not (pair.archive / last[0]).exists():
        assert time.monotonic() < until_s
        time.sleep(0.1)

    data = pair.place.folder / "base"
    homes.write_private(data / "recovery.signal", "", pair.place.user)
    words = {
        "restore_command": f"cp {pair.archive}/%f %p",
        "recovery_target_name": "before the slip",
        "recovery_target_action": "promote",
        "archive_mode": "off",
    }
    back = pair.keep(data, 5434, *(word for name, value in words.items() for word in ("-c", f"{name}={value}")))
    back.launch()
    back.wait_until(pair.answers(5434), 60)
    restored = Database(pair.url(5434), "weldgate", pair.database.passwords)
    until_s = time.monotonic() + 60
    while restored.rows("SELECT pg_is_in_recovery()") != [(False,)]:
        assert time.monotonic() < until_s
        time.sleep(0.1)
    assert restored.rows("SELECT code FROM weld.division") == [("41",)]
    with psycopg.connect(restored.url("owner"), autocommit=True) as conn:
        assert settle.settle(conn, deliver=False)["leases"] == 1
    assert restored.rows("SELECT owner, epoch > 1700000000 FROM weld.lease") == [(None, True)]
