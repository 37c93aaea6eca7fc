"""A bench for one pure chip: signs what the platform would sign, moves the contact as a contactor would, keeps what was said."""

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.chip import BootUp, Contact, Event, Happening, Message, Presence, Result, Telemetry
from schemas.decode import decode, decode_presence
from schemas.down import encode_resend, encode_signed
from schemas.signed import BootReply, Command, PinnedKeys, Signed, SigningKey, Stored, Ticket, Time
from simulator import chip as chips
from simulator.board import Chip, Dialing
from simulator.flash import Flash, blank
from simulator.identity import ChipIdentity, Settings
from simulator.seen import Reading
from simulator.signals import (
    ButtonPressed,
    ClockFault,
    Coil,
    Connected,
    ContactRead,
    Down,
    HangUp,
    Input,
    LinkLost,
    Network,
    Output,
    Publish,
    Readings,
    Tick,
)

NAME = "WGTEST01"
NOW_MS = 1_800_000_000_000  # wall time at up 0 of the first boot
PERMIT = SigningKey("permit-1", Ed25519PrivateKey.from_private_bytes(b"p" * 32))
SERVICE = SigningKey("service-1", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
FORGER = SigningKey("permit-1", Ed25519PrivateKey.from_private_bytes(b"f" * 32))
KEYS = PinnedKeys(
    {"permit-1": Ed25519PrivateKey.from_private_bytes(b"p" * 32).public_key()},
    {"service-1": Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key()},
)
IDENTITY = ChipIdentity(NAME, "00", KEYS)


def uuid(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"


class Bench:
    """One chip on the bench. `up` is its time; the contact follows the coil after 30 ms unless `stuck`."""

    def __init__(self, settings: Settings | None = None, flash: Flash | None = None, **identity: Any) -> None:
        self.settings = settings or Settings()
        self.identity = replace(IDENTITY, **identity)
        self.flash = flash or blank(self.settings.capacity, b"seed")
        self.wall_ms = NOW_MS
        self.rtc_ms: int | None = None
        self.boots = 0
        self.stuck = False
        self.out: list[Output] = []
        self.numbers = iter(range(1, 10**6))
        self.chip: Chip
        self.power_up(rtc=False)

    # power

    def power_up(self, *, rtc: bool = True, off_ms: int = 0) -> None:
        self.boots += 1
        rtc_ms = self.rtc_ms + off_ms if rtc and self.rtc_ms is not None else None
        self.wall_ms += off_ms
        self.boot_wall_ms, self.up, self.coil = self.wall_ms, 0, False
        self.contact: str = "open"
        self.chip = chips.power_up(self.identity, self.settings, self.flash, bytes([self.boots]), "power", rtc_ms)
        self.give(ContactRead(self.up, "open"))

    def power_cut(self, *, off_ms: int, rtc: bool = True) -> None:
        self.flash, self.rtc_ms = self.chip.flash, self.chip.wall.at(self.up)
        self.power_up(rtc=rtc, off_ms=off_ms)

    # inputs

    def give(self, given: Input) -> list[Output]:
        before = self.chip
        self.chip, out = chips.step(before, given)
        self.out += out
        self.judge(before, out)
        for output in out:
            if isinstance(output, Coil):
                self.coil = output.on
        if not self.stuck and (self.contact == "closed") != self.coil:
            moved: Contact = "closed" if self.coil else "open"
            self.contact = moved
            return [*out, *self.wait(30), *self.give(ContactRead(self.up, moved))]
        return list(out)

    def judge(self, before: Chip, out: tuple[Output, ...]) -> None:
        """For benches that watch every step."""

    def wait(self, ms: int, *, by_due: bool = True) -> list[Output]:
        """Time passes; the chip is woken when it wants to be, and no earlier."""
        end, out = self.up + ms, []
        while True:
            due = chips.due(self.chip) if by_due else self.up + 10
            if due is not None and due <= self.up:
                raise AssertionError(f"it is {self.up}, due: {dues(self.chip)}")
            if due is None or due > end:
                break
            self._pass(due - self.up)
            out += self.give(Tick(self.up))
        self._pass(max(0, end - self.up))
        return [*out, *self.give(Tick(self.up))]

    def _pass(self, ms: int) -> None:
        self.up += ms
        self.wall_ms += ms

    def read(self, current: float | None, voltage: float | None = 24.0, ms: int = 24) -> None:
        """One reading, and the time until the next."""
        self.give(Readings(self.up, (Reading(self.up, current, voltage),)))
        self.wait(ms)

    def weld(self, ms: int, current: float = 180.0) -> None:
        for i in range(ms // 24):
            self.read(current + i % 3, 24.0)

    def still(self, ms: int) -> None:
        self.give(Readings(self.up, (Reading(self.up, 0.0, 63.0, holds_ms=10**9),)))
        self.wait(ms)

    def connect(self) -> None:
        for _ in range(400):
            if isinstance(self.chip.uplink, Dialing):
                self.give(Connected(self.up))
                return
            self.wait(1000)
        raise AssertionError("it never dialled")

    def online(self) -> "Bench":
        """Connected and accepted, with a set clock."""
        self.connect()
        self.accept()
        return self

    def accept(self, **changes: Any) -> None:
        self.down(self.boot_reply(**changes), SERVICE)

    def lose_link(self) -> None:
        self.give(Network(self.up, available=False))
        self.give(LinkLost(self.up))

    def regain_link(self) -> None:
        self.give(Network(self.up, available=True))
        self.connect()

    def press(self) -> None:
        self.give(ButtonPressed(self.up))

    def jump_clock(self, ms: int) -> None:
        self.give(ClockFault(self.up, ms))

    # the platform's words

    def down(self, words: Signed, key: SigningKey = PERMIT) -> list[Output]:
        return self.give(Down(self.up, encode_signed(words, key)))

    def resend(self, boot: int, from_seq: int, to_seq: int) -> None:
        self.give(Down(self.up, encode_resend(boot, from_seq, to_seq)))

    def ticket(self, **changes: Any) -> Ticket:
        number = next(self.numbers)
        words: dict[str, Any] = {
            "jti": uuid(number),
            "cmd": uuid(number + 10**6),
            "aud": NAME,
            "sub": uuid(7),
            "nonce": self.chip.flash.nonce,
            "nbf": self.wall_ms // 1000 - 5,
            "exp": self.wall_ms // 1000 + 3600,
            "longest_s": 1800,
            "presence": "none",
            "counter": 0,
        }
        return Ticket(**{**words, **changes})

    def command(self, **changes: Any) -> Command:
        words: dict[str, Any] = {
            "id": uuid(next(self.numbers) + 2 * 10**6),
            "aud": NAME,
            "action": "end",
            "level": 2,
            "grace_s": 60,
            "session": None,
            "by": "worker",
            "exp": self.wall_ms // 1000 + 60,
            "floor": 0,
        }
        return Command(**{**words, **changes})

    def boot_reply(self, **changes: Any) -> BootReply:
        words: dict[str, Any] = {
            "aud": NAME,
            "boot": self.chip.flash.boot,
            "up": self.up,
            "status": "accepted",
            "anchor": self.boot_wall_ms,
            "config_version": 3,
            "heartbeat_s": 300,
            "boot_floor": None,
        }
        return BootReply(**{**words, **changes})

    def time(self, **changes: Any) -> Time:
        return Time(**{"aud": NAME, "boot": self.chip.flash.boot, "up": self.up, "at": self.wall_ms, **changes})

    def stored(self, upto: int, boot: int | None = None) -> None:
        self.down(Stored(aud=NAME, boot=boot or self.chip.flash.boot, upto=upto), SERVICE)

    def unlock(self, **changes: Any) -> Ticket:
        ticket = self.ticket(**changes)
        self.down(ticket)
        return ticket

    # what the chip did

    def sent(self) -> list[Message]:
        """Every message once, in the order of its first publishing since `forget`."""
        payloads = {each.payload: None for each in self.out if isinstance(each, Publish) and each.leaf == "up"}
        return [decode(payload) for payload in payloads]

    def presences(self) -> list[Presence]:
        return [
            decode_presence(each.payload) for each in self.out if isinstance(each, Publish) and each.leaf == "state"
        ]

    def events(self, kind: type[Happening] | None = None) -> list[Any]:
        said = [message.event for message in self.sent() if isinstance(message, Event)]
        return [event for event in said if kind is None or isinstance(event, kind)]

    def results(self) -> list[Result]:
        return [message for message in self.sent() if isinstance(message, Result)]

    def telemetry(self) -> list[Telemetry]:
        return [message for message in self.sent() if isinstance(message, Telemetry)]

    def boot_messages(self) -> list[BootUp]:
        return [message for message in self.sent() if isinstance(message, BootUp)]

    def forget(self) -> None:
        """Everything so far is confirmed, and out of sight."""
        self.stored(self.chip.seq)
        self.out = []

    def overlook(self) -> None:
        """Everything so far is out of sight, but not confirmed."""
        self.out = []

    def hung_up(self) -> bool:
        return any(isinstance(output, HangUp) for output in self.out)


def dues(chip: Chip) -> dict[str, int | None]:
    """Which rule wants to be woken when: for reading a failure."""
    return {rule.__module__: rule(chip) for rule in chips.DUES} | {"sensor": chip.sensor.due_up}
