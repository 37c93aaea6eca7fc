"""How the chip speaks: messages with (boot, seq), telemetry with all samples, presence; published at once or kept in the ring.

Holds P2, P3 and P13's first half. `at` and `late` are fixed when a message is first published, so bytes are made then.
Refuses to decide when something is due.
"""

from typing import TypedDict

from msgspec.structs import replace

from schemas.chip import BootUp, Clock, Event, Happening, Log, Message, Presence, RefusedReason, Result, Telemetry
from schemas.decode import encode
from simulator import ring as rings
from simulator.board import Chip, Online, Shown, emit, shown
from simulator.flash import Answer, Outcome, answered
from simulator.ring import Entry
from simulator.samples import Batch, pack
from simulator.signals import Publish


class Stamp(TypedDict):
    """The envelope of a message."""

    boot: int
    seq: int
    at: int | None
    up: int
    clock: Clock


def say(chip: Chip, happening: Happening, up_ms: int | None = None) -> Chip:
    """An event, now or at a moment just before."""
    return utter(chip, Event(event=happening, **_envelope(chip, up_ms)))


def log(chip: Chip, text: str) -> Chip:
    """A warning for whoever looks after the chip."""
    return utter(chip, Log(level="warning", text=text[:500], **_envelope(chip)))


def answer(chip: Chip, command: str, outcome: Outcome, reason: RefusedReason | None = None) -> Chip:
    """The result of a command, said and remembered (P22)."""
    given = Answer(command, outcome, reason)
    return repeat(replace(chip, flash=answered(chip.flash, given)), given)


def repeat(chip: Chip, given: Answer) -> Chip:
    """A result, said again."""
    words = Result(command=given.command, outcome=given.outcome, reason=given.reason, **_envelope(chip))
    return utter(chip, words)


def tell(chip: Chip, as_shown: Shown | None = None, up_ms: int | None = None) -> Chip:
    """Telemetry with every sample since the last one; without any it tells the state alone."""
    batches, rest = pack(chip.samples)
    now = as_shown or shown(chip)
    chip = replace(chip, samples=rest, telemetry_up=chip.up_ms, told=now)
    for batch in batches or (None,):
        chip = utter(chip, _telemetry(chip, batch, now, chip.up_ms if up_ms is None else up_ms))
    return chip


def show_presence(chip: Chip) -> Chip:
    """Presence on `state`, retained: while connected only."""
    if not isinstance(chip.uplink, Online):
        return chip
    return emit(chip, Publish("state", presence(chip, online=True)))


def presence(chip: Chip, *, online: bool) -> bytes:
    """The bytes of the presence; offline as the last will."""
    words = Presence(
        online=online,
        boot=chip.flash.boot,
        connection=max(chip.connection, 1),
        nonce=chip.flash.nonce if online else None,
        config_version=chip.flash.config_version,
    )
    return encode(words, cbor=chip.identity.cbor)


def utter(chip: Chip, message: Message) -> Chip:
    """Takes the next seq. Live words go out at once, before any backlog (P6); others wait in the ring."""
    entry = rings.entry_of(message)
    flash = replace(chip.flash, ring=rings.add(chip.flash.ring, replace(entry, due_up=chip.up_ms)))
    chip = replace(chip, flash=flash, seq=message.seq, spoke_up=chip.up_ms)
    if isinstance(chip.uplink, Online) and chip.gate.status == "accepted":
        return publish(chip, entry)
    return chip


def publish(chip: Chip, entry: Entry) -> Chip:
    """One entry of the ring to the broker: the same bytes every time."""
    payload = entry.payload or encode(stamped(chip, entry), cbor=chip.identity.cbor)
    settings = chip.settings
    wait_ms = min(max(2 * entry.wait_ms, settings.resend_ms), settings.resend_most_ms)
    jitter_ms, dice = chip.dice.between(0, wait_ms // 4)
    ring = rings.published(chip.flash.ring, entry, payload, chip.up_ms, wait_ms, chip.up_ms + wait_ms + jitter_ms)
    chip = replace(chip, dice=dice, flash=replace(chip.flash, ring=ring))
    return emit(chip, Publish("up", payload, entry.key))


def publish_fresh(chip: Chip) -> Chip:
    """What was made in the last seconds and not sent yet is no backlog: it goes out now, in its order."""
    now, late_ms = chip.up_ms, chip.settings.late_ms
    for entry in chip.flash.ring.entries:
        made = entry.message
        if made is not None and made.boot == chip.flash.boot and now - made.up <= late_ms:
            chip = publish(chip, entry)
    return chip


def stamped(chip: Chip, entry: Entry) -> Message:
    """The message as it is first published: with the best time known, and `late` if it had to wait."""
    message = entry.message
    if message is None:
        raise AssertionError("an entry without bytes still has its message")
    if message.boot != chip.flash.boot:  # another boot's `up` means nothing to this clock
        return replace(message, late=True)
    if isinstance(message, BootUp):
        return boot_message(chip)
    late = chip.up_ms - message.up > chip.settings.late_ms
    at, clock = chip.wall.at(message.up), chip.wall.quality(chip.up_ms)
    return replace(message, at=at, clock=clock, late=late)


def boot_message(chip: Chip) -> BootUp:
    """The first message of this boot, as of now."""
    hold, stamp = chip.flash.hold, _envelope(chip)
    stamp["seq"] = 1
    return BootUp(
        model=chip.identity.model,
        firmware=chip.identity.firmware,
        cause=chip.cause,
        config_version=chip.flash.config_version,
        contact=chip.contact,
        nonce=chip.flash.nonce,
        session=hold.session if hold else None,
        ticket=hold.ticket if hold else None,
        **stamp,
    )


def _telemetry(chip: Chip, batch: Batch | None, now: Shown, up_ms: int) -> Telemetry:
    steps = batch.steps if batch else ()
    return Telemetry(
        from_up=batch.from_up if batch else up_ms,
        step_ms=batch.step_ms if batch else 1000,
        current_a=[step.current_a for step in steps],
        peak_a=[_tenth(step.peak_a) if step.known else None for step in steps],
        voltage_v=[step.voltage_v for step in steps],
        arc_ms=[step.arc_ms if step.known else None for step in steps],
        state=now.state,
        contact=now.contact,
        energy_wh=round(chip.flash.energy_wh, 3),
        mains=chip.mains,
        session=now.session,
        ticket=now.ticket,
        **_envelope(chip, up_ms),
    )


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _envelope(chip: Chip, up_ms: int | None = None) -> Stamp:
    up = chip.up_ms if up_ms is None else up_ms
    return Stamp(
        boot=chip.flash.boot, seq=chip.seq + 1, at=chip.wall.at(up), up=up, clock=chip.wall.quality(chip.up_ms)
    )
