"""The relay: when the coil goes on, when it goes off, and what the contact's word makes of it (P1, P10, P11).

Safety first: the coil is on only in `Closing` and `Closed`, both carry a grant, and the grant's end is fixed on the monotonic
clock when the coil goes on. Loss of the link has no place here. Refuses to judge tickets (ticket.py) and orders (orders.py).
"""

from msgspec.structs import replace

from schemas.chip import Contact, Happening, OpenedReason, RelayClosed, RelayOpened, SelfTestFailed
from simulator import sensor as sensors
from simulator.board import (
    Armed,
    Chip,
    Closed,
    Closing,
    Grant,
    Locked,
    Opening,
    Order,
    Paused,
    Relay,
    Turn,
    emit,
    shown,
)
from simulator.flash import Answer, Hold
from simulator.seen import Word
from simulator.signals import Coil
from simulator.voice import answer, say


def pull(chip: Chip, grant: Grant) -> Chip:
    """Coil on. The session is in flash before the contact moves."""
    chip = replace(chip, relay=Closing(grant, chip.up_ms))
    return emit(keep_alive(chip), Coil(on=True))


def let_go(chip: Chip, closed: Closed, reason: OpenedReason) -> Chip:
    """Coil off; the session ends when the contact is read as open."""
    commands = closed.order.commands if closed.order else ()
    hold = chip.flash.hold
    flash = replace(chip.flash, hold=replace(hold, ending=reason) if hold else None)
    return emit(replace(chip, flash=flash, relay=Opening(closed.grant, reason, chip.up_ms, commands)), Coil(on=False))


def abandon(chip: Chip, closing: Closing, reason: OpenedReason) -> Chip:
    """Coil off before the contact was ever read as closed: no session came about, or a resumed one ends."""
    chip = emit(replace(chip, relay=Locked(), flash=replace(chip.flash, hold=None)), Coil(on=False))
    if closing.grant.resumed:
        return say(chip, RelayOpened(reason=reason, session=closing.grant.session))
    return chip


def keep_alive(chip: Chip) -> Chip:
    """Writes down what is left of the session and when, so that a power loss can be measured (P11)."""
    relay = chip.relay
    if not isinstance(relay, (Closing, Closed)):
        return chip
    grant = relay.grant
    left_ms = max(0, grant.end_up - chip.up_ms)
    hold = Hold(grant.session, grant.ticket, grant.command, grant.exp_s, left_ms, chip.wall.at(chip.up_ms))
    return replace(chip, flash=replace(chip.flash, hold=hold))


def contact_read(chip: Chip, contact: Contact) -> tuple[Chip, tuple[Word, ...]]:
    """The contact's own word. What the sensor saw before it is told first: see Turn."""
    if contact == chip.contact:
        return chip, ()
    before, moved = shown(chip), chip.contact is not None or contact == "closed"
    chip, relay, happenings, answers = _moved(replace(chip, contact=contact), chip.relay, contact)
    chip = replace(chip, relay=relay)
    if not moved:
        return chip, ()
    turn = Turn(chip.up_ms, before, happenings, answers)
    # the last of the session's current, read while the contact opens, is no current around it
    blind_ms = chip.settings.settle_ms if contact == "open" else 0
    sensor, words = sensors.cut(chip.sensor, chip.up_ms, blind_ms)
    return replace(chip, sensor=sensor, turns=(*chip.turns, turn)), words


Moved = tuple[Chip, Relay, tuple[Happening, ...], tuple[Answer, ...]]


def _moved(chip: Chip, relay: Relay, contact: Contact) -> Moved:
    match relay, contact:
        case Closing(grant), "closed":
            begun = RelayClosed(session=grant.session, ticket=grant.ticket, resumed=grant.resumed)
            done = () if grant.resumed else (Answer(grant.command, "done", None),)
            return chip, Closed(grant, chip.up_ms), (begun,), done
        case Closed(grant, _, order), "open":
            return _fell(chip, grant, order.commands if order else ())
        case Opening(grant, reason, _, commands), "open":
            chip = replace(chip, flash=replace(chip.flash, hold=None))
            return chip, Locked(), (RelayOpened(reason=reason, session=grant.session),), _done(commands)
        case ((Locked() | Armed() | Paused()), "closed"):
            return chip, relay, (SelfTestFailed(),), ()
        case _:
            return chip, relay, (), ()


