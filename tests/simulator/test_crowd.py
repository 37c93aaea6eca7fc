"""Light chips: what they say is valid and repeatable, and nothing gets lost in a storm."""

import asyncio
import time
from collections import Counter
from itertools import pairwise

import pytest

from schemas.chip import ArcEnded, ArcStarted, BootUp, Event, RelayClosed, RelayOpened, Telemetry
from schemas.decode import decode
from simulator import crowd as crowds
from simulator.crowd import Crowd
from simulator.stream import CYCLE, STEP_MS, Stream, shard_of, ticket_of, works
from tests.simulator.tiny_platform import TinyPlatform
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import SystemClock

AT = 1_790_000_000_000


def words(number: int, upto: int, **made: int) -> list[object]:
    stream = Stream.make(7, **made)
    return [decode(stream.word(number, seq, AT + seq)) for seq in range(1, upto + 1)]


def test_every_word_is_valid_and_every_kind_is_said() -> None:
    said = [word for number in range(100) for word in words(number, 64)]
    kinds = Counter(type(word.event if isinstance(word, Event) else word) for word in said)
    assert set(kinds) == {BootUp, Telemetry, RelayClosed, RelayOpened, ArcStarted, ArcEnded}
    assert {word.position is not None for word in said if isinstance(word, Telemetry)} == {True, False}


def test_the_words_of_a_chip_have_no_gap_and_its_clock_runs_on() -> None:
    said = words(27, 100)
    assert [word.seq for word in said] == list(range(1, 101))  # type: ignore[attr-defined]
    assert all(b.up - a.up == STEP_MS for a, b in pairwise(said))  # type: ignore[attr-defined]
    assert [word.at for word in said] == [AT + seq for seq in range(1, 101)]  # type: ignore[attr-defined]


def test_one_chip_in_ten_works() -> None:
    assert sum(works(number, 10) for number in range(1000)) == 100
    idle = next(number for number in range(100) if not works(number, 10))
    assert {word.state for word in words(idle, 50) if isinstance(word, Telemetry)} == {"locked"}


@pytest.mark.parametrize("number", [n for n in range(300) if works(n, 10)])
def test_sessions_of_a_working_chip_begin_and_end_and_hold_all_its_arcs(number: int) -> None:
    running: str | None = None
    sessions = 0
    for word in words(number, 4 * len(CYCLE)):
        match word:
            case Event(event=RelayClosed(session=session, ticket=ticket)):
                assert running is None
                assert ticket == ticket_of(number)
                running, sessions = session, sessions + 1
            case Event(event=RelayOpened(session=session, reason="worker")):
                assert session == running
                running = None
            case Event(event=ArcStarted(session=session) | ArcEnded(session=session)):
                assert session == running is not None
            case Telemetry():
                assert word.session == running
                assert (word.contact == "closed") == (running is not None)
                assert any(word.arc_ms) == (word.state == "arcing")
    assert sessions >= 3


def test_an_arc_has_the_same_beginning_in_both_of_its_events() -> None:
    number = next(n for n in range(100) if works(n, 10) and n % len(CYCLE) == 0)
    events = [word.event for word in words(number, 40) if isinstance(word, Event)]
    started = [event.from_up for event in events if isinstance(event, ArcStarted)]
    ended = [event for event in events if isinstance(event, ArcEnded)]
    assert started[: len(ended)] == [event.from_up for event in ended]
    assert all(event.to_up - event.from_up >= event.arc_ms for event in ended)


def test_the_same_seed_says_the_same_and_another_one_something_else() -> None:
    assert [Stream.make(3).word(27, seq, AT) for seq in range(99)] == [
        Stream.make(3).word(27, seq, AT) for seq in range(99)
    ]
    sessions = [
        {word.session for word in words(27, 99, boot=boot) if isinstance(word, Telemetry)} - {None} for boot in (1, 2)
    ]
    assert not sessions[0] & sessions[1]


@pytest.mark.parametrize("samples", [1, 10])
def test_samples_can_be_asked_for(samples: int) -> None:
    said = [word for word in words(27, 60, samples=samples) if isinstance(word, Telemetry)]
    assert {len(word.current_a) for word in said} == {samples}
    assert all(word.up - word.from_up == samples * 1000 for word in said)


async def test_a_crowd_says_everything_through_a_storm(broker: Mosquitto) -> None:
    there, stop = broker.chips, asyncio.Event()
    async with TinyPlatform(broker) as platform:
        async with Crowd(200, 5, there.host, there.port, SystemClock(), shards=4) as crowd:
            await crowd.speak(400, 1.0, stop)
            assert await crowd.all_stored(stop, 20)
            assert crowd.tally.repeated == 0
            platform.confirms = False
            await crowd.speak(400, 1.0, stop)
            crowd.drop_all()
            await asyncio.sleep(0.05)
            assert crowd.tally.connected < 200
            platform.confirms = True
            await crowd.speak(400, 1.0, stop)  # also while they are away
            await crowd.all_up(30)
            assert await crowd.all_stored(stop, 20)
            assert crowd.tally.breaks == 200
            assert crowd.tally.repeated > 100
            assert crowd.tally.forgotten == 0
        said = {(chip, *key) for chip, messages in platform.messages.items() for key in messages}
        assert len(said) == crowd.tally.said == crowd.tally.stored
        assert platform.contradictions == []
        assert {presence.connection for presence in platform.presences.values()} == {2}


async def test_what_nobody_confirms_is_said_again_later_and_later(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "PATIENCE_S", 0.2)
    there, stop = broker.chips, asyncio.Event()
    async with TinyPlatform(broker, confirms=False, asks=False) as platform:
        async with Crowd(10, 6, there.host, there.port, SystemClock(), shards=4, boot=2) as crowd:
            await crowd.speak(200, 0.1, stop)
            said, began_s = crowd.tally.said, time.monotonic()
            while time.monotonic() < began_s + 2:
                crowd.look()
                await asyncio.sleep(0.02)
            assert 2 * said <= crowd.tally.repeated <= 4 * said  # after 0.2, 0.4, 0.8 s
        assert platform.contradictions == []


def test_what_does_not_fit_is_said_clearly() -> None:
    with pytest.raises(ValueError, match=r"5000000 connections do not fit: this process may open \d+ files"):
        crowds.make_room(5_000_000)


def test_shards_are_named_as_topics_have_them() -> None:
    assert [shard_of(number, 64) for number in (0, 10, 63, 64)] == ["00", "0a", "3f", "00"]
