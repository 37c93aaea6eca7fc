"""Sums by machine, division and enterprise: whatever arrives in whatever order, they are what stored rows come to."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import BOOT
from tests.ingest.desk import SHARDS, desk
from weld.store import grants, load, recount
from weld.store.connect import pool, scoped
from weld.store.grants import RefusalRow
from weld.store.recount import Asked, Difference
from weld.store.rollups import part_of

NOW = datetime.now(UTC).replace(minute=50, second=0, microsecond=0)
CHIPS = ("CHIP0000", "CHIP0001", "CHIP0002")
FIRM = UUID(int=77)
LEVELS = {
    "machine_hour": "plate, hour::text",
    "machine_day": "plate, day::text",
    "division_day": "division, day::text",
    "enterprise_day": "enterprise::text, day::text",
}


def plate_of(chip: str) -> str:
    return f"410502000000{chip[-4:]}1"


def shard_of(chip: str) -> str:
    return f"{int(chip[-1]) % SHARDS:02x}"


def ticket_of(chip: str) -> UUID:
    return UUID(int=(9 << 64) + int(chip[-1]))


def registers(database: Database) -> None:
    """Two divisions, one of which lives by another clock; three machines, two of them of one enterprise; a permission each."""
    load.clear(database.url("owner"))
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        conn.execute("SET search_path = weld")
        conn.execute(
            "INSERT INTO division (code, name_zh, name_en, path, zone) VALUES"
            " ('410502', '文峰区', 'Wenfeng', '410502', 'Asia/Shanghai'), ('650100', '乌', 'Wu', '650100', 'Asia/Kathmandu')"
        )
        conn.execute(
            "INSERT INTO enterprise (id, name, credit_code, division) VALUES (%s, 'F', '91410500MA00000001', '410502')",
            (FIRM,),
        )
        for chip in CHIPS:
            of = ("650100", None) if chip == "CHIP0002" else ("410502", FIRM)
            conn.execute("INSERT INTO chip (chip, shard, model) VALUES (%s, %s, 'T1')", (chip, shard_of(chip)))
            conn.execute(
                "INSERT INTO machine (plate, chip, division, enterprise, maker, model, serial)"
                " VALUES (%s, %s, %s, %s, 'M', 'Z', '1')",
                (plate_of(chip), chip, *of),
            )
            conn.execute(
                "INSERT INTO binding (chip, plate, since) VALUES (%s, %s, '2020-01-01')", (chip, plate_of(chip))
            )
            worker = UUID(int=(5 << 64) + int(chip[-1]))
            conn.execute(
                "INSERT INTO worker (id, division, name_sealed, identity_sealed, identity_index, phone_sealed, phone_index)"
                " VALUES (%s, '410502', '', '', %s, '', %s)",
                (worker, worker.bytes, worker.bytes),
            )
            conn.execute(
                "INSERT INTO unlock_grant (id, worker, plate, chip, division, checks, rules_version, presence, created_at,"
                " expires_at, longest_s) VALUES (%s, %s, %s, %s, '410502', '[]', 1, 'none', %s, %s, 86400)",
                (ticket_of(chip), worker, plate_of(chip), chip, NOW - timedelta(days=2), NOW + timedelta(days=1)),
            )


class Word(NamedTuple):
    """A message on its way: what becomes of it is the test's dice."""

    shard: str
    chip: str
    message: wire.Message
    lost: bool
    twice: bool


@st.composite
def lives(draw: st.DrawFn) -> list[list[Word]]:
    """Each chip's words in true order, from two days ago on: boots, idle time, sessions with samples, holes in the samples."""
    return [draw(_life(chip)) for chip in CHIPS[: draw(st.integers(1, 3))]]


