"""Bodies of the HTTP interface about who may do what: accounts, roles, enrolment, departments, enterprises, keys, the audit.

Secrets stand in the answer that made them and in no other. Refuses passwords in answers, and free rights for accounts: they
hold roles.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.desk import Words
from schemas.http import Id, Shape
from schemas.registers import AlertCode, CreditCode, DivisionCode, Moment, Right, RoleName, ScopeText, Text
from schemas.staff import Login, TotpCode

DepartmentKind = Literal["emergency", "fire", "housing", "urban", "market", "police"]
EnrolmentSecret = Annotated[str, StringConstraints(pattern=r"^wge_[A-Za-z0-9_-]{43}$")]


class RoleKind(Shape):
    """A role: what it may do, and over what it may be given."""

    role: RoleName
    name: Words
    rights: list[str]
    scopes: list[str]


class RoleList(Shape):
    """Every role that an account can hold."""

    roles: list[RoleKind]


class OfficerNew(Shape):
    """An account to be made. It has no rights: the security administrator grants roles."""

    login: Login
    name: Text
    department: Id | None = None


class OfficerChange(Shape):
    """Another name or department."""

    name: Text
    department: Id | None = None


class OfficerView(Shape):
    """An account. `scope` is as the tables write it; None: nothing was granted. `enrol_until`: it waits for its owner.

    `linked`: a person of the single sign-on opens it.
    """

    id: UUID
    login: str
    name: str
    department: UUID | None
    department_name: str | None
    scope: str | None
    roles: list[str]
    created_at: datetime
    created_by: UUID | None
    disabled_at: datetime | None
    enrol_until: datetime | None
    linked: bool
    last_sign_in_at: datetime | None


class OfficerList(Shape):
    """Accounts by login; `next` is the cursor of the page after."""

    officers: list[OfficerView]
    next: str | None


class OfficerMade(Shape):
    """An account that waits for its owner. The secret is told this once: hand it over in person, or by a way of its own."""

    officer: OfficerView
    enrolment_secret: str = Field(repr=False)
    enrolment_url: str = Field(repr=False, description="The secret stands behind a #: it is never sent by itself")


class RoleGrant(Shape):
    """A role over a scope: platform, division:CODE, department:ID or enterprise:CREDIT_CODE."""

    role: RoleName
    scope: ScopeText


class EnrolmentLook(Shape):
    """The secret that was handed over with an account."""

    secret: EnrolmentSecret = Field(repr=False)


class EnrolmentShown(Shape):
    """Whose account it is, and the second factor to put into an authenticator."""

    login: str
    name: str
    totp_secret: str = Field(repr=False)
    totp_uri: str = Field(repr=False)


class Enrolment(Shape):
    """A password of one's own choice, and the code that the authenticator shows now."""

    secret: EnrolmentSecret = Field(repr=False)
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(repr=False)
    code: TotpCode = Field(repr=False)


class DepartmentChange(Shape):
    """What may change of a department. `codes`: the alerts that are its business; None: all."""

    name: Text
    kind: DepartmentKind
    contact: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    codes: Annotated[list[AlertCode], Field(min_length=1, max_length=100)] | None = None


class DepartmentNew(DepartmentChange):
    """A department to be entered; its division is fixed, as scopes name it."""

    division: DivisionCode


class DepartmentView(Shape):
    """A department."""

    id: UUID
    name: str
    kind: DepartmentKind
    division: str
    division_name: Words
    contact: str
    codes: list[str] | None
    officers: int = Field(description="Accounts that belong to it and are not disabled")


class DepartmentList(Shape):
    """The departments in scope."""

    departments: list[DepartmentView]


class EnterpriseNew(Shape):
    """An enterprise to be entered, by its unified social credit code (GB 32100)."""

    name: Text
    credit_code: CreditCode
    division: DivisionCode


class EnterpriseChange(Shape):
    """Another name or division; the credit code is what it is known by."""

    name: Text
    division: DivisionCode


class EnterpriseView(Shape):
    """An enterprise, with how many machines and workers of it are in scope."""

    id: UUID
    name: str
    credit_code: str
    division: str
    division_name: Words
    created_at: datetime
    machines: int
    workers: int


class EnterpriseList(Shape):
    """Enterprises, the newest first; `next` is the cursor of the page after."""

    enterprises: list[EnterpriseView]
    next: str | None


class SiteView(Shape):
    """Where an enterprise works for a while; `until` is the last day, `machines` are those that stand there."""

    id: UUID
    name: str
    division: str
    division_name: Words
    work: Literal["ordinary", "building", "special_equipment"]
    lat: float | None
    lon: float | None
    since: date
    until: date | None
    machines: int


class SiteList(Shape):
    """The sites of one enterprise, those in use first."""

    sites: list[SiteView]


class KeyNew(Shape):
    """A key for a connected system: a part of what such a system may do, a scope, and an end within a year."""

    name: Text
    scope: ScopeText
    rights: Annotated[list[Right], Field(min_length=1, max_length=50)]
    expires_at: Moment


class KeyView(Shape):
    """A key, without what opens."""

    id: UUID
    name: str
    scope: str
    rights: list[str]
    created_at: datetime
    created_by: UUID | None
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class KeyList(Shape):
    """All keys, the newest first."""

    keys: list[KeyView]


class KeyMade(Shape):
    """A new key; it is told this once."""

    key: KeyView
    secret: str = Field(repr=False)


class AuditRow(Shape):
    """Who did what to what; `seq` is its place in the chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditList(Shape):
    """What was done, the newest first; `next` is the cursor of the page after."""

    rows: list[AuditRow]
    next: str | None
