"""What arrived: one delivery read and hashed, before anything is known about its chip.

Refuses to decide what becomes of it; a bad message is an arrival like any other.
"""

import hashlib
from typing import NamedTuple

from schemas import topics
from schemas.bad import BadMessage
from schemas.chip import Message, Presence
from schemas.decode import decode, decode_presence


class Arrival(NamedTuple):
    """One delivery; `said` is the message, the presence, or why it is neither."""

    topic: str
    shard: str
    chip: str | None
    payload: bytes
    hash: int
    received_ms: int
    said: Message | Presence | BadMessage


def read(topic: str, shard: str, payload: bytes, received_ms: int) -> Arrival:
    """Decode one delivery of a shard's session."""
    chip = None
    try:
        words = topics.parse(topic)
        chip = words.chip
        said: Message | Presence | BadMessage = decode_presence(payload) if words.leaf == "state" else decode(payload)
    except BadMessage as bad:
        said = bad
    return Arrival(topic, shard, chip, payload, content_hash(payload), received_ms, said)


def content_hash(payload: bytes) -> int:
    """64 bits of the bytes, as PostgreSQL's bigint has them: tells a repetition from another content under the same key."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "big", signed=True)
