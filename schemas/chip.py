"""What chips say: boot, telemetry, event, result and log on `up`; presence on `state`.

msgspec Structs and nothing else: JSON Schema and AsyncAPI are made from them. Every number is bounded on both sides,
because an unbounded float lets NaN pass (NaN fails every comparison, so it would pass every rule as well).
`null` means unknown and never 0. Unknown fields are ignored, so that newer firmware may add some.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Boot = Annotated[int, Meta(ge=1, le=2**31 - 1, description="Persistent boot counter of the chip")]
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1, description="Starts at 1 in each boot and is never re-used")]
WallMs = Annotated[int, Meta(ge=0, le=4_102_444_800_000, description="Milliseconds since 1970-01-01 UTC")]
UpMs = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Milliseconds since this boot, monotonic")]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Nonce = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}$", description="Single use, random, made by the chip")]
# PostgreSQL stores no zero byte, so none is text here
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")]
CurrentA = Annotated[float, Meta(ge=-2000, le=2000)]
VoltageV = Annotated[float, Meta(ge=-2000, le=2000)]
EnergyWh = Annotated[float, Meta(ge=0, le=1e12)]

Clock = Literal["synced", "drifting", "unset"]
Contact = Literal["open", "closed"]
State = Literal["locked", "armed", "unlocked", "arcing", "blocked", "faulted", "tampered", "maintenance"]
BootCause = Literal["power", "watchdog", "update", "command", "unknown"]
OpenedReason = Literal[
    "worker",
    "rule",
    "authority",
    "ticket_end",
    "idle",
    "power_loss",
    "removal",
    "superseded",
    "fault",
    "resume_expired",
]
RefusedReason = Literal[
    "bad_signature",
    "wrong_key",
    "wrong_chip",
    "wrong_nonce",
    "not_yet_valid",
    "expired",
    "used",
    "below_floor",
    "ticket_store_full",
    "no_presence",
    "superseded",
    "busy",
    "blocked",
    "faulted",
    "unknown_action",
    "no_such_session",
    "malformed",
]
ClockSetBy = Literal["boot_reply", "time", "gnss"]


class Position(Struct, frozen=True):
    """Where the chip thinks it is: WGS-84 degrees and a radius in metres."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, Meta(ge=0, le=1e6)]
    source: Literal["gnss", "cell", "wifi"]
    fix_age_s: Annotated[int, Meta(ge=0, le=10**8)]


class Envelope(Struct, frozen=True, kw_only=True, gc=False):
    """What every evidence message carries (P2, P3): its key, its times, and whether it was buffered."""

    boot: Boot
    seq: Seq
    at: WallMs | None
    up: UpMs
    clock: Clock
    late: bool = False


class BootUp(Envelope, frozen=True, kw_only=True, tag_field="kind", tag="boot"):
    """The first message of a boot: who I am, what I run, what survived in flash."""

    model: Name
    firmware: Name
    cause: BootCause
    config_version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    contact: Contact | None
    nonce: Nonce
    session: Uuid | None = None
    ticket: Uuid | None = None


class Telemetry(Envelope, frozen=True, kw_only=True, tag_field="kind", tag="telemetry"):
    """Samples at a fixed step, then the state of the chip at `up`.

    Sample i covers [from_up + i*step_ms, from_up + (i+1)*step_ms). The four lists have one length; `arc_ms` is the time
    within the step during which the current was at least 15 A (below that: pilot arcs, chip-protocol.md).
    """

    from_up: UpMs
    step_ms: Annotated[int, Meta(ge=10, le=600_000)] = 1000
    current_a: Annotated[list[CurrentA | None], Meta(max_length=600)]
    peak_a: Annotated[list[CurrentA | None], Meta(max_length=600)]
    voltage_v: Annotated[list[VoltageV | None], Meta(max_length=600)]
    arc_ms: Annotated[list[Annotated[int, Meta(ge=0, le=600_000)] | None], Meta(max_length=600)]
    state: State
    contact: Contact | None
    energy_wh: EnergyWh | None
    mains: bool | None
    temperature_c: Annotated[float, Meta(ge=-100, le=300)] | None = None
    signal_dbm: Annotated[int, Meta(ge=-200, le=50)] | None = None
    battery_v: Annotated[float, Meta(ge=0, le=60)] | None = None
    position: Position | None = None
    session: Uuid | None = None
    ticket: Uuid | None = None

    def __post_init__(self) -> None:
        if not len(self.current_a) == len(self.peak_a) == len(self.voltage_v) == len(self.arc_ms):
            raise ValueError("current_a, peak_a, voltage_v and arc_ms must have one length")
        if any(self.arc_ms) and max(filter(None, self.arc_ms)) > self.step_ms:
            raise ValueError("arc_ms must not exceed step_ms")


class _Happening(Struct, frozen=True, kw_only=True, tag_field="name"):
    """Base of all events: the closed list is the union `Happening` below."""


class RelayClosed(_Happening, frozen=True, kw_only=True, tag="relay_closed"):
    """The contact was read back as closed: a session begins, or goes on after a reboot (P1, P11)."""

    session: Uuid
    ticket: Uuid | None
    resumed: bool = False


class RelayOpened(_Happening, frozen=True, kw_only=True, tag="relay_opened"):
    """The contact was read back as open: the session ends, or pauses for a short power loss."""

    reason: OpenedReason
    session: Uuid | None


