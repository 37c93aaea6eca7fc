"""Databases and roles: what has to be there before the first migration, and how it goes away again.

Group roles (weld_owner, weld_ingest, ...) hold the grants and cannot sign in; they are shared by all databases of a server.
Login roles belong to one database (`<database>_ingest`), so that a throw-away stack on a production server can neither
change its passwords nor enter its data. weld_audit owns the audit and has no login at all.
Refuses to hold passwords: they are handed in.
"""

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.errors import DuplicateObject, UniqueViolation

from weld.store.queries import query

ROLES = ("owner", "ingest", "gateway", "dispatch", "api", "reader")
_AUDIT = "audit"


def role_url(server_url: str, database: str, role: str, password: str) -> str:
    """The server's address with this database's login role in it."""
    parts = urlsplit(server_url)
    place = parts.netloc.rpartition("@")[2]
    user = f"{quote(f'{database}_{role}')}:{quote(password)}"
    return urlunsplit((parts.scheme, f"{user}@{place}", f"/{database}", parts.query, ""))


def database_url(server_url: str, database: str) -> str:
    """The server's address as it was given, with another database."""
    parts = urlsplit(server_url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))


def create_database(server_url: str, database: str, passwords: Mapping[str, str], template: str = "template0") -> None:
    """Make the group roles, the database and its login roles; does nothing where they are there already.

    `server_url` belongs to a role that may create roles and databases; it is used here and by drop_database only.
    """
    make_database(server_url, database, template)
    with psycopg.connect(server_url, autocommit=True) as conn:
        for role in ROLES:
            _create_login(conn, database, role, passwords[role])


def make_database(server_url: str, database: str, template: str = "template0") -> None:
    """The group roles and the database, without logins of its own: for data that are to be looked at before anybody may enter."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        for role in (*ROLES, _AUDIT):
            _create_group(conn, role)
        # Migrations make the audit's tables as weld_audit. It takes a SET ROLE: without one the owner changes nothing there.
        conn.execute("GRANT weld_audit TO weld_owner WITH INHERIT FALSE, SET TRUE")
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
            _create_database(conn, database, template)


def owned_url(server_url: str, database: str) -> str:
    """The server's address, inside this database as the owner's group: before there are logins."""
    parts = urlsplit(database_url(server_url, database))
    option = f"options={quote('-c role=weld_owner')}"
    return urlunsplit(parts._replace(query=f"{parts.query}&{option}" if parts.query else option))


def is_there(server_url: str, database: str) -> bool:
    """Whether the server has such a database."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        return conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is not None


def visitors(server_url: str, database: str) -> list[str]:
    """Who is connected to a database now, by the names that programs give themselves."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        return [row[0] for row in conn.execute(query("visitors"), {"database": database}).fetchall()]


def rename_database(server_url: str, database: str, name: str) -> None:
    """Another name for a database that nobody is connected to; psycopg.errors.ObjectInUse otherwise."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        words = sql.Identifier(database), sql.Identifier(name)
        conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*words))


def remove_database(server_url: str, database: str) -> None:
    """A database without its logins."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def drop_database(server_url: str, database: str) -> None:
    """Remove a database with everything in it, and its login roles."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
        for role in ROLES:
            conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"{database}_{role}")))


def _create_group(conn: psycopg.Connection, role: str) -> None:
    with suppress(DuplicateObject, UniqueViolation):  # another stack may be first, perhaps at this very moment
        conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(f"weld_{role}")))


def _create_database(conn: psycopg.Connection, database: str, template: str) -> None:
    name = sql.Identifier(database)
    # Who made the database may hand it to the owner's group only as its member (PostgreSQL 16).
    conn.execute(sql.SQL("GRANT weld_owner TO CURRENT_USER"))
    conn.execute(sql.SQL("CREATE DATABASE {} OWNER weld_owner TEMPLATE {}").format(name, sql.Identifier(template)))
    conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))


def _create_login(conn: psycopg.Connection, database: str, role: str, password: str) -> None:
    login, group = sql.Identifier(f"{database}_{role}"), sql.Identifier(f"weld_{role}")
    with suppress(DuplicateObject, UniqueViolation):
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(login))
    conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, sql.Literal(password)))
    conn.execute(sql.SQL("GRANT {} TO {}").format(group, login))
    conn.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(database), login))
    path = sql.SQL("ALTER ROLE {} IN DATABASE {} SET search_path = weld, pg_temp").format(
        login, sql.Identifier(database)
    )
    conn.execute(path)
    if role == "owner":  # what the owner's login makes belongs to the group, not to the login
        conn.execute(
            sql.SQL("ALTER ROLE {} IN DATABASE {} SET role = weld_owner").format(login, sql.Identifier(database))
        )
