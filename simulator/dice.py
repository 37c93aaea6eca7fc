"""Randomness as a value: a seed and how often it was drawn from, so that a chip stays a pure function of its inputs.

Gives nonces, UUIDv7 and jitter. Refuses to find entropy by itself: the seed is handed in (os.urandom outside of tests).
"""

import base64
import hashlib
from uuid import UUID

from msgspec import Struct


class Dice(Struct, frozen=True):
    """A seed and the number of draws so far."""

    seed: bytes
    drawn: int = 0

    def draw(self, count: int) -> tuple[bytes, "Dice"]:
        """`count` random bytes (at most 64) and the dice after them."""
        drawn = hashlib.blake2b(self.drawn.to_bytes(8), key=self.seed[:64], digest_size=count).digest()
        return drawn, Dice(self.seed, self.drawn + 1)

    def nonce(self) -> tuple[str, "Dice"]:
        """A new nonce of the wire: 128 bits."""
        drawn, dice = self.draw(16)
        return base64.urlsafe_b64encode(drawn).rstrip(b"=").decode(), dice

    def uuid7(self, unix_ms: int) -> tuple[str, "Dice"]:
        """A new UUIDv7. Its uniqueness comes from the 74 random bits: a chip may not know the time."""
        drawn, dice = self.draw(10)
        number = (unix_ms & (2**48 - 1)) << 80 | int.from_bytes(drawn)
        number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
        return str(UUID(int=number)), dice

    def between(self, low: int, high: int) -> tuple[int, "Dice"]:
        """A whole number from low to high, both included."""
        drawn, dice = self.draw(8)
        return low + int.from_bytes(drawn) % (high - low + 1), dice


def seed_of(*parts: object) -> bytes:
    """A seed made of words: the same story twice is the same twice."""
    return hashlib.blake2b(" ".join(map(str, parts)).encode(), digest_size=32).digest()