@st.composite
def _life(draw: st.DrawFn, chip: str) -> list[Word]:
    start_ms = int((NOW - timedelta(hours=draw(st.integers(1, 40)))).timestamp() * 1000)
    words: list[Word] = []
    boot, seq, up, session, sessions = 1, 0, 0, None, itertools.count()

    def say(kind: type[Any], **content: Any) -> None:
        nonlocal seq
        seq += 1
        words.append(
            Word(
                shard_of(chip),
                chip,
                kind(boot=boot, seq=seq, at=start_ms + up, up=up, clock="synced", late=draw(st.booleans()), **content),
                lost=kind is not wire.BootUp and draw(st.integers(0, 9)) == 0,
                twice=draw(st.integers(0, 4)) == 0,
            )
        )

    say(wire.BootUp, **BOOT)
    for deed in draw(
        st.lists(st.sampled_from(["tell", "tell", "tell", "open", "close", "reboot", "sleep"]), max_size=14)
    ):
        up += draw(st.integers(1, 40)) * 1000
        if deed == "sleep":
            up += draw(st.integers(1, 90)) * 60_000
        elif deed == "open" and session is None:
            session = str(UUID(int=(int(chip[-1]) << 32) + next(sessions) + (boot << 16)))
            ticket = draw(st.sampled_from([str(ticket_of(chip)), None]))
            say(wire.Event, event=wire.RelayClosed(session=session, ticket=ticket))
        elif deed == "close" and session is not None:
            say(wire.Event, event=wire.RelayOpened(reason="worker", session=session))
            session = None
        elif deed == "reboot":
            start_ms, boot, seq, up, session = start_ms + up, boot + 1, 0, 0, None
            say(wire.BootUp, **BOOT)
        elif deed == "tell":
            say(wire.Telemetry, **draw(_samples(up, session)))
    return words


@st.composite
def _samples(draw: st.DrawFn, up: int, session: str | None) -> dict[str, Any]:
    number = draw(st.integers(0, 4))
    arcs = [
        draw(st.sampled_from([None, 0, 0, 700, 1000])) if session else draw(st.sampled_from([None, 0]))
        for _ in range(number)
    ]
    amps = [None if arc is None else 180.3 if arc else 0.0 for arc in arcs]
    return {
        "from_up": max(0, up - number * 1000 - draw(st.sampled_from([0, 0, 500]))), "step_ms": 1000,
        "current_a": amps, "peak_a": amps,
        "voltage_v": [None if amp is None else 24.1 for amp in amps], "arc_ms": arcs,
        "state": "unlocked" if session else "locked", "contact": "closed" if session else "open", "energy_wh": None,
        "mains": True, "session": session,
    }  # fmt: skip


async def store(database: Database, batches: Sequence[Sequence[Word]], restart_after: int) -> None:
    """All batches, and another worker after so many of them."""
    for part in (batches[:restart_after], batches[restart_after:]):
        async with desk(database, NOW) as worker:
            for batch in part:
                await worker.take([word[:3] for word in batch])


def chopped(words: Sequence[Word], cuts: Sequence[int]) -> list[list[Word]]:
    """In batches of these sizes, round and round."""
    sizes, batches, at = itertools.cycle(cuts), [], 0
    while at < len(words):
        size = next(sizes)
        batches.append(list(words[at : at + size]))
        at += size
    return batches


def sums(database: Database) -> dict[tuple[str, ...], tuple[float, ...]]:
    """All four tables, with what waits in the chips' states; without rows of nothing, and without alerts, whose episodes
    depend on what was heard first."""
    figures = "arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, messages, energy_wh"
    found: dict[tuple[str, ...], tuple[float, ...]] = {}
    for table, key in LEVELS.items():
        heard = "sum(heard)" if "heard" in columns(database, table) else "0"
        totals = ", ".join(f"sum({name})::float8" for name in figures.split(", "))
        for row in database.rows(f"SELECT {key}, {totals}, {heard}::float8 FROM weld.{table} GROUP BY 1, 2"):
            if any(row[2:]):
                found[table, *row[:2]] = tuple(round(value, 4) for value in row[2:])
    return found


def columns(database: Database, table: str) -> set[str]:
    rows = database.rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)
    return {row[0] for row in rows}


def differing(database: Database, *, mend: bool = False) -> list[Difference]:
    """What a recount finds."""
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        asked = Asked((NOW - timedelta(days=8)).date(), (NOW + timedelta(days=2)).date())
        return [one for step in recount.compare(conn, asked, date(2020, 1, 1), mend=mend) for one in step.differences]


