"""Bodies of the HTTP interface for personal data in full: a number that is revealed, a copy of all that is kept, its end.

Refuses to be shown anywhere else: these are the only bodies with a person in plain words.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.http import Shape

# PostgreSQL keeps every character but NUL.
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=200, pattern=r"^[^\x00]*$")]
RevealField = Literal["identity_number", "phone"]


class RevealRequest(Shape):
    """Which number in full, and why. The reason goes to the audit: no names and numbers in it."""

    field: RevealField
    reason: Reason


class Revealed(Shape):
    """A number in full. The look at it is on record."""

    field: RevealField
    value: str = Field(repr=False)


class EraseRequest(Shape):
    """Why a person's data are to be erased. The reason goes to the audit: no names and numbers in it."""

    reason: Reason


class Erased(Shape):
    """What is left of a person: the id under which evidence speaks of him."""

    worker: UUID
    erased_at: datetime
    import_rows: int = Field(description="So many rows were taken out of what is left of imports")


class KeptPerson(Shape):
    """The register's entry of a person."""

    name: str = Field(repr=False)
    identity_number: str = Field(repr=False)
    phone: str = Field(repr=False)
    division: str
    enterprise: UUID | None
    retirement_group: str | None
    last_work_on: date | None
    practical_test_on: date | None
    suspended_reason: str | None
    created_at: datetime


class KeptCertificate(Shape):
    """One certificate in full."""

    id: UUID
    kind: str
    number: str = Field(repr=False)
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: str
    issuer: str
    checked_at: datetime | None
    clean_record: bool


class KeptAct(Shape):
    """What was done to a certificate."""

    certificate: UUID
    at: datetime
    actor: str
    act: str
    before: str
    after: str
    reason: str


class KeptSession(Shape):
    """One session."""

    id: UUID
    plate: str | None
    division: str | None
    unlock: UUID | None
    opened_at: datetime
    closed_at: datetime | None
    end_reason: str | None
    state: str
    arc_ms: int
    energy_wh: float


class KeptUnlock(Shape):
    """One permission to start."""

    id: UUID
    plate: str
    division: str
    created_at: datetime
    state: str
    ended_at: datetime | None
    end_reason: str | None


class KeptRefusal(Shape):
    """One start that was refused."""

    id: UUID
    plate: str
    division: str | None
    reasons: list[str]
    at: datetime


class KeptAlert(Shape):
    """One alert about the person."""

    id: UUID
    code: str
    level: int
    plate: str | None
    division: str | None
    since: datetime
    state: str
    outcome: str | None


class KeptDevice(Shape):
    """One device."""

    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime
    good_from: datetime
    removed_at: datetime | None


class KeptSignIn(Shape):
    """One sign-in."""

    device: UUID
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class KeptConsent(Shape):
    """One text that was agreed to."""

    version: date
    at: datetime


class KeptReveal(Shape):
    """One look of an officer at a number in full."""

    officer: UUID
    field: str
    reason: str | None
    at: datetime


class KeptPlace(Shape):
    """Where the person worked as a guest."""

    division: str
    last_at: datetime


class Copy(Shape):
    """All that is kept about one person. `complete` is false where a list was cut at 50,000 rows."""

    worker: UUID
    made_at: datetime
    complete: bool
    person: KeptPerson
    certificates: list[KeptCertificate]
    certificate_acts: list[KeptAct]
    sessions: list[KeptSession]
    unlocks: list[KeptUnlock]
    refusals: list[KeptRefusal]
    alerts: list[KeptAlert]
    devices: list[KeptDevice]
    sign_ins: list[KeptSignIn]
    consents: list[KeptConsent]
    reveals: list[KeptReveal]
    guest_places: list[KeptPlace]
