"""Wire to domain and wire to row: one-line mappings, and the times of a message.

Refuses rules: what a word means is decided in weld.core.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import msgspec

from schemas.chip import BootUp, Event, Message, Position, Result, Telemetry
from weld.core.detect import Lateness
from weld.core.said import ArcBegan, Booted, Bypassed, Closed, Moment, Opened, Said, Sampled, Steps, sampled
from weld.store.binary import (
    EPOCH_US,
    FLAG,
    FLOAT4,
    FLOAT8,
    INT2,
    INT8,
    NOWHERE,
    NULL,
    WORDS,
    floats,
    ints,
    jsonb,
    micros,
    uuid,
)
from weld.store.evidence import StoredEvent, StoredTelemetry
from weld.store.reported import ArcRow

if TYPE_CHECKING:
    from ingest.arrival import Arrival

QUARTER_S = 900
QUARTER_MS = QUARTER_S * 1000
# The longest span that one message can fill with samples: 600 of 10 minutes.
LONGEST_MS = 360_000_000


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
    return None if text is None else msgspec.convert(text, UUID)  # in a quarter of UUID's own time


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


# Number of columns, then chip_no, at, boot, seq, received_at.
_KEY = Struct(">hiiiqiiiqiq").pack
# hash, up_ms, from_up, step_ms.
_SPAN = Struct(">iqiqiqii").pack

_ZERO = [0]
# Nearly every message of an idle machine is one sample of nothing.
_ONE_OF_NOTHING = floats(_ZERO) * 3 + ints(_ZERO)


def telemetry_row(timed: Stored, message: Telemetry) -> bytes:
    """A telemetry message as its row: the columns of the table in their order, each with its size (weld.store.binary)."""
    arrival, corrected_ms = timed.arrival, timed.corrected_ms
    at, received_at = timed.at_ms * 1000 - EPOCH_US, arrival.received_ms * 1000 - EPOCH_US
    energy, temperature, signal = message.energy_wh, message.temperature_c, message.signal_dbm
    battery, here, session, ticket = message.battery_v, message.position, message.session, message.ticket
    current, peak, voltage, arc = message.current_a, message.peak_a, message.voltage_v, message.arc_ms
    nothing = current == _ZERO and peak == _ZERO and voltage == _ZERO and arc == _ZERO
    return b"".join((
        _KEY(28, 4, timed.chip_no, 8, at, 4, message.boot, 8, message.seq, 8, received_at),
        NULL if corrected_ms is None else INT8(8, micros(corrected_ms)),
        WORDS[message.clock],
        WORDS[timed.late.kind],
        _SPAN(8, arrival.hash, 8, message.up, 8, message.from_up, 4, message.step_ms),
        _ONE_OF_NOTHING if nothing else floats(current) + floats(peak) + floats(voltage) + ints(arc),
        WORDS[message.state],
        WORDS[message.contact],
        NULL if energy is None else FLOAT8(8, energy),
        FLAG[message.mains],
        NULL if temperature is None else FLOAT4(4, temperature),
        NULL if signal is None else INT2(2, signal),
        NULL if battery is None else FLOAT4(4, battery),
        NOWHERE if here is None else position(here),
        NULL if session is None else uuid(session),
        NULL if ticket is None else uuid(ticket),
    ))  # fmt: skip


def position(here: Position) -> bytes:
    """The columns lat, lon and accuracy_m."""
    return FLOAT8(8, here.lat) + FLOAT8(8, here.lon) + FLOAT4(4, here.accuracy_m)


def event_row(timed: Stored, message: Message) -> bytes:
    """Any other message as its row; `body` is the event, or the message without its envelope."""
    kind, name, body = event_body(message)
    arrival, corrected_ms, session = timed.arrival, timed.corrected_ms, body.get("session")
    at, received_at = micros(timed.at_ms), micros(arrival.received_ms)
    return b"".join((
        _KEY(14, 4, timed.chip_no, 8, at, 4, message.boot, 8, message.seq, 8, received_at),
        NULL if corrected_ms is None else INT8(8, micros(corrected_ms)),
        WORDS[message.clock],
        WORDS[timed.late.kind],
        INT8(8, arrival.hash),
        INT8(8, message.up),
        WORDS[kind],
        WORDS[name],
        NULL if session is None else uuid(session),
        jsonb(msgspec.json.encode(body)),
    ))  # fmt: skip


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
