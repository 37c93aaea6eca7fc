"""MQTT topics: `wg/1/{shard}/{chip}/up|state|down`, built and parsed.

The shard is two lower-case hex digits, fixed for a chip at enrolment; the chip is `[A-Z0-9]{8,32}`, so that a chip's name
can never hold a character that MQTT gives a meaning to.
"""

import re
from typing import Literal, NamedTuple

from schemas.bad import BadMessage

Leaf = Literal["up", "state", "down"]

_new = tuple.__new__  # `_make` checks what the pattern has checked, and takes longer
_TOPIC = re.compile(r"wg/1/([0-9a-f]{2})/([A-Z0-9]{8,32})/(up|state|down)\Z")


class Topic(NamedTuple):
    """The three words of a topic that differ."""

    shard: str
    chip: str
    leaf: Leaf


def build(shard: str, chip: str, leaf: Leaf) -> str:
    """The topic of one chip's stream; BadMessage where a word would break the pattern."""
    topic = f"wg/1/{shard}/{chip}/{leaf}"
    parse(topic)
    return topic


def parse(topic: str) -> Topic:
    """The words of a topic; BadMessage("bad_topic") for anything else."""
    found = _TOPIC.match(topic)
    if found is None:
        raise BadMessage("bad_topic", "not wg/1/{shard}/{chip}/up|state|down")
    return _new(Topic, found.groups())  # the pattern allows only these leaves


def filters(shard: str) -> tuple[str, str]:
    """What the owner of a shard subscribes to: the evidence and the presence of all its chips."""
    return f"wg/1/{shard}/+/up", f"wg/1/{shard}/+/state"
