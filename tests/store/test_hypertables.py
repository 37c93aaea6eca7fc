"""What the server is, and what migrations make of the tables of days there: the same schema, whoever minds the days."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from tests.database import Database
from tests.store.test_partitions import FAR, kind, send
from weld.store import engine, hypertables, partitions
from weld.store.migrate import migrate, snapshot


@pytest.fixture
def owner_of_timescale(database: Database) -> Iterator[psycopg.Connection]:
    """The owner, on a server with TimescaleDB only."""
    if kind(database) != "timescaledb":
        pytest.skip("plain PostgreSQL; `make test-timescale` gives a TimescaleDB")
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        yield conn


def schema(database: Database) -> str:
    with psycopg.connect(database.admin_url) as conn:
        return snapshot(conn)


def minded(database: Database) -> dict[str, bool]:
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        return {table: partitions.is_hypertable(conn, table) for table in partitions.TABLES}


def partitioned_again(conn: psycopg.Connection, table: str) -> None:
    """As a server had it that got TimescaleDB later."""
    conn.execute(f"CREATE TABLE weld.before (LIKE weld.{table} INCLUDING ALL) PARTITION BY RANGE (at)".encode())
    grants = conn.execute(
        "SELECT grantee, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_name = %s AND grantee <> 'weld_owner'",
        (table,),
    ).fetchall()
    functions = conn.execute(
        "SELECT oid::regprocedure::text, pg_get_functiondef(oid), ARRAY(SELECT grantee::regrole::text FROM aclexplode(proacl)"
        " WHERE grantee <> proowner) FROM pg_proc WHERE prorettype = %s::regtype",
        (f"weld.{table}",),
    ).fetchall()
    for name, *_ in functions:
        conn.execute(f"DROP FUNCTION {name}".encode())
    conn.execute(f"DROP TABLE weld.{table}".encode())
    conn.execute(f"ALTER TABLE weld.before RENAME TO {table}".encode())
    conn.execute(f"ALTER INDEX weld.before_chip_no_at_boot_seq_idx RENAME TO {table}_key".encode())
    for grantee, right in grants:
        conn.execute(f"GRANT {right} ON weld.{table} TO {grantee}".encode())
    for name, text, users in functions:
        conn.execute(text.encode())
        conn.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC".encode())
        conn.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {', '.join(users)}".encode())


def test_every_role_may_ask_what_the_server_is(database: Database) -> None:
    found = set()
    for role in ("owner", "ingest", "api", "reader"):
        with psycopg.connect(database.url(role), autocommit=True) as conn:
            found.add(engine.detect(conn))
    (one,) = found
    assert one.kind == ("timescaledb" if one.timescaledb else "postgresql")
    assert one.has_columnstore == (one.license == "timescale")
    assert int(one.postgresql.split(".")[0]) >= 16


def test_a_plain_server_keeps_its_partitions(database: Database) -> None:
    if kind(database) != "postgresql":
        pytest.skip("this server has TimescaleDB")
    migrate(database.url("owner"))
    assert not any(minded(database).values())


def test_telemetry_and_events_are_hypertables_and_what_carries_policies_is_not(
    database: Database, owner_of_timescale: psycopg.Connection
) -> None:
    assert minded(database) == {"telemetry": True, "event": True, "machine_hour": False}
    assert hypertables.adopt(owner_of_timescale) == []
    assert owner_of_timescale.execute(
        "SELECT count(*) FROM timescaledb_information.jobs WHERE hypertable_schema = 'weld'"
    ).fetchall() == [(0,)]


def test_an_empty_table_becomes_a_hypertable_and_nothing_else_about_it_changes(
    database: Database, owner_of_timescale: psycopg.Connection
) -> None:
    before = schema(database)
    partitioned_again(owner_of_timescale, "telemetry")
    assert minded(database)["telemetry"] is False
    assert schema(database) == before
    assert migrate(database.url("owner")) == []
    assert minded(database)["telemetry"] is True
    assert schema(database) == before
    assert send(database.url("ingest"), FAR, 1) == 72
    words = "SELECT * FROM weld.machine_telemetry('x', now(), now(), 1)"
    with psycopg.connect(database.url("api")) as conn:
        assert conn.execute(words).fetchall() == []
    for role, statement in (("ingest", words), ("api", "SELECT 1 FROM weld.telemetry")):
        with psycopg.connect(database.url(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())


def test_a_table_with_rows_stays_as_it_is_and_everything_works_on(
    database: Database, owner_of_timescale: psycopg.Connection
) -> None:
    partitioned_again(owner_of_timescale, "telemetry")
    partitions.ensure(owner_of_timescale, FAR, FAR)
    send(database.url("ingest"), FAR, 1)
    migrate(database.url("owner"))
    assert minded(database) == {"telemetry": False, "event": True, "machine_hour": False}
    assert database.rows("SELECT count(*) FROM weld.telemetry") == [(72,)]


def test_its_rows_move_by_a_copy_out_a_migration_and_a_copy_in(
    database: Database, owner_of_timescale: psycopg.Connection
) -> None:
    partitioned_again(owner_of_timescale, "telemetry")
    partitions.ensure(owner_of_timescale, FAR, FAR + timedelta(days=2))
    send(database.url("ingest"), FAR, 3)
    digest = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM weld.telemetry t"
    before = database.rows(digest)
    with owner_of_timescale.cursor() as cursor:  # as docs/how-to/timescaledb.md has it
        with cursor.copy("COPY (SELECT * FROM weld.telemetry) TO STDOUT (FORMAT binary)") as out:
            dumped = b"".join(bytes(part) for part in out)
        cursor.execute("TRUNCATE weld.telemetry")
        migrate(database.url("owner"))
        assert minded(database)["telemetry"] is True
        with cursor.copy("COPY weld.telemetry FROM STDIN (FORMAT binary)") as into:
            into.write(dumped)
    assert database.rows(digest) == before


def test_who_writes_meanwhile_is_not_kept_waiting_by_a_migration(
    database: Database, owner_of_timescale: psycopg.Connection
) -> None:
    partitioned_again(owner_of_timescale, "event")
    with psycopg.connect(database.url("ingest")) as busy:
        busy.execute("SELECT count(*) FROM weld.event")
        migrate(database.url("owner"))  # gives up after two seconds
        assert minded(database)["event"] is False
    migrate(database.url("owner"))
    assert minded(database)["event"] is True


def test_a_server_that_lets_no_extension_be_made_stays_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = engine.Engine("17.1", None, "2.19.3", None, None)
    monkeypatch.setattr(hypertables, "detect", lambda _: offered)

    def refused(*_: object) -> None:
        raise psycopg.errors.InsufficientPrivilege

    class Stubborn:
        execute: Callable[..., None] = staticmethod(refused)

    assert hypertables.adopt(Stubborn()) == []  # type: ignore[arg-type]
