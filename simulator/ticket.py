"""Tickets: may this signed permission close the contact, and what follows when it may (P18, P19, P22).

The signature has been verified before (downlink.py). Nothing here trusts a clock that is unset: then the single-use nonce
and the longest session bound the ticket. Refuses to move the coil itself (relay.py).
"""

from msgspec.structs import replace

from schemas.chip import Armed as ArmedEvent
from schemas.chip import Button, RefusedReason, RelayOpened, TicketRefused
from schemas.signed import Ticket
from simulator import relay as relays
from simulator.board import Armed, Chip, Closed, Closing, Grant, Locked, Opening, Paused, wall_ms
from simulator.flash import Used, answer_to, room_for_ticket
from simulator.voice import answer, repeat, say, show_presence


def ticket_came(chip: Chip, ticket: Ticket) -> Chip:
    """A ticket signed by the permit key for this chip."""
    given = answer_to(chip.flash, ticket.cmd)
    if given is not None:
        return repeat(chip, given)
    if isinstance(chip.relay, Closing) and chip.relay.grant.command == ticket.cmd:
        return chip  # its result comes with the contact's word
    reason = refusal(chip, ticket)
    if reason is not None:
        return refuse(chip, ticket, reason)
    return _accept(_cleared(chip), ticket)


def refusal(chip: Chip, ticket: Ticket) -> RefusedReason | None:
    """Why this ticket cannot close the contact now; None = it can."""
    flash = chip.flash
    if isinstance(chip.relay, (Closing, Closed, Opening)):
        return "busy"
    if chip.contact == "closed":
        return "faulted"
    if ticket.counter < flash.floor:
        return "below_floor"
    if any(used.jti == ticket.jti for used in flash.used):
        return "used"
    if ticket.nonce is not None and ticket.nonce != flash.nonce:
        return "wrong_nonce"
    return _untimely(chip, ticket) or (None if room_for_ticket(flash, wall_ms(chip)) else "ticket_store_full")


def _untimely(chip: Chip, ticket: Ticket) -> RefusedReason | None:
    now_ms = wall_ms(chip)
    if ticket.exp <= chip.flash.forgotten_exp_s:
        return "expired"
    if now_ms is None:
        # Without nonce and without time nothing would bound a pre-fetched ticket.
        return "wrong_nonce" if ticket.nonce is None else None
    if now_ms >= ticket.exp * 1000 or (ticket.use_by is not None and now_ms >= ticket.use_by * 1000):
        return "expired"
    return "not_yet_valid" if now_ms < ticket.nbf * 1000 - chip.settings.nbf_leeway_ms else None


def refuse(chip: Chip, ticket: Ticket, reason: RefusedReason) -> Chip:
    """Says why not: as an event for the record, as a result for whoever waits."""
    chip = say(chip, TicketRefused(ticket=ticket.jti, reason=reason))
    return answer(chip, ticket.cmd, "refused", reason)


def _cleared(chip: Chip) -> Chip:
    """Whatever the new ticket takes the place of."""
    relay, hold = chip.relay, chip.flash.hold
    if isinstance(relay, Armed):
        chip = refuse(chip, relay.ticket, "superseded")
    if isinstance(relay, Paused) and hold is not None:
        chip = say(chip, RelayOpened(reason="superseded", session=hold.session))
    return replace(chip, relay=Locked(), flash=replace(chip.flash, hold=None, blocked=False))


def _accept(chip: Chip, ticket: Ticket) -> Chip:
    if ticket.nonce is not None:  # single use: whoever reads `state` sees the next one at once
        nonce, dice = chip.dice.nonce()
        chip = show_presence(replace(chip, dice=dice, flash=replace(chip.flash, nonce=nonce)))
    if ticket.presence == "none":
        return close(chip, ticket)
    chip = replace(chip, relay=Armed(ticket, chip.up_ms + chip.settings.armed_ms))
    return answer(say(chip, ArmedEvent(ticket=ticket.jti)), ticket.cmd, "waiting")


def close(chip: Chip, ticket: Ticket) -> Chip:
    """Spends the ticket, in flash, and only then pulls the contact (P18)."""
    now_ms = wall_ms(chip)
    flash = room_for_ticket(chip.flash, now_ms)
    if flash is None:
        return refuse(replace(chip, relay=Locked()), ticket, "ticket_store_full")
    session, dice = chip.dice.uuid7(chip.up_ms if now_ms is None else now_ms)
    flash = replace(flash, used=(*flash.used, Used(ticket.jti, ticket.exp)))
    longest_ms = ticket.longest_s * 1000
    left_ms = longest_ms if now_ms is None else min(longest_ms, ticket.exp * 1000 - now_ms)
    grant = Grant(session, ticket.jti, ticket.cmd, ticket.exp, chip.up_ms + left_ms)
    return relays.pull(replace(chip, flash=flash, dice=dice), grant)


def button_pressed(chip: Chip) -> Chip:
    """The button: the missing half of an armed ticket."""
    chip = say(chip, Button())
    if not isinstance(chip.relay, Armed):
        return chip
    ticket = chip.relay.ticket
    reason = _untimely(chip, ticket)
    if reason is not None:
        return refuse(replace(chip, relay=Locked()), ticket, reason)
    return close(replace(chip, relay=Locked()), ticket)


def look(chip: Chip) -> Chip:
    """An armed ticket waits 60 s and no longer (P19)."""
    relay = chip.relay
    if isinstance(relay, Armed) and chip.up_ms >= relay.until_up:
        return refuse(replace(chip, relay=Locked()), relay.ticket, "no_presence")
    return chip


def due_up(chip: Chip) -> int | None:
    """When an armed ticket is over."""
    return chip.relay.until_up if isinstance(chip.relay, Armed) else None
