"""Bodies of the HTTP interface for officers at a screen: sign-in by password and time-based code, who is signed in.

Refuses tokens in bodies: a screen's sign-in travels as an HttpOnly cookie.
"""

from datetime import datetime
from typing import Annotated
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
    rights: list[str]
    signed_in_until: datetime
