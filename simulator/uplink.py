"""The way up: when to dial, what goes out first, and what is repeated (P6, P13, P14, P15).

After a connect the presence goes first, then live words at once (voice.utter), then the backlog, one message at a time and
oldest first. Refuses to touch a socket: it says `Dial` and `Publish`.
"""

from msgspec.structs import replace

from schemas.chip import BufferOverflow
from schemas.down import Resend
from schemas.signed import Stored
from simulator import gate as gates
from simulator import ring as rings
from simulator.board import Chip, Dialing, Offline, Online, emit
from simulator.signals import Dial
from simulator.voice import presence, publish, publish_fresh, say, show_presence


def connected(chip: Chip) -> Chip:
    """State first; then the boot message, if it is not accepted yet. All that is unconfirmed is due again."""
    if not isinstance(chip.uplink, Dialing):
        return chip
    ring = rings.all_due(chip.flash.ring, chip.up_ms)
    online = Online(chip.up_ms, chip.uplink.wait_ms, chip.up_ms)
    chip = show_presence(replace(chip, uplink=online, flash=replace(chip.flash, ring=ring)))
    return publish_fresh(chip) if chip.gate.status == "accepted" else gates.knock(chip)


def link_lost(chip: Chip) -> Chip:
    """Backs off, random and doubling; a connection that was kicked at once counts as one that failed (P15)."""
    uplink, settings = chip.uplink, chip.settings
    if isinstance(uplink, Offline):
        return chip
    steady = isinstance(uplink, Online) and chip.up_ms - uplink.since_up >= settings.steady_ms
    wait_ms = settings.dial_ms if steady else min(max(2 * uplink.wait_ms, settings.dial_ms), settings.dial_most_ms)
    after_ms, dice = chip.dice.between(wait_ms // 2, wait_ms)
    return replace(chip, uplink=Offline(chip.up_ms + after_ms if chip.network else None, wait_ms), dice=dice)


def network(chip: Chip, *, available: bool) -> Chip:
    """The modem found a network, or lost it. A new one is tried soon, but not by all chips in the same moment."""
    chip = replace(chip, network=available)
    if not isinstance(chip.uplink, Offline):
        return chip
    after_ms, dice = chip.dice.between(0, chip.settings.dial_ms)
    return replace(chip, uplink=Offline(chip.up_ms + after_ms if available else None, 0), dice=dice)


def stored_came(chip: Chip, stored: Stored) -> Chip:
    """The only word that frees evidence (P13)."""
    return replace(chip, flash=replace(chip.flash, ring=rings.stored(chip.flash.ring, stored.boot, stored.upto)))


def resend_came(chip: Chip, asked: Resend) -> Chip:
    """A gap was found: what is still here is due, the rest will be declared lost (P14). Nobody can ask for the unsaid."""
    said = chip.seq if asked.boot == chip.flash.boot else asked.to_seq
    to_seq = min(asked.to_seq, said)
    if asked.boot > chip.flash.boot or asked.from_seq > to_seq:
        return chip
    ring = rings.asked(chip.flash.ring, asked.boot, asked.from_seq, to_seq, chip.up_ms)
    return replace(chip, flash=replace(chip.flash, ring=ring))


def look(chip: Chip) -> Chip:
    """Dials when it is time; sends one message of the backlog when it is its turn."""
    uplink = chip.uplink
    if isinstance(uplink, Offline):
        due = uplink.dial_up is not None and chip.up_ms >= uplink.dial_up
        return _dial(chip, uplink) if due else chip
    if isinstance(uplink, Online) and chip.gate.status == "accepted" and chip.up_ms >= uplink.backlog_up:
        return _backlog(chip, uplink)
    return chip


def _dial(chip: Chip, offline: Offline) -> Chip:
    chip = replace(chip, uplink=Dialing(offline.wait_ms), connection=chip.connection + 1)
    return emit(chip, Dial(presence(chip, online=False)))


def _backlog(chip: Chip, online: Online) -> Chip:
    """Losses are declared first: the platform cannot confirm anything behind one."""
    ring = chip.flash.ring
    entry = rings.first_due(ring, chip.up_ms)
    if not ring.lost and entry is None:
        return chip
    chip = replace(chip, uplink=replace(online, backlog_up=chip.up_ms + 1000 // chip.settings.backlog_per_s))
    if ring.lost:
        boot, start, end = ring.lost[0]
        chip = replace(chip, flash=replace(chip.flash, ring=rings.declared(ring)))
        return say(chip, BufferOverflow(lost_boot=boot, lost_from=start, lost_to=end))
    return publish(chip, entry) if entry else chip


def due_up(chip: Chip) -> int | None:
    """The next dial, or the next message of the backlog."""
    uplink, ring = chip.uplink, chip.flash.ring
    if isinstance(uplink, Offline):
        return uplink.dial_up
    if not isinstance(uplink, Online) or chip.gate.status != "accepted":
        return None
    if ring.lost:
        return uplink.backlog_up
    return None if ring.earliest_up is None else max(uplink.backlog_up, ring.earliest_up)
