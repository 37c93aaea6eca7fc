"""The estimate of a chip's clock."""

from hypothesis import given
from hypothesis import strategies as st

from weld.core.offset import RISE_MS, behind_ms


def estimated(behind: int, delays_ms: list[int], drift_ms: float = 0.0) -> int:
    """After messages that took these delays, from a clock so far behind; a message every 10 s."""
    known = None
    for number, delay in enumerate(delays_ms):
        sent_ms = 1_000_000 + number * 10_000
        at_ms = sent_ms - behind - round(number * drift_ms)
        known = behind_ms(known, at_ms, sent_ms + delay)
    assert known is not None
    return known


def test_the_quickest_message_tells_the_most() -> None:
    assert estimated(5000, [900, 40, 700, 300]) == 5040 + 2 * RISE_MS


def test_a_clock_that_is_ahead_is_negative() -> None:
    assert estimated(-3000, [50, 400]) == -2950 + RISE_MS


def test_one_slow_message_changes_next_to_nothing() -> None:
    assert estimated(0, [30] * 10 + [60_000]) == 30 + RISE_MS


def test_a_drifting_clock_is_followed() -> None:
    assert 990 <= estimated(0, [20] * 1001, drift_ms=1.0) <= 1030


@given(st.integers(-100_000, 100_000), st.lists(st.integers(0, 10_000), min_size=1, max_size=200))
def test_it_is_never_below_the_truth_and_never_far_above_the_quickest(behind: int, delays: list[int]) -> None:
    found = estimated(behind, delays)
    assert behind <= found <= behind + min(delays) + RISE_MS * len(delays)
