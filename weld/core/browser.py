"""What a browser calls itself, cut down to what a person knows it by: "Chrome, Windows".

Refuses to keep the rest: a whole user agent tells people apart, and nobody reads it.
"""

from collections.abc import Sequence
from typing import Final

UNKNOWN: Final = "?"

# The first that fits counts: nearly all of them say Chrome and Safari as well.
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("HuaweiBrowser", "Huawei"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def named(user_agent: str) -> str:
    """Browser and system of a User-Agent header; a question mark for what is not known."""
    return f"{_first(_BROWSERS, user_agent)}, {_first(_SYSTEMS, user_agent)}"


def _first(known: Sequence[tuple[str, str]], text: str) -> str:
    return next((name for mark, name in known if mark in text), UNKNOWN)
