"""Orders: end a session, lock the machine (P10, P22). Late ones are obeyed: locking is never too late.

The signature has been verified before (downlink.py). Only an order raises the counter floor (P18).
"""

from msgspec.structs import replace

from schemas.chip import RelayOpened
from schemas.signed import Command
from simulator import relay as relays
from simulator.board import Armed, Chip, Closed, Closing, Locked, Opening, Order, Paused, grant_of
from simulator.flash import answer_to
from simulator.ticket import refuse
from simulator.voice import answer, repeat, say


def order_came(chip: Chip, command: Command) -> Chip:
    """An order signed by the permit key for this chip."""
    given = answer_to(chip.flash, command.id)
    if given is not None:
        return repeat(chip, given)
    flash = replace(chip.flash, floor=max(chip.flash.floor, command.floor))
    if command.action == "lock":
        return _obey(replace(chip, flash=replace(flash, blocked=True)), command)
    chip = replace(chip, flash=flash)
    return (
        _obey(chip, command) if _names_ours(chip, command) else answer(chip, command.id, "refused", "no_such_session")
    )


def _names_ours(chip: Chip, command: Command) -> bool:
    """An `end` is for one session; the next worker's must not fall to it."""
    hold, grant = chip.flash.hold, grant_of(chip.relay)
    ours = grant.session if grant else hold.session if hold else None
    return ours is not None and command.session in (None, ours)


def _obey(chip: Chip, command: Command) -> Chip:
    relay = chip.relay
    match relay:
        case Closed():
            return _end(chip, relay, command)
        case Opening(stuck=False):
            return replace(chip, relay=replace(relay, commands=(*relay.commands, command.id)))
        case Opening():
            return answer(chip, command.id, "failed")
        case Closing():
            chip = relays.abandon(chip, relay, command.by)
            if not relay.grant.resumed:
                chip = answer(chip, relay.grant.command, "refused", "superseded")
        case Armed():
            chip = refuse(replace(chip, relay=Locked()), relay.ticket, "superseded")
        case Paused():
            chip = _end_paused(chip, command)
        case Locked():
            pass
    return answer(chip, command.id, "done")


def _end(chip: Chip, closed: Closed, command: Command) -> Chip:
    """Level 1 at once; others when the arc ends, at the latest after the grace."""
    grace_ms = 0 if command.level == 1 else command.grace_s * 1000
    order = Order(command.by, (command.id,), chip.up_ms, chip.up_ms + grace_ms)
    chip = relays.look(replace(chip, relay=relays.ordered(closed, order)))
    return answer(chip, command.id, "waiting") if isinstance(chip.relay, Closed) else chip


def _end_paused(chip: Chip, command: Command) -> Chip:
    hold = chip.flash.hold
    chip = replace(chip, relay=Locked(), flash=replace(chip.flash, hold=None))
    return say(chip, RelayOpened(reason=command.by, session=hold.session)) if hold else chip
