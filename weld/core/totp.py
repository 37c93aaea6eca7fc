"""Officers' second factor: codes of six digits by the time (RFC 6238, SHA-1, 30 s), as every authenticator shows them.

Refuses to know which codes were used: it names the time step, and whoever keeps steps lets each open once.
"""

import base64
import hmac
from datetime import datetime

import pyotp

_STEP_S = 30


def made(random: bytes) -> str:
    """A secret from 20 random bytes."""
    return base64.b32encode(random).decode()


def step(at: datetime) -> int:
    """The time step of a moment."""
    return int(at.timestamp()) // _STEP_S


def code(secret: str, of_step: int) -> str:
    """What an authenticator shows during a time step."""
    return pyotp.TOTP(secret, interval=_STEP_S).generate_otp(of_step)


def fitting_step(secret: str, given: str, now: datetime) -> int | None:
    """The time step whose code this is: this one, or the one beside it as clocks differ; None where it fits none."""
    fitting = [near for near in _near(now) if hmac.compare_digest(code(secret, near), given)]
    return fitting[-1] if fitting else None


def uri(secret: str, login: str, issuer: str) -> str:
    """The address that an authenticator takes in as a QR code."""
    return pyotp.TOTP(secret, interval=_STEP_S).provisioning_uri(name=login, issuer_name=issuer)


def _near(now: datetime) -> tuple[int, int, int]:
    middle = step(now)
    return middle - 1, middle, middle + 1
