"""Day partitions and retention: made ahead, dropped behind, never the evidence of today."""

from datetime import UTC, date, datetime, timedelta

import psycopg

from tests.database import Database
from weld.cli.maintain import MaintainSettings, maintain
from weld.store import partitions

FAR = date(2031, 1, 1)


def names(database: Database, table: str) -> list[str]:
    rows = database.rows(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass(%s) ORDER BY 1",
        f"weld.{table}",
    )
    return [row[0] for row in rows]


def test_partitions_are_made_once_and_take_rows_of_their_utc_day(database: Database) -> None:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        assert partitions.ensure(conn, FAR, FAR + timedelta(days=1)) == 6
        assert partitions.ensure(conn, FAR, FAR + timedelta(days=1)) == 0
        conn.execute(
            "INSERT INTO event (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, kind, name, body)"
            " VALUES (1, '2031-01-02 00:00+00', 1, 1, now(), 'synced', 'live', 0, 0, 'log', 'log', '{}')"
        )
        assert conn.execute("SELECT tableoid::regclass::text FROM event").fetchall() == [("event_20310102",)]


def test_a_partition_is_dropped_behind_its_retention_only(database: Database) -> None:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        partitions.ensure(conn, FAR, FAR + timedelta(days=2))
        before = names(database, "telemetry")
        old = [name for name in before if name < "telemetry_20310102"]
        assert partitions.drop_before(conn, "telemetry", FAR + timedelta(days=1)) == old
    assert names(database, "telemetry") == [name for name in before if name not in old]


def test_maintenance_makes_the_days_to_come_and_forgets_old_quarantine(database: Database) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        for age in (1, 91):
            conn.execute(
                "INSERT INTO quarantine (received_at, topic, reason, detail, hash, payload)"
                " VALUES (now() - %s * interval '1 day', 't', 'invalid', '', 0, '')",
                (age,),
            )
    done = maintain(database.url("owner"), MaintainSettings(), now)
    assert done["quarantine_forgotten"] == 1
    last = now.date() + timedelta(days=partitions.DAYS_AHEAD)
    assert f"telemetry_{last:%Y%m%d}" in names(database, "telemetry")
    assert maintain(database.url("owner"), MaintainSettings(), now)["partitions_made"] == 0


def test_two_maintenances_do_not_run_at_once(database: Database) -> None:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        assert partitions.locked(conn)
        assert maintain(database.url("owner"), MaintainSettings(), datetime.now(UTC)) == {}
