"""What a batch saves (ADR 0013): idle time by the quarter, the fold only when it changed; and all is there after a restart."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString, cast
from uuid import uuid4

import pytest
from psycopg.sql import SQL

from ingest import mapping
from ingest.arrival import Arrival
from ingest.confirm import Confirmations
from ingest.draft import Timed
from schemas import chip as wire
from schemas.signed import BootReply
from tests.database import Database
from tests.ingest.conftest import PLATE, Talker, enrol, grant, telemetry_of, until, working
from weld.cli.mosquitto import Mosquitto
from weld.core.detect import LIVE, Lateness
from weld.store import binary
from weld.store.connect import connect

if TYPE_CHECKING:
    from ingest.mqtt import Link

BEFORE_THE_QUARTER = datetime(2026, 11, 22, 9, 44, 30, tzinfo=UTC)


class At:
    """A clock that stands where a test puts it; nobody sleeps on it."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        pytest.fail(f"somebody sleeps {seconds} s on a clock that stands")


async def test_idle_time_is_added_to_the_day_when_its_quarter_is_over(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    clock = At(BEFORE_THE_QUARTER)
    async with (
        working(database, broker, clock, watch_every_s=600) as _,
        Talker.connected(broker, start=clock.time) as chip,
    ):
        await chip.boots()
        for _ in range(3):
            await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 4)
        assert database.rows("SELECT * FROM weld.machine_day") == []
        assert database.rows("SELECT idle_ms, idle_messages FROM weld.chip_state") == [(3000, 3)]
        clock.time += timedelta(minutes=1)
        chip.up += 60_000
        await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 5)
    assert database.rows("SELECT covered_ms, messages, arc_ms FROM weld.machine_day") == [(3000, 3, 0)]
    assert database.rows("SELECT idle_ms, idle_messages FROM weld.chip_state") == [(1000, 1)]


async def test_idle_time_of_a_chip_that_says_no_more_reaches_its_day_as_well(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    clock = At(BEFORE_THE_QUARTER)
    async with working(database, broker, clock, watch_every_s=0.1), Talker.connected(broker, start=clock.time) as chip:
        await chip.boots()
        await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 2)
        clock.time += timedelta(minutes=40)
        await until(lambda: database.rows("SELECT covered_ms, messages FROM weld.machine_day") == [(1000, 1)])
        assert database.rows("SELECT idle_ms, idle_messages, seq FROM weld.chip_state") == [(0, 0, 2)]


async def test_a_new_worker_goes_on_where_the_old_one_stopped(database: Database, broker: Mosquitto) -> None:
    """Coverage, idle time, an open session and the newest position survive, although little of it is saved with each message."""
    enrol(database)
    ticket, session = grant(database), str(uuid4())
    here = wire.Position(lat=36.1, lon=114.3, accuracy_m=5.0, source="gnss", fix_age_s=1)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.publish(chip.samples(position=here))
        for _ in range(4):
            await chip.publish(chip.samples())
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        await chip.publish(chip.samples(500, "closed", session))
        await until(lambda: chip.stored_upto() == 8)
        said = dict(chip.sent)
    async with working(database, broker), Talker.connected(broker, boot=1, up=chip.up, start=chip.start) as again:
        for payload in said.values():  # everything once more, as after a lost answer
            await again.publish(payload)
        await again.publish(again.samples(700, "closed", session, seq=9))
        await until(lambda: again.stored_upto() == 9)
    assert telemetry_of(database) == [(1, seq) for seq in range(1, 10)]
    assert database.rows("SELECT state, arc_ms, covered_ms FROM weld.session") == [("open", 1200, 2000)]
    assert database.rows("SELECT s.idle_messages, d.messages, d.arc_ms FROM weld.chip_state s, weld.machine_day d") == [
        (5, 2, 1200)
    ]
    assert database.rows("SELECT lat, lon, contact, seq FROM weld.chip_state") == [(36.1, 114.3, "closed", 9)]


async def test_what_simply_came_next_is_known_to_a_new_worker_although_the_fold_does_not_say_it(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await until(lambda: chip.stored_upto() == 1)
        for _ in range(5):
            await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 6)
    assert database.rows("SELECT fold->'progress'->1 FROM weld.chip_state") == [(1,)]
    async with working(database, broker) as worker:
        known = worker.memory.get("00", "CHIP0001")
        assert known is not None
        assert (known.boot, known.seq) == (1, 6)


async def test_the_fold_is_not_written_again_for_what_simply_comes_next(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await until(lambda: chip.stored_upto() == 1)
        before = database.rows("SELECT fold FROM weld.chip_state")
        for _ in range(5):
            await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 6)
        assert database.rows("SELECT fold FROM weld.chip_state") == before
        await chip.publish(chip.samples(seq=9))  # a hole: 7 and 8
        await until(lambda: database.rows("SELECT fold->'progress'->2 FROM weld.chip_state") == [([[7, 8]],)])
    assert database.rows("SELECT boot, seq FROM weld.chip_state") == [(1, 9)]


