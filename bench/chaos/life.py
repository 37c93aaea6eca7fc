"""A chip's whole life, made up front from a seed: every word with its moment and its bytes, all that a checker can count on.

Boots, sessions under granted tickets, samples, arcs, silence, power losses; some chips weld past their contact, some have a
clock that jumps, drifts, is set a while after each boot or never, some say everything twice. Refuses clocks and I/O: `base_ms`
is handed in.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from schemas import chip as wire
from schemas.decode import encode

Kind = Literal["plain", "bypass", "back", "ahead", "unset", "set", "drifting", "repeats"]

# For each kind that is not plain: one chip in so many, at least one.
_ONE_IN: dict[Kind, int] = {
    "bypass": 40,
    "back": 50,
    "ahead": 60,
    "unset": 50,
    "set": 20,
    "drifting": 60,
    "repeats": 40,
}
# A power loss or a restart now and then, however long the run: more boots in minutes are a boot loop, which is another story.
_MOST_BOOTS = 7
_STEPS = 10
_DAY_MS = 86_400_000
_LATE = (b'"late":false', b'"late":true')


@dataclass(frozen=True, slots=True)
class Word:
    """One message: when it is made (seconds after the beginning), its key, its bytes when published at once."""

    moment_s: float
    boot: int
    seq: int
    payload: bytes
    sign: bool = False  # shows a welding past the contact

    @property
    def as_late(self) -> bytes:
        """The bytes if it was buffered before it was published for the first time."""
        return self.payload.replace(*_LATE, 1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A session that the life tells of, and the ticket under it."""

    session: UUID
    ticket: UUID
    boot: int


@dataclass(frozen=True, slots=True)
class Life:
    """All of it. `downs`: from when to when the chip has no power. `anchored`: its times follow from when it was first heard."""

    chip: str
    plate: str
    shard: str
    kind: Kind
    words: Sequence[Word]
    downs: Sequence[tuple[float, float]]
    turns: Sequence[Turn]

    @property
    def anchored(self) -> bool:
        """Whether its times are the platform's own reckoning from the first receipt of each boot (P16)."""
        return self.kind in {"unset", "drifting"}

    @property
    def somewhat_anchored(self) -> bool:
        """Whether some of its times are."""
        return self.anchored or self.kind == "set"


