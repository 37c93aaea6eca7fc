"""LISTEN as a hint: somebody else committed something; ids only, and never relied upon.

Refuses to be the only way to learn of a thing: every waiter also polls.
"""

from collections.abc import Sequence

from psycopg import sql

from weld.store.connect import Conn


async def listen(conn: Conn, channels: Sequence[str]) -> None:
    """Hear these channels on this connection from now on."""
    for channel in channels:
        await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


async def hints(conn: Conn, seconds: float) -> list[str]:
    """What was said until now, or the first thing said within `seconds`; the words of each hint, in order."""
    return [
        word async for hint in conn.notifies(timeout=seconds, stop_after=1) for word in hint.payload.split() or [""]
    ]
