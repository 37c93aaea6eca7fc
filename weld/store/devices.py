"""Workers' devices: each known by the hash of a secret that it alone holds, good at once or from a moment on.

Refuses to tell how long a new one waits: that is handed in.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class DeviceRow(NamedTuple):
    """One device of a worker."""

    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime
    good_from: datetime


class Bound(NamedTuple):
    """A device and from when on it is good."""

    id: UUID
    good_from: datetime


async def lock(conn: Conn, worker: UUID) -> None:
    """Until the end of the transaction nobody else binds a device to this worker."""
    await conn.execute(query("device_lock"), {"worker": worker})


async def find(conn: Conn, worker: UUID, secret_hash: bytes) -> Bound | None:
    """This worker's device with this secret."""
    words = {"worker": worker, "secret_hash": secret_hash}
    async with conn.cursor(row_factory=class_row(Bound)) as cursor:
        return await (await cursor.execute(query("device_find"), words)).fetchone()


async def sharable(conn: Conn, worker: UUID, secret_hash: bytes) -> bool:
    """Whether it is the secret of a device that others use, and this worker never did."""
    words = {"worker": worker, "secret_hash": secret_hash}
    row = await (await conn.execute(query("device_sharable"), words)).fetchone()
    return bool(row and row[0])


async def add(
    conn: Conn, device: UUID, worker: UUID, secret_hash: bytes, browser: str, now: datetime, later: datetime
) -> Bound:
    """A new device: good at once where the worker has no other, else from `later` on."""
    words = {"id": device, "worker": worker, "secret_hash": secret_hash, "browser": browser, "now": now, "later": later}
    row = await (await conn.execute(query("device_add"), words)).fetchone()
    return Bound(device, later if row is None else row[0])


async def seen(conn: Conn, device: UUID, browser: str, now: datetime) -> None:
    """Somebody signed in at it."""
    await conn.execute(query("device_seen"), {"id": device, "browser": browser, "now": now})


async def of(conn: Conn, worker: UUID) -> list[DeviceRow]:
    """A worker's devices, the latest used first."""
    async with conn.cursor(row_factory=class_row(DeviceRow)) as cursor:
        return await (await cursor.execute(query("device_list"), {"worker": worker})).fetchall()


async def waiting(conn: Conn, worker: UUID, now: datetime) -> int:
    """How many of them wait to be good."""
    row = await (await conn.execute(query("device_waiting"), {"worker": worker, "now": now})).fetchone()
    return int(row[0]) if row else 0


async def allow(conn: Conn, worker: UUID, device: UUID, now: datetime) -> bool:
    """One that waits is good from now on; False where none such waits."""
    words = {"worker": worker, "id": device, "now": now}
    return (await conn.execute(query("device_allow"), words)).rowcount == 1


async def remove(conn: Conn, worker: UUID, device: UUID, now: datetime) -> bool:
    """Forget a device; False where there is none such. Its sign-ins open nothing any more."""
    words = {"worker": worker, "id": device, "now": now}
    return (await conn.execute(query("device_remove"), words)).rowcount == 1
