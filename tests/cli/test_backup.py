"""`weldgate backup` and `restore`: the drill with chips at work, and everything that must be refused.

The incident behind it: a backup that nobody ever restored is found to be none on the day it is needed; and a store that was put
back sends yesterday's commands to chips once more.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from schemas import chip as wire
from tests.api.test_endpoints import delivery, endpoint
from tests.api.town import Town, founded
from tests.database import Database
from tests.ingest.conftest import Talker, broker, until, working
from weld.cli import anchors, backup, backup_manifest, restore
from weld.cli.anchors import Anchorage
from weld.cli.backup_manifest import BackupError
from weld.cli.installation import Installation, private_key
from weld.cli.main import app
from weld.cli.mosquitto import Mosquitto
from weld.cli.restore import Asked, Target
from weld.store import setup, verify
from weld.store.vault import Vault

__all__ = ["broker"]
pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Here:
    """A store with keys of its own, and the place where its backups are put back."""

    database: Database
    installation: Installation
    folder: Path

    @property
    def source(self) -> backup.Source:
        return backup.Source(self.database.url("owner"), self.database.name, backup.names_of(self.installation))

    @property
    def target(self) -> Target:
        name = f"{self.database.name}_back"
        return Target(self.database.server_url, name, self.installation, self.folder / "anchors")

    @property
    def restored(self) -> Database:
        return Database(self.database.server_url, self.target.database, dict(self.installation.roles))

    def back_up(self, name: str = "backup") -> Path:
        backup.make(self.source, self.folder / name, 2, datetime.now(UTC))
        return self.folder / name

    def put_back(self, folder: Path, target: Target | None = None, **asked: Any) -> dict[str, Any]:
        manifest = backup_manifest.read(folder)
        return restore.put_back(target or self.target, folder, manifest, Asked(folder, **asked), datetime.now(UTC))


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Iterator[Here]:
    """The keys lie where an installation has them; what the town seals is sealed with them."""
    place = Here(database, Installation(tmp_path / "secrets"), tmp_path)
    vars(database)["vault"] = place.installation.vault
    try:
        yield place
    finally:
        name = place.target.database
        for (one,) in database.rows("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", name):
            setup.remove_database(database.server_url, one)
        setup.drop_database(database.server_url, name)


@pytest.fixture
async def town(here: Here) -> AsyncIterator[Town]:
    """A town in that store, with work under way: a permission, a command, a webhook that waits, people signed in."""
    async with founded(here.database) as fresh:
        welder, plate = await fresh.welder(), await fresh.machine()
        assert (await fresh.unlock(welder, plate)).status_code == 201
        delivery(fresh, await endpoint(fresh))
        yield fresh


def counted(database: Database, statement: str) -> int:
    return int(database.rows(statement)[0][0])


CHIP = "CHIP000003"


def two_hours_ago() -> dict[str, Any]:
    """How a chip begins that says more seconds than go by."""
    return {"shard": "00", "start": datetime.now(UTC) - timedelta(hours=2)}


async def back_up_at_work(here: Here, broker: Mosquitto, words: dict[str, Any]) -> tuple[Path, Talker, int]:
    """A backup while a chip says something all the time; and the number of its last word, said and stored after it."""
    here.database.rows("UPDATE weld.chip SET shard = '00' WHERE chip = %s", CHIP)
    here.database.rows("DELETE FROM weld.chip_state WHERE chip = %s", CHIP)
    async with working(here.database, broker, groups=1), Talker.connected(broker, CHIP, **words) as talker:
        await talker.boots()
        for _ in range(20):
            await talker.publish(talker.samples(arc_ms=500))
        await until(lambda: talker.stored_upto() >= 21)
        making = asyncio.create_task(asyncio.to_thread(here.back_up))
        while not making.done():
            await talker.publish(talker.samples())
            await asyncio.sleep(0.02)
        folder = await making
        for _ in range(30):
            await talker.publish(talker.samples())
        said = await talker.say(wire.Log, level="info", text="the last word before the fire")
        await until(lambda: talker.stored_upto() >= said.seq)
    return folder, talker, said.seq


async def goes_on(restored: Database, broker: Mosquitto, talker: Talker, words: dict[str, Any], last: int) -> None:
    """The same chip, which has forgotten what it was told is stored, says more until that is confirmed."""
    quick = working(restored, broker, groups=1, resend_after_s=0.05)
    async with quick, Talker.connected(broker, CHIP, **words) as again:
        again.up, seq = talker.up, last
        while again.stored_upto() <= last:
            seq += 1
            await again.publish(again.make(wire.Log, seq=seq, level="info", text="after it"))
            await asyncio.sleep(0.05)
            assert seq < last + 500


async def test_a_drill_with_chips_at_work_ends_in_a_verified_store_that_goes_on(
    here: Here, town: Town, broker: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    await town.machine()
    words, counter = two_hours_ago(), counted(here.database, f"SELECT counter FROM weld.chip WHERE chip = '{CHIP}'")
    folder, talker, last = await back_up_at_work(here, broker, words)
    capsys.readouterr()
    told = await asyncio.to_thread(here.put_back, folder)
    said_of_it = capsys.readouterr().err
    assert told["verified"]
    assert (told["settled"]["commands_expired"], told["settled"]["grants_ended"]) == (1, 1)
    assert (told["settled"]["deliveries_held"], told["settled"]["sign_ins_ended"]) == (1, 1)
    assert "LOST" in said_of_it
    assert "ERASURES" in said_of_it

    restored = here.restored
    kept = counted(restored, "SELECT max(seq) FROM weld.telemetry WHERE boot = 1")
    assert 21 <= kept < last
    assert counted(restored, f"SELECT counter FROM weld.chip WHERE chip = '{CHIP}'") > counter + 1000
    assert counted(restored, "SELECT min(epoch) FROM weld.lease") > 1_700_000_000
    assert restored.rows("SELECT state FROM weld.delivery") == [("dead",)]
    assert restored.rows("SELECT action FROM weld.audit ORDER BY seq DESC LIMIT 1") == [("store.restored",)]

    await goes_on(restored, broker, talker, words, last)
    holes = restored.rows("SELECT from_seq, to_seq, why FROM weld.hole ORDER BY 1")
    assert holes == [(kept + 1, last, "unreadable")]


async def test_a_store_with_something_in_it_is_set_aside_only_when_told_to_and_never_under_anybody(
    here: Here, town: Town
) -> None:
    folder = await asyncio.to_thread(here.back_up)
    here.put_back(folder)
    with pytest.raises(BackupError, match="not empty: --replace"):
        here.put_back(folder)
    in_use = psycopg.connect(here.restored.url("api"), application_name="weldgate api")
    with in_use, pytest.raises(BackupError, match="stop these first: weldgate api"):
        here.put_back(folder, replace=True)
    told = here.put_back(folder, replace=True, deliver=True)
    assert told["set_aside"].startswith(f"{here.target.database}_before_")
    assert setup.is_there(here.database.server_url, told["set_aside"])
    assert told["settled"]["deliveries_to_send_again"] == 1
    assert here.restored.rows("SELECT state FROM weld.delivery") == [("pending",)]
    with psycopg.connect(here.restored.url("api")) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT 1 FROM telemetry")


async def test_a_damaged_or_half_backup_is_refused_before_anything_is_touched(here: Here, town: Town) -> None:
    folder = await asyncio.to_thread(here.back_up)
    data = max((folder / "dump").glob("*.dat.gz"), key=lambda file: file.stat().st_size)
    whole = data.read_bytes()
    data.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(BackupError, match=f"{data.name} is damaged"):
        here.put_back(folder)
    data.unlink()
    with pytest.raises(BackupError, match=f"{data.name} is missing"):
        here.put_back(folder)
    data.write_bytes(whole)
    (folder / "dump" / "more.dat").write_text("")
    with pytest.raises(BackupError, match=r"more.dat does not belong to it"):
        here.put_back(folder)
    (folder / backup_manifest.FILE).unlink()
    with pytest.raises(BackupError, match="is no whole backup"):
        here.put_back(folder)
    assert not setup.is_there(here.database.server_url, here.target.database)


async def test_other_keys_than_those_of_then_are_said(here: Here, town: Town) -> None:
    folder = await asyncio.to_thread(here.back_up)
    other = replace(here.target, installation=Installation(here.folder / "others"))
    with pytest.raises(BackupError, match=r"other keys than the store was written with \(permit, service, audit\)"):
        here.put_back(folder, other)
    half = here.folder / "half"
    shutil.copytree(here.installation.folder, half)
    shutil.rmtree(half / "vault")
    Vault.create(half / "vault")
    with pytest.raises(BackupError, match=r"does not open endpoint.secret, worker.identity: these are not the keys"):
        here.put_back(folder, replace(here.target, installation=Installation(half)))
    shutil.rmtree(half / "vault")
    shutil.copytree(here.installation.vault_folder, half / "vault")
    (half / "vault" / "index.key").write_text("ab" * 32)
    with pytest.raises(BackupError, match=r"does not open worker.identity \(index.key\)"):
        here.put_back(folder, replace(here.target, installation=Installation(half)))
    assert not setup.is_there(here.database.server_url, here.target.database)
    assert not setup.is_there(here.database.server_url, here.target.beside.database)
    assert here.put_back(folder, other, keys_lost=True)["verified"]


async def test_anchors_of_rows_that_were_lost_are_kept_apart_and_the_audit_holds_again(here: Here, town: Town) -> None:
    anchorage = Anchorage(here.target.anchors, private_key(here.installation.key_file("audit")))
    owner = here.database.url("owner")
    assert anchorage.keep(owner, datetime(2026, 1, 1, tzinfo=UTC))
    folder = await asyncio.to_thread(here.back_up)
    await endpoint(town, name="later")
    here.database.rows("SELECT weld.audit_append(now(), 'a', 'later', 'b', '{}')")
    assert anchorage.keep(owner, datetime(2026, 1, 2, tzinfo=UTC))
    here.put_back(folder)
    assert [file.name for file in anchors.files(here.target.anchors)] == ["anchor-2026-01-01.json"]
    assert [file.name for file in here.target.anchors.glob("lost-*/*")] == ["anchor-2026-01-02.json"]
    assert anchorage.keep(here.restored.url("owner"), datetime(2026, 1, 3, tzinfo=UTC))


async def test_a_store_that_is_not_what_was_backed_up_does_not_take_the_name(here: Here, town: Town) -> None:
    folder = await asyncio.to_thread(here.back_up)
    manifest = backup_manifest.read(folder)
    table = manifest.survey.tables["machine"]
    for wrong, why in (
        ({"machine": table._replace(rows=table.rows + 1)}, "machine: 1 rows, 2 expected"),
        ({"machine": table._replace(sum="1")}, "machine: 1 rows, 1 expected; changed"),
        ({"nothing": table}, "nothing: is missing"),
    ):
        survey = replace(manifest.survey, tables={**manifest.survey.tables, **wrong})
        with pytest.raises(BackupError, match=why):
            restore.put_back(here.target, folder, replace(manifest, survey=survey), Asked(folder), datetime.now(UTC))
    newer = replace(manifest.survey, versions={**manifest.survey.versions, 9999: "x"})
    with pytest.raises(BackupError, match="schema 9999, which this program does not know"):
        restore.put_back(here.target, folder, replace(manifest, survey=newer), Asked(folder), datetime.now(UTC))
    assert not setup.is_there(here.database.server_url, here.target.database)


def test_two_surveys_of_one_store_are_the_same_and_a_changed_row_is_seen(database: Database) -> None:
    now = datetime.now(UTC)
    database.rows("INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('41', '河南省', 'Henan', '41')")

    def look() -> verify.Survey:
        with verify.moment(database.url("owner")) as conn:
            return verify.survey(conn, now, lambda _: None)

    before = look()
    assert verify.differences(before, look(), same_major=True) == []
    database.rows("UPDATE weld.division SET name_en = 'Hunan'")
    assert verify.differences(before, look(), same_major=True) == ["division: 1 rows, 1 expected; changed"]
    database.rows("DROP INDEX weld.chip_shard")
    assert "the schema is another one" in verify.differences(before, look(), same_major=True)


def test_an_interrupted_backup_leaves_nothing_and_a_second_name_is_needed(here: Here) -> None:
    there = here.folder / "there"
    there.mkdir()
    with pytest.raises(BackupError, match="is there already"):
        here.back_up("there")
    to = here.folder / "interrupted"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
    environment["WELDGATE_PROCESS_DATABASE_URL"] = here.database.url("owner")
    command = [sys.executable, "-m", "weld.cli.main", "backup", "--to", str(to)]
    with psycopg.connect(here.database.url("owner")) as conn:
        conn.execute("LOCK TABLE weld.worker")  # it waits here, half of it written
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
            waiting = time.monotonic() + 60
            while not here.database.rows(
                "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
                " WHERE NOT granted AND relation = 'weld.worker'::regclass"
            ):
                assert running.poll() is None
                assert time.monotonic() < waiting
                time.sleep(0.1)
            assert (here.folder / ".interrupted.half").exists()
            running.send_signal(signal.SIGTERM)
            _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "nothing was left behind" in said
    assert sorted(file.name for file in here.folder.iterdir()) == ["secrets", "there"]


def test_what_is_written_is_for_its_owner_alone_and_names_no_secret(here: Here) -> None:
    here.database.rows(
        "INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('41', '河南省', 'Henan', '41')"
    )
    folder = here.back_up()
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    text = (folder / backup_manifest.FILE).read_text()
    secrets = [*here.installation.roles.values(), *here.database.passwords.values()]
    assert not [word for word in secrets if word in text]
    manifest = backup_manifest.read(folder)
    assert manifest.keys["vault"] == ["k1"]
    assert manifest.survey.tables["division"].rows == 1


def test_no_room_is_said_before_it_begins(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(here.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(BackupError, match="make room"):
        here.back_up()
    assert sorted(file.name for file in here.folder.iterdir()) == ["secrets"]


def test_a_store_that_another_tool_put_back_is_settled_where_it_stands(database: Database, tmp_path: Path) -> None:
    database.rows("INSERT INTO weld.lease (shard_group, groups, owner, epoch) VALUES ('00', 1, 'old', 5)")
    told: dict[str, str | None] = {name: None for name in os.environ if name.startswith("WELDGATE_")}
    told["WELDGATE_PROCESS_DATABASE_URL"] = database.url("owner")
    with psycopg.connect(database.url("ingest"), application_name="weldgate ingest 1"):
        refused = CliRunner().invoke(app, ["restore"], env=told)
    assert refused.exit_code == 1
    assert "stop these first: weldgate ingest 1" in refused.stderr
    done = CliRunner().invoke(app, ["restore"], env=told)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["settled"]["leases"] == 1
    assert database.rows("SELECT owner, epoch > 1700000000 FROM weld.lease") == [(None, True)]
