"""What a rehearsal enters before it begins and reads back when it is over, as owner: past every scope, all rows of all chips.

For throw-away databases only. Refuses to judge: comparing is the checker's work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg.rows import class_row, dict_row

from weld.store.connect import Conn
from weld.store.queries import query

Row = Mapping[str, Any]
T = TypeVar("T", bound=tuple[Any, ...])


class Kept(NamedTuple):
    """A stored message: its key and the hash of its bytes."""

    chip: str
    boot: int
    seq: int
    hash: int


class Refused(NamedTuple):
    """A message in quarantine; no key where none could be read."""

    chip: str | None
    boot: int | None
    seq: int | None
    hash: int
    reason: str


class Hole(NamedTuple):
    """A range that was declared lost or unreadable."""

    chip: str
    boot: int
    from_seq: int
    to_seq: int
    why: str


class Alert(NamedTuple):
    """An alert, and how many facts about its opening went out."""

    chip: str | None
    code: str
    historical: bool
    told: int


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that stands in a store after a run. `anchors`: when `up` was 0, by chip and boot."""

    evidence: Sequence[Kept]
    quarantine: Sequence[Refused]
    holes: Sequence[Hole]
    alerts: Sequence[Alert]
    anchors: Mapping[tuple[str, int], datetime]
    sessions: Sequence[Row]
    days: Sequence[Row]
    hours: Sequence[Row]
    owners: Sequence[Row]
    states: Sequence[Row]
    arcs: Sequence[Row]


async def enrol(
    conn: Conn, worker: UUID, chips: Sequence[tuple[str, str, str]], tickets: Sequence[tuple[UUID, str]], at: datetime
) -> None:
    """Enter (chip, plate, shard) of each machine, and (ticket, chip) of each permission given at `at`."""
    names, plates, shards = (list(column) for column in zip(*chips, strict=True))
    words: dict[str, Any] = {"worker": worker, "chips": names, "plates": plates, "shards": shards}
    await conn.execute(query("inspection_registers"), words)
    words |= {"tickets": [ticket for ticket, _ in tickets], "chips": [chip for _, chip in tickets], "at": at}
    await conn.execute(query("inspection_grants"), words)


async def read(conn: Conn) -> Books:
    """The books as they stand."""
    anchors = await (await conn.execute(query("inspection_anchors"))).fetchall()
    return Books(
        await _of(conn, Kept, "inspection_evidence"),
        await _of(conn, Refused, "inspection_quarantine"),
        await _of(conn, Hole, "inspection_holes"),
        await _of(conn, Alert, "inspection_alerts"),
        {(chip, boot): at for chip, boot, at in anchors},
        await _rows(conn, "inspection_sessions"),
        await _rows(conn, "inspection_days"),
        await _rows(conn, "inspection_hours"),
        await _rows(conn, "inspection_owners"),
        await _rows(conn, "inspection_states"),
        await _rows(conn, "inspection_arcs"),
    )


async def backends(conn: Conn) -> list[int]:
    """The server's processes behind the connections of ours."""
    return [row[0] for row in await (await conn.execute(query("inspection_backends"))).fetchall()]


async def _of(conn: Conn, kind: type[T], name: str) -> list[T]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        return await (await cursor.execute(query(name))).fetchall()


async def _rows(conn: Conn, name: str) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        return list(await (await cursor.execute(query(name))).fetchall())
