"""Bodies of the HTTP interface for questions over long spans: a machine's year, its current, the queue of alerts, months and the
connection rate of divisions.

What is not known is null or told as silence, never 0. Refuses names of people: none of these needs one.
"""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from schemas.desk import Alert, AlertCode, AlertState, EventPoint, TelemetryPoint, Words
from schemas.http import Shape


class Step(Shape):
    """A day of the division's zone, or an hour, of one machine."""

    since: datetime
    until: datetime
    arc_ms: int
    covered_ms: int = Field(description="Time of which samples tell")
    online_ms: int = Field(description="Time told while it happened")
    late_ms: int = Field(description="Time told later, out of the chip's memory, at least")
    unknown_ms: int = Field(description="Of ended sessions: contact closed, and no sample tells of it")
    energy_wh: float
    sessions: int
    starts: int = Field(description="Sessions under a permission")
    refusals: int
    alerts: int
    messages: int
    peak_a: float | None = Field(description="The largest sample; null: not known")


class Silence(Shape):
    """No message tells of this span: neither a violation nor fine."""

    since: datetime
    until: datetime


class Lost(Shape):
    """Numbers that never will come, by when that was declared."""

    at: datetime
    boot: int
    from_seq: int
    to_seq: int
    why: Literal["lost", "unreadable"]


class AlertMark(Shape):
    """One alert on the line of a machine."""

    id: UUID
    code: AlertCode
    level: int
    since: datetime
    last_at: datetime
    state: AlertState
    historical: bool


class MachineHistory(Shape):
    """One machine over a span, by day or hour; only steps of which there is something. The details are pages of their own."""

    plate: str
    since: datetime
    until: datetime
    zone: str
    by: Literal["day", "hour"]
    steps: list[Step]
    silent: list[Silence]
    lost: list[Lost] = Field(description="The first 500")
    missing: int = Field(description="Numbers that may still come; of which day they are nobody knows yet")
    alerts: list[AlertMark] = Field(description="The newest 500 that touch the span")


class TelemetryPage(Shape):
    """Telemetry in order of time; `next` asks for what follows."""

    telemetry: list[TelemetryPoint]
    next: str | None


class EventPage(Shape):
    """Events, results and logs in order of time; `next` asks for what follows."""

    events: list[EventPoint]
    next: str | None


class CurvePoint(Shape):
    """A run of samples. Between two points nobody knows; null is unknown. Of hours and days only the largest sample is kept."""

    since: datetime
    until: datetime
    min_a: float | None
    max_a: float | None
    last_a: float | None
    peak_a: float | None = Field(description="The largest peak of all samples of this run")
    arc_ms: int
    covered_ms: int
    late: bool = Field(description="Some of it was told later, out of the chip's memory")


class CurrentCurve(Shape):
    """The current of one machine in about as many points as were asked for. `source`: from what they were made."""

    plate: str
    since: datetime
    until: datetime
    zone: str
    source: Literal["samples", "hours", "days"]
    points: list[CurvePoint]


class LevelCount(Shape):
    """Alerts of one level that nobody has closed."""

    level: int
    open: int
    unsigned: int = Field(description="Nobody has taken them up; findings of the past wait for nobody")
    oldest_at: datetime


class AlertQueue(Shape):
    """Alerts that nobody has closed: the heaviest first, of one level the oldest. Counts stand on the first page only."""

    alerts: list[Alert]
    counts: list[LevelCount] | None
    next: str | None


class Sums(Shape):
    """Sums over machines and days. `heard`: each machine once a day on which it said something."""

    heard: int
    arc_ms: int
    covered_ms: int
    online_ms: int
    unknown_ms: int
    energy_wh: float
    sessions: int
    starts: int
    refusals: int
    alerts: int
    messages: int


class DaySums(Shape):
    """One day of a division and everything below it."""

    day: date
    sums: Sums


class PartSums(Shape):
    """A division next below, or the division itself for what belongs to none of them; this month and the one before."""

    code: str
    name: Words
    sums: Sums
    before: Sums


class DivisionMonth(Shape):
    """A month of a division and everything below it. `division` null: all of the platform."""

    division: str | None
    name: Words | None
    month: date
    days: list[DaySums]
    parts: list[PartSums]
    total: Sums
    before: Sums


class DayRate(Shape):
    """How many machines were heard on a day, of those that were registered by then."""

    day: date
    heard: int
    registered: int


class Connected(Shape):
    """Machine days heard and registered, and what came of the messages. A missing number may be an event's, so `complete` is the
    least that it can be."""

    heard: int
    registered: int
    rate: float | None = Field(description="heard / registered; null: nothing is registered")
    messages: int
    lost: int = Field(description="Numbers that were declared lost in the span")
    missing: int = Field(description="Numbers that may still come, of whichever day")
    complete: float | None = Field(description="messages / (messages + lost + missing); null: there were none")


class PartRate(Shape):
    """A division next below, or the division itself for machines of none of them."""

    code: str
    name: Words
    connected: Connected


class ConnectionRate(Shape):
    """接入率: machines heard against machines registered. Registered is who is in the register now, from the day of entry on."""

    division: str | None
    name: Words | None
    since: date
    until: date
    days: list[DayRate]
    parts: list[PartRate]
    total: Connected
