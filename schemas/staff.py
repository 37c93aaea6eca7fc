"""Bodies of the HTTP interface for officers at a screen: sign-in, fresh proof, who is signed in, where else, passkeys, links.

Refuses tokens in bodies: a screen's sign-in travels as an HttpOnly cookie.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from schemas.http import Shape

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]{2,40}$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TotpCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class StaffSignIn(Shape):
    """Login, password and the six digits that the authenticator shows."""

    login: Login
    password: Password = Field(repr=False)
    code: TotpCode = Field(repr=False)


class StaffMe(Shape):
    """The officer who is signed in. `division` is the root of what is in scope; None: the whole platform."""

    officer: UUID
    login: str
    name: str
    scope: str
    division: str | None
    enterprise: str | None
    department: str | None
    roles: list[str]
    rights: list[str]
    way: str = Field(description="How: password, passkey or single_sign_on")
    signed_in_until: datetime
    proven_until: datetime | None = Field(description="Until when dangerous actions take no further proof")


class StepUp(Shape):
    """Password and the six digits once more."""

    password: Password = Field(repr=False)
    code: TotpCode = Field(repr=False)


class Proven(Shape):
    """Until when dangerous actions take no further proof."""

    until: datetime


class StaffSignInView(Shape):
    """One of the officer's own sign-ins."""

    id: UUID
    way: Literal["password", "passkey", "single_sign_on"]
    address: str = Field(description="Where it began; of IPv6 the network")
    browser: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    here: bool = Field(description="The one that asks")


class StaffSignInList(Shape):
    """Where the officer is signed in, the latest used first."""

    sign_ins: list[StaffSignInView]
