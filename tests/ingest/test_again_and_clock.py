"""A boot message that comes again after the next boot, and a worker whose clock jumps: neither costs evidence."""

from datetime import datetime, timedelta

from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import BOOT, Talker, enrol, telemetry_of, until, working
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import SystemClock


class JumpingClock(SystemClock):
    """Somebody sets the machine's time of day."""

    jump = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.jump


async def test_a_boot_message_that_was_lost_on_its_way_is_evidence_also_after_the_next_boot(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with Talker.connected(broker) as chip, working(database, broker):
        await chip.boots()
        chip.boot, first = 2, chip.boot
        chip.restart()
        lost = chip.make(wire.BootUp, **BOOT)
        await chip.event(wire.Button())
        chip.boot = 3
        chip.restart()
        await chip.boots()
        await until(lambda: chip.stored_upto(3) == 1)
        for _ in range(2):  # P13: the same bytes, as often as it takes
            await chip.publish(lost)
            await until(lambda: chip.stored_upto(2) == 2)
        await chip.event(wire.Button())
        await until(lambda: chip.stored_upto(3) == 2)
    assert telemetry_of(database) == [(first, 1), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert database.rows("SELECT reason FROM weld.quarantine") == []
    assert database.rows("SELECT code FROM weld.alert") == []


async def test_a_clock_that_jumps_back_sends_nobody_to_quarantine(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    clock = JumpingClock()
    async with Talker.connected(broker) as chip, working(database, broker, clock):
        await chip.boots()
        await until(lambda: chip.stored_upto() == 1)
        clock.jump = timedelta(minutes=-5)
        await chip.event(wire.Button())
        await until(lambda: chip.stored_upto() == 2)
    assert telemetry_of(database) == [(1, 1), (1, 2)]
    assert database.rows("SELECT reason FROM weld.quarantine") == []


async def test_a_bypass_pages_although_the_clock_has_jumped_ahead(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    clock = JumpingClock()
    async with Talker.connected(broker) as chip, working(database, broker, clock):
        await chip.boots()
        await until(lambda: chip.stored_upto() == 1)
        clock.jump = timedelta(minutes=20)
        await chip.event(wire.CurrentWhileOpen(from_up=chip.up, peak_a=100.0))
        await until(lambda: chip.stored_upto() == 2)
    assert database.rows("SELECT code, historical FROM weld.alert") == [("D01", False)]
