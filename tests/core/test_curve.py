"""From what a curve is drawn, and what of a span nothing tells."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from weld.core.curve import HOURS, LONGEST, SAMPLES, Silence, silences, zoom

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_day_is_drawn_from_samples_a_month_from_hours_and_a_year_from_days() -> None:
    assert zoom(START, START + timedelta(days=1), 1000).source == "samples"
    assert zoom(START, START + timedelta(days=31), 1000).source == "hours"
    assert zoom(START, START + timedelta(days=365), 1000).source == "days"


@given(st.timedeltas(timedelta(seconds=1), LONGEST), st.integers(10, 4000))
def test_no_zoom_has_many_more_points_than_were_asked_for(span: timedelta, points: int) -> None:
    drawn = zoom(START, START + span, points)
    steps = {"samples": SAMPLES, "hours": HOUR, "days": timedelta(days=1)}
    if drawn.source != "samples":
        assert span / steps[drawn.source] / drawn.together <= points
    assert drawn.source == ("samples" if span <= SAMPLES else "hours" if span <= HOURS else "days")


def at(*hours: int) -> list[tuple[datetime, datetime]]:
    return [(START + hour * HOUR, START + (hour + 1) * HOUR) for hour in hours]


def test_silence_is_what_is_left_between_before_and_after() -> None:
    assert silences(at(2, 3, 6), START, START + 8 * HOUR) == [
        Silence(START, START + 2 * HOUR),
        Silence(START + 4 * HOUR, START + 6 * HOUR),
        Silence(START + 7 * HOUR, START + 8 * HOUR),
    ]
    assert silences([], START, START + HOUR) == [Silence(START, START + HOUR)]
    assert silences(at(0, 1), START, START + 2 * HOUR) == []


@given(st.sets(st.integers(-3, 30)), st.integers(1, 24))
def test_told_and_silent_hours_together_are_the_span(told: set[int], long: int) -> None:
    silent = silences(at(*sorted(told)), START, START + long * HOUR)
    hours = {n for n in range(long) if any(gap.since <= START + n * HOUR < gap.until for gap in silent)}
    assert hours == set(range(long)) - told
    assert all(START <= gap.since < gap.until <= START + long * HOUR for gap in silent)
