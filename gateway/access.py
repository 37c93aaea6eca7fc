"""Who may say and hear what on the broker: one list, and its two spellings, for mosquitto and for EMQX.

Pure. Everything that is not on the list is refused. Refuses to name a single chip: its authenticated name is its permission.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas import topics

CHIP = "{chip}"
"""In a topic: the name of the chip that speaks or listens, whichever it is."""

# What the gateway reads of the broker itself. Mosquitto only: the nodes of EMQX have doors of their own for Prometheus.
DROPPED = "$SYS/broker/publish/messages/dropped"
CLIENTS = "$SYS/broker/clients/connected"
KEPT = "$SYS/broker/store/messages/count"
KEPT_BYTES = "$SYS/broker/store/messages/bytes"
HEAP = "$SYS/broker/heap/current"
FIGURES = (DROPPED, CLIENTS, KEPT, KEPT_BYTES, HEAP)

_CHIP_NAME = "^[A-Z0-9]{8,32}$"


@dataclass(frozen=True)
class Right:
    """One thing that somebody may do. `who` = None: every chip. `retained`: what he says may stay with the broker."""

    who: str | None
    does: Literal["write", "read"]
    topic: str
    retained: bool = False


def _topic(chip: str, leaf: topics.Leaf) -> str:
    """The pattern over all shards, made from a real topic so that the two cannot part."""
    return topics.build("00", "CHIP0000", leaf).replace("/00/", "/+/").replace("CHIP0000", chip)


CHIPS = (
    Right(None, "write", _topic(CHIP, "up")),
    Right(None, "write", _topic(CHIP, "state"), retained=True),
    Right(None, "read", _topic(CHIP, "down")),
)

PLATFORM = (
    Right("ingest", "read", _topic("+", "up")),
    Right("ingest", "read", _topic("+", "state")),
    Right("ingest", "write", _topic("+", "down")),
    Right("ingest", "read", "$SYS/#"),
    Right("gateway", "write", _topic("+", "down")),
    Right("gateway", "read", _topic("+", "state")),
    *(Right("gateway", "read", topic) for topic in FIGURES),
)


def mosquitto(rights: Iterable[Right]) -> str:
    """An access list of mosquitto; it knows no difference between retained and not."""
    lines: list[str] = []
    user: str | None = None
    for right in rights:
        if right.who is None:
            lines.append(f"pattern {right.does} {right.topic.replace(CHIP, '%u')}")
            continue
        if right.who != user:
            lines += ["", f"user {right.who}"] if user else [f"user {right.who}"]
            user = right.who
        lines.append(f"topic {right.does} {right.topic}")
    return "\n".join(lines) + "\n"


def emqx(rights: Iterable[Right]) -> str:
    """EMQX's acl.conf (Erlang terms), for all listeners together, read from the top; the last line refuses the rest."""
    lines = [_term(right) for right in rights if not right.topic.startswith("$SYS/")]
    return "\n".join([*lines, "{deny, all}."]) + "\n"


def _term(right: Right) -> str:
    # A chip by the grammar of its name, so that a certificate can never be taken for a user of ours, nor he for a chip.
    who = f'{{username, {{re, "{_CHIP_NAME}"}}}}' if right.who is None else f'{{username, "{right.who}"}}'
    topic = right.topic.replace(CHIP, "${username}")
    if right.does == "read":
        return f'{{allow, {who}, subscribe, ["{topic}"]}}.'
    action = "publish" if right.retained else "{publish, [{retain, false}]}"
    return f'{{allow, {who}, {action}, ["{topic}"]}}.'
