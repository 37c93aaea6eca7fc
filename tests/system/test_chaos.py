"""`weldgate chaos ingest`: a minute in which everything dies, and a checker that would say so if anything were wrong."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.chaos.checker import Counted, Verdict, judge
from bench.chaos.chip import Chip, Pending
from bench.chaos.command import Wanted, without_faults
from bench.chaos.nemesis import schedule
from schemas.down import encode_resend, encode_signed
from schemas.signed import PinnedKeys, SigningKey, Stored
from simulator.identity import ChipIdentity
from simulator.link import Broker, Link
from weld.store import inspection
from weld.store.connect import Conn, connect
from weld.store.inspection import Books

# The minute itself, two stacks, and a machine that has other things to do as well.
pytestmark = pytest.mark.timeout(420)

PRIVATE = Ed25519PrivateKey.generate()
SERVICE = SigningKey("service", PRIVATE)
PINNED = PinnedKeys({}, {"service": PRIVATE.public_key()})
SMALL = Wanted(seconds=24.0, seed=5, chips=12, rate=20.0)


def test_a_minute_of_chaos_loses_nothing_doubles_nothing_and_gets_nothing_wrong() -> None:
    command = [sys.executable, "-m", "weld.cli.main", "chaos", "ingest", "--seconds", "60", "--seed", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["lost"], told["doubled"], told["wrong"]) == (0, 0, 0), done.stderr[-6000:]
    assert told["stored"] == told["sent"] > 15_000
    assert told["kills"] >= 5
    assert set(told) == {"seed", "sent", "stored", "lost", "doubled", "wrong", "kills"}
    assert done.returncode == 0


def test_the_same_seed_makes_the_same_lives_and_the_same_blows() -> None:
    one, other = SMALL.lives(1_800_000_000_000), SMALL.lives(1_800_000_000_000)
    assert one == other
    assert {life.kind for life in one} >= {"plain", "bypass", "back", "ahead", "unset", "set", "drifting", "repeats"}
    assert schedule(5, 60) == schedule(5, 60) != schedule(6, 60)
    assert replace(SMALL, seed=6).lives(1_800_000_000_000) != one


# -- the checker: what a run left is changed by hand, and it says so


@dataclass
class Left:
    """A store after a run in which all was well, what the chips counted, and a connection that can change the store."""

    counted: list[Counted]
    books: Books
    conn: Conn

    async def verdict_after(self, change: str, *others: str) -> Verdict:
        """The verdict if this had happened to the store; it is undone."""
        async with self.conn.transaction(force_rollback=True):
            for statement in (change, *others):
                cursor = await self.conn.execute(statement.encode())
                assert cursor.rowcount == 1, "the test changed something else than it meant"
            return judge(self.counted, await inspection.read(self.conn), self.books)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def left(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Left]:
    now = datetime.now(UTC)
    base_ms = round(now.timestamp() * 1000)
    counted = [
        Counted(life, {(w.boot, w.seq): w.payload for w in life.words}, {w.boot: w.seq for w in life.words})
        for life in SMALL.lives(base_ms)
    ]
    kept: Path = tmp_path_factory.mktemp("kept")
    async with without_faults(SMALL, counted, base_ms, now, kept) as here:
        conn = await connect(here.stack.role_url("owner"), "test")
        try:
            yield Left(counted, await here.books(), conn)
        finally:
            await conn.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_run_in_which_all_was_well_is_called_well(left: Left) -> None:
    verdict = judge(left.counted, left.books, left.books)
    assert verdict.differences == []
    assert verdict.holds
    assert verdict.stored == verdict.sent > 300
    assert len(left.books.sessions) > 5
    assert {alert.code for alert in left.books.alerts} == {"D01"}


def first(table: str, key: str = "id") -> str:
    """One row of a table, whichever it is."""
    return f"({key}) IN (SELECT {key} FROM {table} LIMIT 1)"


KEY = "chip_no, boot, seq"
ARC = "chip_no, boot, from_up"
AGAIN = """WITH one AS (SELECT * FROM event WHERE kind = 'boot' LIMIT 1) INSERT INTO event
    SELECT (jsonb_populate_record(NULL::event, to_jsonb(one) || jsonb_build_object('at', one.at + interval '1 ms'))).* FROM one"""
HOLE = "INSERT INTO hole SELECT chip_no, 1, 1, 2, 'unreadable', now() FROM chip LIMIT 1"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("change", "counts", "says"),
    [
        (f"DELETE FROM telemetry WHERE {first('telemetry', KEY)}", (1, 0, 0), "lost"),
        (f"DELETE FROM event WHERE {first('event', KEY)}", (1, 0, 0), "lost"),
        (AGAIN, (0, 1, 0), "stands 2 times"),
        (f"UPDATE event SET hash = hash + 1 WHERE {first('event', KEY)}", (1, 0, 1), "nobody said it"),
        (f"UPDATE session SET arc_ms = arc_ms + 1 WHERE {first('session')}", (0, 0, 1), "arc_ms"),
        (f"UPDATE session SET state = 'open', closed_at = NULL WHERE {first('session')}", (0, 0, 1), "state open"),
        (f"DELETE FROM session WHERE {first('session')}", (0, 0, 1), "is missing"),
        (
            f"UPDATE machine_day SET messages = messages + 1 WHERE {first('machine_day', 'plate')}",
            (0, 0, 1),
            "messages",
        ),
        (
            f"UPDATE machine_hour SET online_ms = online_ms + 1 WHERE {first('machine_hour', 'plate, hour')}",
            (0, 0, 1),
            "online_ms",
        ),
        (
            f"UPDATE division_day SET starts = starts + 1 WHERE {first('division_day', 'division, day, part')}",
            (0, 0, 1),
            "starts",
        ),
        (f"UPDATE arc SET ended_at = NULL WHERE {first('arc', ARC)}", (0, 0, 1), "ended_at"),
        (f"DELETE FROM arc WHERE {first('arc', ARC)}", (0, 0, 1), "is missing"),
        (f"UPDATE chip_state SET seq = seq - 1 WHERE {first('chip_state', 'chip')}", (0, 0, 1), "seq"),
        (HOLE, (0, 0, 1), "hole"),
        (f"UPDATE alert SET historical = true WHERE {first('alert')}", (0, 0, 2), "live alert"),
        (f"UPDATE alert SET code = 'D05' WHERE {first('alert')}", (0, 0, 2), "D05"),
        (f"DELETE FROM outbox WHERE {first('outbox')}", (0, 0, 1), "announced 0 times"),
    ],
)
async def test_what_is_wrong_is_said(left: Left, change: str, counts: tuple[int, int, int], says: str) -> None:
    verdict = await left.verdict_after(change)
    assert (verdict.lost, verdict.doubled, verdict.wrong) == counts, verdict.differences
    assert any(says in line for line in verdict.differences), verdict.differences
    assert not verdict.holds


@pytest.mark.asyncio(loop_scope="module")
async def test_a_message_that_is_declared_lost_is_not_missing_but_a_difference(left: Left) -> None:
    chip_no = f"(SELECT chip_no FROM chip WHERE chip = '{left.counted[0].life.chip}')"
    verdict = await left.verdict_after(
        f"DELETE FROM event WHERE chip_no = {chip_no} AND boot = 1 AND seq = 1",
        f"INSERT INTO hole SELECT {chip_no}, 1, 1, 1, 'unreadable', now()",
    )
    assert (verdict.lost, verdict.doubled, verdict.wrong) == (0, 0, 1)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_bypass_that_nobody_could_hear_in_time_is_no_missing_alert(left: Left) -> None:
    late = [
        replace(c, said={key: word.replace(b'"late":false', b'"late":true') for key, word in c.said.items()})
        for c in left.counted
    ]
    verdict = judge(late, left.books, left.books)
    assert sum("live alert" in line for line in verdict.differences) == sum(
        c.life.kind == "bypass" for c in left.counted
    )


# -- the chip: it believes what is signed, and forgets what is covered


def lonely_chip() -> Chip:
    """A chip without a connection that has three messages to tell."""
    life = replace(SMALL.lives(1_800_000_000_000)[0], chip="CHIP0001")
    chip = Chip(
        life, ChipIdentity("CHIP0001", "00", PINNED), Broker("127.0.0.1", 1), random.Random(1), asyncio.Semaphore()
    )
    chip.pending = {(1, seq): Pending(life.words[seq - 1]) for seq in (1, 2, 3)}
    return chip


def stored(upto: int, key: SigningKey, chip: str = "CHIP0001") -> bytes:
    return encode_signed(Stored(aud=chip, boot=1, upto=upto), key)


async def test_a_scripted_chip_forgets_what_a_signed_stored_covers_and_nothing_else() -> None:
    chip, link = lonely_chip(), cast("Link", None)
    stranger = SigningKey(SERVICE.kid, Ed25519PrivateKey.generate())
    for word in (b"{}", stored(3, stranger), stored(3, SERVICE, "CHIP0002")):
        chip.link_got(link, word)
    assert list(chip.pending) == [(1, 1), (1, 2), (1, 3)]
    assert chip.forged == 3
    chip.link_got(link, stored(2, SERVICE))
    chip.link_got(link, stored(1, SERVICE))
    assert list(chip.pending) == [(1, 3)]
    assert chip.stored == {1: 2}
    assert not chip.confirmed


async def test_a_scripted_chip_says_the_same_bytes_again() -> None:
    chip, said = lonely_chip(), list[bytes]()
    link = cast("Link", SimpleNamespace(publish=said.append, publish_state=lambda _: None))
    chip.link_up(link)
    chip.link_got(link, encode_resend(1, 2, 9))
    assert [b'"late":true' in word for word in said] == [True] * 5
    assert said[3:] == said[1:3]
