"""Bad input: each kind has its defined fate, is counted, and costs one message."""

import asyncio
from datetime import timedelta
from pathlib import Path

import cbor2
import msgspec
import psycopg
import pytest

from ingest.counters import FATES
from schemas import chip as wire
from schemas.decode import MAX_BYTES, encode
from tests.database import Database
from tests.ingest.conftest import BOOT, Talker, enrol, telemetry_of, until, working
from weld.cli.mosquitto import Mosquitto

BAD = sorted((Path(__file__).parents[2] / "schemas" / "examples" / "bad").glob("*"))


def reasons(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT reason FROM weld.quarantine ORDER BY id")]


def counted(fate: str) -> float:
    return FATES.labels(fate)._value.get()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "undecodable"),
        (b"\x00\x01rubbish", "undecodable"),
        (b'{"kind":"telemetry"', "undecodable"),
        (b' {"kind":"log"}', "undecodable"),
        (b'{"kind":"gossip","boot":1,"seq":2}', "unknown_kind"),
        (b'{"kind":"log","boot":1,"seq":2,"at":null,"up":1,"clock":"unset","level":"info","text":NaN}', "invalid"),
        (
            b'{"kind":"log","boot":1,"seq":2,"at":null,"up":1,"clock":"unset","level":"info","text":"a\\u0000b"}',
            "invalid",
        ),
        (b'{"kind":"log","boot":1,"seq":0,"at":null,"up":1,"clock":"unset","level":"info","text":""}', "invalid"),
        (b"{" + b" " * MAX_BYTES + b"}", "oversized"),
        (cbor2.dumps({"kind": "log", "boot": 1, "seq": 2, "at": float("nan")}), "invalid"),
    ],
)
async def test_what_is_not_a_message_goes_to_quarantine_and_the_next_one_is_stored(
    database: Database, broker: Mosquitto, payload: bytes, reason: str
) -> None:
    enrol(database)
    before = counted(reason)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.publish(payload)
        await chip.publish(chip.samples(seq=3))
        await until(lambda: len(telemetry_of(database)) == 2)
    assert reasons(database) == [reason]
    assert counted(reason) == before + 1


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
async def test_every_bad_example_is_kept_in_quarantine(database: Database, broker: Mosquitto, file: Path) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.publish(file.read_bytes())
        await until(lambda: reasons(database))
    assert reasons(database) == [file.stem.split("--")[0]]


async def test_p16_rows_from_the_future_are_quarantined_and_confirmed(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        chip.start += timedelta(minutes=10)
        await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 2)
    assert reasons(database) == ["future"]


async def test_what_is_in_quarantine_and_said_again_takes_no_place_of_another(
    database: Database, broker: Mosquitto
) -> None:
    """Else a chip that repeats what nobody confirmed fills its share of a day with copies."""
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        chip.start += timedelta(minutes=10)
        said = chip.samples()
        for _ in range(3):
            await chip.publish(said)
        await until(lambda: chip.stored_upto() == 2)
    assert reasons(database) == ["future"]
    assert database.rows("SELECT count FROM weld.quarantine_day") == [(1,)]


async def test_rows_older_than_any_buffer_are_quarantined(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        chip.start -= timedelta(days=60)
        await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 2)
    assert reasons(database) == ["too_old"]


