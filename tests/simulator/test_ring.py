"""The ring by itself: P13, P14."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.chip import BufferOverflow, Button, Event, Telemetry
from simulator import ring as rings
from simulator.ring import Entry, Ring


def a_button(seq: int, boot: int = 1) -> Entry:
    return rings.entry_of(Event(boot=boot, seq=seq, at=None, up=seq, clock="unset", event=Button()))


def a_telemetry(seq: int, boot: int = 1) -> Entry:
    words: dict[str, Any] = {"current_a": [], "peak_a": [], "voltage_v": [], "arc_ms": []}
    words |= {"state": "locked", "contact": "open", "energy_wh": None, "mains": True, "from_up": 0}
    return rings.entry_of(Telemetry(boot=boot, seq=seq, at=None, up=seq, clock="unset", **words))


def filled(capacity: int, *entries: Entry) -> Ring:
    ring = Ring(capacity)
    for entry in entries:
        ring = rings.add(ring, entry)
    return ring


def keys(ring: Ring) -> list[tuple[int, int]]:
    return [entry.key for entry in ring.entries]


def test_p14_the_oldest_telemetry_is_forgotten_before_any_event() -> None:
    ring = filled(3, a_button(1), a_telemetry(2), a_telemetry(3), a_button(4))
    assert keys(ring) == [(1, 1), (1, 3), (1, 4)]
    assert ring.lost == ((1, 2, 2),)


def test_p14_without_telemetry_the_oldest_event_goes() -> None:
    ring = filled(2, a_button(1), a_button(2), a_button(3))
    assert keys(ring) == [(1, 2), (1, 3)]
    assert ring.lost == ((1, 1, 1),)


def test_p14_neighbouring_losses_are_one_range_and_boots_stay_apart() -> None:
    ring = filled(1, a_telemetry(7), a_telemetry(8), a_telemetry(1, boot=2), a_telemetry(2, boot=2))
    assert ring.lost == ((1, 7, 8), (2, 1, 1))


def test_p13_stored_frees_one_boot_up_to_a_seq_and_what_was_lost_there() -> None:
    ring = filled(2, a_telemetry(1), a_telemetry(2), a_telemetry(3), a_button(1, boot=2))
    assert rings.stored(ring, 1, 2).lost == ()
    assert keys(rings.stored(ring, 1, 2)) == [(1, 3), (2, 1)]
    assert keys(rings.stored(ring, 1, 9)) == [(2, 1)]


def test_p13_published_bytes_stay_with_their_first_time() -> None:
    ring = filled(5, a_button(1))
    once = rings.published(ring, ring.entries[0], b"bytes", 100, 60_000, 60_100)
    twice = rings.published(once, once.entries[0], b"bytes", 60_100, 120_000, 180_100)
    (entry,) = twice.entries
    assert (entry.payload, entry.published_up, entry.due_up, entry.message) == (b"bytes", 100, 180_100, None)


def test_p13_nothing_is_due_before_its_time_and_the_oldest_is_first() -> None:
    ring = filled(5, a_button(1), a_button(2))
    ring = rings.published(ring, ring.entries[0], b"x", 0, 60_000, 60_000)
    ring = rings.published(ring, ring.entries[1], b"y", 0, 50_000, 50_000)
    assert rings.first_due(ring, 49_999) is None
    assert rings.first_due(ring, 50_000) == ring.entries[1]
    assert rings.first_due(ring, 60_000) == ring.entries[0]


def test_p14_a_declaration_finds_room_in_a_full_ring() -> None:
    lost = BufferOverflow(lost_boot=1, lost_from=1, lost_to=5)
    declaration = rings.entry_of(Event(boot=1, seq=9, at=None, up=9, clock="unset", event=lost))
    ring = filled(2, a_button(7), a_button(8), declaration)
    assert keys(ring) == [(1, 7), (1, 8), (1, 9)]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60), st.integers(1, 8))
def test_p13_every_message_is_kept_confirmed_or_lost(life: list[tuple[bool, int]], capacity: int) -> None:
    ring, confirmed = Ring(capacity), 0
    for seq, (telemetry, confirms) in enumerate(life, start=1):
        ring = rings.add(ring, a_telemetry(seq) if telemetry else a_button(seq))
        if confirms == 0:
            confirmed = max(confirmed, seq - 2)
            ring = rings.stored(ring, 1, confirmed)
    known = {seq for _, seq in keys(ring)} | {seq for _, start, end in ring.lost for seq in range(start, end + 1)}
    assert known | set(range(1, confirmed + 1)) >= set(range(1, len(life) + 1))
    assert len(ring.entries) <= capacity
    assert ring.earliest_up == min((entry.due_up for entry in ring.entries), default=None)
