"""The live map's tail: a row where somebody who watches would see a difference, and no row otherwise."""

from typing import Any
from uuid import uuid4

from schemas import chip as wire
from schemas import topics
from schemas.decode import encode
from tests.database import Database
from tests.ingest.conftest import PLATE, Talker, enrol, grant, until, working
from weld.cli.mosquitto import Mosquitto


def tail(database: Database) -> list[str]:
    rows = database.rows("SELECT plate, state FROM weld.change ORDER BY id")
    assert {plate for plate, _ in rows} <= {PLATE}
    return [state for _, state in rows]


async def says(chip: Talker, **words: Any) -> None:
    """One telemetry message, stored before the next is said: a batch is one picture."""
    message = chip.samples(**words)
    await chip.publish(message)
    await until(lambda: chip.stored_upto() == message.seq)


async def presence(chip: Talker, *, online: bool, connection: int = 1) -> None:
    words = wire.Presence(
        online=online, boot=1, connection=connection, nonce="n" * 16 if online else None, config_version=1
    )
    await chip.client.publish(topics.build(chip.shard, chip.chip, "state"), encode(words), qos=1, retain=True)


async def test_a_row_for_each_difference_and_none_for_the_same_again(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    session = str(uuid4())
    ticket = grant(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await says(chip)
        await says(chip)
        assert tail(database) == ["locked"]
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        await says(chip, contact="closed", session=session, state="unlocked")
        await says(chip, contact="closed", session=session, state="unlocked", current_a=[3.0])
        await says(chip, arc_ms=900, contact="closed", session=session)
        await says(chip, arc_ms=700, contact="closed", session=session, current_a=[5.0])
        assert tail(database) == ["locked", "unlocked", "arcing"]


async def test_a_contact_or_an_arc_changes_the_picture_also_where_the_word_stays(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        for words in (
            {"contact": "open", "current_a": [0.0]},
            {"contact": "open", "current_a": [0.0]},
            {"contact": "closed", "current_a": [0.0]},
            {"contact": "closed", "current_a": [150.0]},
            {"contact": "closed", "current_a": [151.0]},
            {"contact": "closed", "current_a": [0.0]},
        ):
            await says(chip, state="tampered", **words)
        assert tail(database) == ["tampered"] * 4


async def test_coming_and_going_are_told_once(database: Database, broker: Mosquitto) -> None:
    enrol(database)

    async def stored(*expected: object) -> None:
        await until(lambda: database.rows("SELECT online, connection FROM weld.chip_state") == [expected])

    async with working(database, broker), Talker.connected(broker) as chip:
        await presence(chip, online=False, connection=1)
        await stored(False, 1)
        await presence(chip, online=True, connection=2)
        await stored(True, 2)
        await presence(chip, online=True, connection=3)
        await stored(True, 3)
        await presence(chip, online=False, connection=2)  # the last will of a connection before
        await presence(chip, online=False, connection=3)
        await stored(False, 3)
        await presence(chip, online=True, connection=4)
        await stored(True, 4)
    assert tail(database) == ["online", "offline", "online"]


async def test_late_words_do_not_move_the_picture(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await says(chip, state="armed")
        await says(chip, state="faulted", late=True)
        assert tail(database) == ["armed"]
        assert database.rows("SELECT state FROM weld.chip_state") == [("armed",)]
