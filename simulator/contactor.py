"""The iron: power, and the contactor that the coil pulls; it follows a moment later, falls open without power, and may stick.

This is the machine's iron, not the chip: the chip knows only the contact that it reads back. Times are milliseconds of the
machine, which run on while the chip is off.
"""

from msgspec import Struct
from msgspec.structs import replace

from schemas.chip import BootCause, Contact

MOVES_MS = 30  # what a contactor of this size needs


class Contactor(Struct, frozen=True):
    """`moves_ms` is when it will be where the coil wants it; `stuck` = it does not move (welded, or jammed)."""

    contact: Contact = "open"
    pulled: bool = False
    moves_ms: int | None = None
    stuck: bool = False


class Off(Struct, frozen=True):
    """The machine is without power until then; `rtc_ms` is what a clock on a battery will show."""

    cause: BootCause
    until_ms: int
    rtc_ms: int | None


def driven(contactor: Contactor, now_ms: int, *, pulled: bool) -> Contactor:
    """The coil is on or off from now; off is also what a loss of power does."""
    moved = replace(contactor, pulled=pulled)
    at_rest = (contactor.contact == "closed") == pulled or contactor.stuck
    return replace(moved, moves_ms=None if at_rest else now_ms + MOVES_MS)


def passed(contactor: Contactor, now_ms: int) -> Contactor:
    """The contactor after time has passed."""
    if contactor.moves_ms is None or now_ms < contactor.moves_ms:
        return contactor
    return replace(contactor, contact="closed" if contactor.pulled else "open", moves_ms=None)


def held(contactor: Contactor, now_ms: int, contact: Contact | None) -> Contactor:
    """The contact jammed in this position, by force if need be; None mends it and lets it follow its coil again."""
    if contact is None:
        return driven(replace(contactor, stuck=False), now_ms, pulled=contactor.pulled)
    return replace(contactor, contact=contact, stuck=True, moves_ms=None)
