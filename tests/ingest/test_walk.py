"""Walk (a): from a chip's word to rows, confirmations and alerts, through the real broker and the real database."""

from uuid import uuid4

from schemas import chip as wire
from schemas.down import Resend
from schemas.signed import BootReply
from tests.database import Database
from tests.ingest.conftest import Talker, enrol, grant, telemetry_of, until, working
from weld.cli.mosquitto import Mosquitto


async def test_p04_a_boot_is_accepted_and_p13_what_is_stored_is_confirmed(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await until(lambda: chip.of(BootReply))
        assert chip.of(BootReply)[0].status == "accepted"
        await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 2)
    assert telemetry_of(database) == [(1, 1), (1, 2)]


async def test_a_licensed_session_is_recorded_with_its_arc_time(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    ticket = grant(database)
    session = str(uuid4())
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        for arc_ms in (0, 900, 1000):
            await chip.publish(chip.samples(arc_ms, "closed", session))
        await chip.event(wire.RelayOpened(reason="worker", session=session), up=chip.up)
        await until(lambda: chip.stored_upto() == 6)
    rows = database.rows(
        "SELECT state, authorised, arc_ms, covered_ms, contact_ms, end_reason, plate, worker IS NOT NULL FROM weld.session"
    )
    assert rows == [("closed", True, 1900, 3000, 3000, "worker", "41050200000000001", True)]
    assert database.rows("SELECT state, end_reason, session::text FROM weld.unlock_grant") == [
        ("ended", "worker", session)
    ]
    assert database.rows("SELECT arc_ms, sessions, messages FROM weld.machine_day") == [(1900, 1, 3)]
    assert database.rows("SELECT count(*) FROM weld.alert") == [(0,)]


async def test_d01_current_past_an_open_contact_raises_one_alert_for_one_episode(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.CurrentWhileOpen(from_up=chip.up, peak_a=170.0))
        await chip.event(wire.ArcStarted(from_up=chip.up, contact="open"))
        for _ in range(5):
            await chip.publish(chip.samples(1000, "open"))
        await until(lambda: chip.stored_upto() == 8)
    assert database.rows("SELECT code, level, state, historical FROM weld.alert") == [("D01", 1, "open", False)]
    assert database.rows("SELECT fact, code FROM weld.outbox") == [("alert.opened", "D01")]


async def test_e02_an_arc_behind_a_closed_contact_without_a_session_locks_the_machine(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.publish(chip.samples(1000, "closed"))
        await until(lambda: chip.stored_upto() == 2)
    assert database.rows("SELECT code FROM weld.alert") == [("E02",)]
    assert database.rows("SELECT kind, by, state, counter FROM weld.command") == [("lock", "rule", "queued", 2)]


async def test_a_dropped_range_is_unknown_time_then_asked_for_and_filled(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    ticket, session = grant(database), str(uuid4())
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        lost = [chip.samples(500, "closed", session) for _ in range(3)]
        await chip.publish(chip.samples(1000, "closed", session))
        await until(lambda: any(gap.to_seq == 5 for gap in chip.of(Resend)))
        known = database.rows("SELECT contact_ms - covered_ms, arc_ms FROM weld.session")
        assert known == [(3000, 1000)]
        for message in lost:
            await chip.publish(message)
        await until(lambda: chip.stored_upto() == 6)
    assert database.rows("SELECT contact_ms - covered_ms, arc_ms, state FROM weld.session") == [(0, 2500, "open")]
    assert database.rows("SELECT arc_ms, messages FROM weld.machine_day") == [(2500, 4)]
