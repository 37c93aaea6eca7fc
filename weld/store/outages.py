"""The one alert of a whole outage (O01): of the platform, not of a machine, and only one at a time.

Refuses to judge: weld.core.outage does.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from weld.core.outage import Count
from weld.store.connect import Conn
from weld.store.queries import query


class OutageRow(NamedTuple):
    """A whole outage on its way to becoming an alert."""

    id: UUID
    level: int
    since: datetime
    before: Count
    now: Count


async def current(conn: Conn) -> tuple[UUID, Count] | None:
    """The outage that nobody has closed, and what was online before it."""
    row = await (await conn.execute(query("outage_current"))).fetchone()
    return None if row is None else (row[0], Count(row[1], row[2]))


async def raise_alert(conn: Conn, row: OutageRow, now: datetime) -> bool:
    """Open it, and tell so; False where another worker was first."""
    evidence = {"chips": row.before.chips, "online_before": row.before.online, "online_now": row.now.online}
    words = {"id": row.id, "level": row.level, "since": row.since, "now": now, "evidence": Jsonb(evidence)}
    if await (await conn.execute(query("outage_raise"), words)).fetchone() is None:
        return False
    await conn.execute(query("finding_announce"), {"id": row.id})
    return True


async def close(conn: Conn, alert: UUID, now: datetime) -> bool:
    """It is over: the alert closes itself, and that is told; False where somebody had closed it."""
    if await (await conn.execute(query("outage_close"), {"id": alert, "now": now})).fetchone() is None:
        return False
    await conn.execute(query("finding_closed"), {"id": alert})
    return True
