"""The days of the big tables on any engine: made ahead, turned into columns, dropped behind; who writes never waits for it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from tests.database import Database
from weld.cli.maintain import MaintainSettings, maintain, serve
from weld.kit.clock import SystemClock
from weld.store import engine, partitions
from weld.store.queries import query

FAR = date(2031, 1, 1)

# One message of each chip in each hour of some days.
_MESSAGES = """
    INSERT INTO weld.telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms, current_a,
        peak_a, voltage_v, arc_ms, state)
    SELECT c, at, 1, extract(epoch FROM at)::bigint + %(first)s, at, 'synced', 'live', 0, 0, 0, 1000, '{1,2}', '{3,4}', '{20,21}',
        '{0,9}', 'idle'
    FROM generate_series(1, %(chips)s) c, generate_series(%(since)s::timestamptz, %(until)s, interval '1 hour') at"""


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def send(url: str, first_day: date, days: int, chips: int = 3, first: int = 0) -> int:
    until = at(first_day) + timedelta(days=days, hours=-1)
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(
            _MESSAGES, {"chips": chips, "since": at(first_day), "until": until, "first": first}
        ).rowcount


def days(database: Database, table: str = "telemetry") -> dict[date, str]:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        return {part.day: part.state for part in partitions.parts(conn, table)}


def kind(database: Database) -> str:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        return engine.detect(conn).kind


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    """Who maintains."""
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        yield conn


@pytest.fixture
def far(database: Database, owner: psycopg.Connection) -> list[date]:
    """Five days far from today, with rows in each."""
    partitions.ensure(owner, FAR, FAR + timedelta(days=4))
    send(database.url("ingest"), FAR, 5)
    return [FAR + timedelta(days=n) for n in range(5)]


@pytest.fixture
def columnstore(owner: psycopg.Connection) -> None:
    """Only where the server has one."""
    if not engine.detect(owner).has_columnstore:
        pytest.skip(
            "this server has no columnstore: TimescaleDB's community edition, given by WELDGATE_TIMESCALE_URL, has one"
        )


@contextmanager
def writing(database: Database, into: date) -> Iterator[list[float]]:
    """Somebody who stores a message after another as ingest does; how long each took, commit included."""
    took: list[float] = []
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(database.url("ingest"), autocommit=True) as conn:
            words = {"chips": 1, "since": at(into), "until": at(into)}
            while not over.is_set():
                before = time.monotonic()
                conn.execute(_MESSAGES, words | {"first": len(took) + 1_000_000})
                took.append(time.monotonic() - before)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield took
    finally:
        over.set()
        writer.join()


@contextmanager
def reading(database: Database, day: date, seconds: float) -> Iterator[threading.Thread]:
    """Somebody who looks at an old day for some time, in one transaction: a dump, an export."""
    looked = threading.Event()

    def read() -> None:
        with psycopg.connect(database.url("ingest")) as conn:
            span = (at(day), at(day) + timedelta(days=1))
            conn.execute("SELECT count(*) FROM weld.telemetry WHERE at >= %s AND at < %s", span)
            looked.set()
            time.sleep(seconds)

    reader = threading.Thread(target=read)
    reader.start()
    looked.wait()
    try:
        yield reader
    finally:
        reader.join()


def test_days_are_made_once_and_take_rows_of_their_utc_day(database: Database, owner: psycopg.Connection) -> None:
    made = partitions.ensure(owner, FAR, FAR + timedelta(days=1))
    assert made == (6 if kind(database) == "postgresql" else 2)  # chunks make themselves
    assert partitions.ensure(owner, FAR, FAR + timedelta(days=1)) == 0
    insert = (
        "INSERT INTO weld.event (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, kind, name, body)"
        " VALUES (1, '2031-01-02 00:00+00', 1, 1, now(), 'synced', 'live', 0, 0, 'log', 'log', '{}')"
    )
    with psycopg.connect(database.url("ingest"), autocommit=True) as conn:
        conn.execute(insert)
    parts = {part.day: part for part in partitions.parts(owner, "event")}
    mine = parts[FAR + timedelta(days=1)]
    found = owner.execute("SELECT tableoid = %s::regclass FROM event", (f"{mine.schema}.{mine.name}",)).fetchall()
    assert found == [(True,)]


def test_a_day_is_dropped_behind_its_retention_only(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    before = sorted(days(database))
    old = [day for day in before if day < far[2]]
    assert partitions.drop_before(owner, "telemetry", far[2]) == [f"telemetry_{day:%Y%m%d}" for day in old]
    assert sorted(days(database)) == [day for day in before if day >= far[2]]
    assert database.rows("SELECT min(at) FROM weld.telemetry") == [(at(far[2]),)]


def test_a_message_that_may_be_there_already_is_looked_for_on_its_own_day_only(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    moment = at(far[1])
    key = {"n": [0], "chip_no": [1], "at": [moment], "boot": [1], "seq": [int(moment.timestamp())]}
    words = key | {"since": moment, "until": moment}
    with psycopg.connect(database.url("ingest"), autocommit=True) as conn:
        assert len(conn.execute(query("evidence_find"), words).fetchall()) == 1
        plan = "\n".join(row[0] for row in conn.execute("EXPLAIN " + query("evidence_find"), words).fetchall())
    parts = {part.day: part.name for part in partitions.parts(owner, "telemetry")}
    assert [day for day, name in parts.items() if f"{name} " in plan] == [far[1]]


def test_a_day_can_be_read_by_nobody_who_may_not_read_the_table(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    part = next(part for part in partitions.parts(owner, "telemetry") if part.day == far[0])
    name = f"{part.schema}.{part.name}"
    for role, statement in (
        ("api", f"SELECT 1 FROM {name}"),
        ("reader", f"SELECT 1 FROM {name}"),
        ("ingest", f"DELETE FROM {name}"),
    ):
        with psycopg.connect(database.url(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())


def test_nobody_who_writes_waits_while_days_are_dropped(
    database: Database, owner: psycopg.Connection, far: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_TRIES", 2)
    with writing(database, into=far[4]) as took, reading(database, far[1], 8.0) as reader:
        time.sleep(0.2)
        first = partitions.drop_before(owner, "telemetry", far[3])
        assert f"telemetry_{far[1]:%Y%m%d}" not in first  # somebody reads it: not in this round
        assert far[2] in days(database)
        reader.join()
        assert f"telemetry_{far[2]:%Y%m%d}" in partitions.drop_before(owner, "telemetry", far[3])
    assert [day for day in days(database) if day < far[3]] == []
    assert len(took) > 20
    assert max(took) < 1.0, sorted(took)[-5:]


def test_a_day_that_nobody_has_written_to_yet_is_made_without_a_stop(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    partitions.ensure(owner, FAR, FAR + timedelta(days=40))
    with writing(database, into=far[4]) as took:
        for n in range(5, 40):
            send(database.url("ingest"), FAR + timedelta(days=n), 1)
    assert max(took) < 1.0, sorted(took)[-5:]


def test_a_dropping_that_was_ended_in_the_middle_is_finished_by_the_next_round(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    if kind(database) != "postgresql":
        pytest.skip("a chunk is dropped in one transaction")
    detach = "ALTER TABLE weld.telemetry DETACH PARTITION weld.telemetry_{:%Y%m%d} CONCURRENTLY"
    owner.execute(detach.format(far[0]).encode())  # and was ended before it could drop it
    with reading(database, far[1], 3.0), psycopg.connect(database.url("owner"), autocommit=True) as ended:
        ended.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            ended.execute(detach.format(far[1]).encode())
    assert (days(database)[far[0]], days(database)[far[1]]) == ("left", "leaving")
    partitions.drop_before(owner, "telemetry", far[2])
    assert min(days(database)) == far[2]


def test_maintenance_makes_the_days_to_come_and_forgets_old_quarantine(
    database: Database, owner: psycopg.Connection
) -> None:
    now = datetime.now(UTC)
    for age in (1, 91):
        owner.execute(
            "INSERT INTO quarantine (received_at, topic, reason, detail, hash, payload)"
            " VALUES (now() - %s * interval '1 day', 't', 'invalid', '', 0, '')",
            (age,),
        )
    done = maintain(database.url("owner"), MaintainSettings(), now)
    assert done["quarantine_forgotten"] == 1
    assert now.date() + timedelta(days=partitions.DAYS_AHEAD) in days(database, "machine_hour")
    assert maintain(database.url("owner"), MaintainSettings(), now)["partitions_made"] == 0


def test_maintenance_drops_what_is_past_its_time_and_says_so_in_the_audit(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    old = [day for day in days(database) if day < far[1]]
    done = maintain(database.url("owner"), MaintainSettings(), at(far[1]) + timedelta(days=400))
    assert done["telemetry_partitions_dropped"] == len(old) > 0
    assert partitions.first_day(owner, "telemetry") == min(days(database)) == far[1]
    told = database.rows("SELECT detail FROM weld.audit WHERE action = 'evidence.dropped' AND subject = 'telemetry'")
    assert told == [({"partitions": [f"telemetry_{day:%Y%m%d}" for day in old]},)]


def test_two_maintenances_do_not_run_at_once(database: Database, owner: psycopg.Connection) -> None:
    assert partitions.locked(owner)
    assert maintain(database.url("owner"), MaintainSettings(), datetime.now(UTC)) == {}


async def test_a_maintenance_that_is_at_something_long_ends_when_it_is_told_to(database: Database) -> None:
    stop = asyncio.Event()
    with psycopg.connect(database.url("owner")) as holding:
        holding.execute("LOCK TABLE weld.change")  # so it would wait for ever
        at_work = asyncio.create_task(
            serve(MaintainSettings(door_port=0), database.url("owner"), None, SystemClock(), stop)
        )
        await asyncio.sleep(1.5)
        assert not at_work.done()
        stop.set()
        await asyncio.wait_for(at_work, 5)


def test_without_a_columnstore_nothing_is_compressed(owner: psycopg.Connection, far: list[date]) -> None:
    if engine.detect(owner).has_columnstore:
        pytest.skip("this server has a columnstore")
    assert partitions.compress_before(owner, "telemetry", far[4], far[4]) == []


# --- what only the community edition has ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("columnstore")
def test_old_days_become_columns_and_say_the_same(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    digest = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM weld.telemetry t"
    before = database.rows(digest)
    done = partitions.compress_before(owner, "telemetry", far[3], far[3])
    assert done == [f"telemetry_{day:%Y%m%d}" for day in sorted(days(database)) if day < far[3]]
    assert [days(database)[day] for day in far] == ["columns", "columns", "columns", "rows", "rows"]
    assert database.rows(digest) == before
    assert partitions.compress_before(owner, "telemetry", far[3], far[3]) == []


@pytest.mark.usefixtures("columnstore")
def test_late_rows_find_their_place_among_columns_and_doubles_are_refused(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    partitions.compress_before(owner, "telemetry", far[3], far[3])
    rows = database.rows("SELECT count(*) FROM weld.telemetry")[0][0]
    with pytest.raises(psycopg.errors.UniqueViolation):
        send(database.url("ingest"), far[0], 1)
    late = send(database.url("ingest"), far[0], 1, first=1)
    assert database.rows("SELECT count(*) FROM weld.telemetry") == [(rows + late,)]
    assert days(database)[far[0]] == "mixed"
    assert partitions.compress_before(owner, "telemetry", far[3], far[0]) == []  # more may come
    assert partitions.compress_before(owner, "telemetry", far[3], far[1]) == [f"telemetry_{far[0]:%Y%m%d}"]
    assert days(database)[far[0]] == "columns"
    assert database.rows("SELECT count(*) FROM weld.telemetry") == [(rows + late,)]


@pytest.mark.usefixtures("columnstore")
def test_nobody_who_writes_waits_while_other_days_become_columns_or_columns_are_dropped(
    database: Database, owner: psycopg.Connection, far: list[date]
) -> None:
    send(database.url("ingest"), far[0], 1, chips=3000, first=1)
    with writing(database, into=far[4]) as took:
        partitions.compress_before(owner, "telemetry", far[3], far[3])
        partitions.drop_before(owner, "telemetry", far[2])
    assert far[1] not in days(database)
    assert max(took) < 1.0, sorted(took)[-5:]
