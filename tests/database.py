"""Real databases for tests: one server a test process, one migrated template, one fresh copy a test.

Honours WELDGATE_TIMESCALE_URL (a TimescaleDB of either edition; `make test-timescale`) and WELDGATE_DATABASE_URL, addresses that
may create roles and databases; otherwise starts a server of its own and stops it at the end. Refuses mocks, and refuses to leave
a database behind.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from weld.cli.postgres import EmbeddedPostgres
from weld.store import partitions, setup
from weld.store.migrate import migrate
from weld.store.vault import Vault

# Days around today that have partitions: tests play with clocks by a few days, not by years.
_DAYS_BEFORE, _DAYS_AFTER = 10, 10


@dataclass(frozen=True)
class Database:
    """One database with its six login roles."""

    server_url: str
    name: str
    passwords: dict[str, str]

    def url(self, role: str) -> str:
        """The address for one of the roles owner, ingest, gateway, dispatch, api, reader."""
        return setup.role_url(self.server_url, self.name, role, self.passwords[role])

    @property
    def admin_url(self) -> str:
        """The address of whoever made it: sees past row-level security, so it is for looking and for arranging only."""
        return setup.database_url(self.server_url, self.name)

    @cached_property
    def vault(self) -> Vault:
        """A vault with keys of its own."""
        return Vault("k1", {"k1": secrets.token_bytes(32)}, secrets.token_bytes(32))

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What stands in the database, read past every scope."""
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            cursor = conn.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Server:
    """A running server and its migrated template."""

    url: str
    template: str

    @contextmanager
    def fresh_database(self) -> Iterator[Database]:
        """A copy of the template that goes away at the end."""
        database = Database(self.url, f"t_{secrets.token_hex(6)}", _passwords())
        setup.create_database(self.url, database.name, database.passwords, template=self.template)
        try:
            yield database
        finally:
            setup.drop_database(self.url, database.name)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of this test process, with a migrated template in it."""
    with _server_url() as url:
        template = Database(url, f"template_{secrets.token_hex(6)}", _passwords())
        setup.create_database(url, template.name, template.passwords)
        try:
            migrate(template.url("owner"))
            _make_partitions(template.url("owner"))
            _close(url, template.name)
            yield Server(url, template.name)
        finally:
            setup.drop_database(url, template.name)


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A fresh database for one test: `.url(role)`, `.vault`, `.rows(sql)`."""
    with server.fresh_database() as fresh:
        yield fresh


def _passwords() -> dict[str, str]:
    return {role: secrets.token_urlsafe(18) for role in setup.ROLES}


def _make_partitions(owner_url: str) -> None:
    today: date = datetime.now(UTC).date()
    with psycopg.connect(owner_url, autocommit=True) as conn:
        partitions.ensure(conn, today - timedelta(days=_DAYS_BEFORE), today + timedelta(days=_DAYS_AFTER))


def _close(server_url: str, template: str) -> None:
    """Nobody may be in a database while it is copied: not even TimescaleDB's own scheduler, which enters all it finds open."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(template)))
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (template,))


@contextmanager
def _server_url() -> Iterator[str]:
    given = os.environ.get("WELDGATE_TIMESCALE_URL") or os.environ.get("WELDGATE_DATABASE_URL")
    if given:
        yield given
        return
    with EmbeddedPostgres(Path(__file__).parents[1], name="tests", throwaway=True) as own:
        with psycopg.connect(own.url, autocommit=True) as conn:
            # No test pulls the plug of the machine; what a kill -9 may lose is the same without these.
            conn.execute("ALTER SYSTEM SET fsync = off")
            conn.execute("ALTER SYSTEM SET full_page_writes = off")
            conn.execute("SELECT pg_reload_conf()")
        yield own.url
