"""What reaches a chip and what it does: the inputs and outputs of its pure step. Every input carries `up_ms`, no other time.

Holds shapes only.
"""

from typing import Literal

from msgspec import Struct

from schemas.chip import Contact, Happening
from simulator.seen import Reading


class Tick(Struct, frozen=True):
    """Time has passed."""

    up_ms: int


class Readings(Struct, frozen=True):
    """The sensor was read, perhaps several times since the last input; the newest reading is not later than `up_ms`."""

    up_ms: int
    readings: tuple[Reading, ...]


class ContactRead(Struct, frozen=True):
    """The contact as read back: it has changed, or is known for the first time."""

    up_ms: int
    contact: Contact


class ButtonPressed(Struct, frozen=True):
    """Somebody pressed the button on the machine."""

    up_ms: int


class Mains(Struct, frozen=True):
    """The mains came or went while the chip lives on its battery."""

    up_ms: int
    present: bool


class Observed(Struct, frozen=True):
    """Another input of the chip saw something for which no rule here decides: case, movement, gas, SIM card."""

    up_ms: int
    happening: Happening


class ClockFault(Struct, frozen=True):
    """The clock's hardware jumped."""

    up_ms: int
    by_ms: int


class Network(Struct, frozen=True):
    """The modem has a network, or has none."""

    up_ms: int
    available: bool


class Connected(Struct, frozen=True):
    """The broker accepted the connection that was dialled, and our subscription."""

    up_ms: int


class LinkLost(Struct, frozen=True):
    """The connection is gone, or did not come about."""

    up_ms: int


class Down(Struct, frozen=True):
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


class Publish(Struct, frozen=True):
    """Bytes for `up` (evidence, with its key) or, retained, for `state`."""

    leaf: Literal["up", "state"]
    payload: bytes
    key: tuple[int, int] | None = None


class Coil(Struct, frozen=True):
    """Pull the contactor, or let it go."""

    on: bool


class Dial(Struct, frozen=True):
    """Connect, with this last will on `state`."""

    will: bytes


class HangUp(Struct, frozen=True):
    """Drop the connection: its last will is that of another boot."""


Output = Publish | Coil | Dial | HangUp
