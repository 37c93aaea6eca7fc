"""The chip's whole state as one frozen value, and what follows from it without a decision: its state word, what it shows.

Holds the unions of its parts (relay, gate, uplink). Refuses to change anything: the rules stand in relay, ticket, orders,
resume, gate, uplink and arcs; chip.py calls them in order.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from schemas.chip import BootCause, Contact, Happening, OpenedReason, State
from schemas.signed import Ticket
from simulator.dice import Dice
from simulator.flash import Answer, Flash
from simulator.identity import ChipIdentity, Settings
from simulator.samples import Step
from simulator.sensor import Sensor
from simulator.signals import Output
from simulator.wall import WallClock


class Grant(Struct, frozen=True):
    """A ticket in force: its session, and until when on the monotonic clock."""

    session: str
    ticket: str
    command: str
    exp_s: int
    end_up: int
    resumed: bool = False


class Order(Struct, frozen=True):
    """Somebody wants the session to end: when the arc ends, at the latest then."""

    reason: OpenedReason
    commands: tuple[str, ...]
    since_up: int
    latest_up: int


class Locked(Struct, frozen=True):
    """The coil is off and nothing is wanted."""


class Armed(Struct, frozen=True):
    """A verified ticket waits for the button."""

    ticket: Ticket
    until_up: int


class Closing(Struct, frozen=True):
    """The coil is on; the contact has not been read as closed yet."""

    grant: Grant
    since_up: int


class Closed(Struct, frozen=True):
    """A session."""

    grant: Grant
    since_up: int
    order: Order | None = None


class Opening(Struct, frozen=True):
    """The coil is off; the contact has not been read as open yet (`stuck`: it should have been)."""

    grant: Grant
    reason: OpenedReason
    since_up: int
    commands: tuple[str, ...] = ()
    stuck: bool = False


class Paused(Struct, frozen=True):
    """A session without power: it goes on if the power is back in time. `since_up` None = since before this boot."""

    since_up: int | None


Relay = Locked | Armed | Closing | Closed | Opening | Paused


class Gate(Struct, frozen=True):
    """The boot gate (P4): the boot bytes once sent, and when to send them again."""

    status: Literal["knocking", "pending", "rejected", "accepted"] = "knocking"
    payload: bytes | None = None
    again_up: int = 0
    wait_ms: int = 0


class Offline(Struct, frozen=True):
    """No connection; dial at `dial_up` (None = the modem has no network)."""

    dial_up: int | None
    wait_ms: int


class Dialing(Struct, frozen=True):
    """A connection was asked for."""

    wait_ms: int


class Online(Struct, frozen=True):
    """Connected; the next message of the backlog may go at `backlog_up`."""

    since_up: int
    wait_ms: int
    backlog_up: int


Uplink = Offline | Dialing | Online


class Shown(Struct, frozen=True):
    """What telemetry says about the chip besides its samples."""

    state: State
    contact: Contact | None
    session: str | None = None
    ticket: str | None = None


class Turn(Struct, frozen=True):
    """The contact has moved: what was shown before it, and what is said once the sensor has told everything before it."""

    up_ms: int
    before: Shown
    happenings: tuple[Happening, ...]
    answers: tuple[Answer, ...]


class Chip(Struct, frozen=True):
    """Everything that a running chip knows. `out` collects the outputs of the step that is being taken."""

    identity: ChipIdentity
    settings: Settings
    flash: Flash
    dice: Dice
    cause: BootCause
    up_ms: int = 0
    wall: WallClock = WallClock()
    sensor: Sensor = Sensor()
    samples: tuple[Step, ...] = ()
    relay: Relay = Locked()
    contact: Contact | None = None
    turns: tuple[Turn, ...] = ()
    arc_session: str | None = None
    bypass: bool = False
    mains: bool | None = True
    gate: Gate = Gate()
    uplink: Uplink = Offline(0, 0)
    network: bool = True
    connection: int = 0
    seq: int = 0
    told: Shown | None = None
    telemetry_up: int = 0
    spoke_up: int = 0
    time_asked_up: int | None = None
    warned_up: int | None = None
    out: tuple[Output, ...] = ()


def emit(chip: Chip, output: Output) -> Chip:
    """The chip with one output more."""
    return replace(chip, out=(*chip.out, output))


def wall_ms(chip: Chip) -> int | None:
    """The wall time as the chip believes it."""
    return chip.wall.at(chip.up_ms)


def grant_of(relay: Relay) -> Grant | None:
    """The ticket in force: from the contact's closing to its opening."""
    return relay.grant if isinstance(relay, (Closed, Opening)) else None


def shown(chip: Chip) -> Shown:
    """What telemetry would say now."""
    grant = grant_of(chip.relay)
    return Shown(state_of(chip), chip.contact, grant.session if grant else None, grant.ticket if grant else None)


def state_of(chip: Chip) -> State:
    """The state word (P7): the worst that is true."""
    relay = chip.relay
    if chip.bypass:
        return "tampered"
    if isinstance(relay, Opening) and relay.stuck:
        return "faulted"
    if isinstance(relay, (Closed, Opening)):
        return "arcing" if chip.sensor.burst else "unlocked"
    if chip.contact == "closed" or chip.sensor.frozen:
        return "faulted"
    if isinstance(relay, Armed):
        return "armed"
    return "blocked" if chip.flash.blocked else "locked"


def is_active(chip: Chip) -> bool:
    """Somebody can weld, or does: telemetry every 10 s."""
    return chip.contact == "closed" or chip.sensor.burst is not None


def heartbeat_ms(chip: Chip) -> int:
    """The interval of telemetry on silence (P5)."""
    return 1000 * (chip.flash.heartbeat_s or chip.settings.heartbeat_s)