@dataclass(slots=True)
class Pen:
    """Writes a life, word by word, as time goes on."""

    dice: random.Random
    base_ms: int
    period_s: float
    kind: Kind
    moment_s: float
    words: list[Word] = field(default_factory=list)
    downs: list[tuple[float, float]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    boot: int = 0
    seq: int = 0
    clock: wire.Clock = "synced"
    skew_ms: int = 0
    _boot_s: float = 0.0
    _session: str | None = None
    _ticket: str | None = None

    # -- words

    @property
    def up(self) -> int:
        """Milliseconds since this boot."""
        return 700 + round((self.moment_s - self._boot_s) * 1000)

    def say(self, kind: type[wire.Envelope], *, sign: bool = False, **content: object) -> None:
        """One message, a few milliseconds after the last."""
        self.moment_s += 0.005
        self.seq += 1
        at = None if self.clock == "unset" else self.base_ms + round(self.moment_s * 1000) + self.skew_ms
        envelope = {"boot": self.boot, "seq": self.seq, "at": at, "up": self.up, "clock": self.clock}
        message = kind(**(envelope | content))  # type: ignore[arg-type]  # a wrong word fails in the decoder
        self.words.append(Word(self.moment_s, self.boot, self.seq, encode(message), sign))

    def event(self, happening: wire.Happening, *, sign: bool = False) -> None:
        """Something happened."""
        self.say(wire.Event, event=happening, sign=sign)

    def tick(self, *, contact: wire.Contact, burning: bool = False, sign: bool = False) -> None:
        """Ten samples over one period, said at its end. Whole amperes, so that no store rounds them."""
        self.moment_s += self.period_s
        step_ms = int(self.period_s * 1000) // _STEPS
        amps = [float(self.dice.randint(90, 220)) if burning else 0.0 for _ in range(_STEPS)]
        state: wire.State = "locked" if contact == "open" else "arcing" if burning else "unlocked"
        self.say(
            wire.Telemetry, sign=sign, from_up=max(0, self.up - _STEPS * step_ms), step_ms=step_ms, current_a=amps, peak_a=amps,
            voltage_v=[24.0 if burning else 0.0] * _STEPS, arc_ms=[step_ms if burning else 0] * _STEPS, state=state,
            contact=contact, energy_wh=float(self.seq), mains=True, session=self._session, ticket=self._ticket,
        )  # fmt: skip

    # -- what happens to a chip

    def start(self, cause: wire.BootCause = "power", *, session: bool = False) -> None:
        """A boot; `session` survived in flash."""
        self.boot += 1
        self.seq = 0
        self.clock = "unset" if self.kind in {"unset", "set"} else "drifting" if self.kind == "drifting" else "synced"
        self._boot_s = self.moment_s
        kept = self._session if session else None, self._ticket if session else None
        self.say(
            wire.BootUp, model="WG-CHAOS", firmware="1.0", cause=cause, config_version=1, contact="open",
            nonce=f"{self.dice.getrandbits(96):024x}", session=kept[0], ticket=kept[1],
        )  # fmt: skip
        if self.kind == "set":
            if not session:
                self.rest(self.dice.randint(0, 2))
            self.clock = "synced"
            self.event(wire.ClockSet(by="boot_reply", jump_ms=None))

    def lose_power(self, *, for_s: float) -> None:
        """No power for a while, then another boot is due."""
        self.downs.append((self.moment_s + 0.02, self.moment_s + for_s))
        self.moment_s += for_s

    def rest(self, periods: int) -> None:
        """Powered, and idle."""
        for _ in range(periods):
            self.tick(contact="open")

    def fall_silent(self, seconds: float) -> None:
        """Nothing to say."""
        self.moment_s += seconds

    def burn(self, periods: int, contact: wire.Contact, *, sign: bool = False) -> None:
        """One burst, told by its events and by samples."""
        from_up = self.up
        began = wire.ArcStarted(from_up=from_up, contact=contact, session=self._session, peak_a=150.0)
        self.event(began, sign=sign)
        for _ in range(periods):
            self.tick(contact=contact, burning=True, sign=sign)
        arc_ms = periods * (int(self.period_s * 1000) // _STEPS) * _STEPS
        self.event(wire.ArcEnded(from_up=from_up, to_up=self.up, arc_ms=arc_ms, peak_a=220.0, session=self._session))

    def work(self, bursts: int, *, breaks: bool) -> None:
        """A session under a ticket; `breaks`: the power goes away in the middle, and the session goes on (P11)."""
        turn = Turn(
            UUID(int=self.dice.getrandbits(128), version=4), UUID(int=self.dice.getrandbits(128), version=4), self.boot
        )
        self.turns.append(turn)
        self._session, self._ticket = str(turn.session), str(turn.ticket)
        self.event(wire.RelayClosed(session=self._session, ticket=self._ticket))
        for number in range(bursts):
            self.tick(contact="closed")
            self.burn(self.dice.randint(1, 3), "closed")
            if breaks and number == 0:
                self._resume()
        self.event(wire.RelayOpened(reason="worker", session=self._session))
        self._session = self._ticket = None

    def _resume(self) -> None:
        self.event(wire.RelayOpened(reason="power_loss", session=self._session))
        self.event(wire.MainsLost())
        self.lose_power(for_s=self.dice.uniform(1.0, 4.0))
        self.start(session=True)
        self.event(wire.RelayClosed(session=self._session or "", ticket=self._ticket, resumed=True))

    def bypass(self) -> None:
        """Welding past the open contact."""
        self.event(wire.CurrentWhileOpen(from_up=self.up, peak_a=160.0), sign=True)
        self.burn(self.dice.randint(4, 7), "open", sign=True)

    def jump(self) -> None:
        """The clock is set, wrongly, and right again after a while; only where nothing burns and no session is open."""
        jump_ms = _DAY_MS if self.kind == "ahead" else -self.dice.randint(130, 3600) * 1000
        for change_ms in (jump_ms, -jump_ms):
            self.skew_ms += change_ms
            self.event(wire.ClockSet(by="time", jump_ms=change_ms))
            self.rest(self.dice.randint(2, 5))


def live(number: int, kind: Kind, seed: int, base_ms: int, seconds: float, period_s: float, shards: int) -> Life:
    """The life of one chip; nothing is said after `seconds`."""
    dice = random.Random(f"{seed}:{number}")  # noqa: S311  (chance that can be repeated)
    pen = Pen(dice, base_ms, period_s, kind, dice.uniform(0.2, 2.5))
    pen.skew_ms = dice.randint(-9000, 9000) if kind == "drifting" else 0
    pen.start()
    calm = max(1.0, seconds / 60)
    while pen.moment_s < seconds - 14:
        _act(pen, calm)
    while pen.moment_s < seconds - period_s - 0.1:
        pen.rest(1)
    return Life(
        f"WGCHAOS{number:05d}", f"{number:017d}", f"{number % shards:02x}", kind, pen.words, pen.downs, pen.turns
    )


def _act(pen: Pen, calm: float) -> None:
    """One thing after another, by chance; `calm` makes it so many times less likely that the power goes away."""
    pen.rest(pen.dice.randint(1, 4))
    if pen.kind == "bypass":
        pen.bypass()
    if pen.kind in {"back", "ahead"}:
        pen.jump()
    steady = pen.boot >= _MOST_BOOTS
    breaks = pen.kind not in {"unset", "drifting"} and not steady and pen.dice.random() < 0.15 / calm
    if pen.dice.random() < 0.75:
        pen.work(pen.dice.randint(1, 3), breaks=breaks)
    if pen.dice.random() < 0.2:
        pen.fall_silent(pen.dice.uniform(2.0, 6.0))
    if not steady and pen.dice.random() < 0.2 / calm:
        pen.lose_power(for_s=pen.dice.uniform(0.3, 4.0))
        pen.start("watchdog")


def kinds(chips: int, seed: int) -> list[Kind]:
    """What each chip is: few are not plain, and of each kind there is one."""
    special: list[Kind] = [kind for kind, one_in in _ONE_IN.items() for _ in range(max(1, round(chips / one_in)))]
    all_of_them = [*special[:chips], *["plain"] * (chips - len(special))]
    random.Random(f"{seed}:kinds").shuffle(all_of_them)  # noqa: S311  (chance that can be repeated)
    return all_of_them  # type: ignore[return-value]


def lives(chips: int, seed: int, base_ms: int, seconds: float, rate: float, shards: int) -> list[Life]:
    """The lives of all chips, saying about `rate` messages a second together."""
    period_s = max(0.1, 1.2 * chips / rate)  # events come on top of the samples
    return [live(n, kind, seed, base_ms, seconds, period_s, shards) for n, kind in enumerate(kinds(chips, seed))]
