"""Bodies of the HTTP interface for officers: machines, their timelines, alerts, quarantine, deliveries, days.

A worker is an opaque id except in his own record, and that is masked.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.http import CertificateView, Id, Plate, Session, Shape

# PostgreSQL keeps every character but NUL.
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
AlertCode = Annotated[str, StringConstraints(pattern=r"^[A-HO][0-9]{2}$")]
AlertState = Literal["open", "acknowledged", "closed"]
Outcome = Literal["confirmed", "false_alarm", "test", "other"]
DeliveryState = Literal["pending", "delivered", "dead", "cancelled"]


Registered = Literal["unverified", "verified", "revoked", "cancelled", "suspended", "suspected_fake"]


# What a machine looks like on a screen.
Look = Literal[
    "locked", "armed", "unlocked", "arcing", "blocked", "faulted", "tampered", "maintenance", "unplugged", "silent"
]


class Words(Shape):
    """The same words in Chinese and English."""

    zh: str
    en: str


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
    look: Look
    division_name: Words
    enterprise_name: str | None


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
    """One machine, its newest commands, and how far its chip's clock is behind ours as far as is known (below 0: ahead)."""

    machine: MachineView
    clock_ms: int | None
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
    sentence: Words = Field(description="What happened, with the number")
    why: Words = Field(description="Why it matters, and what to do next")
    sign_by: datetime | None = Field(
        description="Somebody should have taken it up by then; none for level 4 and history"
    )
    close_by: datetime | None
    lat: float | None
    lon: float | None
    division_name: Words | None
    machine: str | None = Field(description="Maker and model")
    enterprise_name: str | None
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
    acknowledged_by_name: str | None
    closed_at: datetime | None
    closed_by: str | None
    closed_by_name: str | None
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


class Attempt(Shape):
    """One try to hand a fact over."""

    number: int
    at: datetime
    latency_ms: int
    status: int | None
    error: str | None


class DeliveryDetail(Shape):
    """One delivery, its body as it leaves, and every attempt."""

    delivery: Delivery
    payload: str
    attempts: list[Attempt]


class EndpointView(Shape):
    """Where facts of a division go. `failing_since`: every attempt since then failed."""

    id: UUID
    name: str
    url: str
    division: str
    division_name: Words
    codes: list[AlertCode] | None
    state: Literal["active", "paused", "disabled"]
    created_at: datetime
    failures: int
    failing_since: datetime | None
    hold_until: datetime | None
    pending: int
    delivered: int
    dead: int
    last_delivered_at: datetime | None


class EndpointList(Shape):
    """The endpoints in scope, by name."""

    endpoints: list[EndpointView]


class EndpointState(Shape):
    """Send to an endpoint, or hold what is for it."""

    state: Literal["active", "paused"]


class CertificateRecord(CertificateView):
    """One certificate, masked, and when a register was last asked about it."""

    checked_at: datetime | None


class WorkerView(Shape):
    """One worker, masked. `standing`: the best of the certificates today."""

    id: UUID
    name: str
    phone: str
    division: str
    division_name: Words
    enterprise: UUID | None
    enterprise_name: str | None
    suspended_reason: str | None
    standing: Literal["usable", "expiring", "expired", "unusable", "none"]
    last_day: date | None = Field(description="The last day of the certificate that carries the standing")
    certificates: int
    last_opened_at: datetime | None
    open_session: UUID | None


class WorkerList(Shape):
    """Workers in scope; `next` asks for more."""

    workers: list[WorkerView]
    next: str | None


class WorkerDetail(Shape):
    """One worker with the certificates; reading it leaves a trace."""

    worker: WorkerView
    identity: str
    certificates: list[CertificateRecord]


DivisionLevel = Literal["province", "city", "county", "township", "village"]


class ActRequest(Shape):
    """What to do with a certificate, and why. `restore` goes back to what it was before the last withdrawal."""

    act: Literal["verify", "suspend", "revoke", "cancel", "suspect", "restore"]
    reason: Why


class CertificateAct(Shape):
    """One act of an officer on a certificate."""

    at: datetime
    actor: str
    act: str
    before: Registered
    after: Registered
    reason: str


class CertificateHistory(Shape):
    """A certificate as the register holds it, and what was done to it, the newest first."""

    certificate: UUID
    worker: UUID
    registered: Registered
    acts: list[CertificateAct]


class WorkerState(Shape):
    """Whether a worker may start machines at all; None: not suspended."""

    id: UUID
    suspended_reason: str | None


class Expiry(Shape):
    """Certificates by when they end, or are due for re-examination if that comes first; each is counted once."""

    expired: int
    review_overdue: int
    within_30: int
    within_60: int
    within_90: int
    later: int
    not_in_force: int


class DivisionView(Shape):
    """A division in scope."""

    code: str
    parent: str | None
    name: Words
    level: DivisionLevel
    until: date | None = Field(description="From this day on its code is valid no longer; None: it is")
    machines: int


class DivisionList(Shape):
    """The divisions in scope, parents before children."""

    divisions: list[DivisionView]


class DivisionStep(Shape):
    """One division of those that a place lies in."""

    code: str
    name: Words
    level: DivisionLevel


class DivisionPlace(Shape):
    """In which division a place lies, and the way down to it; the last step is the division itself."""

    code: str
    path: list[DivisionStep]


class SheetRequest(Shape):
    """Plates to print: these, or all of an enterprise or a division (at most 2,400 at a time)."""

    plates: Annotated[list[Plate], Field(min_length=1, max_length=2400)] | None = None
    enterprise: Id | None = None
    division: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")] | None = None


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
