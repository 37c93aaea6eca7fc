"""How long to wait before the next one-time code is sent: longer each time that the last ones led nowhere.

Messages cost money, and a phone that rings all night is an attack on its owner. Refuses the time: counts are handed in.
"""

from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(minutes=10)

_MOST_DOUBLINGS = 20  # beyond it the longest is reached anyway


def wait_after(unused: int, free: int, first: timedelta) -> timedelta:
    """The wait after so many codes that nobody used: none for the first `free`, then `first`, twice that, four times ..."""
    if unused < free:
        return timedelta(0)
    doublings = min(unused - free, _MOST_DOUBLINGS)
    return min(first * (1 << doublings), LONGEST)
