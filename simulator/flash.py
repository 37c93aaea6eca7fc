"""What a chip remembers without power: one frozen value, handed to the next boot.

Holds the boot counter, the ring, the nonce, used tickets, first results, the counter floor and a session that may go on.
Refuses anything that only a running chip knows.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from schemas.chip import OpenedReason, RefusedReason
from simulator.dice import Dice
from simulator.ring import Ring

MOST_USED = 64  # P18: at least 64
MOST_RESULTS = 64

Outcome = Literal["done", "waiting", "refused", "failed"]


class Used(Struct, frozen=True):
    """A ticket that has closed the contact once; `exp_s` as signed."""

    jti: str
    exp_s: int


class Answer(Struct, frozen=True):
    """The result of a command, for when the command comes again (P22)."""

    command: str
    outcome: Outcome
    reason: RefusedReason | None


class Hold(Struct, frozen=True):
    """A session that was open, and what is needed to go on with it (P11).

    `left_ms` was left of it at the wall time `alive_ms`; `ending` = it was being ended, so it must not go on.
    """

    session: str
    ticket: str
    command: str
    exp_s: int
    left_ms: int
    alive_ms: int | None
    ending: OpenedReason | None = None


class Flash(Struct, frozen=True):
    """Everything that survives."""

    ring: Ring
    nonce: str
    boot: int = 0
    used: tuple[Used, ...] = ()
    forgotten_exp_s: int = 0
    floor: int = 0
    blocked: bool = False
    answers: tuple[Answer, ...] = ()
    hold: Hold | None = None
    energy_wh: float = 0.0
    config_version: int = 0
    heartbeat_s: int | None = None
    firmware: str | None = None


def blank(capacity: int, seed: bytes) -> Flash:
    """The flash of a chip that was never switched on."""
    return Flash(Ring(capacity), Dice(seed).nonce()[0])


def answered(flash: Flash, answer: Answer) -> Flash:
    """The flash with the latest result of this command; the oldest command is forgotten."""
    others = tuple(each for each in flash.answers if each.command != answer.command)
    return replace(flash, answers=(*others, answer)[-MOST_RESULTS:])


def answer_to(flash: Flash, command: str) -> Answer | None:
    """What was answered to this command before."""
    return next((each for each in flash.answers if each.command == command), None)


def room_for_ticket(flash: Flash, wall_ms: int | None) -> Flash | None:
    """The flash with room for one more used ticket; None when every place holds one that has not expired.

    Whoever forgets a used ticket remembers how late the forgotten ones expired: no ticket up to there is taken any more,
    so that a clock which jumped forward and was set back cannot bring a used ticket to life.
    """
    if len(flash.used) < MOST_USED:
        return flash
    past = [used for used in flash.used if wall_ms is not None and used.exp_s * 1000 <= wall_ms]
    if not past:
        return None
    kept = tuple(used for used in flash.used if used not in past)
    forgotten = max(used.exp_s for used in past)
    return replace(flash, used=kept, forgotten_exp_s=max(flash.forgotten_exp_s, forgotten))
