"""What a worker remembers of its chips, packed: what goes in comes out, and only what changed is looked at."""

import asyncio
from dataclasses import replace
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ingest.chip import NOTHING_OPEN, Anchor, Chip
from ingest.memory import Memory
from ingest.shelf import Shelf
from tests.database import Database
from tests.ingest.conftest import enrol
from weld.core.detect import Episode, Licence
from weld.core.fold import Fold
from weld.core.intake import Track
from weld.core.said import Moment
from weld.core.session import DAY_MS, Session
from weld.store.connect import connect

_BIG, _MS = st.integers(0, 2**53 - 1), st.integers(0, 4_102_444_800_000)
_BOOT = st.integers(0, 2**31 - 1)
_RANGES = st.lists(st.tuples(_BIG, _BIG), max_size=3).map(tuple)
_HASH = st.none() | st.integers(-(2**63), 2**63 - 1)

_MOMENTS = st.builds(Moment, _BOOT, _BIG, _BIG, _MS)
_SESSIONS = st.builds(
    Session,
    st.uuids(),
    _MOMENTS,
    _MOMENTS,
    ticket=st.none() | st.uuids(),
    begun=st.booleans(),
    closed_since=st.none() | _MOMENTS,
    arc_ms=_BIG,
    energy_wh=st.floats(0, 1e9),
    ended=st.none() | _MOMENTS,
    end_reason=st.none() | st.just("worker"),
)
_EPISODES = st.builds(Episode, st.sampled_from(["D01", "E02"]), _MS, _MS, st.text(max_size=12), st.booleans())
folds = st.builds(
    Fold,
    st.none() | _SESSIONS,
    st.none() | st.builds(Licence, st.uuids(), st.none() | st.booleans(), st.none() | _MS),
    st.dictionaries(st.text(max_size=40), _EPISODES, max_size=4),  # more than one step of a cell
)

chips = st.builds(
    Chip,
    st.sampled_from([f"CHIP{number:04d}" for number in range(5)]),
    _BOOT,
    st.just("07"),
    rejected=st.booleans(),
    boot=_BOOT,
    seq=_BIG,
    gaps=_RANGES,
    older=st.lists(st.builds(Track, _BOOT, _BIG, _RANGES), max_size=3).map(tuple),
    anchor_boot=_BOOT,
    anchor_ms=st.integers(-(2**53), 2**53),
    answered=_HASH,
    anchors=st.lists(st.builds(Anchor, _BOOT, _MS, _HASH), max_size=3).map(tuple),
    received_ms=_MS,
    at_ms=_MS,
    state=st.sampled_from([None, "locked", "armed", "unlocked", "arcing", "blocked", "faulted", "tampered", "maintenance"]),
    contact=st.sampled_from([None, "open", "closed"]),
    burning=st.booleans(),
    presence=st.tuples(_BOOT, _BOOT),
    online=st.booleans(),
    quarter=st.integers(0, 2**31 - 1),
    idle_ms=_BIG,
    idle_messages=_BOOT,
    idle_online_ms=_BIG,
    clock_ms=st.none() | st.integers(-(2**53), 2**53),
    kept=st.one_of(st.just(NOTHING_OPEN), folds),
)  # fmt: skip


@given(st.lists(chips, max_size=12))
def test_the_last_picture_of_each_chip_comes_back_whole(pictures: list[Chip]) -> None:
    shelf = Shelf("07")
    for chip in pictures:
        shelf.put(chip, shelf.get(chip.chip))
    last = {chip.chip: chip for chip in pictures}
    there = {chip.chip: chip for chip in shelf}
    assert {name: chip.fold for name, chip in there.items()} == {name: chip.fold for name, chip in last.items()}
    assert there == last  # now that what was packed is unpacked
    assert len(shelf) == len(last)
    assert shelf.online() == sum(chip.online for chip in last.values())
    late = {name for name, chip in last.items() if chip.idle_messages and chip.quarter < 1000}
    assert set(shelf.idle_before(1000)) == late


def test_a_chip_that_was_handed_out_changes_nothing_here() -> None:
    shelf = Shelf("00")
    shelf.put(Chip("CHIP0001", 1, "00", seq=5))
    mine = shelf.get("CHIP0001")
    assert mine is not None
    mine.seq = 6
    assert shelf.get("CHIP0001") == Chip("CHIP0001", 1, "00", seq=5)
    shelf.put(mine)
    assert shelf.get("CHIP0001") == Chip("CHIP0001", 1, "00", seq=6)


def test_a_fold_stays_the_same_object_so_that_nobody_saves_it_again() -> None:
    shelf = Shelf("00")
    shelf.put(Chip("CHIP0001", 1, "00"))
    before = shelf.get("CHIP0001")
    assert before is not None
    assert before.kept is NOTHING_OPEN
    after = msgspec.structs.replace(before, seq=9)
    shelf.put(after, before)
    assert shelf.get("CHIP0001") == after
    assert shelf.overdue(2**60) == []


def test_a_session_that_ended_is_kept_packed_and_comes_back_as_it_was() -> None:
    opened = Moment(3, 7, 60_000, 1_700_000_000_000)
    open_one = Fold(Session(UUID(int=5), opened, opened), Licence(UUID(int=5), True, None), {})
    shelf = Shelf("00")
    shelf.put(Chip("CHIP0001", 1, "00", kept=open_one))
    working = shelf.get("CHIP0001")
    assert working is not None
    assert working.fold == open_one
    assert [chip.chip for chip in shelf.overdue(opened.at_ms + 2 * DAY_MS)] == ["CHIP0001"]
    assert shelf.overdue(opened.at_ms + DAY_MS) == []
    over = Fold(Session(UUID(int=5), opened, opened, ended=opened, end_reason="worker"), open_one.licence, {})
    shelf.put(msgspec.structs.replace(working, kept=over), working)
    rested = shelf.get("CHIP0001")
    assert rested is not None
    assert isinstance(rested.kept, bytes)
    assert rested.fold == over
    assert shelf.overdue(2**60) == []


def test_an_open_session_is_written_where_it_was_and_grows_there() -> None:
    opened = Moment(3, 7, 60_000, 1_700_000_000_000)
    small = Fold(Session(UUID(int=5), opened, opened), Licence(UUID(int=5), True, None), {})
    large = replace(small, episodes={f"{n:0100d}": Episode("D01", 1, 2, "3:7", False) for n in range(9)})
    shelf, handed_out = Shelf("00"), []
    for fold in (small, large, small):
        shelf.put(Chip("CHIP0001", 1, "00", kept=fold))
        handed_out.append(shelf.get("CHIP0001"))
    assert [chip.fold for chip in handed_out if chip is not None] == [small, large, small]


def test_nobody_is_known_under_another_name() -> None:
    assert Shelf("00").get("CHIP0001") is None


async def test_a_shard_that_is_lost_while_it_is_read_is_not_remembered(database: Database) -> None:
    enrol(database)
    memory = Memory()
    async with await connect(database.url("ingest"), "test") as conn:
        reading = asyncio.create_task(memory.load(conn, ["00"]))
        await asyncio.sleep(0)
        memory.drop(["00"])
        await reading
        assert memory.get("00", "CHIP0001") is None
        await memory.load(conn, ["00"])
        assert memory.get("00", "CHIP0001") is not None
