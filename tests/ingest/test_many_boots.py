"""A chip that comes back with the evidence of many boots gets all of it confirmed, or it would say it again for ever."""

from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import Talker, enrol, telemetry_of, until, working
from weld.cli.mosquitto import Mosquitto


async def test_the_evidence_of_many_boots_in_one_backlog_is_stored_and_confirmed(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with Talker.connected(broker) as chip, working(database, broker):
        for boot in range(1, 13):
            chip.boot = boot
            chip.restart()
            await chip.boots()
            await chip.event(wire.Button())
        await until(lambda: len(telemetry_of(database)) == 24)
        assert database.rows("SELECT reason FROM weld.quarantine") == []
        for payload in chip.sent.values():  # P13: again, as the same bytes
            await chip.publish(payload)
        await until(lambda: all(chip.stored_upto(boot) == 2 for boot in range(1, 13)), seconds=10)
