"""Time-based codes as authenticators show them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core import totp

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: 12345678901234567890
NOW = datetime(2026, 1, 5, 8, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert totp.code(SECRET, totp.step(datetime.fromtimestamp(seconds, UTC))) == code


@given(st.integers(-10, 10))
def test_a_code_fits_its_own_step_and_the_ones_beside_it(steps_off: int) -> None:
    step = totp.step(NOW) + steps_off
    fits = totp.fitting_step(SECRET, totp.code(SECRET, step), NOW)
    assert fits == (step if abs(steps_off) <= 1 else None)


def test_a_code_fits_until_the_end_of_the_next_step() -> None:
    code = totp.code(SECRET, totp.step(NOW))
    assert totp.fitting_step(SECRET, code, NOW + timedelta(seconds=49)) == totp.step(NOW)
    assert totp.fitting_step(SECRET, code, NOW + timedelta(seconds=50)) is None


def test_a_secret_is_written_for_people_and_for_authenticators() -> None:
    made = totp.made(b"12345678901234567890")
    assert made == SECRET
    assert totp.uri(made, "chen", "weldgate") == f"otpauth://totp/weldgate:chen?secret={SECRET}&issuer=weldgate"