async def test_a_doubled_message_is_stored_once(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    before = counted("duplicate")
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        message = chip.samples(1000, "open")
        for _ in range(3):
            await chip.publish(message)
        await until(lambda: chip.stored_upto() == 2 and counted("duplicate") == before + 2)
    assert telemetry_of(database) == [(1, 1), (1, 2)]
    assert database.rows("SELECT arc_ms FROM weld.machine_day") == [(1000,)]


async def test_d05_another_content_under_the_same_key_is_quarantined_and_alarmed(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        message = chip.samples()
        await chip.publish(message)
        await until(lambda: chip.stored_upto() == 2)
        await chip.publish(msgspec.structs.replace(message, energy_wh=99.0))
        await chip.publish(msgspec.structs.replace(message, at=message.at + 1))
        await until(lambda: len(reasons(database)) == 2)
    assert reasons(database) == ["changed_key", "changed_key"]
    assert database.rows("SELECT code, occurrences FROM weld.alert") == [("D05", 2)]
    assert len(telemetry_of(database)) == 2


async def test_a_chip_on_a_foreign_shard_is_never_folded(database: Database, broker: Mosquitto) -> None:
    enrol(database, shard="01")
    async with working(database, broker), Talker.connected(broker, shard="00") as chip:
        await chip.boots()
        await until(lambda: reasons(database))
    assert reasons(database) == ["foreign_shard"]
    assert telemetry_of(database) == []


async def test_p04_an_unknown_chip_stays_pending_and_its_words_are_kept(database: Database, broker: Mosquitto) -> None:
    async with working(database, broker), Talker.connected(broker, chip="STRANGER1") as chip:
        await chip.boots()
        await until(lambda: chip.heard)
        assert chip.heard[0].status == "pending"
    assert reasons(database) == ["unknown_chip"]


async def test_p04_a_reset_boot_counter_is_told_its_floor(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker, boot=7) as chip:
        await chip.boots()
        await until(lambda: len(chip.heard) >= 1)
        chip.boot = 3
        await chip.publish(chip.make(wire.BootUp, seq=1, **BOOT))
        await until(lambda: any(getattr(words, "boot_floor", None) == 8 for words in chip.heard))
    assert reasons(database) == ["boot_below_floor"]


async def test_p04_the_same_boot_message_again_gets_the_same_reply_again(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        message = await chip.boots()
        await until(lambda: [w for w in chip.heard if hasattr(w, "anchor")])
        await asyncio.sleep(0.1)
        await chip.publish(message)
        replies = await until(lambda: len(r := [w for w in chip.heard if hasattr(w, "anchor")]) == 2 and r)
        assert replies[0] == replies[1]


async def test_p16_an_unset_clock_is_dated_by_one_anchor_for_the_whole_boot(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker, clock="unset") as chip:
        await chip.boots()
        await chip.publish(chip.samples())
        await chip.publish(chip.samples())
        await until(lambda: chip.stored_upto() == 3)
    rows = database.rows("SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY seq)) FROM weld.telemetry ORDER BY seq")
    assert rows[1] == (1,)


async def test_p14_what_stays_unreadable_is_declared_after_three_resends(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker, resend_after_s=0.05), Talker.connected(broker) as chip:
        await chip.boots()
        chip.make(wire.Log, level="info", text="never sent")
        for _ in range(60):
            await chip.publish(chip.samples())
            await asyncio.sleep(0.05)
            if chip.stored_upto() > 2:
                break
        await until(lambda: chip.stored_upto() > 2)
    assert database.rows("SELECT boot, from_seq, to_seq, why FROM weld.hole") == [(1, 2, 2, "unreadable")]


async def test_p14_a_declared_loss_is_waited_for_no_longer(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker, resend_after_s=30), Talker.connected(broker) as chip:
        await chip.boots()
        chip.make(wire.Log, level="info", text="forgotten")
        await chip.event(wire.BufferOverflow(lost_boot=1, lost_from=2, lost_to=2))
        await until(lambda: chip.stored_upto() == 3)
    assert database.rows("SELECT why FROM weld.hole") == [("lost",)]


async def test_a_message_that_the_database_refuses_costs_itself_only_and_repeats_nothing(
    database: Database, broker: Mosquitto
) -> None:
    """Whatever no schema foresaw: the batch is split until only this message is left, and it is waited for no longer."""
    enrol(database)
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.body->>'text' = 'poison' THEN"
            " RAISE EXCEPTION USING ERRCODE = '22000'; END IF; RETURN NEW; END $$"
        )
        conn.execute("CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()")
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        poison = chip.make(wire.Log, level="info", text="poison")
        for message in (chip.samples(seq=3), poison, chip.samples(seq=4), poison):
            await chip.publish(message)
        await until(lambda: chip.stored_upto() == 4)
        await chip.publish(poison)
        await until(lambda: counted("duplicate") >= 1)
    assert len(telemetry_of(database)) == 3
    assert reasons(database) == ["poison"]


async def test_a_fault_of_the_schema_is_waited_for_and_costs_no_message(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute("REVOKE INSERT ON telemetry FROM weld_ingest")
    async with working(database, broker), Talker.connected(broker) as chip:
        await chip.boots()
        await chip.publish(chip.samples())
        await asyncio.sleep(1)
        assert telemetry_of(database) == [(1, 1)]
        with psycopg.connect(database.url("owner"), autocommit=True) as conn:
            conn.execute("GRANT INSERT ON telemetry TO weld_ingest")
        await until(lambda: chip.stored_upto() == 2)
    assert reasons(database) == []


async def test_evidence_that_was_given_up_and_comes_after_all_is_stored_and_no_clone(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker, resend_after_s=60), Talker.connected(broker) as chip:
        await chip.boots()
        forgotten = chip.make(wire.Log, level="info", text="found again")
        await chip.event(wire.BufferOverflow(lost_boot=1, lost_from=2, lost_to=2))
        await until(lambda: chip.stored_upto() == 3)
        await chip.publish(forgotten)
        await until(lambda: (1, 2) in telemetry_of(database))
    assert reasons(database) == []
    assert database.rows("SELECT 1 FROM weld.alert") == []


async def test_p13_late_backlog_of_an_old_boot_is_confirmed_for_that_boot(
    database: Database, broker: Mosquitto
) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        for boot in (1, 2, 3, 4):
            chip.boot = boot
            chip.restart()
            await chip.boots()
        await until(lambda: chip.stored_upto(4) == 1)
        chip.boot = 1
        for seq in (2, 3):
            await chip.publish(chip.samples(seq=seq, late=True))
        await until(lambda: chip.stored_upto(1) == 3)


async def test_a_lower_connection_never_overwrites_a_higher_one(database: Database, broker: Mosquitto) -> None:
    enrol(database)
    async with working(database, broker), Talker.connected(broker) as chip:
        for online, connection in ((True, 2), (False, 1)):
            said = wire.Presence(online=online, boot=1, connection=connection, nonce="n" * 16, config_version=1)
            await chip.client.publish("wg/1/00/CHIP0001/state", encode(said), qos=1, retain=True)
        await until(lambda: database.rows("SELECT 1 FROM weld.chip_state"))
        await asyncio.sleep(0.3)
    assert database.rows("SELECT online, connection FROM weld.chip_state") == [(True, 2)]


async def test_quarantine_is_capped_for_each_chip_and_day_but_everything_is_counted(database: Database) -> None:
    from weld.store import evidence
    from weld.store.connect import connect
    from weld.store.evidence import QuarantineRow

    conn = await connect(database.url("ingest"), "test")
    async with conn:
        now = database.rows("SELECT now()")[0][0]
        row = QuarantineRow(now, "wg/1/00/CHIP0001/up", "CHIP0001", None, None, "invalid", "", 0, b"{}")
        await evidence.put_quarantine(conn, [row] * (evidence.QUARANTINE_CAP + 5))
    assert database.rows("SELECT count(*) FROM weld.quarantine") == [(evidence.QUARANTINE_CAP,)]
    assert database.rows("SELECT count FROM weld.quarantine_day") == [(evidence.QUARANTINE_CAP + 5,)]