def _fell(chip: Chip, grant: Grant, commands: tuple[str, ...]) -> Moved:
    """The contact opened by itself: without mains the session pauses, otherwise the contactor is broken."""
    if chip.mains is False and not commands:
        chip = emit(keep_alive(chip), Coil(on=False))
        return chip, Paused(chip.up_ms), (RelayOpened(reason="power_loss", session=grant.session),), ()
    chip = emit(replace(chip, flash=replace(chip.flash, hold=None)), Coil(on=False))
    return chip, Locked(), (RelayOpened(reason="fault", session=grant.session),), _done(commands)


def _done(commands: tuple[str, ...]) -> tuple[Answer, ...]:
    return tuple(Answer(command, "done", None) for command in commands)


def look(chip: Chip) -> Chip:
    """What the passing of time does to the relay."""
    relay, up, most_ms = chip.relay, chip.up_ms, chip.settings.contact_ms
    if isinstance(relay, Closed):
        reason = verdict(chip, relay)
        return let_go(chip, relay, reason) if reason else chip
    if isinstance(relay, Closing) and (up - relay.since_up >= most_ms or up >= relay.grant.end_up):
        chip = abandon(chip, relay, "ticket_end" if up >= relay.grant.end_up else "fault")
        return chip if relay.grant.resumed else answer(chip, relay.grant.command, "failed")
    if isinstance(relay, Opening) and not relay.stuck and up - relay.since_up >= most_ms:
        chip = say(replace(chip, relay=replace(relay, stuck=True, commands=())), SelfTestFailed())
        for command in relay.commands:
            chip = answer(chip, command, "failed")
    return chip


def verdict(chip: Chip, closed: Closed) -> OpenedReason | None:
    """Why this session has to end now; None = it may go on. An arc is not cut before the latest moment."""
    arc, up = chip.sensor.may_burn, chip.up_ms
    end_up, order = closed.grant.end_up, closed.order
    if order and (up >= order.latest_up or not arc):
        return order.reason
    if up >= end_up + chip.settings.grace_ms or (up >= end_up and not arc):
        return "ticket_end"
    return "idle" if not arc and up >= idle_up(chip, closed) else None


def idle_up(chip: Chip, closed: Closed) -> int:
    """When this session ends for want of an arc."""
    return max(closed.since_up, chip.sensor.burned_up or 0) + chip.settings.idle_end_ms


def due_up(chip: Chip) -> int | None:
    """The next moment at which `look` may do something by itself."""
    relay, most_ms = chip.relay, chip.settings.contact_ms
    match relay:
        case Closing():
            return min(relay.since_up + most_ms, relay.grant.end_up)
        case Opening(stuck=False):
            return relay.since_up + most_ms
        case Closed():
            return _closed_due(chip, relay)
        case _:
            return None


def _closed_due(chip: Chip, closed: Closed) -> int:
    end_up, order = closed.grant.end_up, closed.order
    if chip.sensor.may_burn:  # only the latest moments can come by time alone; the arc's end comes from the sensor
        return min(end_up + chip.settings.grace_ms, order.latest_up if order else end_up + chip.settings.grace_ms)
    return min(end_up, idle_up(chip, closed), order.since_up if order else end_up)


def ordered(closed: Closed, order: Order) -> Closed:
    """The session with one order more: the earlier latest moment counts, both commands are answered."""
    old = closed.order
    if old is None:
        return replace(closed, order=order)
    first = order if order.latest_up < old.latest_up else old
    return replace(closed, order=replace(first, commands=(*old.commands, *order.commands)))
