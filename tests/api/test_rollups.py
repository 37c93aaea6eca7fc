"""What api makes is counted with what chips say: a refused start and the alert that it opened."""

import asyncio
from datetime import date, timedelta

import psycopg
import pytest

from tests.api.town import Town, rows_of
from weld.cli import rollups as command
from weld.cli.rollups import Wanted
from weld.store import recount

COUNTED = "refusals, alerts, messages"


def differing(town: Town) -> dict[str, int]:
    """How many rows a check finds wrong, by table."""
    return command.count(town.database.url("owner"), Wanted(None, None, None, True, False), town.clock.now()).differing


async def of_a_firm(town: Town) -> str:
    """A machine of the town's one enterprise."""
    code = await town.machine()
    town.database.rows("UPDATE weld.machine SET enterprise = (SELECT id FROM weld.enterprise)")
    return code


async def test_a_refused_start_and_its_alert_are_counted_at_all_levels(town: Town) -> None:
    welder, code = await town.welder(papers=False), await of_a_firm(town)
    answers = await asyncio.gather(*(town.unlock(welder, code) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {403}
    for table in ("machine_hour", "machine_day"):
        assert town.database.rows(f"SELECT plate, {COUNTED} FROM weld.{table}") == [(code, 3, 1, 0)]
    for table in ("division_day", "enterprise_day"):
        assert town.database.rows(f"SELECT part, heard, {COUNTED} FROM weld.{table}") == [(-1, 0, 3, 1, 0)]
    assert differing(town) == {}


async def test_a_refusal_is_told_also_where_nobody_made_the_days_partition(town: Town) -> None:
    with psycopg.connect(town.database.url("owner"), autocommit=True) as conn:
        conn.execute("ALTER TABLE weld.machine_hour RENAME TO machine_hour_old")
        conn.execute("CREATE TABLE weld.machine_hour (LIKE weld.machine_hour_old) PARTITION BY RANGE (hour)")
        conn.execute("CREATE UNIQUE INDEX ON weld.machine_hour (plate, hour)")
    welder, code = await town.welder(papers=False), await town.machine()
    assert (await town.unlock(welder, code)).status_code == 403
    assert rows_of(town.database, "refusal") == rows_of(town.database, "alert") == 1
    assert rows_of(town.database, "machine_day") == 0


async def test_a_rebuild_mends_what_differs_and_leaves_a_trace(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    await town.unlock(welder, code)
    town.database.rows("UPDATE weld.machine_day SET refusals = 7, division = NULL")
    town.database.rows("DELETE FROM weld.machine_hour")
    monkeypatch.setenv("WELDGATE_PROCESS_DATABASE_URL", town.database.url("owner"))
    check = Wanted(None, None, None, check=True, as_json=False)
    assert command.rebuild(check) == 1
    said = capsys.readouterr().err
    assert f"machine_day {code}" in said
    assert "refusals 7 instead of 1" in said
    assert town.database.rows("SELECT refusals FROM weld.machine_day") == [(7,)]
    assert command.rebuild(check._replace(check=False, as_json=True)) == 0
    told = capsys.readouterr().out
    assert '"differing": {"machine_day": 1, "machine_hour": 1}' in told
    assert '"mended": true' in told
    assert command.rebuild(check) == 0
    assert town.database.rows("SELECT d.refusals, d.division = m.division FROM weld.machine_day d, weld.machine m") == [
        (1, True)
    ]
    assert town.database.rows("SELECT actor, subject FROM weld.audit WHERE action = 'rollups.rebuilt'") == [
        ("command:rollups", "all")
    ]


async def test_days_whose_telemetry_was_dropped_stay_as_they_are(town: Town) -> None:
    code = await town.machine()
    old: date = (town.clock.now() - timedelta(days=700)).date()
    town.database.rows(
        "INSERT INTO weld.machine_day (plate, day, arc_ms, division) VALUES (%s, %s, 5, '410502')", code, old
    )
    words = Wanted(old, None, None, check=False, as_json=False)
    found = command.count(town.database.url("owner"), words, town.clock.now())
    assert (found.differing, date.fromisoformat(found.since) > old) == ({}, True)
    assert town.database.rows("SELECT arc_ms FROM weld.machine_day") == [(5,)]


async def test_who_sees_which_sums(town: Town) -> None:
    """A division its own and those below, an enterprise its own, nobody anything without a scope."""
    welder, code = await town.welder(papers=False), await of_a_firm(town)
    await town.unlock(welder, code)
    ((division, enterprise),) = town.database.rows("SELECT division, enterprise FROM weld.machine_day")
    path = town.database.rows("SELECT path FROM weld.division WHERE code = %s", division)[0][0]
    seen = {}
    for scope in ("", "platform", f"division:{path}", "division:99", f"enterprise:{enterprise}", f"worker:{welder.id}"):
        with psycopg.connect(town.database.url("api")) as conn:
            conn.execute("SELECT set_config('weld.scope', %s, true)", (scope,))
            counts = [
                conn.execute(f"SELECT count(*) FROM weld.{table}").fetchone()
                for table in ("machine_hour", "machine_day", "division_day", "enterprise_day")
            ]
            seen[scope.split(":")[0] + (":99" if scope.endswith(":99") else "")] = tuple(
                row[0] for row in counts if row
            )
    assert seen == {
        "": (0, 0, 0, 0),
        "platform": (1, 1, 1, 1),
        "division": (1, 1, 1, 1),
        "division:99": (0, 0, 0, 0),
        "enterprise": (1, 1, 0, 1),
        "worker": (0, 0, 0, 0),
    }


def test_two_rebuilds_wait_for_each_other(town: Town) -> None:
    url = town.database.url("owner")
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as other:
        other.execute("SET statement_timeout = '200ms'")
        with recount.alone(one), pytest.raises(psycopg.errors.QueryCanceled), recount.alone(other):
            pass