def nothing_waits(database: Database) -> None:
    """A worker that was told to bring all idle time to the rollups."""

    async def close() -> None:
        async with desk(database, NOW) as worker:
            await worker.close_quarters([(shard_of(chip), chip) for chip in CHIPS])

    asyncio.run(close())


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(
    told=lives(),
    dice=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    restart_after=st.integers(0, 5),
)
def test_any_order_of_arrival_any_batches_and_a_restart_leave_the_sums_of_the_true_order(
    database: Database, told: list[list[Word]], dice: Any, cuts: list[int], restart_after: int
) -> None:
    arriving = [word for life in told for word in life if not word.lost]
    registers(database)
    asyncio.run(store(database, [[word] for word in arriving], 0))
    assert differing(database) == []
    nothing_waits(database)
    assert differing(database) == []
    expected = sums(database)

    registers(database)
    shuffled = arriving + [word for word in arriving if word.twice]
    dice.shuffle(shuffled)
    asyncio.run(store(database, chopped(shuffled, cuts), restart_after))
    assert differing(database) == []
    nothing_waits(database)
    assert differing(database) == []
    assert sums(database) == expected

    _damage(database, dice)
    differing(database, mend=True)
    assert sums(database) == expected
    assert differing(database, mend=True) == []


def _damage(database: Database, dice: Any) -> None:
    for table in LEVELS:
        database.rows(
            f"UPDATE weld.{table} SET messages = messages + %s, arc_ms = arc_ms - 5, energy_wh = 3", dice.randint(-3, 3)
        )
        database.rows(
            f"DELETE FROM weld.{table} WHERE ctid IN (SELECT ctid FROM weld.{table} LIMIT %s)", dice.randint(0, 1)
        )


def test_each_batch_writes_a_part_that_nobody_else_can_hold() -> None:
    assert part_of(["1f", "00", "02"]) == 1
    assert part_of(["ff"]) == 256
    assert part_of([]) == -1


def _said(chip: str, up: int, seq: int, **content: Any) -> tuple[str, str, wire.Message]:
    at = int((NOW - timedelta(hours=1)).timestamp() * 1000) + up
    kind = content.pop("kind", wire.Telemetry)
    return shard_of(chip), chip, kind(boot=1, seq=seq, at=at, up=up, clock="synced", **content)


def _second(session: str | None = None, arc_ms: int = 0, up: int = 0) -> dict[str, Any]:
    amps = [180.0 if arc_ms else 0.0]
    return {
        "from_up": up - 1000, "step_ms": 1000, "current_a": amps, "peak_a": amps, "voltage_v": [20.0], "arc_ms": [arc_ms],
        "state": "unlocked" if session else "locked", "contact": "closed" if session else "open", "energy_wh": None,
        "mains": True, "session": session,
    }  # fmt: skip


def test_a_session_is_one_start_and_what_nobody_saw_of_it_is_unknown(database: Database) -> None:
    registers(database)
    chip, session = CHIPS[0], str(UUID(int=1))

    async def live() -> None:
        async with desk(database, NOW) as worker:
            ticket = str(ticket_of(chip))
            await worker.take([
                _said(chip, 1000, 1, kind=wire.BootUp, **BOOT),
                _said(chip, 2000, 2, kind=wire.Event, event=wire.RelayClosed(session=session, ticket=ticket)),
                _said(chip, 3000, 3, **_second(session, 1000, 3000)),
            ])  # fmt: skip
            opened = [wire.RelayOpened(reason="worker", session=session)]
            await worker.take([_said(chip, 12_000, 5, kind=wire.Event, event=opened[0])])
            assert database.rows("SELECT sessions, starts, unknown_ms FROM weld.machine_day") == [(1, 1, 9000)]
            await worker.take([_said(chip, 9000, 4, **_second(session, 0, 9000))])  # it comes after all

    asyncio.run(live())
    row = (1000, 2000, 2000, 8000, 1, 1, 0, 0, 2)
    figures = "arc_ms, covered_ms, online_ms, unknown_ms, sessions, starts, refusals, alerts, messages"
    assert database.rows(f"SELECT {figures} FROM weld.machine_hour") == [row]
    assert database.rows(f"SELECT {figures} FROM weld.machine_day") == [row]
    assert database.rows(f"SELECT division, part, heard, {figures} FROM weld.division_day") == [("410502", 1, 1, *row)]
    assert database.rows(f"SELECT enterprise, part, heard, {figures} FROM weld.enterprise_day") == [(FIRM, 1, 1, *row)]
    assert database.rows("SELECT round(energy_wh::numeric, 6) FROM weld.machine_day") == [(1,)]
    assert differing(database) == []


