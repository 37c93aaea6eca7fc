"""Chips as ingest knows them: enrolment, saved fold, boots with their anchors, presence, latest state.

Written by ingest only (enrolment is api's). Refuses to understand the fold: it is the pipeline's own value, as JSON.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import class_row

from weld.store.binary import copy_rows, in_json
from weld.store.connect import Conn
from weld.store.queries import query


class ChipRow(NamedTuple):
    """One chip with what was saved of it; the later columns are None for a chip never heard."""

    chip: str
    chip_no: int
    shard: str
    rejected: bool
    fold: dict[str, Any] | None
    rules_version: int | None
    boot: int | None
    seq: int | None
    received_at: datetime | None
    at: datetime | None
    state: str | None
    contact: str | None
    current_a: float | None
    online: bool | None
    connection: int | None
    presence_boot: int | None
    idle_quarter: int
    idle_ms: int
    idle_messages: int
    idle_online_ms: int
    clock_ms: int | None


class BootRow(NamedTuple):
    """One boot of a chip: when its `up` was 0, and what was answered."""

    chip_no: int
    boot: int
    anchor_at: datetime
    hash: int | None
    reply: bytes | None


class PresenceRow(NamedTuple):
    """What a chip's retained presence says."""

    chip_no: int
    chip: str
    shard: str
    rules_version: int
    online: bool
    connection: int
    presence_boot: int
    nonce: str | None
    config_version: int
    presence_at: datetime


async def of_shards(conn: Conn, shards: Sequence[str]) -> list[ChipRow]:
    """All chips of these shards."""
    async with conn.cursor(row_factory=class_row(ChipRow)) as cursor:
        await cursor.execute(query("chips_of_shards"), {"shards": list(shards)})
        return await cursor.fetchall()


async def named(conn: Conn, chips: Sequence[str]) -> list[ChipRow]:
    """These chips, where they exist."""
    async with conn.cursor(row_factory=class_row(ChipRow)) as cursor:
        await cursor.execute(query("chips_named"), {"chips": list(chips)})
        return await cursor.fetchall()


async def newest_boots(conn: Conn, shards: Sequence[str]) -> list[BootRow]:
    """The two newest boots of each chip of these shards."""
    async with conn.cursor(row_factory=class_row(BootRow)) as cursor:
        await cursor.execute(query("boots_newest"), {"shards": list(shards)})
        return await cursor.fetchall()


async def boots(conn: Conn, keys: Sequence[tuple[int, int]]) -> list[BootRow]:
    """These boots, as (chip_no, boot), where they are known."""
    async with conn.cursor(row_factory=class_row(BootRow)) as cursor:
        words = {"chip_nos": [key[0] for key in keys], "boots": [key[1] for key in keys]}
        await cursor.execute(query("boots_of_chips"), words)
        return await cursor.fetchall()


async def put_boots(conn: Conn, rows: Sequence[tuple[BootRow, datetime]]) -> None:
    """Boots first heard, or answered, in this batch, each with its time of receipt."""
    boots: dict[tuple[int, int], dict[str, Any]] = {}
    for row, at in rows:  # one that was heard and answered in one batch is here twice: the answer joins the anchor
        words = boots.setdefault((row.chip_no, row.boot), {**row._asdict(), "received_at": at})
        words |= {name: getattr(row, name) for name in ("hash", "reply") if words[name] is None}
    await conn.execute(query("boot_put"), {"rows": in_json(list(boots.values()))})


async def prepare(conn: Conn) -> None:
    """What a connection needs before its first batch."""
    await conn.execute(query("state_stage"))


async def put_states(conn: Conn, rows: Sequence[bytes], told: int) -> None:
    """The latest state of each chip of a batch, as rows of the stage that are ready (weld.store.binary), one a chip.

    They are written in the order of chip_no, with which they begin (no deadlocks, hot updates). So many `told` how they are; of
    the others the columns from `state` to `accuracy_m` stay as they are. No position and no energy keeps the last one; no fold
    means as it was saved.
    """
    await copy_rows(conn, "state_stage", sorted(rows))
    if told:
        await conn.execute(query("state_put"))
    if told < len(rows):
        await conn.execute(query("state_touch"))


async def put_presence(conn: Conn, rows: Sequence[PresenceRow]) -> None:
    """Presence of some chips, one row each, and a word in the live map's tail where one came or went."""
    await conn.execute(query("presence_put"), {"rows": in_json([row._asdict() for row in rows])})


async def put_changes(conn: Conn, rows: Sequence[tuple[str, str, datetime]]) -> None:
    """What somebody sees changed: (chip, state, at)."""
    words = {"chips": [r[0] for r in rows], "states": [r[1] for r in rows], "ats": [r[2] for r in rows]}
    await conn.execute(query("change_put"), words)
