"""What arrived: one delivery, read and hashed the moment it comes, before anything is known about its chip.

Reading it here and not in its batch uses the time in which the database works. Refuses to decide what becomes of it; a bad
message is an arrival like any other.
"""

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
import structlog

from schemas import topics
from schemas.bad import BadMessage
from schemas.chip import Message, Presence
from schemas.decode import decode, decode_presence

if TYPE_CHECKING:
    from ingest.mqtt import Link

log = structlog.get_logger()

_EMPTY = blake2b(digest_size=8)  # a copy of it costs less than one made anew


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One delivery; `said` is the message, the presence, or why it is neither. `packet_id` waits for its acknowledgement."""

    link: "Link"
    packet_id: int | None
    topic: str
    shard: str
    chip: str | None
    payload: bytes
    hash: int
    received_ms: int
    said: Message | Presence | BadMessage


def read(link: "Link", packet_id: int | None, topic: str, payload: bytes, received_ms: int) -> Arrival:
    """Decode one delivery of a shard's session."""
    chip, shard = None, topic[5:7]
    try:
        shard, chip, leaf = topics.parse(topic)
        said: Message | Presence | BadMessage = decode(payload) if leaf == "up" else decode_presence(payload)
    except BadMessage as bad:
        said = bad
    except Exception as error:  # noqa: BLE001  a bug of ours costs one message, and not the connection
        log.error("decoder_failed", error=type(error).__name__)
        said = BadMessage("undecodable", f"the decoder failed: {type(error).__name__}")
    return Arrival(link, packet_id, topic, shard, chip, payload, content_hash(payload), received_ms, said)


def content_hash(payload: bytes) -> int:
    """64 bits of the bytes, as PostgreSQL's bigint has them: tells a repetition from another content under the same key."""
    hashing = _EMPTY.copy()
    hashing.update(payload)
    return int.from_bytes(hashing.digest(), "big", signed=True)
