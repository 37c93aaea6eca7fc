"""The boot gate (P4): the boot message first and the same bytes again, everything else only after "accepted".

Also the time that the reply carries (P16) and the configuration version (P20). Refuses to open on an unsigned word.
"""

from msgspec.structs import replace

from schemas.chip import BootUp, ClockSet, ClockSetBy, TimeWanted
from schemas.signed import BootReply, Time
from simulator import relay as relays
from simulator import ring as rings
from simulator.board import Chip, Gate, Offline, Online, emit, heartbeat_ms
from simulator.ring import Entry, Ring
from simulator.signals import HangUp, Publish
from simulator.voice import boot_message, publish, publish_fresh, say, show_presence

TIME_AGAIN_MS = 600_000  # a platform that did not answer is not asked more often


def knock(chip: Chip) -> Chip:
    """Sends the boot message: the same bytes as before, if there are any."""
    gate, settings, key = chip.gate, chip.settings, (chip.flash.boot, 1)
    wait_ms = min(2 * gate.wait_ms, settings.boot_repeat_most_ms) if gate.wait_ms else settings.boot_repeat_ms
    entry = next((entry for entry in chip.flash.ring.entries if entry.key == key), None)
    if entry is not None:
        chip = publish(chip, entry)
        payload = next(each.payload for each in reversed(chip.out) if isinstance(each, Publish))
    elif gate.payload is not None:  # confirmed as stored, but not answered yet
        payload = gate.payload
        chip = emit(chip, Publish("up", payload, key))
    else:
        return chip
    return replace(chip, gate=replace(gate, payload=payload, wait_ms=wait_ms, again_up=chip.up_ms + wait_ms))


def reply_came(chip: Chip, reply: BootReply) -> Chip:
    """The platform's word about this boot. Once accepted, a boot stays accepted."""
    if reply.boot != chip.flash.boot:
        return chip
    if chip.gate.status != "accepted" and reply.boot_floor is not None and reply.boot_floor >= reply.boot:
        return _boot_above(chip, reply.boot_floor)
    opened = chip.gate.status == "accepted" or reply.status == "accepted"
    flash = replace(chip.flash, heartbeat_s=reply.heartbeat_s, config_version=reply.config_version)
    changed = flash.config_version != chip.flash.config_version
    gate = replace(
        chip.gate, status="accepted" if opened else reply.status, again_up=chip.up_ms + 1000 * reply.heartbeat_s
    )
    chip = replace(chip, flash=flash, gate=gate)
    chip = show_presence(chip) if changed else chip
    chip, happening = _set_clock(chip, reply.anchor, reply.up, "boot_reply")
    chip = publish_fresh(chip) if opened else chip
    return say(chip, happening) if happening else chip


def time_came(chip: Chip, time: Time) -> Chip:
    """The server's time, asked for at `up`: it was true somewhere between then and now."""
    if time.boot != chip.flash.boot:
        return chip
    chip, happening = _set_clock(chip, time.at - (time.up + chip.up_ms) // 2, time.up, "time")
    return say(chip, happening) if happening else chip


def _set_clock(chip: Chip, offset_ms: int, asked_up: int, by: ClockSetBy) -> tuple[Chip, ClockSet | None]:
    """Sets the clock, unless the word was too long on its way to be a time. Only a first or a large step is an event."""
    if not 0 <= chip.up_ms - asked_up <= chip.settings.round_trip_ms:
        return chip, None
    wall, jump_ms = chip.wall.set(offset_ms, chip.up_ms)
    told = jump_ms is None or abs(jump_ms) > chip.settings.jump_ms
    return relays.keep_alive(replace(chip, wall=wall)), ClockSet(by=by, jump_ms=jump_ms) if told else None


def _boot_above(chip: Chip, floor: int) -> Chip:
    """A counter that was reset is raised first. What waited under the low number was never published: it moves along."""
    old, new = chip.flash.boot, floor + 1
    mine = [entry for entry in chip.flash.ring.entries if entry.boot == old and not isinstance(entry.message, BootUp)]
    mine = [entry for entry in mine if entry.payload is None]
    others = tuple(entry for entry in chip.flash.ring.entries if entry.boot != old)
    moved = tuple(_moved(entry, new, seq) for seq, entry in enumerate(mine, start=2))
    lost = tuple(each for each in chip.flash.ring.lost if each[0] != old)
    flash = replace(chip.flash, boot=new, ring=Ring(chip.flash.ring.capacity, (*others, *moved), lost))
    offline = Offline(chip.up_ms + chip.settings.dial_ms, 0)
    chip = replace(chip, flash=flash, gate=Gate(), uplink=offline, connection=0, seq=1 + len(moved))
    ring = rings.add(flash.ring, rings.entry_of(boot_message(chip)))
    chip = replace(chip, flash=replace(flash, ring=rings.all_due(ring, chip.up_ms)))
    return emit(chip, HangUp())  # the last will names the old boot


def _moved(entry: Entry, boot: int, seq: int) -> Entry:
    if entry.message is None:
        raise AssertionError("only what was never published moves")
    return replace(entry, boot=boot, seq=seq, message=replace(entry.message, boot=boot, seq=seq))


def look(chip: Chip) -> Chip:
    """Knocks again; once in, asks for the time when the clock is not fresh."""
    if not isinstance(chip.uplink, Online):
        return chip
    if chip.gate.status != "accepted":
        return knock(chip) if chip.up_ms >= chip.gate.again_up else chip
    if chip.up_ms >= _time_up(chip):
        return say(replace(chip, time_asked_up=chip.up_ms), TimeWanted())
    return chip


def due_up(chip: Chip) -> int | None:
    """The next knock, or the next question for the time."""
    if not isinstance(chip.uplink, Online):
        return None
    return _time_up(chip) if chip.gate.status == "accepted" else chip.gate.again_up


def _time_up(chip: Chip) -> int:
    stale_up = chip.wall.stale_up(chip.up_ms)
    return stale_up if chip.time_asked_up is None else max(stale_up, chip.time_asked_up + TIME_AGAIN_MS)


def heartbeat_up(chip: Chip) -> int:
    """When silence has lasted long enough (P5)."""
    return chip.spoke_up + heartbeat_ms(chip)
