"""The reference chip: a pure state machine over frozen values. Time comes in as data (`up_ms`), randomness as a seed.

`power_up` makes a chip from its flash, `step` takes one input and gives outputs, `due` says when to come back at the latest.
The order of the rules stands here and nowhere else; what each decides stands in its own file. Refuses all I/O.
"""

from msgspec.structs import replace

from schemas.chip import BootCause, FirmwareStarted, MainsLost
from simulator import arcs, downlink, gate, relay, resume, ticket, uplink
from simulator import ring as rings
from simulator import sensor as sensors
from simulator.board import Chip, Closed, Locked, Offline, Paused, is_active, shown
from simulator.dice import Dice
from simulator.flash import Flash
from simulator.identity import ChipIdentity, Settings
from simulator.relay import keep_alive
from simulator.signals import (
    ButtonPressed,
    ClockFault,
    Connected,
    ContactRead,
    Down,
    Input,
    LinkLost,
    Mains,
    Network,
    Observed,
    Output,
    Readings,
)
from simulator.voice import boot_message, say, tell
from simulator.wall import WallClock

LOOKS = (arcs.look, relay.look, ticket.look, resume.look, gate.look)
DUES = (arcs.due_up, relay.due_up, ticket.due_up, resume.due_up, gate.due_up, uplink.due_up)


def power_up(
    identity: ChipIdentity, settings: Settings, flash: Flash, seed: bytes, cause: BootCause, rtc_ms: int | None
) -> Chip:
    """A chip that has just got power: the contact is open, the boot counter one higher, the boot message first (P4)."""
    flash = replace(flash, boot=flash.boot + 1, ring=rings.restarted(flash.ring))
    chip = Chip(identity, settings, flash, Dice(seed), cause, wall=WallClock(rtc_ms), uplink=Offline(0, 0))
    chip = replace(chip, seq=1, relay=Paused(None) if flash.hold else Locked())
    entry = rings.entry_of(boot_message(chip))
    chip = replace(chip, told=shown(chip), flash=replace(flash, ring=rings.add(flash.ring, entry)))
    if flash.firmware not in (None, identity.firmware):
        chip = say(chip, FirmwareStarted(version=identity.firmware))
    return replace(chip, flash=replace(chip.flash, firmware=identity.firmware))


def step(chip: Chip, given: Input) -> tuple[Chip, tuple[Output, ...]]:
    """The chip after one input, and what it does. Time never goes back: an older `up_ms` counts as now."""
    up = max(given.up_ms, chip.up_ms)
    if isinstance(given, Readings):
        chip = _read(chip, given, up)
    chip = _advance(chip, up)
    chip = _settle(_take(chip, given))
    return replace(chip, out=()), chip.out


def due(chip: Chip) -> int | None:
    """When the chip wants a Tick at the latest; None = when something happens."""
    dues = [rule(chip) for rule in DUES]
    dues += [chip.sensor.due_up, None if chip.turns else _telemetry_up(chip)]
    return min((each for each in dues if each is not None), default=None)


def _read(chip: Chip, given: Readings, up: int) -> Chip:
    for reading in given.readings:
        sensor, words = sensors.read(chip.sensor, reading if reading.up_ms <= up else replace(reading, up_ms=up))
        chip = replace(chip, up_ms=max(chip.up_ms, sensor.now_up), sensor=sensor)
        chip = arcs.heard(chip, words) if words else chip
    return chip


def _advance(chip: Chip, up: int) -> Chip:
    sensor, words = sensors.advance(chip.sensor, up)
    return arcs.heard(replace(chip, up_ms=up, sensor=sensor), words)


def _take(chip: Chip, given: Input) -> Chip:
    match given:
        case ContactRead(_, contact):
            return arcs.heard(*relay.contact_read(chip, contact))
        case ButtonPressed():
            return ticket.button_pressed(chip)
        case Mains(_, present):
            chip = replace(chip, mains=present)
            return chip if present else say(chip, MainsLost())
        case Observed(_, happening):
            return say(chip, happening)
        case ClockFault(_, by_ms):  # a chip compares its two clocks all the time, so what it wrote down moves along
            return keep_alive(replace(chip, wall=chip.wall.disturbed(by_ms)))
        case _:
            return _take_link(chip, given)


def _take_link(chip: Chip, given: Input) -> Chip:
    match given:
        case Down(_, payload):
            return downlink.came(chip, payload)
        case Connected():
            return uplink.connected(chip)
        case LinkLost():
            return uplink.link_lost(chip)
        case Network(_, available):
            return uplink.network(chip, available=available)
        case _:
            return chip


def _settle(chip: Chip) -> Chip:
    """Every rule looks once at what is now true; then telemetry, which tells the result; the backlog comes last."""
    for look in LOOKS:
        chip = look(chip)
    if not chip.turns and (chip.told != shown(chip) or chip.up_ms >= _telemetry_up(chip)):
        chip = keep_alive(tell(chip)) if isinstance(chip.relay, Closed) else tell(chip)
    return uplink.look(chip)


def _telemetry_up(chip: Chip) -> int:
    """When telemetry is due without any change: 10 s while somebody can weld, else the heartbeat on silence (P5)."""
    return chip.telemetry_up + chip.settings.active_ms if is_active(chip) else gate.heartbeat_up(chip)
