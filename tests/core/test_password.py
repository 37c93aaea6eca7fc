"""Passwords: what is made, what fits, and how long wrong ones are held off."""

from datetime import timedelta

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core import password


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (8, 8), (9, 15), (10, 15), (2**31, 15)]
)
def test_from_the_fifth_failure_a_login_is_held_twice_as_long_each_time(failures: int, minutes: int) -> None:
    assert password.hold(failures) == timedelta(minutes=minutes)


@given(st.integers(0, 10_000))
def test_one_more_failure_never_shortens_the_hold(failures: int) -> None:
    assert timedelta(0) <= password.hold(failures) <= password.hold(failures + 1) <= timedelta(minutes=15)


def test_a_password_fits_its_hash_and_no_other_does() -> None:
    stored = password.hashed("correct horse battery", b"0123456789abcdef")
    assert password.fits(stored, "correct horse battery")
    assert not password.fits(stored, "correct horse batterY")
    assert not password.fits(stored, "")
    assert not password.fits("no hash at all", "correct horse battery")


def test_it_does_not_matter_how_a_keyboard_writes_an_accent() -> None:
    stored = password.hashed("caf\u00e9 caf\u00e9 caf\u00e9", b"0123456789abcdef")
    assert password.fits(stored, "cafe\u0301 cafe\u0301 cafe\u0301")


def test_hashes_cost_at_least_what_owasp_asks_for_and_the_decoy_costs_the_same() -> None:
    made = argon2.extract_parameters(password.hashed("x", b"0123456789abcdef"))
    assert made == argon2.extract_parameters(password.DECOY)
    assert (made.type, made.parallelism) == (argon2.low_level.Type.ID, 1)
    assert made.memory_cost >= 19 * 1024
    assert made.time_cost >= 2
    assert not password.fits(password.DECOY, "")


def test_a_made_password_can_be_typed_and_is_long_enough_to_be_given() -> None:
    assert password.made(bytes(range(15))) == "aaaqea-yeauda-ocajbi-fqydio"
