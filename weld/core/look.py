"""What a machine looks like on a screen, from what its chip reported, what people ordered and which alerts are open.

The state is the chip's own word: nobody guesses one from a current (P7). Offline is the normal state of an idle machine and
never an alarm by itself. A current alert of a bypass or a clone outlasts everything until somebody settles it, findings of the
past (historical) do not. Refuses to know where these facts come from: the store tells them in one word (`machine_now.facts`).
"""

from collections.abc import Collection
from functools import cache
from itertools import combinations, product
from typing import Literal, get_args

Look = Literal[
    "locked", "armed", "unlocked", "arcing", "blocked", "faulted", "tampered", "maintenance", "unplugged", "silent"
]
LOOKS: tuple[Look, ...] = get_args(Look)

# The states that a chip reports (P7); None: it has not said one yet.
REPORTED = ("locked", "armed", "unlocked", "arcing", "blocked", "faulted", "tampered", "maintenance", None)

_TAMPERING = frozenset({"D01", "D05"})
_SILENCE = "D06"
CODES = (*sorted(_TAMPERING), _SILENCE)


def look(*, online: bool, reported: str | None, blocked: bool, codes: Collection[str]) -> Look:
    """The one shape. `blocked`: somebody took it out of use; `codes`: alerts of now that nobody has closed."""
    if reported == "tampered" or not _TAMPERING.isdisjoint(codes):
        return "tampered"
    if not online:
        return "silent" if _SILENCE in codes else "blocked" if blocked else "unplugged"
    match reported:
        case "faulted" | "unlocked" | "arcing":  # a block stops the next start: what runs now runs on, and shows
            return reported
        case _ if blocked:
            return "blocked"
        case "armed" | "maintenance":
            return reported
    # The contactor fails locked. A chip that says `blocked` was locked by an order and opens to the next licensed scan.
    return "locked"


@cache
def of(facts: str) -> Look:
    """The look behind the store's word for these facts."""
    online, reported, blocked, codes = facts.split(" ")
    return look(
        online=online == "on",
        reported=None if reported == "-" else reported,
        blocked=blocked == "blocked",
        codes=codes.split(","),
    )


def words(wanted: Look) -> list[str]:
    """Every word of the store that means this look: what a list is filtered by, so that the rule stands here alone."""
    return [facts for facts in _all_words() if of(facts) == wanted]


def _all_words() -> list[str]:
    codes = [",".join(some) or "-" for size in range(len(CODES) + 1) for some in combinations(CODES, size)]
    parts = product(("on", "off"), (word or "-" for word in REPORTED), ("blocked", "-"), codes)
    return [" ".join(part) for part in parts]