async def test_p04_a_boot_message_gets_its_old_reply_from_a_new_worker_too(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        message = await chip.boots()
        await until(lambda: chip.of(BootReply))
        first = chip.of(BootReply)[0]
    async with working(database, broker), Talker.connected(broker) as again:
        await again.publish(message)
        await until(lambda: again.of(BootReply))
        assert again.of(BootReply) == [first]


async def test_p18_a_chip_that_names_the_ticket_of_another_does_not_end_its_grant(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    enrol(database, "CHIP0002", "41050200000000002")
    ticket, session = grant(database, "CHIP0001", PLATE), str(uuid4())
    async with working(database, broker), Talker.connected(broker, "CHIP0002") as thief:
        await thief.boots()
        await thief.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        await thief.event(wire.RelayOpened(reason="worker", session=session))
        await until(lambda: thief.stored_upto() == 3)
    assert database.rows("SELECT state, session FROM weld.unlock_grant") == [("live", None)]
    assert database.rows("SELECT authorised, grant_id FROM weld.session") == [(False, None)]


async def test_p16_how_far_a_clock_is_behind_is_known(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    clock = At(BEFORE_THE_QUARTER)
    start = clock.time - timedelta(seconds=31)
    async with working(database, broker, clock), Talker.connected(broker, start=start) as chip:
        await chip.boots()  # says 1 s after its start
        await until(lambda: chip.stored_upto() == 1)
    assert database.rows("SELECT clock_ms FROM weld.chip_state") == [(30_000,)]


def test_p13_after_an_outage_confirmations_are_paced_and_nobody_is_forgotten() -> None:
    book = Confirmations(10.0, most_a_s=100)
    assert book.due(0.0) == []
    for number in range(1000):
        book.heard("00", f"CHIP{number:04d}", (1,), 0.0)
    told = [len(book.due(tenth / 10)) for tenth in range(3, 110)]
    assert max(told) <= 31  # what was saved up by the first look, then ten in each tenth of a second
    assert sum(told) == 1000
    assert len(book) == 0


def test_p13_a_chip_is_told_at_most_once_in_ten_seconds_and_about_all_its_boots() -> None:
    book = Confirmations(10.0, most_a_s=100)
    book.due(0.0)
    book.heard("00", "CHIP0001", (1,), 0.0)
    book.heard("00", "CHIP0001", (2,), 0.1)
    assert [(one.chip, sorted(one.boots)) for one in book.due(1.0)] == [("CHIP0001", [1, 2])]
    book.heard("00", "CHIP0001", (2,), 2.0)
    assert book.due(10.9) == []
    assert [one.boots for one in book.due(11.0)] == [(2,)]


def test_p13_chips_of_a_shard_that_was_lost_are_its_new_owners_to_tell() -> None:
    book = Confirmations(10.0, most_a_s=100)
    book.due(0.0)
    book.heard("00", "CHIP0001", (1,), 0.0)
    book.heard("01", "CHIP0002", (1,), 0.0)
    book.forget("00")
    book.heard("00", "CHIP0001", (2,), 0.1)  # and it came back
    assert [(one.chip, one.boots) for one in book.due(1.0)] == [("CHIP0001", (2,)), ("CHIP0002", (1,))]
    assert len(book) == 0
    assert book.due(30.0) == []


@pytest.mark.parametrize(
    ("kind", "made", "text"),
    [
        ("float4[]", binary.floats([0.0, 0.0]), "{0,0}"),
        ("float4[]", binary.floats([1.5, None, -2.0]), "{1.5,NULL,-2}"),
        ("float4[]", binary.floats([None]), "{NULL}"),
        ("float4[]", binary.floats([]), "{}"),
        ("int4[]", binary.ints([0, None, 700]), "{0,NULL,700}"),
        ("int4[]", binary.ints([1000, 1000]), "{1000,1000}"),
        ("uuid", binary.uuid("00000000-0000-7000-8000-0000000000ff"), "00000000-0000-7000-8000-0000000000ff"),
        ("jsonb", binary.jsonb(b'{"a": 1}'), '{"a": 1}'),
    ],
)
async def test_values_made_by_hand_are_what_postgresql_reads(
    database: Database, kind: LiteralString, made: bytes, text: str
) -> None:
    async with await connect(database.url("ingest"), "test") as conn:
        await conn.execute(SQL("CREATE TEMP TABLE made (value {})").format(SQL(kind)))
        await binary.copy_rows(conn, "made", [b"\0\1" + made])
        assert await (await conn.execute("SELECT value::text FROM made")).fetchone() == (text,)


SESSION, TICKET = "00000000-0000-7000-8000-0000000000aa", "00000000-0000-7000-8000-0000000000bb"
SEEN_MS = 1_795_339_800_000  # 2026-11-22 09:30 UTC


def timed(said: wire.Message, corrected_ms: int | None, late: Lateness) -> Timed:
    arrival = Arrival(cast("Link", None), 1, "wg/1/00/CHIP0001/up", "00", "CHIP0001", b"{}", -5, SEEN_MS + 7, said)
    return Timed(arrival, said, "CHIP0001", 3, SEEN_MS, corrected_ms, late)


async def columns(database: Database, table: LiteralString, row: bytes) -> dict[str, object]:
    """What PostgreSQL makes of a row, without its nulls."""
    async with await connect(database.url("ingest"), "test") as conn:
        await conn.execute("SET TIME ZONE 'UTC'")
        await conn.execute(SQL("CREATE TEMP TABLE seen (LIKE weld.{})").format(SQL(table)))
        await binary.copy_rows(conn, "seen", [row])
        found = await (await conn.execute("SELECT jsonb_strip_nulls(to_jsonb(seen)) FROM seen")).fetchone()
        assert found is not None
        return found[0]  # type: ignore[no-any-return]


async def test_each_word_of_telemetry_is_stored_in_its_column(database: Database) -> None:
    said = wire.Telemetry(
        boot=4, seq=9, at=SEEN_MS, up=60_000, clock="drifting", late=True, from_up=58_000, step_ms=1000,
        current_a=[140.5, None], peak_a=[150.0, 0.0], voltage_v=[24.5, 0.0], arc_ms=[900, None],
        state="arcing", contact="closed", energy_wh=12.25, mains=False, temperature_c=31.5, signal_dbm=-71, battery_v=3.5,
        position=wire.Position(lat=36.125, lon=114.375, accuracy_m=5.5, source="gnss", fix_age_s=1),
        session=SESSION, ticket=TICKET,
    )  # fmt: skip
    row = mapping.telemetry_row(timed(said, SEEN_MS - 250, Lateness("chip", 7)), said)
    assert await columns(database, "telemetry", row) == {
        "chip_no": 3, "at": "2026-11-22T09:30:00+00:00", "boot": 4, "seq": 9, "received_at": "2026-11-22T09:30:00.007+00:00",
        "corrected_at": "2026-11-22T09:29:59.75+00:00", "clock": "drifting", "late": "chip", "hash": -5, "up_ms": 60_000,
        "from_up": 58_000, "step_ms": 1000, "current_a": [140.5, None], "peak_a": [150, 0], "voltage_v": [24.5, 0],
        "arc_ms": [900, None], "state": "arcing", "contact": "closed", "energy_wh": 12.25, "mains": False,
        "temperature_c": 31.5, "signal_dbm": -71, "battery_v": 3.5, "lat": 36.125, "lon": 114.375, "accuracy_m": 5.5,
        "session": SESSION, "ticket": TICKET,
    }  # fmt: skip


async def test_what_a_chip_does_not_know_is_stored_as_null(database: Database) -> None:
    said = wire.Telemetry(
        boot=4, seq=9, at=None, up=60_000, clock="unset", from_up=59_000,
        current_a=[0.0], peak_a=[0.0], voltage_v=[0.0], arc_ms=[0],
        state="locked", contact=None, energy_wh=None, mains=None,
    )  # fmt: skip
    assert await columns(database, "telemetry", mapping.telemetry_row(timed(said, None, LIVE), said)) == {
        "chip_no": 3, "at": "2026-11-22T09:30:00+00:00", "boot": 4, "seq": 9, "received_at": "2026-11-22T09:30:00.007+00:00",
        "clock": "unset", "late": "live", "hash": -5, "up_ms": 60_000, "from_up": 59_000, "step_ms": 1000,
        "current_a": [0], "peak_a": [0], "voltage_v": [0], "arc_ms": [0], "state": "locked",
    }  # fmt: skip


async def test_an_event_is_stored_with_its_session_and_its_body(database: Database) -> None:
    said = wire.Event(
        boot=4, seq=9, at=SEEN_MS, up=60_000, clock="synced", event=wire.RelayOpened(reason="worker", session=SESSION)
    )
    assert await columns(database, "event", mapping.event_row(timed(said, None, LIVE), said)) == {
        "chip_no": 3, "at": "2026-11-22T09:30:00+00:00", "boot": 4, "seq": 9, "received_at": "2026-11-22T09:30:00.007+00:00",
        "clock": "synced", "late": "live", "hash": -5, "up_ms": 60_000, "kind": "event", "name": "relay_opened",
        "session": SESSION, "body": {"name": "relay_opened", "reason": "worker", "session": SESSION},
    }  # fmt: skip
