"""Deadlines of alerts: by level, from the moment they were raised, none for history."""

from datetime import UTC, datetime, timedelta

import pytest

from weld.core.deadline import NEVER, Deadlines, deadlines, following

RAISED = datetime(2026, 11, 23, 8, 31, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("level", "sign", "close"),
    [(1, 15 * MINUTE, 2 * HOUR), (2, 2 * HOUR, 24 * HOUR), (3, 24 * HOUR, 72 * HOUR), (4, None, None)],
)
@pytest.mark.parametrize("state", ["open", "acknowledged"])
def test_each_level_has_its_time(level: int, sign: timedelta | None, close: timedelta | None, state: str) -> None:
    found = deadlines(level=level, raised_at=RAISED, state=state, historical=False)
    assert found == Deadlines(RAISED + sign if sign else None, RAISED + close if close else None)


def test_history_and_what_is_settled_have_no_deadline() -> None:
    assert deadlines(level=1, raised_at=RAISED, state="open", historical=True) == Deadlines(None, None)
    assert deadlines(level=1, raised_at=RAISED, state="closed", historical=False) == Deadlines(None, None)


def test_signing_comes_first_then_settling_then_nothing() -> None:
    found = deadlines(level=1, raised_at=RAISED, state="open", historical=False)
    assert following(found, "open") == RAISED + 15 * MINUTE
    assert following(found, "acknowledged") == RAISED + 2 * HOUR
    assert following(Deadlines(None, None), "open") == NEVER
