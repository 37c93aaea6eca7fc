"""What an ID token (OpenID Connect Core 1.0, section 3.1.3.7) must say before anybody is let in by it.

The signature is judged before, elsewhere. Refuses defaults: a claim that is missing does not fit.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

Fault = Literal["issuer", "audience", "party", "expired", "issued", "nonce", "subject"]

CLOCKS_DIFFER: Final = timedelta(seconds=30)
_OLDEST: Final = timedelta(minutes=10)
_LONGEST_SUBJECT = 255


class Expected(NamedTuple):
    """Who has to have said it, to whom, and in answer to what."""

    issuer: str
    client: str
    nonce: str


def fault(claims: Mapping[str, object], expected: Expected, now: datetime) -> Fault | None:
    """What is wrong with these claims; None where nobody could say more against them."""
    audience, at = claims.get("aud"), now.timestamp()
    many = audience if isinstance(audience, list) else [audience]
    margin = CLOCKS_DIFFER.total_seconds()
    party = claims.get("azp", expected.client if len(many) == 1 else None)
    wrong: tuple[tuple[Fault, bool], ...] = (
        ("issuer", claims.get("iss") != expected.issuer),
        ("audience", expected.client not in many),
        ("party", party != expected.client),
        ("expired", _number(claims.get("exp")) + margin <= at),
        ("issued", not at - _OLDEST.total_seconds() <= _number(claims.get("iat")) <= at + margin),
        ("nonce", claims.get("nonce") != expected.nonce),
        ("subject", subject_of(claims) is None),
    )
    return next((name for name, is_wrong in wrong if is_wrong), None)


def subject_of(claims: Mapping[str, object]) -> str | None:
    """Who it is about."""
    subject = claims.get("sub")
    return subject if isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT else None


def _number(value: object) -> float:
    # a bool is an int to Python and no time to anybody, and nothing is later than NaN
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return float("-inf")
