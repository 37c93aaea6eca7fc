"""What the platform makes of time: overruns, silence, sessions that never come back, permissions that nobody used."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import PLATE, Talker, enrol, grant, until, working
from weld.cli.mosquitto import Mosquitto


def command(database: Database, ticket: Any, seconds: float) -> None:
    """The command behind a grant."""
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO command (id, kind, chip, plate, grant_id, level, counter, by, actor, why, created_at, expires_at)"
            " VALUES (%s, 'ticket', 'CHIP0001', %s, %s, 2, 1, 'worker', 'w', 'scan', now(), now() + %s)",
            (uuid4(), PLATE, ticket, timedelta(seconds=seconds)),
        )


async def test_b02_an_arc_after_the_ticket_s_end_is_an_overrun_and_locks_the_machine(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    ticket, session = grant(database, hours=-20 / 3600), str(uuid4())
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        for _ in range(20):
            await chip.publish(chip.samples(900, "closed", session))
        await until(lambda: chip.stored_upto() == 22)
    alerts = database.rows("SELECT code, since - (SELECT ends_at FROM weld.session) FROM weld.alert")
    assert [code for code, _ in alerts] == ["B02"]
    assert (
        timedelta(0) <= alerts[0][1] <= timedelta(seconds=3.2)
    )  # from the end on, as closely as one-second steps tell
    assert database.rows("SELECT kind, actor FROM weld.command") == [("lock", "rule:B02")]


async def test_d06_a_week_of_silence_after_heavy_use_is_raised_once_and_closes_itself(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    week_ago = datetime.now(UTC) - timedelta(days=8)
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, fold)"
            " SELECT chip_no, chip, shard, 1, 0, 0, %s, '{}' FROM chip",
            (week_ago,),
        )
        conn.execute("INSERT INTO machine_day (plate, day, arc_ms) VALUES (%s, %s, 3600000)", (PLATE, week_ago.date()))
    async with working(database, broker), Talker.connected(broker) as chip:
        await until(lambda: database.rows("SELECT code FROM weld.alert"))
        await chip.boots()
        await until(lambda: database.rows("SELECT 1 FROM weld.alert WHERE state = 'closed'"))
    assert database.rows("SELECT code, state, closed_by, note FROM weld.alert") == [
        ("D06", "closed", "platform", "heard again")
    ]
    assert database.rows("SELECT fact FROM weld.outbox ORDER BY id") == [("alert.opened",), ("alert.closed",)]


async def test_a_session_whose_chip_never_returns_is_closed_as_inferred_and_corrected_by_the_truth(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    ticket, session = grant(database, hours=-0.1), str(uuid4())
    start = datetime.now(UTC) - timedelta(minutes=30)
    async with working(database, broker), Talker.connected(broker, start=start) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        await until(lambda: database.rows("SELECT 1 FROM weld.session WHERE state = 'inferred'"))
        assert database.rows("SELECT end_reason, closed_at - ends_at FROM weld.session") == [
            ("inferred", timedelta(seconds=60))
        ]
        await chip.event(wire.RelayOpened(reason="idle", session=session))
        await until(lambda: database.rows("SELECT 1 FROM weld.session WHERE state = 'closed'"))
    assert database.rows("SELECT end_reason FROM weld.session") == [("idle",)]


async def test_a_permission_that_nobody_used_is_over(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    ticket = grant(database)
    command(database, ticket, seconds=-11)
    async with working(database, broker):
        await until(lambda: database.rows("SELECT 1 FROM weld.unlock_grant WHERE state = 'ended'"))
    assert database.rows("SELECT end_reason FROM weld.unlock_grant") == [("expired",)]
    assert database.rows("SELECT state FROM weld.command") == [("expired",)]


async def test_p22_a_refused_ticket_ends_its_grant_with_the_chip_s_reason(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    ticket = grant(database)
    command(database, ticket, seconds=30)
    made = str(database.rows("SELECT id FROM weld.command")[0][0])
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.say(wire.Result, command=made, outcome="refused", reason="wrong_nonce")
        await until(lambda: chip.stored_upto() == 2)
    assert database.rows("SELECT state, reason FROM weld.command") == [("refused", "wrong_nonce")]
    assert database.rows("SELECT state, end_reason FROM weld.unlock_grant") == [("ended", "refused:wrong_nonce")]


async def test_p19_armed_is_told_to_the_phone(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    ticket = grant(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.Armed(ticket=str(ticket)))
        await until(lambda: chip.stored_upto() == 2)
    assert database.rows("SELECT armed_at IS NOT NULL, state FROM weld.unlock_grant") == [(True, "live")]


async def test_a_second_session_of_a_machine_ends_the_first_as_superseded(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    ticket, first, second = grant(database), str(uuid4()), str(uuid4())
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=first, ticket=str(ticket)))
        await chip.event(wire.RelayClosed(session=second, ticket=None))
        await until(lambda: chip.stored_upto() == 3)
    rows = database.rows("SELECT id::text, state, end_reason, authorised FROM weld.session ORDER BY opened_at")
    assert rows == [(first, "closed", "superseded", True), (second, "open", None, False)]


async def test_e02_an_arc_becomes_a_violation_only_when_its_session_is_known_not_to_be_ours(
    database: Database, broker: Mosquitto
) -> None:
    """The closing is missing at first: unknown is not a violation. When it comes, the arc before it is judged."""
    enrol(database)
    session = str(uuid4())
    async with working(database, broker, resend_after_s=60), Talker.connected(broker) as chip:
        await chip.boots()
        closing = chip.make(wire.Event, event=wire.RelayClosed(session=session, ticket=str(uuid4())))
        await chip.publish(chip.samples(800, "closed", session))
        await until(lambda: database.rows("SELECT 1 FROM weld.session"))
        assert database.rows("SELECT authorised FROM weld.session") == [(None,)]
        assert database.rows("SELECT 1 FROM weld.alert") == []
        await chip.publish(closing)
        await until(lambda: chip.stored_upto() == 3)
    assert database.rows("SELECT code FROM weld.alert") == [("E02",)]
    assert database.rows("SELECT authorised FROM weld.session") == [(False,)]


async def test_a_ticket_of_another_chip_permits_nothing(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    enrol(database, "CHIP0002", "41050200000000002", "01")
    borrowed, session = grant(database, "CHIP0002", "41050200000000002"), str(uuid4())
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(borrowed)))
        await chip.publish(chip.samples(800, "closed", session))
        await until(lambda: chip.stored_upto() == 3)
    assert database.rows("SELECT authorised, worker FROM weld.session") == [(False, None)]
    assert database.rows("SELECT code FROM weld.alert") == [("E02",)]
    assert database.rows("SELECT closed_at FROM weld.unlock_grant") == [(None,)]


async def test_p16_the_anchor_of_an_old_boot_survives_a_restart_of_ingest(
    database: Database, broker: Mosquitto
) -> None:
    """A repetition from an earlier boot with an unset clock must get the same time again, or it would look like a clone."""
    enrol(database)
    async with Talker.connected(broker, clock="unset") as chip:
        async with working(database, broker):
            for boot in range(1, 7):
                chip.boot = boot
                chip.restart()
                await chip.boots()
            await until(lambda: chip.stored_upto(6) == 1)
        async with working(database, broker):
            for payload in list(chip.sent.values()):
                await chip.publish(payload)
            await chip.publish(chip.samples())
            await until(lambda: chip.stored_upto(6) == 2)
    assert database.rows("SELECT count(*) FROM weld.event") == [(6,)]
    assert database.rows("SELECT code FROM weld.alert") == []
    assert database.rows("SELECT reason FROM weld.quarantine") == []


async def test_an_episode_that_goes_on_after_its_alert_was_closed_is_told_again(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker, start=datetime.now(UTC)) as chip:
        await chip.boots()
        await chip.publish(chip.samples(900, "open"))
        await until(lambda: chip.stored_upto() == 2)
        with psycopg.connect(database.url("owner"), autocommit=True) as conn:
            conn.execute("UPDATE alert SET state='closed', closed_at=now(), closed_by='x', outcome='confirmed'")
        chip.up += 5_000
        await chip.publish(chip.samples(900, "open"))
        await chip.publish(chip.samples(900, "open"))
        await until(lambda: chip.stored_upto() == 4)
    assert database.rows("SELECT code, state, occurrences FROM weld.alert ORDER BY raised_at") == [
        ("D01", "closed", 1),
        ("D01", "open", 2),
    ]
    assert database.rows("SELECT count(*) FROM weld.outbox") == [(2,)]


async def test_samples_that_reach_back_into_an_ended_session_accuse_nobody(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    ticket, session = grant(database), str(uuid4())
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.event(wire.RelayClosed(session=session, ticket=str(ticket)))
        await chip.publish(chip.samples(900, "closed", session))
        await chip.event(wire.RelayOpened(reason="worker", session=session), up=chip.up + 500)
        await chip.publish(chip.samples(400, "open"))
        await until(lambda: chip.stored_upto() == 5)
    assert database.rows("SELECT code FROM weld.alert") == []
