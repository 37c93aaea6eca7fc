"""Bodies of the HTTP interface for passkeys (WebAuthn Level 3, the JSON that browsers make), closed and measured.

Refuses to judge them: that takes the challenge and the key.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from schemas.http import Id, Shape

_Coded = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,16000}$")]
_Identity = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,1400}$")]
PasskeyName = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]


class _FromBrowser(Shape):
    """What a browser adds beyond these fields is left out: new ones come with every version."""

    model_config = ConfigDict(extra="ignore")


class Attested(_FromBrowser):
    """What a new passkey says."""

    clientDataJSON: _Coded  # noqa: N815 - as browsers write it
    attestationObject: _Coded  # noqa: N815


class Asserted(_FromBrowser):
    """What a passkey says that is known."""

    clientDataJSON: _Coded  # noqa: N815
    authenticatorData: _Coded  # noqa: N815
    signature: _Coded
    userHandle: _Identity | None = None  # noqa: N815


class NewCredential(_FromBrowser):
    """A credential that was just made."""

    id: _Identity
    rawId: _Identity  # noqa: N815
    type: Literal["public-key"]
    response: Attested


class KnownCredential(_FromBrowser):
    """A credential that signs."""

    id: _Identity
    rawId: _Identity  # noqa: N815
    type: Literal["public-key"]
    response: Asserted


class ToSign(Shape):
    """What the browser hands to the authenticator, and the number to answer with."""

    challenge: UUID
    options: dict[str, JsonValue]


class NewPasskey(Shape):
    """A passkey to add."""

    challenge: Id
    name: PasskeyName
    credential: NewCredential


class PasskeyProof(Shape):
    """A passkey's signature."""

    challenge: Id
    credential: KnownCredential


class Renamed(Shape):
    """Another name."""

    name: PasskeyName


class Passkey(Shape):
    """One of the officer's own passkeys."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime | None


class PasskeyList(Shape):
    """The officer's own passkeys. `possible`: whether this installation's address allows any."""

    possible: bool
    passkeys: list[Passkey]


class SignInWays(Shape):
    """How officers may sign in here, besides login, password and code."""

    passkeys: bool
    single_sign_on: str | None = Field(description="Its name; None where there is none")
