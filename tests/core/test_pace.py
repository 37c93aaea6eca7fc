"""How long to wait before the next code."""

from datetime import timedelta

import pytest

from weld.core.pace import LONGEST, wait_after


@pytest.mark.parametrize(
    ("unused", "seconds"), [(0, 0), (1, 0), (2, 30), (3, 60), (4, 120), (5, 240), (6, 480), (7, 600), (10_000, 600)]
)
def test_the_wait_doubles_up_to_ten_minutes(unused: int, seconds: int) -> None:
    assert wait_after(unused, 2, timedelta(seconds=30)) == timedelta(seconds=seconds) <= LONGEST


def test_without_a_first_wait_there_is_none() -> None:
    assert wait_after(50, 2, timedelta(0)) == timedelta(0)
