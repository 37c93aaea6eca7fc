"""Where an unlock stands: the contact's word before everything that was sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core.unlocking import FINAL, Progress, State, reason, sent_unconfirmed, state

START = datetime(2026, 11, 22, tzinfo=UTC)
FRESH = Progress(
    created_at=START,
    granted=True,
    end_reason=None,
    armed=False,
    contact_closed=False,
    session_open=False,
    command="queued",
    command_reason=None,
    click_before=START + timedelta(seconds=30),
    sent=False,
)


@pytest.mark.parametrize(
    ("changes", "after_s", "expected"),
    [
        ({}, 0, "waiting"),
        ({"command": "sent", "sent": True}, 1, "sent"),
        ({"command": "waiting", "sent": True, "armed": True}, 5, "armed"),
        ({"command": "done", "sent": True}, 5, "sent"),  # the result came, the contact's word has not yet
        ({"command": "done", "contact_closed": True, "session_open": True}, 5, "closed"),
        ({"command": "done", "contact_closed": True, "session_open": True}, 9000, "closed"),
        ({"granted": False, "end_reason": "worker", "contact_closed": True}, 60, "ended"),
        ({"granted": False, "end_reason": "locked"}, 9, "ended"),
        ({"granted": False, "end_reason": "expired", "command": "expired"}, 60, "expired"),
        ({"granted": False, "end_reason": "refused:wrong_nonce", "command": "refused"}, 9, "refused"),
        ({"command": "refused"}, 9, "refused"),
        ({"command": "failed"}, 9, "refused"),
        ({"command": "sent", "sent": True}, 39, "sent"),  # the word of a click in the last moment may be under way
        ({"command": "sent", "sent": True}, 40, "expired"),
        ({"command": "superseded"}, 5, "expired"),
        # an end that was booked before the contact spoke: the contact wins
        ({"granted": False, "end_reason": "expired", "session_open": True}, 50, "closed"),
    ],
)
def test_each_stage_has_its_word(changes: dict[str, Any], after_s: int, expected: State) -> None:
    assert state(replace(FRESH, **changes), START + timedelta(seconds=after_s)) == expected


def test_sent_is_not_confirmed_after_five_seconds_of_silence() -> None:
    sent = replace(FRESH, command="sent", sent=True)
    assert not sent_unconfirmed(sent, START + timedelta(seconds=4.9))
    assert sent_unconfirmed(sent, START + timedelta(seconds=5))
    assert not sent_unconfirmed(replace(sent, session_open=True), START + timedelta(seconds=5))
    assert not sent_unconfirmed(FRESH, START + timedelta(seconds=5))  # nothing was sent


def test_an_end_says_why() -> None:
    assert reason(replace(FRESH, granted=False, end_reason="refused:wrong_nonce"), START) == "wrong_nonce"
    assert reason(replace(FRESH, command="refused", command_reason="below_floor"), START) == "below_floor"
    assert reason(replace(FRESH, command="sent", sent=True), START + timedelta(minutes=1)) == "expired"
    assert reason(FRESH, START) is None


progresses = st.builds(
    Progress,
    created_at=st.just(START),
    granted=st.booleans(),
    end_reason=st.none() | st.sampled_from(["expired", "refused:used", "locked", "worker"]),
    armed=st.booleans(),
    contact_closed=st.booleans(),
    session_open=st.booleans(),
    command=st.none()
    | st.sampled_from(["queued", "sent", "waiting", "done", "refused", "failed", "expired", "superseded"]),
    command_reason=st.none(),
    click_before=st.none() | st.just(START + timedelta(seconds=30)),
    sent=st.booleans(),
)


@given(progresses, st.integers(0, 10_000))
def test_the_machine_is_called_on_only_when_the_contact_said_so(progress: Progress, after_s: int) -> None:
    found = state(progress, START + timedelta(seconds=after_s))
    assert found in get_args(State)
    if found == "closed":
        assert progress.session_open or progress.contact_closed
    if progress.session_open:
        assert found == "closed"


@given(progresses, st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_end_stays_an_end_as_time_goes_by(progress: Progress, first_s: int, more_s: int) -> None:
    early, late = START + timedelta(seconds=first_s), START + timedelta(seconds=first_s + more_s)
    if state(progress, early) in FINAL:
        assert state(progress, late) == state(progress, early)
