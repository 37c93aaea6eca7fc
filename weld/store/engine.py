"""What the database server is and can: plain PostgreSQL, or TimescaleDB in its Apache or its community edition.

Everything else is one code path; who must know asks here. Refuses to guess from a version: it looks at what is loaded.
"""

from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from weld.store.queries import query


@dataclass(frozen=True, slots=True)
class Engine:
    """One server as one database sees it."""

    postgresql: str  # "17.11"
    timescaledb: str | None  # the extension in this database; None: none
    offered: str | None  # the extension that this server would give this database; None: it is not there or not loaded
    schema: str | None  # where the extension's functions stand
    license: Literal["apache", "timescale"] | None

    @property
    def kind(self) -> Literal["postgresql", "timescaledb"]:
        """Whether tables may be hypertables."""
        return "timescaledb" if self.timescaledb else "postgresql"

    @property
    def has_columnstore(self) -> bool:
        """Only the community edition has it: Apache's refuses compression, policies and continuous aggregates."""
        return self.license == "timescale"

    def function(self, name: str) -> sql.Identifier:
        """One of the extension's functions, by its full name: nothing of ours has its schema in the path."""
        if self.schema is None:
            raise RuntimeError("there is no TimescaleDB in this database")
        return sql.Identifier(self.schema, name)


def detect(conn: psycopg.Connection) -> Engine:
    """What this database has; any role may ask."""
    conn.execute("SELECT 1")  # the extension's own settings come with a session's first statement
    with conn.cursor(row_factory=class_row(Engine)) as cursor:
        found = cursor.execute(query("engine")).fetchone()
    if found is None:
        raise RuntimeError("the server did not say what it is")
    return found
