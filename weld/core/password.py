"""Officers' passwords: made, hashed (argon2id), compared; and how long a login is held after wrong ones.

A comparison takes tens of milliseconds and 19 MiB on purpose, so callers give it a thread. Refuses randomness and the time:
they are handed in.
"""

import base64
import unicodedata
from datetime import timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# At least what OWASP's Password Storage Cheat Sheet asks of argon2id; what a hash was made with stands in the hash.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32)

# No password fits it. It is compared where a login is not known, so that the answer takes as long.
DECOY: Final = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"

_FREE_FAILURES = 4
_LONGEST_HOLD_MINUTES = 15


def made(random: bytes) -> str:
    """A password from 15 random bytes, in groups that can be read out and typed."""
    letters = base64.b32encode(random).decode().lower()
    return "-".join(letters[start : start + 6] for start in range(0, len(letters), 6))


def hashed(password: str, salt: bytes) -> str:
    """What is stored of a password."""
    return _HASHER.hash(_normal(password), salt=salt)


def fits(stored: str, password: str) -> bool:
    """Whether this is the password that was hashed."""
    try:
        return _HASHER.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def hold(failures: int) -> timedelta:
    """How long a login is held after this many failures in a row: from the fifth on 1, 2, 4, ... up to 15 minutes."""
    if failures <= _FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - _FREE_FAILURES - 1, 10)  # beyond it the longest hold is reached anyway
    return timedelta(minutes=min(2**doublings, _LONGEST_HOLD_MINUTES))


def _normal(password: str) -> str:
    # One keyboard writes an accent as one character, another as two.
    return unicodedata.normalize("NFKC", password)
