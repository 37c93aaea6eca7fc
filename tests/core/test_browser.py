"""What is kept of a user agent."""

import pytest

from weld.core.browser import named

_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (_CHROME, "Chrome, Windows"),
        (_CHROME + " Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 14; V2) Chrome/120 Mobile Safari/537.36 MicroMessenger/8.0", "WeChat, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("curl/8.0", "?, ?"),
        ("", "?, ?"),
        ("x" * 10_000, "?, ?"),
    ],
)
def test_a_browser_has_a_short_name(agent: str, name: str) -> None:
    assert named(agent) == name
