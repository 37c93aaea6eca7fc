"""`weldgate doctor` on real databases: what is well, what is not, and that each bad thing says what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.database import Database
from weld.cli import doctor, maintain
from weld.cli.doctor import Finding
from weld.store import checkup, partitions, retention
from weld.store.checkup import Facts, Slot
from weld.store.sizes import TableSize

RULES = retention.load()[-1]


def facts(database: Database) -> Facts:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        partitions.ensure(conn, *partitions.horizon(datetime.now(UTC)))
        return checkup.look(conn)


def judged(found: Facts, ahead: timedelta = timedelta()) -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.database(found, RULES, datetime.now(UTC) + ahead)}


def test_a_fresh_database_is_well_but_for_what_tests_do_to_their_server(database: Database) -> None:
    found = safe(facts(database))
    findings = judged(found)
    assert doctor.is_well(findings.values()), findings
    assert findings["schema"].says == f"version {max(found.wanted)}"
    assert findings["engine"].says.startswith(f"PostgreSQL {found.engine.postgresql}")
    assert ("TimescaleDB" in findings["engine"].says) == (found.engine.kind == "timescaledb")
    assert {"telemetry", "event", "machine_hour", "roles", "clock", "vacuum", "settings"} <= findings.keys()


def safe(found: Facts) -> Facts:
    return replace(found, server=replace(found.server, fsync="on", full_page_writes="on"))


Change = Callable[[Facts], Facts]


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("settings", lambda f: replace(f, server=replace(f.server, fsync="off")), "off: fsync"),
        ("settings", lambda f: replace(f, server=replace(safe(f).server, synchronous_commit="off")), "before it is"),
        ("calls home", lambda f: replace(f, server=replace(f.server, calls_home="basic")), "tells its maker"),
        ("letters", lambda f: replace(f, server=replace(f.server, ctype="C")), "Chinese"),
        ("checksums", lambda f: replace(f, server=replace(f.server, data_checksums="off")), "not noticed"),
        ("engine", lambda f: replace(f, server=replace(f.server, version_number=150004)), "PostgreSQL"),
        ("schema", lambda f: replace(f, schema={}), "none yet"),
        ("schema", lambda f: replace(f, schema={1: f.schema[1]}), "version 1, this program needs"),
        ("schema", lambda f: replace(f, schema={**f.schema, 999: "x"}), "newer than this program"),
        ("schema", lambda f: replace(f, schema={**f.schema, 3: "x"}), "migration 3 was edited"),
        ("replication slot", lambda f: replace(f, slots=[Slot("away", 1 << 31)]), "nobody reads away; 2048 MiB"),
        ("policies", lambda f: replace(f, jobs=["telemetry: policy_retention"]), "by itself: telemetry"),
        ("hot", lambda f: replace(f, tables=[TableSize("chip_state", 1, 1, 9, 0, 2000, 1000, 1)]), "50.0% of the updates"),
        ("vacuum", lambda f: replace(f, tables=[TableSize("session", 1, 1, 90_000, 60_000, 0, 0, 0)]), "session"),
    ],
)  # fmt: skip
def test_what_is_not_well_is_said_and_what_to_do(database: Database, name: str, change: Change, says: str) -> None:
    finding = judged(change(facts(database)))[name]
    assert says in finding.says
    assert finding.level != "good"
    assert finding.do


def test_a_role_that_may_too_much_and_one_that_is_gone_are_named(database: Database) -> None:
    database.rows(f'ALTER ROLE "{database.name}_reader" BYPASSRLS')
    assert judged(facts(database))["roles"].says == f"may do more than they should: {database.name}_reader"
    database.rows(f'ALTER ROLE "{database.name}_reader" NOBYPASSRLS')
    database.rows(f'REVOKE ALL ON DATABASE "{database.name}" FROM "{database.name}_reader"')
    database.rows(f'DROP OWNED BY "{database.name}_reader"; DROP ROLE "{database.name}_reader"')
    assert judged(facts(database))["roles"].says == f"missing: {database.name}_reader"


def test_days_that_lack_a_partition_or_should_be_gone_are_said(database: Database) -> None:
    found = facts(database)
    late = judged(found, timedelta(days=5))["machine_hour"]
    assert (late.level, "2 of the days" in late.says) == ("bad", True)
    hours = next(days for days in found.days if days.table == "machine_hour")
    old = replace(hours.parts[0], day=datetime.now(UTC).date() - timedelta(days=402))
    said = judged(replace(found, days=[replace(hours, parts=[old, *hours.parts])]))["machine_hour"]
    assert (said.level, said.says) == ("warn", "1 days are past their retention and still there")


def test_a_clock_that_is_off_is_said(database: Database) -> None:
    assert judged(facts(database), timedelta(seconds=30))["clock"].level == "bad"


def test_what_cannot_be_seen_is_neither_good_nor_bad() -> None:
    unseen = [doctor.process("api", None), *doctor.broker("", None, None)]
    assert {finding.level for finding in unseen} == {"unseen"}
    assert doctor.is_well(unseen)
    away = doctor.process("ingest", {"ready": False, "checks": {"broker": "TimeoutError", "database": "ok"}})
    assert (away.level, away.says) == ("bad", "not ready: broker: TimeoutError")
    assert doctor.process("ingest", {"ready": True}).level == "good"
    full, reached = doctor.disk(5, 100), doctor.broker("h:1", True, 3.0)
    assert (full.level, [one.level for one in reached]) == ("bad", ["good", "warn"])


def told(database: Database, *words: str) -> tuple[int, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WELDGATE_")}
    environment |= {"WELDGATE_DATABASE_URL": database.server_url, "WELDGATE_DATABASE": database.name}
    command = [sys.executable, "-m", "weld.cli.main", "doctor", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_the_command_looks_at_the_database_that_it_is_given(database: Database) -> None:
    maintain.maintain(database.url("owner"), maintain.MaintainSettings(), datetime.now(UTC))
    code, out = told(database, "--json")
    said = json.loads(out)
    assert code == (0 if said["well"] else 1)
    found = {finding["name"]: finding["level"] for finding in said["findings"]}
    assert found["schema"] == found["machine_hour"] == found["clock"] == "good"
    assert found["disk"] == found["broker"] == "unseen"


def test_the_command_says_that_there_is_no_database(database: Database) -> None:
    code, out = told(replace(database, name="nowhere"))
    assert code == 1
    assert 'database "nowhere" does not exist' in out
