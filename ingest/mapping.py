"""Wire to domain and wire to row: one-line mappings, and the times of a message.

Refuses rules: what a word means is decided in weld.core.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from schemas.chip import BootUp, Event, Message, Result, Telemetry
from weld.core.detect import Lateness
from weld.core.said import ArcBegan, Booted, Bypassed, Closed, Moment, Opened, Said, Sampled, Steps, sampled
from weld.store.binary import floats, ints, jsonb, micros, uuid_bytes
from weld.store.evidence import EventRow, StoredEvent, StoredTelemetry, TelemetryRow
from weld.store.reported import ArcRow

if TYPE_CHECKING:
    from ingest.arrival import Arrival

QUARTER_MS = 900_000


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


@lru_cache(maxsize=65_536)
def _parse(text: str) -> UUID:
    """A session is named in each of its messages."""
    return UUID(text)


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else _parse(text)


class Stored(Protocol):
    """A message with its times, on its way into the store (ingest.draft.Timed)."""

    @property
    def arrival(self) -> "Arrival": ...
    @property
    def chip_no(self) -> int: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def corrected_ms(self) -> int | None: ...
    @property
    def late(self) -> Lateness: ...


def telemetry_row(timed: Stored, message: Telemetry) -> TelemetryRow:
    """A telemetry message as its row."""
    position, arrival, corrected_ms = message.position, timed.arrival, timed.corrected_ms
    session, ticket = message.session, message.ticket
    columns = (
        timed.chip_no,
        micros(timed.at_ms),
        message.boot,
        message.seq,
        micros(arrival.received_ms),
        None if corrected_ms is None else micros(corrected_ms),
        message.clock,
        timed.late.kind,
        arrival.hash,
        message.up,
        message.from_up,
        message.step_ms,
        floats(message.current_a),
        floats(message.peak_a),
        floats(message.voltage_v),
        ints(message.arc_ms),
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
        None if session is None else uuid_bytes(session),
        None if ticket is None else uuid_bytes(ticket),
    )
    return TelemetryRow._make(columns)


def event_row(timed: Stored, message: Message) -> EventRow:
    """Any other message as its row; `body` is the event, or the message without its envelope."""
    kind, name, body = event_body(message)
    arrival, corrected_ms, session = timed.arrival, timed.corrected_ms, body.get("session")
    return EventRow(
        timed.chip_no, micros(timed.at_ms), message.boot, message.seq, micros(arrival.received_ms),
        None if corrected_ms is None else micros(corrected_ms), message.clock, timed.late.kind, arrival.hash,
        message.up, kind, name, None if session is None else uuid_bytes(session), jsonb(msgspec.json.encode(body)),
    )  # fmt: skip


def is_idle(message: Telemetry) -> bool:
    """Whether it says nothing to the rules and to sessions: no session, no current, no arc. Unknown samples are no current."""
    return (
        message.session is None and not any(message.current_a) and not any(message.arc_ms) and not any(message.peak_a)
    )


def last_known(values: Sequence[float | None]) -> float | None:
    """The newest sample that is known."""
    for value in reversed(values):
        if value is not None:
            return value
    return None


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


def telemetry_word(message: Telemetry, at_ms: int) -> Sampled:
    """What samples say to the rules."""
    when = Moment(message.boot, message.seq, message.up, at_ms)
    steps = Steps(message.current_a, message.peak_a, message.voltage_v, message.arc_ms)
    span = (message.from_up, message.step_ms)
    return sampled(when, span, steps, message.contact, _uuid(message.session), _uuid(message.ticket))


def event_said(message: Message, at_ms: int) -> Said | None:
    """What any other message says to the rules; None where it says nothing to them."""
    when = Moment(message.boot, message.seq, message.up, at_ms)
    if isinstance(message, BootUp):
        return Booted(when, _uuid(message.session), message.contact)
    return event_word(when, msgspec.to_builtins(message.event)) if isinstance(message, Event) else None


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


def merged(one: ArcRow, other: ArcRow) -> ArcRow:
    """One burst from both of its events, whichever came first."""
    peaks = [peak for peak in (one.peak_a, other.peak_a) if peak is not None]
    later = {name: getattr(other, name) for name in ("ended_at", "arc_ms", "contact", "session")}
    kept = {name: value for name, value in later.items() if value is not None}
    return one._replace(peak_a=max(peaks, default=None), **kept)


def command_result(message: Message) -> tuple[UUID, str, str | None] | None:
    """What a result says of a command: (command, state of the command, reason)."""
    if not isinstance(message, Result):
        return None
    return UUID(message.command), message.outcome, message.reason
