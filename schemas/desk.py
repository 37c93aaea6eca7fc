"""Bodies of the HTTP interface for officers: machines, their timelines, alerts, quarantine, deliveries, days.

Refuses personal data: a worker is an opaque id here.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.http import Session, Shape

# PostgreSQL keeps every character but NUL.
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
AlertCode = Annotated[str, StringConstraints(pattern=r"^[A-HO][0-9]{2}$")]
AlertState = Literal["open", "acknowledged", "closed"]
Outcome = Literal["confirmed", "false_alarm", "test", "other"]
DeliveryState = Literal["pending", "delivered", "dead", "cancelled"]


class MachineView(Shape):
    """One machine with its latest reported state."""

    plate: str
    chip: str | None
    division: str
    enterprise: UUID | None
    maker: str
    model: str
    serial: str
    rated_a: float | None
    work: Literal["ordinary", "building", "special_equipment"]
    presence: Literal["none", "button"]
    longest_s: int | None
    blocked_reason: str | None
    online: bool | None
    reported: str | None
    contact: Literal["open", "closed"] | None
    session: UUID | None
    current_a: float | None
    energy_wh: float | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    heard_at: datetime | None
    open_alerts: int


class MachineList(Shape):
    """Machines by plate."""

    machines: list[MachineView]
    next: str | None


class LockRequest(Shape):
    """Order the contact open. Level 1 acts at once, others wait for the arc's end, at most a minute."""

    level: Annotated[int, Field(ge=1, le=4)]
    reason: Why


class BlockRequest(Shape):
    """Take a machine out of use or bring it back, and why."""

    reason: Why


class Command(Shape):
    """Something that was ordered, and how far it came."""

    id: UUID
    kind: Literal["ticket", "lock", "end"]
    plate: str
    session: UUID | None
    level: int
    by: Literal["worker", "rule", "authority"]
    actor: str
    why: str
    state: str
    reason: str | None
    created_at: datetime
    expires_at: datetime


class MachineDetail(Shape):
    """One machine and its newest commands."""

    machine: MachineView
    commands: list[Command]


class TelemetryPoint(Shape):
    """One telemetry message, summed up; null is unknown. `late`: n live, c buffered by the chip, o delayed by us."""

    at: datetime
    boot: int
    seq: int
    received_at: datetime
    late: Literal["live", "chip", "ours"]
    clock: Literal["synced", "drifting", "unset"]
    state: str
    contact: Literal["open", "closed"] | None
    session: UUID | None
    energy_wh: float | None
    span_ms: int
    current_a: float | None
    peak_a: float | None
    arc_ms: int | None


class EventPoint(Shape):
    """One boot, event, result or log line of the chip."""

    at: datetime
    boot: int
    seq: int
    received_at: datetime
    late: Literal["live", "chip", "ours"]
    clock: Literal["synced", "drifting", "unset"]
    kind: str
    name: str
    session: UUID | None
    body: dict[str, Any]


class Arc(Shape):
    """One burst of welding."""

    boot: int
    started_at: datetime
    ended_at: datetime | None
    arc_ms: int | None
    peak_a: float | None
    contact: Literal["open", "closed"] | None
    session: UUID | None


class Unknown(Shape):
    """A span in which messages are missing: neither a violation nor fine. `why` null: they may still come."""

    since: datetime
    until: datetime
    boot: int
    messages: int
    why: Literal["lost", "unreadable"] | None


class Timeline(Shape):
    """One machine over a span. `cut`: there was more than one answer holds; ask for a shorter span."""

    plate: str
    since: datetime
    until: datetime
    cut: bool
    telemetry: list[TelemetryPoint]
    events: list[EventPoint]
    arcs: list[Arc]
    sessions: list[Session]
    unknown: list[Unknown]


class Alert(Shape):
    """One alert."""

    id: UUID
    code: AlertCode
    level: int
    text_zh: str
    text_en: str
    plate: str | None
    chip: str | None
    worker: UUID | None
    session: UUID | None
    division: str | None
    enterprise: UUID | None
    since: datetime
    last_at: datetime
    occurrences: int
    historical: bool
    late_by_ms: int
    evidence: dict[str, Any]
    raised_by: Literal["ingest", "api"]
    raised_at: datetime
    state: AlertState
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    outcome: Outcome | None
    note: str | None


class AlertList(Shape):
    """Alerts, the newest first."""

    alerts: list[Alert]
    next: str | None


class CloseRequest(Shape):
    """How an alert ended."""

    outcome: Outcome
    note: Why


class Quarantined(Shape):
    """A message that nobody could use, without its bytes."""

    id: int
    received_at: datetime
    topic: str
    chip: str | None
    boot: int | None
    seq: int | None
    reason: str
    detail: str
    bytes: int


class QuarantineList(Shape):
    """Messages in quarantine, the newest first."""

    messages: list[Quarantined]
    next: str | None


class Delivery(Shape):
    """One fact on its way to one endpoint."""

    id: UUID
    endpoint: UUID
    endpoint_name: str
    fact: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    last_at: datetime | None
    last_status: int | None
    last_error: str | None


class DeliveryList(Shape):
    """Deliveries, the newest first."""

    deliveries: list[Delivery]
    next: str | None


class Day(Shape):
    """One day of one machine, in the time of its division."""

    plate: str
    day: date
    arc_ms: int
    covered_ms: int
    energy_wh: float
    sessions: int
    messages: int


class DayList(Shape):
    """The days of one machine."""

    days: list[Day]
