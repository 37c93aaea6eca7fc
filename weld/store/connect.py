"""Connections: how a process gets one, and whose eyes a transaction has.

Refuses a transaction of a person without a scope: row-level security then shows nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from weld.store.migrate import check_version

Conn = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Conn]

# A transaction of ours waits for nothing but the database. Shorter than a lease, or a take-over would meet the sleeper's locks.
IDLE_IN_TRANSACTION_MS = 4_000

# What a caller may try again: the server went away, two transactions met, or we slept in one.
TRANSIENT = (
    psycopg.OperationalError,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

# Something was written that was there already: what the caller believed to know of the store was wrong.
DOUBLED = psycopg.errors.UniqueViolation

# Everything that a database can answer with.
FAILURES = (psycopg.Error,)


def blames_data(error: Exception) -> bool:
    """Whether an error says that what was to be written is wrong, and not that the server or the schema is.

    A missing partition is the schema's fault: good messages must wait for it, not go to quarantine. Whatever is no database
    error is a bug of ours that one message brought to light.
    """
    if isinstance(error, psycopg.errors.CheckViolation) and error.diag.constraint_name is None:
        return False
    return isinstance(error, psycopg.DataError | psycopg.IntegrityError) or not isinstance(
        error, psycopg.Error | OSError
    )


async def connect(url: str, name: str) -> Conn:
    """One connection in autocommit mode (transactions are explicit), named for pg_stat_activity; schema checked.

    A process that stops in the middle of a transaction loses it, before others want what it locked.
    """
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True, application_name=f"weldgate {name}")
    try:
        await conn.execute(f"SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS}")
        await check_version(conn)
    except BaseException:
        await conn.close()
        raise
    return conn


@asynccontextmanager
async def pool(url: str, name: str, size: int = 8) -> AsyncIterator[Pool]:
    """A pool for a process that serves many at once; opened, checked and closed here."""
    options: dict[str, Any] = {"autocommit": True, "application_name": f"weldgate {name}"}
    async with AsyncConnectionPool(
        url, min_size=1, max_size=size, kwargs=options, open=False, timeout=5, connection_class=Conn
    ) as connections:
        async with connections.connection() as conn:
            await check_version(conn)
        yield connections


@asynccontextmanager
async def undone(connections: Pool, scope: str) -> AsyncIterator[Conn]:
    """The same, and nothing of it stays: for measuring."""
    async with connections.connection() as conn, conn.transaction(force_rollback=True):
        await conn.execute("SELECT set_config('weld.scope', %s, true)", (scope,))
        yield conn


@asynccontextmanager
async def scoped(connections: Pool, scope: str) -> AsyncIterator[Conn]:
    """A transaction that sees what `scope` may see: platform, division:PATH, enterprise:UUID or worker:UUID."""
    async with connections.connection() as conn, conn.transaction():
        await conn.execute("SELECT set_config('weld.scope', %s, true)", (scope,))
        yield conn
