"""What ingest writes of many chips in one statement: presence with the live map's tail, and boots with their answers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.database import Database
from weld.store import chips
from weld.store.chips import BootRow, PresenceRow
from weld.store.connect import Conn, connect

NOW = datetime(2026, 1, 5, 8, 0, 0, 123_456, tzinfo=UTC)
SAID = {1: "CHIP0001", 2: "CHIP0002", 3: "CHIP0003"}


@pytest.fixture
async def conn(database: Database) -> AsyncIterator[Conn]:
    """Three chips, of which the third is at no machine; ingest's own connection."""
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute(
            "INSERT INTO division (code, name_zh, name_en, path) VALUES ('410502', '文峰区', 'Wenfeng', '410502')"
        )
        for number, chip in SAID.items():
            owner.execute(
                "INSERT INTO chip (chip, chip_no, shard, model) OVERRIDING SYSTEM VALUE VALUES (%s, %s, '00', 'T1')",
                (chip, number),
            )
        for number in (1, 2):
            owner.execute(
                "INSERT INTO machine (plate, chip, division, maker, model, serial) VALUES (%s, %s, '410502', 'M', 'Z', '1')",
                (f"4105020000000000{number}", SAID[number]),
            )
    async with await connect(database.url("ingest"), "test") as ours:
        yield ours


def presence(number: int, *, online: bool, boot: int, connection: int, config: int = 1) -> PresenceRow:
    return PresenceRow(number, SAID[number], "00", 1, online, connection, boot, "n" * 16, config, NOW)


async def test_presence_of_many_chips_writes_one_word_where_one_came_or_went(database: Database, conn: Conn) -> None:
    await chips.put_presence(conn, [presence(n, online=n != 2, boot=1, connection=1) for n in (3, 2, 1)])
    await chips.put_presence(
        conn,
        [
            presence(1, online=True, boot=1, connection=2, config=7),  # it was here before: no word
            presence(2, online=True, boot=1, connection=2),
            presence(3, online=False, boot=1, connection=2),  # it went, but no machine is shown for it
        ],
    )
    assert database.rows("SELECT plate, state, at FROM weld.change ORDER BY id") == [
        ("41050200000000001", "online", NOW),
        ("41050200000000002", "online", NOW),
    ]
    assert database.rows("SELECT chip_no, online, connection, config_version FROM weld.chip_state ORDER BY 1") == [
        (1, True, 2, 7),
        (2, True, 2, 1),
        (3, False, 2, 1),
    ]


async def test_older_presence_in_a_batch_changes_nothing_and_says_nothing(database: Database, conn: Conn) -> None:
    await chips.put_presence(conn, [presence(n, online=True, boot=2, connection=5) for n in (1, 2)])
    await chips.put_presence(
        conn,
        [presence(1, online=False, boot=2, connection=4), presence(2, online=False, boot=2, connection=5)],
    )
    assert database.rows("SELECT chip_no, online, connection FROM weld.chip_state ORDER BY 1") == [
        (1, True, 5),
        (2, False, 5),  # the same connection says more: its last will
    ]
    assert database.rows("SELECT plate, state FROM weld.change ORDER BY id") == [
        ("41050200000000001", "online"),
        ("41050200000000002", "online"),
        ("41050200000000002", "offline"),
    ]


async def test_a_boot_heard_and_answered_in_one_batch_is_one_row_and_neither_ever_changes(
    database: Database, conn: Conn
) -> None:
    later = NOW + timedelta(seconds=9)
    heard, answered = BootRow(2, 1, NOW, None, None), BootRow(2, 1, later, -(2**63), b"\x00\xffa reply")
    await chips.put_boots(conn, [(heard, NOW), (BootRow(1, 1, NOW, None, None), NOW), (answered, later)])
    await chips.put_boots(conn, [(BootRow(1, 1, later, 5, b"one"), later), (BootRow(2, 1, later, 6, b"two"), later)])
    assert database.rows("SELECT * FROM weld.chip_boot ORDER BY chip_no") == [
        (1, 1, NOW, NOW, 5, b"one"),
        (2, 1, NOW, NOW, -(2**63), b"\x00\xffa reply"),
    ]
