"""Names of things: a type each, so that a plate cannot stand where a chip belongs; and how a UUIDv7 is made.

Refuses clocks and randomness: both are handed in.
"""

from datetime import datetime
from typing import NewType
from uuid import UUID

Plate = NewType("Plate", str)
Chip = NewType("Chip", str)
Shard = NewType("Shard", str)
Division = NewType("Division", str)
Worker = NewType("Worker", UUID)
Enterprise = NewType("Enterprise", UUID)
Grant = NewType("Grant", UUID)
Session = NewType("Session", UUID)
Alert = NewType("Alert", UUID)


def uuid7(at: datetime, random: bytes) -> UUID:
    """RFC 9562 section 5.7: 48 bits of milliseconds, version, 74 random bits (`random` holds 10 bytes)."""
    if len(random) != 10:
        raise ValueError("a UUIDv7 takes 10 random bytes")
    milliseconds = int(at.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
