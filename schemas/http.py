"""Bodies of the HTTP interface for workers and the public: what may come in (strict, closed) and what goes out.

What goes out always has every field; officers' bodies are in desk.py. Refuses personal data: workers are opaque ids, names
and numbers leave masked and only to their owner.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.reasons import ReasonCode

# JSON has no UUID: in strict mode its text form would be refused in a body.
Id = Annotated[UUID, Field(strict=False)]
Plate = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{17}$")]
DeviceSecret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,100}$")]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]

UnlockState = Literal["waiting", "sent", "armed", "closed", "ended", "refused", "expired"]
SessionState = Literal["open", "closed", "inferred"]


class Shape(BaseModel):
    """Strict, closed, frozen; its errors do not repeat the input, which may be personal."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Reason(Shape):
    """Why not, what to do now, and the law behind it, in the language asked for."""

    code: ReasonCode
    text: str
    way_out: str
    basis: str | None


class Problem(Shape):
    """The one shape of every error. `request_id` is the number to quote, and the record of a refused start."""

    error: ReasonCode
    detail: str
    reasons: list[Reason]
    request_id: UUID


class CodeRequest(Shape):
    """Ask for a one-time code."""

    phone: Annotated[str, StringConstraints(min_length=1, max_length=30)] = Field(repr=False)


class CodeSent(Shape):
    """A code is under way, if a worker has this phone; the answer is the same if not."""

    request: UUID
    expires_at: datetime


class SignIn(Shape):
    """The code from the phone."""

    request: Id
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")] = Field(repr=False)
    cookie: bool = Field(default=False, description="For pages: the token comes as an HttpOnly cookie, not in the body")
    device: DeviceSecret | None = Field(
        default=None,
        repr=False,
        description="For programs: what tells this device from a new one, from an earlier answer",
    )


class SignedIn(Shape):
    """The bearer token of a worker, shown this once; None where it came as a cookie."""

    token: str | None = Field(repr=False)
    device: str | None = Field(repr=False, description="To be kept and shown at the next sign-in; None likewise")
    worker: UUID
    expires_at: datetime
    good_from: datetime | None = Field(
        description="The device is new: nothing starts before, unless an older device allows it. None: good"
    )


class PlateView(Shape):
    """What anybody may know of a machine."""

    plate: str
    registered: Literal[True]
    maker: str
    model: str
    rated_a: float | None
    division: str
    chipped: bool
    blocked: bool
    state: Literal["locked", "unlocked", "offline"]
    heard_at: datetime | None
    licensed_worker_on: bool
    printed_by_us: bool | None = Field(description="Whether the plate's check `k` is ours; None where none was given")


class UnlockRequest(Shape):
    """A scan: the plate, typed or read."""

    plate: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class Check(Shape):
    """One check of a decision."""

    name: str
    passed: bool
    reason: ReasonCode | None


class Unlock(Shape):
    """One permission to start, and what the contact reported. `state` closed: the machine is on."""

    id: UUID
    plate: str
    state: UnlockState
    presence: Literal["none", "button"]
    checks: list[Check]
    warnings: list[ReasonCode] = Field(description="What to see to soon: it stops no start yet")
    session: UUID | None
    sent_unconfirmed: bool
    created_at: datetime
    click_before: datetime | None
    expires_at: datetime
    closed_at: datetime | None
    ends_at: datetime
    ended_at: datetime | None
    reason: str | None
    arc_ms: int | None
    machine: str = Field(description="Maker and model")
    reported: str | None = Field(description="The state that the chip reported last")
    online: bool | None
    current_a: float | None
    heard_at: datetime | None
    idle_lock_s: int | None = Field(
        description="Without an arc for this long the machine locks itself; None: not known"
    )


class Burst(Shape):
    """One burst of welding in a session; `ended_at` None while it burns."""

    started_at: datetime
    ended_at: datetime | None
    arc_ms: int | None
    peak_a: float | None


class BurstList(Shape):
    """The bursts of one session, in order; the newest 2,000."""

    bursts: list[Burst]


class Session(Shape):
    """One session as reported. `contact_ms - covered_ms` of it is unknown."""

    id: UUID
    plate: str | None
    division: str | None
    enterprise: UUID | None
    site: UUID | None = Field(description="Where the machine stood when it began; None: on no site, or not known")
    worker: UUID | None
    worker_name: str | None = Field(description="Masked")
    unlock: UUID | None
    authorised: bool | None = Field(description="None: the word that would tell is still missing")
    state: SessionState
    ending: bool
    opened_at: datetime
    ends_at: datetime | None
    closed_at: datetime | None
    end_reason: str | None
    resumed: int
    contact_ms: int
    covered_ms: int
    arc_ms: int
    energy_wh: float
    peak_a: float | None
    historical: bool


class SessionList(Shape):
    """Sessions, the newest first; `next` asks for older ones."""

    sessions: list[Session]
    next: str | None


class Me(Shape):
    """The worker who is signed in, masked."""

    worker: UUID
    name: str
    phone: str
    division: str
    enterprise: str | None
    suspended: bool
    signed_in_until: datetime
    unlock: UUID | None = Field(
        description="The permission that is live now: a page that was closed finds its way back"
    )
    good_from: datetime | None = Field(description="This device is new and starts nothing before; None: good")
    devices_waiting: int = Field(description="New devices that wait for being allowed by this one")
    consent_due: date | None = Field(
        description="The version of the text on personal data that is still to be asked about; None: agreed to"
    )


class ConsentText(Shape):
    """What workers are told about their personal data."""

    version: date
    zh: str
    en: str


class Agreement(Shape):
    """Which version of the text was read and agreed to."""

    version: Annotated[date, Field(strict=False)]


class Device(Shape):
    """A device at which the worker signed in."""

    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime = Field(description="The last sign-in")
    good_from: datetime
    waiting: bool = Field(description="It starts nothing before `good_from`, unless it is allowed")
    here: bool = Field(description="The one that asks")


class DeviceList(Shape):
    """The worker's devices, the latest used first."""

    devices: list[Device]


class CertificateView(Shape):
    """One certificate of the worker who is signed in; the number is masked."""

    id: UUID
    kind: Literal["operation", "construction", "equipment"]
    number: str
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    last_day: date
    status: str
    usable: bool
    issuer: str


class CertificateList(Shape):
    """The certificates of the worker who is signed in."""

    certificates: list[CertificateView]


class Health(Shape):
    """Whether this process can work, and what is in its way."""

    ready: bool
    database: bool
    clock_off_ms: int | None
