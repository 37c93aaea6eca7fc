"""Wire to domain and wire to row: one-line mappings, and the times of a message.

Refuses rules: what a word means is decided in weld.core.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from schemas.chip import BootUp, Event, Message, Result, Telemetry
from weld.core.said import ArcBegan, Booted, Bypassed, Closed, Moment, Opened, Said, Steps, sampled
from weld.store.evidence import EventRow, StoredEvent, StoredTelemetry, TelemetryRow
from weld.store.reported import ArcRow


def utc(ms: int) -> datetime:
    """UTC milliseconds as a datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def ms_of(at: datetime) -> int:
    """A datetime as UTC milliseconds, rounded so that utc(ms_of(x)) keeps milliseconds."""
    return round(at.timestamp() * 1000)


def times_ms(message: Message, anchor_ms: int) -> tuple[int, int | None]:
    """The time of the key (as sent, or anchor + up) and the corrected time (None = the same). P16: as sent is never changed."""
    if message.at is None:
        return anchor_ms + message.up, None
    return message.at, anchor_ms + message.up if message.clock == "drifting" else None


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text is not None else None


def telemetry_row(
    message: Telemetry, chip_no: int, at_ms: int, corrected_ms: int | None, late: str, received_ms: int, content: int
) -> TelemetryRow:
    """A telemetry message as its row."""
    position = message.position
    return TelemetryRow(
        chip_no,
        utc(at_ms),
        message.boot,
        message.seq,
        utc(received_ms),
        None if corrected_ms is None else utc(corrected_ms),
        message.clock,
        late,
        content,
        message.up,
        message.from_up,
        message.step_ms,
        message.current_a,
        message.peak_a,
        message.voltage_v,
        message.arc_ms,
        message.state,
        message.contact,
        message.energy_wh,
        message.mains,
        message.temperature_c,
        message.signal_dbm,
        message.battery_v,
        position.lat if position else None,
        position.lon if position else None,
        position.accuracy_m if position else None,
        _uuid(message.session),
        _uuid(message.ticket),
    )  # fmt: skip  (one row of the table a line)


def event_row(
    message: Message, chip_no: int, at_ms: int, corrected_ms: int | None, late: str, received_ms: int, content: int
) -> EventRow:
    """Any other message as its row; `body` is the event, or the message without its envelope."""
    kind, name, body = event_body(message)
    return EventRow(
        chip_no, utc(at_ms), message.boot, message.seq, utc(received_ms),
        None if corrected_ms is None else utc(corrected_ms), message.clock, late, content,
        message.up, kind, name, _uuid(body.get("session")), body,
    )  # fmt: skip


def event_body(message: Message) -> tuple[str, str, dict[str, Any]]:
    """Kind, name and content of a message that is not telemetry."""
    if isinstance(message, Event):
        body = msgspec.to_builtins(message.event)
        return "event", body["name"], body
    body = msgspec.to_builtins(message)
    for envelope in ("boot", "seq", "at", "up", "clock", "late"):
        body.pop(envelope)
    kind = body.pop("kind")
    return kind, kind, body


def word(message: Message, at_ms: int) -> Said | None:
    """What a message says to the rules; None where it says nothing to them."""
    when = Moment(message.boot, message.seq, message.up, at_ms)
    if isinstance(message, Telemetry):
        steps = Steps(message.current_a, message.peak_a, message.voltage_v, message.arc_ms)
        span = (message.from_up, message.step_ms)
        return sampled(when, span, steps, message.contact, _uuid(message.session), _uuid(message.ticket))
    if isinstance(message, BootUp):
        return Booted(when, _uuid(message.session), message.contact)
    if isinstance(message, Event):
        return event_word(when, msgspec.to_builtins(message.event))
    return None


def event_word(when: Moment, body: dict[str, Any]) -> Said | None:
    """What an event says to the rules, from the wire or from its stored row alike."""
    match body:
        case {"name": "relay_closed"}:
            return Closed(when, UUID(body["session"]), _uuid(body.get("ticket")), bool(body.get("resumed")))
        case {"name": "relay_opened"}:
            return Opened(when, _uuid(body.get("session")), body["reason"])
        case {"name": "arc_started"}:
            began = when.at_ms - max(0, when.up_ms - body["from_up"])
            return ArcBegan(when, began, body.get("contact"), _uuid(body.get("session")), body.get("peak_a"))
        case {"name": "current_while_open"}:
            return Bypassed(when, when.at_ms - max(0, when.up_ms - body["from_up"]), body.get("peak_a"))
    return None


def stored_words(telemetry: list[StoredTelemetry], events: list[StoredEvent]) -> list[Said]:
    """The words of stored rows in (boot, seq) order."""
    words = [w for row in telemetry if (w := _telemetry_word(row)) is not None]
    words += [w for row in events if (w := _event_word(row)) is not None]
    return sorted(words, key=lambda said: (said.when.boot, said.when.seq))


def _telemetry_word(row: StoredTelemetry) -> Said | None:
    when = Moment(row.boot, row.seq, row.up_ms, ms_of(row.corrected_at or row.at))
    steps = Steps(row.current_a, row.peak_a, row.voltage_v, row.arc_ms)
    return sampled(when, (row.from_up, row.step_ms), steps, row.contact, row.session, row.ticket)  # type: ignore[arg-type]


def _event_word(row: StoredEvent) -> Said | None:
    when = Moment(row.boot, row.seq, row.up_ms, ms_of(row.corrected_at or row.at))
    if row.kind == "boot":
        return Booted(when, _uuid(row.body.get("session")), row.body.get("contact"))
    return event_word(when, row.body)


def arc_row(message: Message, chip_no: int, at_ms: int) -> ArcRow | None:
    """The burst that an arc_started or arc_ended event tells of."""
    if not isinstance(message, Event):
        return None
    body = msgspec.to_builtins(message.event)
    if body["name"] not in {"arc_started", "arc_ended"}:
        return None
    started = at_ms - max(0, message.up - body["from_up"])
    to_up = body.get("to_up")
    ended = None if to_up is None else utc(max(started, at_ms - max(0, message.up - to_up)))
    return ArcRow(
        chip_no, message.boot, body["from_up"], utc(started), ended, body.get("arc_ms"),
        body.get("peak_a"), body.get("contact"), _uuid(body.get("session")),
    )  # fmt: skip


def command_result(message: Message) -> tuple[UUID, str, str | None] | None:
    """What a result says of a command: (command, state of the command, reason)."""
    if not isinstance(message, Result):
        return None
    return UUID(message.command), message.outcome, message.reason
