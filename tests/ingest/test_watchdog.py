"""Whole outages: many chips offline at once are one alert of the platform, and none where it was we who did not look."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import aiomqtt
import psycopg
import pytest

from schemas import chip as wire
from schemas import topics
from schemas.decode import encode
from tests.database import Database
from tests.ingest.conftest import enrol, starting, until, working
from weld.cli.mosquitto import Mosquitto
from weld.core import outage

CHIPS = {f"CHIP{n:04}": f"0{n % 2}" for n in range(20)}
SILENT = "CHIP9999"


@pytest.fixture
def town(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Twenty chips online, and one that has been silent for longer than D06 allows."""
    monkeypatch.setattr(outage, "LEAST_LOST", 5)
    week_ago = datetime.now(UTC) - timedelta(days=8)
    for number, (chip, shard) in enumerate({**CHIPS, SILENT: "00"}.items()):
        enrol(database, chip, f"410502000000{number:05}", shard)
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, online, connection,"
            " presence_boot, fold) SELECT chip_no, chip, shard, 1, 0, 0,"
            " CASE WHEN chip = %(silent)s THEN %(then)s ELSE now() END, chip <> %(silent)s, 1, 1, '{}' FROM chip",
            {"silent": SILENT, "then": week_ago},
        )
        words = ("41050200000000020", week_ago.date())
        conn.execute("INSERT INTO machine_day (plate, day, arc_ms) VALUES (%s, %s, 3600000)", words)
    return database


async def say(broker: Mosquitto, chips: Iterable[str], *, online: bool, connection: int) -> None:
    """What chips, or their last wills, say of their connection."""

    async def one(chip: str) -> None:
        words = wire.Presence(online=online, boot=1, connection=connection, nonce=None, config_version=1)
        version = aiomqtt.ProtocolVersion.V5
        async with aiomqtt.Client(
            broker.chips.host, broker.chips.port, username=chip, identifier=chip, protocol=version
        ) as client:
            await client.publish(topics.build(CHIPS[chip], chip, "state"), encode(words), qos=1, retain=True)

    await asyncio.gather(*(one(chip) for chip in chips))


def counted(town: Database, online: int) -> bool:
    """Whether all groups were counted, and how many are online."""
    return town.rows("SELECT sum(online), count(counted_at) FROM weld.lease") == [(online, 2)]


def eras(town: Database) -> list[str]:
    return [row[0] for row in town.rows("SELECT era FROM weld.lease ORDER BY shard_group")]


def alerts(town: Database, code: str) -> list[tuple[str, ...]]:
    return town.rows("SELECT state FROM weld.alert WHERE code = %s", code)


async def test_o01_many_chips_gone_at_once_are_one_alert_that_closes_itself(town: Database, broker: Mosquitto) -> None:
    async with working(town, broker, watch_every_s=0.15), starting(town, broker, watch_every_s=0.15) as other:
        await until(lambda: len(other.groups) == 1 and counted(town, 20) and eras(town) == ["1:1", "2:1"])
        await asyncio.sleep(2)
        await say(broker, list(CHIPS)[:12], online=False, connection=1)
        await until(lambda: alerts(town, "O01"))
        fell = town.rows("SELECT level, subject, plate, chip, division, evidence FROM weld.alert WHERE code = 'O01'")
        assert [row[:5] for row in fell] == [(1, "platform", None, None, None)]
        assert fell[0][5]["online_now"] < 0.7 * fell[0][5]["online_before"]
        await until(lambda: counted(town, 8))
        town.rows("DELETE FROM weld.alert WHERE code = 'D06'")
        await asyncio.sleep(1)
        assert alerts(town, "D06") == []  # held back
        await say(broker, list(CHIPS)[:12], online=True, connection=2)
        await until(lambda: alerts(town, "O01") == [("closed",)])
        await until(lambda: alerts(town, "D06"))
    closed = town.rows("SELECT closed_by, outcome, note FROM weld.alert WHERE code = 'O01'")
    assert closed == [("platform", "other", "back online")]
    facts = town.rows("SELECT fact FROM weld.outbox WHERE code = 'O01' ORDER BY id")
    assert facts == [("alert.opened",), ("alert.closed",)]


async def test_chips_that_went_while_nobody_read_are_no_outage(town: Database, broker: Mosquitto) -> None:
    async with working(town, broker, watch_every_s=0.05):
        await until(lambda: counted(town, 20))
    await say(broker, CHIPS, online=False, connection=1)
    async with working(town, broker, watch_every_s=0.05):
        await until(lambda: counted(town, 0))
        await asyncio.sleep(1)
    assert alerts(town, "O01") == []


async def test_a_break_of_the_broker_begins_a_new_count(town: Database, broker: Mosquitto) -> None:
    async with working(town, broker, watch_every_s=0.05):
        await until(lambda: counted(town, 20))
        assert eras(town) == ["1:1", "1:1"]
        broker.kill()
        broker.restart()
        await until(lambda: eras(town) == ["1:2", "1:2"])
    assert alerts(town, "O01") == []


async def test_an_outage_that_somebody_closed_is_not_raised_again_and_again(town: Database, broker: Mosquitto) -> None:
    async with working(town, broker, watch_every_s=0.05):
        await until(lambda: counted(town, 20))
        await say(broker, CHIPS, online=False, connection=1)
        await until(lambda: alerts(town, "O01"))
        await until(lambda: counted(town, 0))
        town.rows(
            "UPDATE weld.alert SET state = 'closed', closed_at = now(), closed_by = 'officer:x', outcome = 'confirmed'"
            " WHERE code = 'O01'"
        )
        await asyncio.sleep(1.5)
    assert alerts(town, "O01") == [("closed",)]
