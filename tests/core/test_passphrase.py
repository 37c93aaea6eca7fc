"""Passwords that people choose: length, and none that is guessed first."""

import pytest

from weld.core.passphrase import password_fault


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ("x", "short"),
        ("elevenchars", "short"),
        ("aaaaaaaaaaaaaaaa", "repeats"),
        ("121212121212", "repeats"),
        ("password123456", "guessed"),
        ("Weldgate-Admin-1", "guessed"),
        ("ＰＡＳＳＷＯＲＤ１２３４５６", "guessed"),
        ("qwerty123456!", "guessed"),
        ("demo-platform", None),
        ("my-chen.li-home-2", "login"),
        ("kettle under the bridge", None),
        ("七月的雨落在老城墙的砖上", None),
    ],
)
def test_which_passwords_are_refused(chosen: str, code: str | None) -> None:
    fault = password_fault(chosen, "chen.li")
    assert (fault and fault.code) == code
    assert fault is None or fault.zh