class ArcStarted(_Happening, frozen=True, kw_only=True, tag="arc_started"):
    """The first burning moment of a burst; `contact` as read back then."""

    from_up: UpMs
    contact: Contact | None
    session: Uuid | None = None
    peak_a: CurrentA | None = None


class ArcEnded(_Happening, frozen=True, kw_only=True, tag="arc_ended"):
    """A burst is over (no burning for 2 s): when it burned, and how long in all."""

    from_up: UpMs
    to_up: UpMs
    arc_ms: Annotated[int, Meta(ge=0, le=2**31)]
    peak_a: CurrentA | None
    session: Uuid | None = None


class CurrentWhileOpen(_Happening, frozen=True, kw_only=True, tag="current_while_open"):
    """Current flows although the contact reads open: somebody went around the chip."""

    from_up: UpMs
    peak_a: CurrentA | None


class SensorFrozen(_Happening, frozen=True, kw_only=True, tag="sensor_frozen"):
    """The registers held one non-zero pair for over a second: a fault, not an arc."""

    from_up: UpMs
    current_a: CurrentA
    voltage_v: VoltageV


class TicketRefused(_Happening, frozen=True, kw_only=True, tag="ticket_refused"):
    """A ticket or command that the chip did not accept, and why."""

    ticket: Uuid | None
    reason: RefusedReason


class Armed(_Happening, frozen=True, kw_only=True, tag="armed"):
    """A verified ticket waits 60 s for somebody to press the button (P19)."""

    ticket: Uuid


class ClockSet(_Happening, frozen=True, kw_only=True, tag="clock_set"):
    """The clock was set; a jump above 120 s matters to whoever reads times (P16)."""

    by: ClockSetBy
    jump_ms: Annotated[int, Meta(ge=-(2**53), le=2**53)] | None


class BufferOverflow(_Happening, frozen=True, kw_only=True, tag="buffer_overflow"):
    """The chip had to forget a range: declared lost, so that nobody waits for it (P14)."""

    lost_boot: Boot
    lost_from: Seq
    lost_to: Seq


class Gas(_Happening, frozen=True, kw_only=True, tag="gas"):
    """Combustible gas, in percent of the lower explosive limit."""

    lel_percent: Annotated[float, Meta(ge=0, le=1000)]


class FirmwareStarted(_Happening, frozen=True, kw_only=True, tag="firmware_started"):
    """A firmware version runs for the first time."""

    version: Name


class Button(_Happening, frozen=True, kw_only=True, tag="button"):
    """The button on the machine was pressed."""


class TimeWanted(_Happening, frozen=True, kw_only=True, tag="time_wanted"):
    """The chip asks for the server's time (P16)."""


class MainsLost(_Happening, frozen=True, kw_only=True, tag="mains_lost"):
    """Last gasp: the mains are gone."""


class CaseOpened(_Happening, frozen=True, kw_only=True, tag="case_opened"):
    """The case was opened."""


class CaseClosed(_Happening, frozen=True, kw_only=True, tag="case_closed"):
    """The case was closed."""


class Moved(_Happening, frozen=True, kw_only=True, tag="moved"):
    """The machine was moved."""


class BatteryLow(_Happening, frozen=True, kw_only=True, tag="battery_low"):
    """The backup battery is low."""


class SimChanged(_Happening, frozen=True, kw_only=True, tag="sim_changed"):
    """Another SIM card than before."""


class Jamming(_Happening, frozen=True, kw_only=True, tag="jamming"):
    """The radio looks jammed."""


class OverTemperature(_Happening, frozen=True, kw_only=True, tag="over_temperature"):
    """Too hot inside."""


class SelfTestFailed(_Happening, frozen=True, kw_only=True, tag="self_test_failed"):
    """The chip found itself faulty."""


Happening = (
    RelayClosed
    | RelayOpened
    | ArcStarted
    | ArcEnded
    | CurrentWhileOpen
    | SensorFrozen
    | TicketRefused
    | Armed
    | ClockSet
    | BufferOverflow
    | Gas
    | FirmwareStarted
    | Button
    | TimeWanted
    | MainsLost
    | CaseOpened
    | CaseClosed
    | Moved
    | BatteryLow
    | SimChanged
    | Jamming
    | OverTemperature
    | SelfTestFailed
)


class Event(Envelope, frozen=True, kw_only=True, tag_field="kind", tag="event"):
    """Something happened at `up`."""

    event: Happening


class Result(Envelope, frozen=True, kw_only=True, tag_field="kind", tag="result"):
    """What became of a command or ticket; a repeated id returns the first result (P22)."""

    command: Uuid
    outcome: Literal["done", "waiting", "refused", "failed"]
    reason: RefusedReason | None = None


class Log(Envelope, frozen=True, kw_only=True, tag_field="kind", tag="log"):
    """A line for whoever looks after the chip."""

    level: Literal["debug", "info", "warning", "error"]
    text: Text


Message = BootUp | Telemetry | Event | Result | Log


class Presence(Struct, frozen=True, kw_only=True):
    """Retained on `state`; the last will says offline for the same boot and connection number.

    A lower (boot, connection) never overwrites a higher one.
    """

    online: bool
    boot: Boot
    connection: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    nonce: Nonce | None
    config_version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
