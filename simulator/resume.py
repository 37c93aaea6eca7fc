"""A session after a power loss: it goes on within the limit and before its end, or is declared over (P11).

Times come from the clock only if it is set; until then the session waits, with the contact open. Refuses to guess.
"""

from msgspec.structs import replace

from schemas.chip import OpenedReason, RelayOpened
from simulator import relay as relays
from simulator.board import Chip, Grant, Locked, Paused, wall_ms
from simulator.flash import Hold
from simulator.voice import say


def look(chip: Chip) -> Chip:
    """Goes on with a paused session, gives it up, or waits for the clock or the mains."""
    relay, hold = chip.relay, chip.flash.hold
    if not isinstance(relay, Paused) or hold is None:
        return chip
    if hold.ending is not None:
        return _over(chip, hold, hold.ending)
    gone_ms = _gone_ms(chip, relay, hold)
    left_ms = None if gone_ms is None else _left_ms(chip, hold, gone_ms)
    limit_ms = chip.settings.resume_ms
    if left_ms is None:
        hopeless = hold.alive_ms is None and relay.since_up is None
        return _over(chip, hold, "resume_expired") if hopeless or chip.up_ms >= limit_ms else chip
    if gone_ms is None or not 0 <= gone_ms <= limit_ms or left_ms <= 0:
        return _over(chip, hold, "resume_expired")
    if chip.mains is False or chip.contact != "open":
        return chip
    return relays.pull(
        chip, Grant(hold.session, hold.ticket, hold.command, hold.exp_s, chip.up_ms + left_ms, resumed=True)
    )


def _gone_ms(chip: Chip, paused: Paused, hold: Hold) -> int | None:
    """How long the power was away; None = unknown so far."""
    if paused.since_up is not None:
        return chip.up_ms - paused.since_up
    now_ms = wall_ms(chip)
    return None if now_ms is None or hold.alive_ms is None else now_ms - hold.alive_ms


def _left_ms(chip: Chip, hold: Hold, gone_ms: int) -> int:
    """The end was fixed when the session began; neither the loss of power nor the clock can move it later."""
    now_ms = wall_ms(chip)
    left_ms = hold.left_ms - gone_ms
    return left_ms if now_ms is None else min(left_ms, hold.exp_s * 1000 - now_ms)


def _over(chip: Chip, hold: Hold, reason: OpenedReason) -> Chip:
    chip = replace(chip, relay=Locked(), flash=replace(chip.flash, hold=None))
    return say(chip, RelayOpened(reason=reason, session=hold.session))


def due_up(chip: Chip) -> int | None:
    """When waiting is over."""
    relay, hold, limit_ms = chip.relay, chip.flash.hold, chip.settings.resume_ms
    if not isinstance(relay, Paused) or hold is None:
        return None
    gone_ms = _gone_ms(chip, relay, hold)
    if gone_ms is None:
        return limit_ms
    return chip.up_ms + min(limit_ms - gone_ms + 1, _left_ms(chip, hold, gone_ms))
