"""Who a chip is and how it is set: fixed at enrolment or by its configuration, never changed by a step of the chip.

Holds public material only; the private key of a TLS certificate is named by its file.
"""

from dataclasses import dataclass, field
from pathlib import Path

from schemas.signed import PinnedKeys


@dataclass(frozen=True, slots=True)
class Tls:
    """Profile 3: the authority that signed the broker, and the chip's own certificate and key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ChipIdentity:
    """One chip: its name, its shard, the platform's keys that it pins, and how it speaks."""

    chip: str
    shard: str
    keys: PinnedKeys = field(repr=False, compare=False)
    tls: Tls | None = None
    cbor: bool = False
    model: str = "WG-SIM-1"
    firmware: str = "1.0.0"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number that a chip obeys, with the values of chip-protocol.md."""

    active_ms: int = 10_000  # telemetry while unlocked or arcing
    idle_end_ms: int = 30 * 60_000  # P11: a session without an arc
    resume_ms: int = 5 * 60_000  # P11: a power loss that a session survives
    grace_ms: int = 60_000  # architecture.md 4.5: an arc that burns at the ticket's end
    armed_ms: int = 60_000  # P19
    contact_ms: int = 2_000  # a contactor that has not followed its coil by then is broken
    settle_ms: int = 300  # readings while the contact opens say nothing
    cut_wait_ms: int = 500  # how long the end of a session waits for the sensor to decide
    undecided_ms: int = 30_000  # a silent sensor: what waits is told as unknown
    late_ms: int = 10_000  # published later than this = it was buffered
    resend_ms: int = 60_000  # P13: the first repetition of what is not confirmed; then doubling
    resend_most_ms: int = 3_600_000
    backlog_per_s: int = 20  # P6
    capacity: int = 4096  # messages in the ring
    boot_repeat_ms: int = 5_000  # P4; then doubling
    boot_repeat_most_ms: int = 300_000
    heartbeat_s: int = 300  # until the boot reply says otherwise
    dial_ms: int = 1_000  # P15: the first back-off; then doubling
    dial_most_ms: int = 300_000
    steady_ms: int = 60_000  # a connection that lasted this long was no kick
    round_trip_ms: int = 2_000  # an older word cannot set the clock: it would be wrong by that much
    jump_ms: int = 120_000  # P16: a jump above it is an event
    nbf_leeway_ms: int = 60_000  # two honest clocks may differ by this much
