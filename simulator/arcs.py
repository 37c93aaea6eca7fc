"""What the sensor says, as messages: arcs with their contact and session, a frozen register, current around the chip.

Bypass = something burns while the contact reads open. What the sensor saw before the contact moved belongs to before.
"""

from msgspec.structs import replace

from schemas.chip import ArcEnded as ArcEndedEvent
from schemas.chip import ArcStarted as ArcStartedEvent
from schemas.chip import CurrentWhileOpen, SensorFrozen
from simulator import sensor as sensors
from simulator.board import Chip, shown
from simulator.samples import Step
from simulator.seen import ArcEnded, ArcStarted, CutDone, Frozen, FrozenOver, Word
from simulator.voice import answer, log, say, tell

WATT_MS_PER_WH = 3_600_000


def heard(chip: Chip, words: tuple[Word, ...]) -> Chip:
    """The chip after these words of its sensor, in their order."""
    for word in words:
        chip = _one(chip, word)
    return chip


def _one(chip: Chip, word: Word) -> Chip:
    match word:
        case Step():
            energy_wh = chip.flash.energy_wh + max(0.0, word.watt_ms) / WATT_MS_PER_WH
            flash = replace(chip.flash, energy_wh=energy_wh) if word.watt_ms > 0 else chip.flash
            return replace(chip, samples=(*chip.samples, word), flash=flash)
        case ArcStarted():
            return _started(chip, word)
        case ArcEnded():
            return _ended(chip, word)
        case Frozen():
            return _frozen(chip, word)
        case FrozenOver():
            return chip  # the state word says it, with the telemetry of its change
        case CutDone():
            return _turned(chip)


def _started(chip: Chip, arc: ArcStarted) -> Chip:
    then = chip.turns[0].before if chip.turns else shown(chip)
    chip = replace(chip, arc_session=then.session, bypass=then.contact == "open")
    if chip.bypass:
        chip = say(chip, CurrentWhileOpen(from_up=arc.from_up, peak_a=arc.peak_a))
    event = ArcStartedEvent(from_up=arc.from_up, contact=then.contact, session=then.session, peak_a=arc.peak_a)
    return say(chip, event)


def _ended(chip: Chip, arc: ArcEnded) -> Chip:
    event = ArcEndedEvent(
        from_up=arc.from_up, to_up=arc.to_up, arc_ms=arc.arc_ms, peak_a=arc.peak_a, session=chip.arc_session
    )
    return replace(say(chip, event), arc_session=None, bypass=False)


def _frozen(chip: Chip, frozen: Frozen) -> Chip:
    if frozen.voltage_v is None:  # the event has no word for an unknown voltage, and 0 V would be a lie
        return log(chip, f"sensor frozen at {frozen.current_a} A since {frozen.from_up} ms, voltage unknown")
    return say(chip, SensorFrozen(from_up=frozen.from_up, current_a=frozen.current_a, voltage_v=frozen.voltage_v))


def _turned(chip: Chip) -> Chip:
    """Everything before the contact's move is known now: samples first, then what the move meant."""
    turn, rest = chip.turns[0], chip.turns[1:]
    chip = tell(chip, turn.before, turn.up_ms) if chip.samples else chip
    for happening in turn.happenings:
        chip = say(chip, happening, turn.up_ms)
    chip = replace(chip, turns=rest)
    for each in turn.answers:
        chip = answer(chip, each.command, each.outcome, each.reason)
    return chip


def look(chip: Chip) -> Chip:
    """Waits for an undecided sensor only so long."""
    due = due_up(chip)
    if due is None or chip.up_ms < due:
        return chip
    sensor, words = sensors.give_up(chip.sensor)
    return heard(replace(chip, sensor=sensor), words)


def due_up(chip: Chip) -> int | None:
    """When waiting for the sensor is over."""
    since, settings = chip.sensor.waits_since, chip.settings
    dues = [chip.turns[0].up_ms + settings.cut_wait_ms] if chip.turns else []
    if since is not None:
        dues.append(since + settings.undecided_ms)
    return min(dues, default=None)