def test_missing_numbers_are_told_until_they_come(database: Database) -> None:
    registers(database)
    chip = CHIPS[0]
    known: list[Any] = []

    async def live() -> None:
        async with desk(database, NOW) as worker:
            await worker.take(
                [_said(chip, 1000, 1, kind=wire.BootUp, **BOOT), _said(chip, 9000, 5, **_second(up=9000))]
            )
            known.append(database.rows("SELECT missing FROM weld.chip_state"))
            await worker.take([_said(chip, 10_000, 6, **_second(up=10_000))])
            known.append(database.rows("SELECT missing FROM weld.chip_state"))
            await worker.take([_said(chip, 1000 * seq, seq, **_second(up=1000 * seq)) for seq in (2, 4)])
            known.append(database.rows("SELECT missing, idle_online_ms, idle_ms, idle_messages FROM weld.chip_state"))

    asyncio.run(live())
    assert known == [[(3,)], [(3,)], [(1, 4000, 4000, 4)]]


def test_alerts_of_chips_are_counted_where_they_were_raised(database: Database) -> None:
    registers(database)
    chip = CHIPS[0]

    async def live() -> None:
        async with desk(database, NOW) as worker:
            arcing = {**_second(None, 1000, 3000), "contact": "open"}
            await worker.take(
                [_said(chip, 1000, 1, kind=wire.BootUp, **BOOT), _said(chip, 3000, 2, late=True, **arcing)]
            )

    asyncio.run(live())
    assert database.rows("SELECT code FROM weld.alert") == [("D01",)]
    assert database.rows("SELECT hour, alerts, online_ms FROM weld.machine_hour ORDER BY hour DESC") == [
        (NOW.replace(minute=0), 1, 0),
        (NOW.replace(minute=0) - timedelta(hours=1), 0, 0),
    ]
    assert differing(database) == []


async def test_a_rebuild_beside_ingest_and_refusals_makes_no_sum_wrong(database: Database) -> None:
    registers(database)
    chip, worker_id, done = CHIPS[0], UUID(int=5 << 64), asyncio.Event()
    database.rows("INSERT INTO weld.machine_day (plate, day, arc_ms) VALUES (%s, %s, 77)", plate_of(chip), NOW.date())

    async def refuse() -> int:
        number = 0
        async with pool(database.url("api"), "test", size=1) as connections:
            while not done.is_set():
                row = RefusalRow(
                    uuid4(), worker_id, plate_of(chip), "410502", FIRM, ["machine_in_use"], datetime.now(UTC)
                )
                async with scoped(connections, f"worker:{worker_id}") as conn:
                    await grants.refuse(conn, row)
                number += 1
                await asyncio.sleep(0)
        return number

    async def rebuild() -> int:
        number = 0
        while not done.is_set():
            await asyncio.to_thread(differing, database, mend=True)
            number += 1
        return number

    others = asyncio.gather(refuse(), rebuild())
    async with desk(database, NOW) as worker:
        await worker.take([_said(one, 1000, 1, kind=wire.BootUp, **BOOT) for one in CHIPS])
        for seq in range(2, 60):
            up = seq * 1000
            batch = [_said(one, up, seq, **{**_second(None, seq % 2 * 500, up), "contact": "closed"}) for one in CHIPS]
            await worker.take(batch)
            if seq % 10 == 0:
                await asyncio.to_thread(database.rows, "UPDATE weld.machine_hour SET messages = messages + 5")
    done.set()
    assert all(number > 1 for number in await others)
    differing(database, mend=True)
    assert differing(database) == []
    assert database.rows("SELECT sum(messages) FROM weld.division_day") == [(3 * 58 - 3 * waiting(database),)]


def waiting(database: Database) -> int:
    """Messages of a chip that wait in its state: the same number for each here."""
    ((number,),) = database.rows("SELECT DISTINCT idle_messages FROM weld.chip_state")
    return int(number)
