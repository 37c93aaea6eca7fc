"""The database's clock, and its hints that something visible changed. A hint may be lost: whoever waits also looks."""

from collections.abc import AsyncIterator
from datetime import datetime

from weld.store.connect import Conn, connect
from weld.store.queries import query


async def database_now(conn: Conn) -> datetime:
    """The database's clock."""
    row = await (await conn.execute(query("database_now"))).fetchone()
    if row is None:
        raise RuntimeError("the database has no clock")
    found: datetime = row[0]
    return found


async def hint(conn: Conn, subject: str) -> None:
    """Say that `grant:<id>`, `session:<id>` or `alert:<id>` changed, when the transaction commits."""
    await conn.execute(query("hint_post"), {"subject": subject})


async def hints(url: str, name: str) -> AsyncIterator[str]:
    """What changed, as `grant:<id>`, `session:<id>`, `alert:<id>`, on a connection of its own. A hint may be lost."""
    conn = await connect(url, name)
    try:
        await conn.execute(query("listen_facts"))
        yield ""  # listening from now on
        async for note in conn.notifies():
            for subject in note.payload.split():  # one hint may tell of many
                yield subject
    finally:
        await conn.close()
