"""What people enter into the registers, over HTTP or from a seed file: one shape a kind, and the file that holds them all.

References are what people know: a division's code, an enterprise's credit code, a worker's identity number. Refuses
unknown fields and loose types (a code of digits is text). Check digits and references are api's business.
"""

import re
from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
DivisionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")]
CreditCode = Annotated[str, StringConstraints(min_length=1, max_length=30)]
ChipId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8,32}$")]
Right = Annotated[str, StringConstraints(pattern=r"^[a-z_]+:[a-z_]+$", max_length=60)]
RoleName = Literal[
    "enterprise_safety_officer",
    "installer",
    "duty_officer",
    "inspector",
    "division_regulator",
    "system_administrator",
    "security_administrator",
    "audit_administrator",
]
ScopeText = Annotated[
    str,
    StringConstraints(
        pattern=r"^(platform|division:[0-9]{2,12}|department:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|enterprise:[0-9A-Z]{18})$"
    ),
    Field(description="platform, division:CODE, department:ID or enterprise:CREDIT_CODE"),
]
AlertCode = Annotated[str, StringConstraints(pattern=r"^[A-HO][0-9]{2}$")]
LongestS = Annotated[int, Field(ge=60, le=86_400)]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(T.+)?")


def _written_out(value: object) -> object:
    # The lax mode that text needs would take numbers for seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and _ISO.fullmatch(value)):
        return value
    raise ValueError("must be written like 2026-01-31, a time like 2026-01-31T08:00:00+08:00")


Day = Annotated[date, BeforeValidator(_written_out), Field(strict=False)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), Field(strict=False)]

Personal = Field(repr=False, min_length=1, max_length=60)
Secret = Field(default=None, repr=False, max_length=200)


class Shape(BaseModel):
    """Strict, closed, frozen; its errors do not repeat the input, which may be personal."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Division(Shape):
    """A division of the administration. `longest_s` is the longest session in it."""

    code: DivisionCode
    name_zh: Text
    name_en: Text
    parent: DivisionCode | None = None
    zone: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$", max_length=40)] = "Asia/Shanghai"
    longest_s: LongestS | None = None


class Enterprise(Shape):
    """A company or a trader, known by its unified social credit code (GB 32100)."""

    name: Text
    credit_code: CreditCode
    division: DivisionCode


class Chip(Shape):
    """A chip to enrol. Without `shard` it is derived from the id; it is fixed for life."""

    chip: ChipId
    model: Text
    shard: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2}$")] | None = None
    public_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")] | None = Field(
        default=None, description="Ed25519, 32 bytes in base64"
    )
    profile: Annotated[int, Field(ge=0, le=3)] = 3


class PlateParts(Shape):
    """What a plate is made from; the check character is added."""

    division: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    kind: Annotated[str, StringConstraints(pattern=r"^[A-Z]$")]
    serial: Annotated[int, Field(ge=0, le=999_999_999)]


class Machine(Shape):
    """A machine with its plate, given or made. Without `division` it is where `lat` and `lon` lie. `chip` None leaves the
    binding as it is."""

    plate: Annotated[str, StringConstraints(max_length=30)] | None = None
    plate_from: PlateParts | None = None
    division: DivisionCode | None = None
    enterprise: CreditCode | None = None
    maker: Text
    model: Text
    serial: Text
    rated_a: Annotated[float, Field(ge=1, le=5000)] | None = None
    work: Literal["ordinary", "building", "special_equipment"] = "ordinary"
    presence: Literal["none", "button"] = "none"
    longest_s: LongestS | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    chip: ChipId | None = None
    process: Literal["arc", "cutting", "resistance", "brazing"] | None = None
    site: Text | None = Field(default=None, description="The name of a site of the same enterprise; None: on none")

    @model_validator(mode="after")
    def _one_plate(self) -> Self:
        if (self.plate is None) == (self.plate_from is None):
            raise ValueError("give either plate or plate_from")
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon come together")
        if self.division is None and self.lat is None:
            raise ValueError("give the division, or lat and lon to find it by")
        if self.site is not None and self.enterprise is None:
            raise ValueError("a site is that of an enterprise: name the enterprise")
        return self


class Site(Shape):
    """Where machines of an enterprise stand for a while, known by its name; `until` is the last day."""

    enterprise: CreditCode
    name: Text
    division: DivisionCode
    work: Literal["ordinary", "building", "special_equipment"]
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    since: Day
    until: Day | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError("until lies before since")
        return self


class Worker(Shape):
    """A worker; identity number and phone are sealed before they are stored. What is not said stays as it is known."""

    name: str = Personal
    identity: str = Personal
    phone: str = Personal
    enterprise: CreditCode | None = None
    division: DivisionCode
    retirement_group: Literal["men", "women_55", "women_50"] | None = None
    last_work_on: Day | None = Field(default=None, description="Welding elsewhere, as declared")
    practical_test_on: Day | None = None


class Certificate(Shape):
    """A certificate of one of the three kinds, held by the worker with this identity number."""

    kind: Literal["operation", "construction", "equipment"]
    identity: str = Personal
    number: str = Personal
    category: Text
    item: Text
    valid_from: Day
    valid_to: Day
    review_due: Day | None = None
    status: Literal["unverified", "verified", "revoked", "cancelled", "suspended", "suspected_fake"] = "verified"
    issuer: Text
    clean_record: bool = Field(
        default=False, description="Ten years without a fault: the issuer agreed to the longer term"
    )

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self


class Endpoint(Shape):
    """Where facts of a division and everything below it go. Without `codes` all; without `secret` one is made."""

    name: Text
    url: Annotated[str, StringConstraints(max_length=1000)]
    secret: str | None = Secret
    division: DivisionCode
    codes: Annotated[list[AlertCode], Field(min_length=1, max_length=100)] | None = None
    department: Annotated[UUID, Field(strict=False)] | None = Field(
        default=None, description="Whose endpoint it is: officers of a department see their own"
    )
    state: Literal["active", "paused"] | None = Field(default=None, description="None leaves it as it is")


class OfficerKey(Shape):
    """A bearer key for officers and their systems. Without `secret` one is made; a given one is for throw-away stacks."""

    name: Text
    scope: ScopeText
    rights: Annotated[list[Right], Field(min_length=1, max_length=50)]
    expires_at: Moment
    secret: Annotated[str, StringConstraints(min_length=32, pattern=r"^[!-~]+$")] | None = Secret


class Officer(Shape):
    """An officer who signs in at a screen. Without `password` or `totp_secret` they are made and told once."""

    login: Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]{2,40}$")]
    name: Text
    scope: ScopeText
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=5)]
    password: Annotated[str, StringConstraints(min_length=12, max_length=200)] | None = Secret
    totp_secret: Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{32}$")] | None = Secret
    disabled: bool = False


class SeedFile(Shape):
    """Everything that `weldgate seed` takes, in YAML or JSON."""

    divisions: list[Division] = []
    enterprises: list[Enterprise] = []
    sites: list[Site] = []
    chips: list[Chip] = []
    machines: list[Machine] = []
    workers: list[Worker] = []
    certificates: list[Certificate] = []
    endpoints: list[Endpoint] = []
    officer_keys: list[OfficerKey] = []
    officers: list[Officer] = []


class Entered(Shape):
    """What became of an entry. `secret` is there once, when it was made for this entry: nobody can show it again."""

    outcome: Literal["created", "updated", "unchanged"]
    name: str = Field(description="What it is known by: code, plate, name; for people their opaque id")
    id: UUID | None = None
    secret: str | None = Field(default=None, repr=False)
    totp_secret: str | None = Field(default=None, repr=False)
