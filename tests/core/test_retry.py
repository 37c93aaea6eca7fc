"""When a webhook is tried again, and when it is given up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core.retry import Again, Answer, Dead, Delivered, Gone, Policy, Standing, judge, retry_after_s

POLICY = Policy()
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
HOUR_S = 3600.0

failures = st.one_of(
    st.builds(Answer, st.integers(100, 599).filter(lambda status: status != 410 and status // 100 != 2)),
    st.builds(Answer, st.none(), st.sampled_from(["timeout", "connect", "not_allowed"])),
)
shares = st.floats(0, 0.999)


def standing(attempts: int = 1, age_s: float = 0, failing_s: float | None = None) -> Standing:
    return Standing(attempts, age_s, failing_s)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert judge(POLICY, standing(), Answer(status), 0.5) == Delivered()


@pytest.mark.parametrize("status", [100, 199, 301, 302, 307, 400, 401, 404, 408, 429, 500, 503, 599])
def test_everything_else_is_tried_again(status: int) -> None:
    assert isinstance(judge(POLICY, standing(), Answer(status), 0.5), Again)


def test_410_disables_the_endpoint() -> None:
    assert judge(POLICY, standing(), Answer(410), 0.5) == Gone()


@given(failures, shares)
def test_without_jitter_the_steps_are_those_of_the_book_and_jitter_only_adds(answer: Answer, random: float) -> None:
    for attempts, delay_s in enumerate([5, 30, 120, 600, 1800, HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S], start=1):
        assert judge(POLICY, standing(attempts), answer, 0.0) == Again(delay_s, 0.0)
        verdict = judge(POLICY, standing(attempts), answer, random)
        assert isinstance(verdict, Again)
        assert delay_s <= verdict.delay_s < delay_s * 1.25


@given(failures, st.lists(shares, min_size=30, max_size=30))
def test_a_delivery_is_tried_for_at_least_72_hours_and_not_for_ever(answer: Answer, randoms: list[float]) -> None:
    age_s, attempts = 0.0, 1
    for random in randoms:
        verdict = judge(POLICY, standing(attempts, age_s), answer, random)
        if isinstance(verdict, Dead):
            break
        assert isinstance(verdict, Again)
        age_s += verdict.delay_s
        attempts += 1
    assert isinstance(verdict, Dead)
    assert 72 * HOUR_S <= age_s <= 90 * HOUR_S
    assert 10 <= attempts <= 15


@given(shares, st.floats(-1e9, 1e12))
def test_retry_after_is_honoured_within_bounds(random: float, asked_s: float) -> None:
    verdict = judge(POLICY, standing(attempts=1), Answer(429, None, asked_s), random)
    assert isinstance(verdict, Again)
    assert verdict.delay_s >= min(max(asked_s, 5), HOUR_S)
    assert verdict.delay_s <= max(HOUR_S, 7)
    assert verdict.hold_s == min(max(asked_s, 0), HOUR_S)


@given(failures, shares)
def test_an_endpoint_that_fails_for_long_is_probed_slowly(answer: Answer, random: float) -> None:
    short = judge(POLICY, standing(failing_s=299), answer, random)
    long = judge(POLICY, standing(failing_s=300), answer, random)
    assert isinstance(short, Again)
    assert isinstance(long, Again)
    assert short.hold_s == 0
    assert 300 <= long.hold_s < 375


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Mon, 05 Jan 2026 08:01:30 GMT", 90.0),
        ("Mon, 05 Jan 2026 07:00:00 GMT", 0.0),
        ("Mon, 05 Jan 2026 08:01:30 -0000", 90.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, 9_999_999_999.0),
        ("Mon, 05 Jan 99999999999 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


@given(st.text())
def test_reading_retry_after_never_fails(header: str) -> None:
    retry_after_s(header, NOW)
