"""The draft of a batch: every arrival put in its place, in memory only, before anything is written.

Classification needs no lookup for what is above a chip's high-water mark; everything else becomes a candidate that the store
is asked about. Refuses I/O.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import msgspec

from ingest import gate, mapping
from ingest.arrival import Arrival
from ingest.chip import Anchor, Chip, is_burning
from ingest.confirm import Gap
from schemas.bad import BadMessage
from schemas.chip import BootUp, ClockSet, Envelope, Event, Position, Presence, Telemetry, TimeWanted
from schemas.chip import Message as WireMessage
from schemas.signed import BootReply, Time
from weld.core import detect, intake, offset
from weld.core.detect import Lateness
from weld.core.intake import Place
from weld.core.said import Closed, Said
from weld.store.chips import BootRow, PresenceRow
from weld.store.evidence import Key, QuarantineRow
from weld.store.partitions import DAYS_BACK

# A clock may be a little ahead of ours; more is a clock that nobody set (architecture.md 4.3, P16).
FUTURE_MS = 120_000
TOO_OLD_MS = int(timedelta(days=DAYS_BACK - 1) / timedelta(milliseconds=1))


class Timed(msgspec.Struct, frozen=True, gc=False):
    """A message of a known chip with its times and its lateness decided."""

    arrival: Arrival
    message: WireMessage
    chip: str
    chip_no: int
    at_ms: int
    corrected_ms: int | None
    late: Lateness

    @property
    def now_ms(self) -> int:
        """The time that rules use."""
        return self.at_ms if self.corrected_ms is None else self.corrected_ms


@dataclass(slots=True)
class Draft:
    """The workspace of one batch. `before` holds chips as memory has them, `chips` copies of those as this batch has them so far.

    `telemetry` and `events` are to be stored; `live` and `late` is what the rules have to look at: idle telemetry says nothing
    to them.
    """

    heartbeat_s: int
    catching_up: Callable[[str], bool]
    before: dict[str, Chip] = field(default_factory=dict)
    chips: dict[str, Chip] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    spoken: dict[str, tuple[int, ...]] = field(default_factory=dict)
    live: list[tuple[Timed, Said]] = field(default_factory=list)
    late: list[tuple[Timed, Said]] = field(default_factory=list)
    telemetry: list[Timed] = field(default_factory=list)
    events: list[Timed] = field(default_factory=list)
    candidates: list[Timed] = field(default_factory=list)
    newest: dict[str, Telemetry] = field(default_factory=dict)
    places: dict[str, Position] = field(default_factory=dict)
    energy_wh: dict[str, float] = field(default_factory=dict)
    idle: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    conflicts: list[Timed] = field(default_factory=list)
    boots: list[tuple[BootRow, int]] = field(default_factory=list)
    presence: dict[str, PresenceRow] = field(default_factory=dict)
    answers: list[tuple[str, str, BootReply | Time, int | None]] = field(default_factory=list)
    again: list[tuple[str, int]] = field(default_factory=list)
    unreadable: list[Gap] = field(default_factory=list)
    review: list[str] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    lateness: Counter[str] = field(default_factory=Counter)

    # -- placing

    def add(self, chip: Chip) -> None:
        """Make a chip known to this batch, as it was before it."""
        self.before[chip.chip] = chip
        self.chips[chip.chip] = chip.__copy__()  # type: ignore[attr-defined]  # every Struct has it; copy.copy costs three times

    def place(self, arrival: Arrival) -> None:
        """Put one arrival in its place; chips that may exist must have been added before."""
        said = arrival.said
        chip = self.chips.get(arrival.chip) if arrival.chip else None
        if chip is None:
            self._stranger(arrival)
        elif chip.shard != arrival.shard:
            self.reject(arrival, "foreign_shard", f"the chip belongs to shard {chip.shard}")
        elif type(said) is Telemetry:
            self._message(chip, arrival, said)
        elif isinstance(said, Envelope):
            if type(said) is not BootUp or self._boot(chip, arrival, said):
                self._message(chip, arrival, said)
        elif isinstance(said, Presence):
            self._presence(chip, arrival, said)
        else:
            self._bad(chip, arrival, said)

    def _stranger(self, arrival: Arrival) -> None:
        said = arrival.said
        if isinstance(said, BadMessage):
            self.reject(arrival, said.reason, said.detail)
            return
        if isinstance(said, BootUp) and arrival.chip:
            reply = gate.pending(arrival.chip, said, arrival.received_ms, self.heartbeat_s)
            self.answers.append((arrival.shard, arrival.chip, reply, None))
        self.reject(arrival, "unknown_chip", "no chip of this name is enrolled")

    def _bad(self, chip: Chip, arrival: Arrival, bad: BadMessage) -> None:
        self.reject(arrival, bad.reason, bad.detail, bad.boot, bad.seq)
        if bad.boot is not None and bad.seq is not None:
            self._cover(chip, bad.boot, bad.seq)

    def poison(self, arrival: Arrival, error: str) -> None:
        """A message that nobody can store: kept as bytes, and waited for no longer."""
        boot, seq = getattr(arrival.said, "boot", None), getattr(arrival.said, "seq", None)
        self.reject(arrival, "poison", error, boot, seq)
        chip = self.chips.get(arrival.chip) if arrival.chip else None
        if chip is not None and chip.shard == arrival.shard and boot is not None and seq is not None:
            self._cover(chip, boot, seq)

    def _presence(self, chip: Chip, arrival: Arrival, said: Presence) -> None:
        self.fates["presence"] += 1
        if (said.boot, said.connection) < chip.presence:
            return
        at = mapping.utc(arrival.received_ms)
        self.presence[chip.chip] = PresenceRow(
            chip.chip_no, chip.chip, chip.shard, detect.RULES_VERSION, said.online, said.connection, said.boot,
            said.nonce, said.config_version, at,
        )  # fmt: skip
        chip.presence, chip.online = (said.boot, said.connection), said.online

    def _message(self, chip: Chip, arrival: Arrival, message: WireMessage) -> None:
        timed = self._timed(chip, arrival, message)
        ahead_ms = timed.at_ms - arrival.received_ms
        if ahead_ms > FUTURE_MS:
            self._unusable(chip, timed, "future", f"{ahead_ms} ms ahead of the server")
        elif ahead_ms < -TOO_OLD_MS:
            self._unusable(chip, timed, "too_old", f"older than {DAYS_BACK - 1} days")
        elif message.seq == chip.seq + 1 and message.boot == chip.boot:  # what simply comes next, as nearly all does
            chip.seq = message.seq
            self._heard(chip, message.boot)
            self._accept(chip, timed, self.live)
        elif intake.place(chip.progress, message.boot, message.seq) is Place.NEXT:
            self._cover(chip, message.boot, message.seq)
            self._accept(chip, timed, self.live)
        else:
            self.candidates.append(timed)

    def _boot(self, chip: Chip, arrival: Arrival, message: BootUp) -> bool:
        """The boot gate; whether the message goes on as evidence."""
        verdict = gate.judge(chip, message, arrival.hash, arrival.received_ms, self.heartbeat_s)
        if verdict.again:
            self.again.append((chip.chip, message.boot))
        if verdict.reply is not None:
            self.answers.append((chip.shard, chip.chip, verdict.reply, arrival.hash if verdict.enters else None))
        if verdict.reason is not None:
            self.reject(arrival, verdict.reason, "the chip must raise its boot counter", message.boot, message.seq)
            if verdict.reason == "changed_key":
                self.conflicts.append(self._timed(chip, arrival, message))
        return verdict.enters

    def _anchor_ms(self, chip: Chip, arrival: Arrival, message: WireMessage) -> int:
        """When `up` was 0 in this boot; its first word fixes it."""
        if (known := chip.anchor(message.boot)) is not None:
            return known.at_ms
        at_ms = gate.anchor_ms(chip, message.boot, message.up, arrival.received_ms)
        row = BootRow(chip.chip_no, message.boot, mapping.utc(at_ms), None, None)
        self.boots.append((row, arrival.received_ms))
        chip.anchor_at(Anchor(message.boot, at_ms))
        self.touched.add(chip.chip)
        return at_ms

    def _timed(self, chip: Chip, arrival: Arrival, message: WireMessage) -> Timed:
        anchor_ms = chip.anchor_ms if chip.anchor_boot == message.boot else self._anchor_ms(chip, arrival, message)
        at_ms, corrected_ms = message.at, None
        if at_ms is None or message.clock == "drifting":
            at_ms, corrected_ms = mapping.times_ms(message, anchor_ms)
        now_ms = at_ms if corrected_ms is None else corrected_ms
        if arrival.received_ms - now_ms > detect.LATE_MS or message.late:
            synced = message.clock == "synced" or self.catching_up(arrival.shard)
            late = detect.lateness(says_late=message.late, synced=synced, at_ms=now_ms, received_ms=arrival.received_ms)
        else:
            late = detect.LIVE
        return Timed(arrival, message, chip.chip, chip.chip_no, at_ms, corrected_ms, late)

    # -- fates

    def _accept(self, chip: Chip, timed: Timed, words: list[tuple[Timed, Said]]) -> None:
        """A new message: kept for the store, told to the rules in `words`, and seen in the chip."""
        message, late, received_ms = timed.message, timed.late, timed.arrival.received_ms
        now_ms = timed.at_ms if timed.corrected_ms is None else timed.corrected_ms
        newest = now_ms >= chip.at_ms and late.kind != "chip"  # nothing late overwrites a newer state
        if newest:
            chip.at_ms = now_ms
        if received_ms > chip.received_ms:  # noqa: PLR1730  (a call for each message)
            chip.received_ms = received_ms
        if late is not detect.LIVE:
            self.lateness[late.kind] += 1
        elif message.at is not None:
            chip.clock_ms = offset.behind_ms(chip.clock_ms, message.at, received_ms)
        self.fates["new"] += 1
        if type(message) is not Telemetry:
            self.events.append(timed)
            self._event(chip, timed, words)
            return
        self.telemetry.append(timed)
        if idle := mapping.is_idle(message):
            self._idle(chip, now_ms, message, late)
        else:
            words.append((timed, mapping.telemetry_word(message, now_ms)))
        if newest:
            chip.burning = not idle and is_burning(message.state, mapping.last_known(message.current_a))
            self._show(chip, message)

    def _show(self, chip: Chip, message: Telemetry) -> None:
        """The newest that a chip says about itself."""
        name = chip.chip
        if message.position is not None:
            self.places[name] = message.position
        if message.energy_wh is not None:
            self.energy_wh[name] = message.energy_wh
        self.newest[name] = message
        chip.state, chip.contact = message.state, message.contact

    def _event(self, chip: Chip, timed: Timed, words: list[tuple[Timed, Said]]) -> None:
        message = timed.message
        said = mapping.event_said(message, timed.now_ms)
        if said is not None:
            words.append((timed, said))
        if not isinstance(message, Event):
            return
        if isinstance(message.event, ClockSet):
            chip.clock_ms = None  # what was known of the clock before is over
        if isinstance(message.event, TimeWanted) and timed.late.kind == "live":
            time = Time(aud=chip.chip, boot=message.boot, up=message.up, at=timed.arrival.received_ms)
            self.answers.append((chip.shard, chip.chip, time, None))

    def _idle(self, chip: Chip, now_ms: int, message: Telemetry, late: Lateness) -> None:
        """Time without current and without a session: summed up in the chip's state, added to the rollups a quarter at a time."""
        lasted_ms = message.up - message.from_up
        if not 0 <= lasted_ms <= mapping.LONGEST_MS:
            lasted_ms = 0 if lasted_ms < 0 else mapping.LONGEST_MS
        quarter = (now_ms - lasted_ms) // mapping.QUARTER_MS  # in which its samples begin
        if chip.quarter != quarter:
            self.close_quarter(chip)
            chip.quarter = quarter
        known = message.arc_ms
        chip.idle_ms += (len(known) - known.count(None)) * message.step_ms
        chip.idle_messages += 1
        if late is detect.LIVE or late.kind != "chip":
            chip.idle_online_ms += lasted_ms

    def close_quarter(self, chip: Chip) -> None:
        """What was summed up goes to the rollups."""
        if chip.idle_messages:
            self.idle.append((chip.chip, chip.quarter, chip.idle_ms, chip.idle_messages, chip.idle_online_ms))
            chip.idle_ms = chip.idle_messages = chip.idle_online_ms = 0

    def settle(self, found: dict[int, int], quarantined: set[int], elsewhere: set[int]) -> None:
        """Decide the candidates, now that the store has said what it holds (positions as in `candidates`).

        A conflict needs proof: another content, or another time, is stored under the key. What was seen and is nowhere (given up
        as unreadable, declared lost, counted beyond the quarantine's cap) is late evidence, and welcome.
        """
        fresh = {_key(timed): timed.arrival.hash for timed in (*self.telemetry, *self.events)}
        for number, timed in enumerate(self.candidates):
            stored = fresh.get(_key(timed), found.get(number))
            same = stored == timed.arrival.hash if stored is not None else number in quarantined
            if not same and self._below_floor(timed):
                continue
            if stored is not None and stored != timed.arrival.hash:
                self._conflict(timed, "another content is stored under this key")
            elif stored is not None or number in quarantined:
                self._repeated(timed)
            elif number in elsewhere:
                self._conflict(timed, "this key is stored with another time")
            else:
                chip = self.chips[timed.chip]
                self._cover(chip, timed.message.boot, timed.message.seq)
                self._accept(chip, timed, self.late)
                fresh[_key(timed)] = timed.arrival.hash

    def fills_a_hole(self, timed: Timed) -> bool:
        """Whether it is known to be missing."""
        progress = self.chips[timed.chip].progress
        return intake.place(progress, timed.message.boot, timed.message.seq) is Place.LATE

    def _below_floor(self, timed: Timed) -> bool:
        """Whether this is a boot message by a counter that went back; then it is answered and kept in quarantine."""
        chip, message, arrival = self.chips[timed.chip], timed.message, timed.arrival
        if not isinstance(message, BootUp):
            return False
        reply = gate.below_floor(chip, message, arrival.received_ms, self.heartbeat_s)
        if reply is None:
            return False
        self.answers.append((chip.shard, chip.chip, reply, None))
        self.reject(arrival, "boot_below_floor", "the chip must raise its boot counter", message.boot, message.seq)
        self.touched.add(timed.chip)
        return True

    def _repeated(self, timed: Timed) -> None:
        self.fates["duplicate"] += 1
        self._cover(self.chips[timed.chip], timed.message.boot, timed.message.seq)

    def _conflict(self, timed: Timed, detail: str) -> None:
        self._heard(self.chips[timed.chip], timed.message.boot)
        self.conflicts.append(timed)
        self.reject(timed.arrival, "changed_key", detail, timed.message.boot, timed.message.seq)

    def _unusable(self, chip: Chip, timed: Timed, reason: str, detail: str) -> None:
        self.reject(timed.arrival, reason, detail, timed.message.boot, timed.message.seq)
        self._cover(chip, timed.message.boot, timed.message.seq)

    def reject(
        self, arrival: Arrival, reason: str, detail: str, boot: int | None = None, seq: int | None = None
    ) -> None:
        """To quarantine, with the reason."""
        at = mapping.utc(arrival.received_ms)
        row = QuarantineRow(
            at, arrival.topic[:200], arrival.chip, boot, seq, reason, detail[:500], arrival.hash, arrival.payload
        )
        self.quarantine.append(row)
        self.fates[reason] += 1

    # -- bookkeeping

    def _cover(self, chip: Chip, boot: int, seq: int) -> None:
        self._heard(chip, boot)
        chip.cover(intake.cover(chip.progress, boot, seq))

    def _heard(self, chip: Chip, boot: int) -> None:
        """It spoke of this boot: it is saved, and told soon how much of it is stored."""
        boots = self.spoken.get(chip.chip)
        if boots is None:
            self.spoken[chip.chip] = (boot,)
            self.touched.add(chip.chip)
        elif boot not in boots:
            self.spoken[chip.chip] = (*boots, boot)

    def keys(self) -> list[Key]:
        """What the store is asked about."""
        return [
            Key(
                timed.chip_no,
                timed.chip,
                mapping.utc(timed.at_ms),
                timed.message.boot,
                timed.message.seq,
                timed.arrival.hash,
            )
            for timed in self.candidates
        ]

    def answered(self, chip: str, boot: int, content: int, reply: bytes) -> None:
        """A boot message was answered with these bytes: the same bytes for the same message from now on."""
        current = self.chips[chip]
        known = current.anchor(boot)
        assert known is not None  # noqa: S101  (its own message fixed it)
        current.anchor_at(Anchor(boot, known.at_ms, content))
        row = BootRow(current.chip_no, boot, mapping.utc(known.at_ms), content, reply)
        self.boots.append((row, current.received_ms))


def _key(timed: Timed) -> tuple[int, int, int]:
    return timed.chip_no, timed.message.boot, timed.message.seq


def tickets(draft: Draft) -> set[UUID]:
    """The tickets whose meaning the fold needs: where a session begins, and where one may have to be put together again."""
    begun = {said.ticket for _, said in draft.live if type(said) is Closed and said.ticket is not None}
    late = {said.ticket for _, said in draft.late if getattr(said, "ticket", None) is not None}  # type: ignore[union-attr]
    return begun | late  # type: ignore[operator]
