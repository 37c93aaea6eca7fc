"""What reaches a chip and what it does: the inputs and outputs of its pure step. Every input carries `up_ms`, no other time.

Holds shapes only.
"""

from dataclasses import dataclass
from typing import Literal

from schemas.chip import Contact, Happening
from simulator.seen import Reading


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""

    up_ms: int


@dataclass(frozen=True, slots=True)
class Readings:
    """The sensor was read, perhaps several times since the last input; the newest reading is not later than `up_ms`."""

    up_ms: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class ContactRead:
    """The contact as read back: it has changed, or is known for the first time."""

    up_ms: int
    contact: Contact


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody pressed the button on the machine."""

    up_ms: int


@dataclass(frozen=True, slots=True)
class Mains:
    """The mains came or went while the chip lives on its battery."""

    up_ms: int
    present: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """Another input of the chip saw something for which no rule here decides: case, movement, gas, SIM card."""

    up_ms: int
    happening: Happening


@dataclass(frozen=True, slots=True)
class ClockFault:
    """The clock's hardware jumped."""

    up_ms: int
    by_ms: int


@dataclass(frozen=True, slots=True)
class Network:
    """The modem has a network, or has none."""

    up_ms: int
    available: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker accepted the connection that was dialled, and our subscription."""

    up_ms: int


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The connection is gone, or did not come about."""

    up_ms: int


@dataclass(frozen=True, slots=True)
class Down:
    """Bytes from our `down` topic."""

    up_ms: int
    payload: bytes


Input = (
    Tick
    | Readings
    | ContactRead
    | ButtonPressed
    | Mains
    | Observed
    | ClockFault
    | Network
    | Connected
    | LinkLost
    | Down
)


@dataclass(frozen=True, slots=True)
class Publish:
    """Bytes for `up` (evidence, with its key) or, retained, for `state`."""

    leaf: Literal["up", "state"]
    payload: bytes
    key: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Coil:
    """Pull the contactor, or let it go."""

    on: bool


@dataclass(frozen=True, slots=True)
class Dial:
    """Connect, with this last will on `state`."""

    will: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    """Drop the connection: its last will is that of another boot."""


Output = Publish | Coil | Dial | HangUp
