"""Whole outages, with literal counts: what is one, what only looks like one, and when it is over."""

import pytest

from weld.core.outage import WINDOW_MS, Count, Sample, fallen, is_back, remember

MINUTE_MS = 60_000


def sample(minute: float, era: str = "1", chips: int = 1000, **online: int) -> Sample:
    counts = {shard: Count(chips, count, era) for shard, count in online.items()}
    return Sample(round(minute * MINUTE_MS), counts)


def test_a_third_of_those_online_gone_within_minutes_is_an_outage() -> None:
    fall = fallen([sample(0, a=500, b=500), sample(4, a=490, b=510)], sample(8, a=300, b=360))
    assert fall is not None
    assert (fall.since_ms, fall.before, fall.now) == (4 * MINUTE_MS, Count(2000, 1000), Count(2000, 660))


@pytest.mark.parametrize("left", [350, 400, 500, 700])
def test_thirty_per_cent_and_less_is_none(left: int) -> None:
    assert fallen([sample(0, a=500)], sample(5, a=left)) is None


def test_people_who_go_home_over_an_hour_are_no_outage() -> None:
    past: tuple[Sample, ...] = ()
    for minute, online in enumerate(range(1000, 0, -20)):
        now = sample(minute, a=online)
        if online > 500:  # 20 a minute: less than 30 % of what was there ten minutes ago
            assert fallen(past, now) is None
        past = remember(past, now)


def test_a_fall_that_took_longer_than_the_window_is_none() -> None:
    before, now = sample(0, a=1000), sample(10.1, a=600)
    assert fallen([before], now) is None
    assert remember([before], now) == (now,)
    assert WINDOW_MS == 10 * MINUTE_MS


def test_few_chips_are_no_outage_however_great_their_share() -> None:
    assert fallen([sample(0, a=29)], sample(5, a=0)) is None
    assert fallen([sample(0, a=30)], sample(5, a=0)) is not None


def test_a_shard_that_nobody_watched_meanwhile_proves_nothing() -> None:
    """Our own break: after it the counts are of another era."""
    assert fallen([sample(0, "1", a=500)], sample(5, "2", a=0)) is None
    assert fallen([sample(0, a=500, b=500)], sample(5, b=480)) is None
    assert fallen([sample(0, a=500, b=500)], sample(5, b=100)) == fallen([sample(0, b=500)], sample(5, b=100))


def test_newly_enrolled_chips_that_are_not_online_yet_are_no_outage() -> None:
    assert fallen([sample(0, chips=1000, a=500)], sample(5, chips=2000, a=510)) is None


def test_an_empty_platform_has_no_outage() -> None:
    assert fallen([], sample(0)) is None
    assert fallen([sample(0)], sample(5)) is None
    assert fallen([sample(0, chips=0, a=0)], sample(5, chips=0, a=0)) is None


def test_it_is_over_when_most_of_the_share_is_back() -> None:
    before = Count(2000, 1000)
    assert not is_back(before, sample(9, a=300, b=400))
    assert is_back(before, sample(9, a=450, b=400))
    assert is_back(before, sample(9, a=450))  # as many shards as are watched, if they are half of the chips
    assert not is_back(before, sample(9, chips=900, a=900))
    assert not is_back(before, sample(9))
