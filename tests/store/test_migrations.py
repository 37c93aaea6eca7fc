"""Migrations: they lead to the committed snapshot, an edited one is noticed, and nobody starts on another schema."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.database import Database
from tests.structure.sources import ROOT
from weld.store import migrate as migrations
from weld.store.connect import connect
from weld.store.queries import QUERIES

SNAPSHOT = Path(migrations.__file__).parent / "schema.snapshot.txt"


def test_the_migrations_lead_to_the_committed_snapshot(database: Database) -> None:
    with psycopg.connect(database.admin_url) as conn:
        found = migrations.snapshot(conn)
    if os.environ.get("WELDGATE_REWRITE"):
        SNAPSHOT.write_text(found)
    assert SNAPSHOT.read_text() == found, (
        "look at the difference; then WELDGATE_REWRITE=1 pytest tests/store/test_migrations.py"
    )


def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert migrations.migrate(database.url("owner")) == []


def test_a_migration_that_was_edited_after_it_was_applied_is_noticed(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        conn.execute("UPDATE public.schema_version SET hash = 'other'")
    with pytest.raises(migrations.SchemaMismatch, match="edited"):
        migrations.migrate(database.url("owner"))


async def test_a_process_refuses_to_start_on_another_schema(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        conn.execute("INSERT INTO public.schema_version (number, name, hash) VALUES (999, 'future', 'x')")
    with pytest.raises(migrations.SchemaMismatch, match="update the program"):
        await connect(database.url("ingest"), "test")


async def test_a_process_says_what_to_do_about_an_empty_database(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        conn.execute("DROP TABLE public.schema_version")
    with pytest.raises(migrations.SchemaMismatch, match="weldgate migrate"):
        await connect(database.url("ingest"), "test")


def test_no_role_but_the_owner_may_change_the_schema(database: Database) -> None:
    for role in ("ingest", "gateway", "dispatch", "api", "reader"):
        with psycopg.connect(database.url(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("CREATE TABLE weld.mine (a int)")


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("api", "SELECT 1 FROM weld.telemetry"),
        ("api", "INSERT INTO weld.session (id) VALUES (gen_random_uuid())"),
        ("api", "DELETE FROM weld.audit"),
        ("ingest", "SELECT 1 FROM weld.worker"),
        ("ingest", "DELETE FROM weld.telemetry"),
        ("ingest", "UPDATE weld.alert SET id = id WHERE false; SELECT 1 FROM weld.certificate"),
        ("gateway", "UPDATE weld.unlock_grant SET state = 'ended'"),
        ("gateway", "SELECT 1 FROM weld.worker"),
        ("dispatch", "UPDATE weld.alert SET state = 'closed'"),
        ("reader", "UPDATE weld.machine SET maker = ''"),
    ],
)
def test_each_role_is_kept_to_its_own_work(database: Database, role: str, statement: str) -> None:
    with psycopg.connect(database.url(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement.encode())


def test_a_login_of_one_database_cannot_enter_another(database: Database, server: object) -> None:
    with server.fresh_database() as other:  # type: ignore[attr-defined]
        stranger = urlsplit(database.url("api"))._replace(path=f"/{other.name}").geturl()
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(stranger).close()


def test_every_named_query_is_used() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "weld" / "store").rglob("*.py"))
    assert [name for name in QUERIES if f'"{name}"' not in source] == []
