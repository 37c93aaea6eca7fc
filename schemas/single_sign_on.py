"""Bodies of the HTTP interface for the single sign-on of officers.

Refuses to carry anything of the person there but an opaque subject.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.http import Shape


class Begin(Shape):
    """Begin a sign-in; `back_to` is a path of the console."""

    back_to: Annotated[str, StringConstraints(min_length=1, max_length=500)] = "/"


class GoThere(Shape):
    """Where the browser goes."""

    url: str


class SignedOut(Shape):
    """Where the browser goes to sign out there as well; None where there is no such place."""

    url: str | None


class Linked(Shape):
    """Whether and since when a person there opens the officer's account, and whether he made the link himself."""

    name: str | None = Field(description="What the single sign-on is called; None where there is none")
    since: datetime | None
    by_owner: bool


class Link(Shape):
    """Who is to open an account: the subject that the provider names a person by."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(repr=False)


class Back(BaseModel):
    """What the browser brings back; providers add more, which is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    state: Annotated[str, StringConstraints(max_length=200)] = Field(default="", repr=False)
    code: Annotated[str, StringConstraints(min_length=1, max_length=4000)] | None = Field(default=None, repr=False)
