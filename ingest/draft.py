"""The draft of a batch: every arrival put in its place, in memory only, before anything is written.

Classification needs no lookup for what is above a chip's high-water mark; everything else becomes a candidate that the store
is asked about. Refuses I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

from ingest import gate, mapping
from ingest.arrival import Arrival
from ingest.confirm import Gap
from ingest.memory import Answered, Chip, with_boot
from schemas.bad import BadMessage
from schemas.chip import BootUp, Event, Presence, Telemetry, TimeWanted
from schemas.chip import Message as WireMessage
from schemas.signed import BootReply, Time
from weld.core import detect, intake
from weld.core.detect import Lateness
from weld.core.intake import Place
from weld.core.said import Said
from weld.store.chips import BootRow, PresenceRow
from weld.store.evidence import EventRow, Key, QuarantineRow, TelemetryRow
from weld.store.partitions import DAYS_BACK

# A clock may be a little ahead of ours; more is a clock that nobody set (architecture.md 4.3, P16).
FUTURE_MS = 120_000
TOO_OLD_MS = int(timedelta(days=DAYS_BACK - 1) / timedelta(milliseconds=1))

Fate = Literal["new", "duplicate", "quarantined", "presence"]


@dataclass(frozen=True, slots=True)
class Timed:
    """A message of a known chip with its times and its lateness decided."""

    arrival: Arrival
    message: WireMessage
    chip: str
    at_ms: int
    corrected_ms: int | None
    late: Lateness

    @property
    def now_ms(self) -> int:
        """The time that rules use."""
        return self.at_ms if self.corrected_ms is None else self.corrected_ms


@dataclass(slots=True)
class Draft:
    """The workspace of one batch."""

    heartbeat_s: int
    catching_up: Callable[[str], bool]
    chips: dict[str, Chip] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    spoken: dict[str, set[int]] = field(default_factory=dict)
    heard_before: dict[str, int] = field(default_factory=dict)
    live: list[tuple[Timed, Said]] = field(default_factory=list)
    late: list[tuple[Timed, Said]] = field(default_factory=list)
    stored: list[Timed] = field(default_factory=list)
    candidates: list[Timed] = field(default_factory=list)
    telemetry: list[TelemetryRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    conflicts: list[Timed] = field(default_factory=list)
    boots: list[tuple[BootRow, int]] = field(default_factory=list)
    presence: dict[str, PresenceRow] = field(default_factory=dict)
    answers: list[tuple[str, str, BootReply | Time | bytes, int | None]] = field(default_factory=list)
    unreadable: list[Gap] = field(default_factory=list)
    review: list[str] = field(default_factory=list)
    fresh: dict[tuple[str, int, int], int] = field(default_factory=dict)
    fates: dict[str, int] = field(default_factory=dict)

    # -- placing

    def add(self, chip: Chip) -> None:
        """Make a chip known to this batch, as it was before it."""
        self.chips[chip.chip] = chip
        self.heard_before[chip.chip] = chip.received_ms

    def place(self, arrival: Arrival) -> None:
        """Put one arrival in its place; chips that may exist must have been added before."""
        said = arrival.said
        chip = self.chips.get(arrival.chip) if arrival.chip else None
        if chip is None:
            self._stranger(arrival)
        elif chip.shard != arrival.shard:
            self.reject(arrival, "foreign_shard", f"the chip belongs to shard {chip.shard}")
        elif isinstance(said, BadMessage):
            self._bad(chip, arrival, said)
        elif isinstance(said, Presence):
            self._presence(chip, arrival, said)
        else:
            self._message(chip, arrival, said)

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
        self.fates["presence"] = self.fates.get("presence", 0) + 1
        if (said.boot, said.connection) < chip.presence:
            return
        at = mapping.utc(arrival.received_ms)
        self.presence[chip.chip] = PresenceRow(
            chip.chip_no, chip.chip, chip.shard, detect.RULES_VERSION, said.online, said.connection, said.boot,
            said.nonce, said.config_version, at,
        )  # fmt: skip
        self.chips[chip.chip] = replace(chip, presence=(said.boot, said.connection), online=said.online)

    def _message(self, chip: Chip, arrival: Arrival, message: WireMessage) -> None:
        if isinstance(message, BootUp) and not self._boot(chip, arrival, message):
            return
        chip = self._anchored(self.chips[chip.chip], arrival, message)
        timed = self._timed(chip, arrival, message)
        if timed.at_ms > arrival.received_ms + FUTURE_MS:
            self._unusable(chip, timed, "future", f"{timed.at_ms - arrival.received_ms} ms ahead of the server")
        elif timed.at_ms < arrival.received_ms - TOO_OLD_MS:
            self._unusable(chip, timed, "too_old", f"older than {DAYS_BACK - 1} days")
        elif intake.place(chip.fold.progress, message.boot, message.seq) is Place.NEXT:
            self.accept(timed, live=True)
        else:
            self.candidates.append(timed)

    def _boot(self, chip: Chip, arrival: Arrival, message: BootUp) -> bool:
        """The boot gate; whether the message goes on as evidence."""
        verdict = gate.judge(chip, message, arrival.hash, arrival.received_ms, self.heartbeat_s)
        if verdict.again is not None:
            self.answers.append((chip.shard, chip.chip, verdict.again, None))
        if verdict.reply is not None:
            self.answers.append((chip.shard, chip.chip, verdict.reply, arrival.hash if verdict.enters else None))
        if verdict.reason is not None:
            self.reject(arrival, verdict.reason, "the chip must raise its boot counter", message.boot, message.seq)
            if verdict.reason == "changed_key":
                self.conflicts.append(self._timed(chip, arrival, message))
        return verdict.enters

    def _anchored(self, chip: Chip, arrival: Arrival, message: WireMessage) -> Chip:
        """Fix the anchor of a boot at its first word."""
        if message.boot in chip.boots:
            return chip
        answered = gate.remember(chip, message.boot, message.up, arrival.received_ms)
        row = BootRow(chip.chip_no, message.boot, mapping.utc(answered.anchor_ms), None, None)
        self.boots.append((row, arrival.received_ms))
        self.chips[chip.chip] = with_boot(chip, message.boot, answered)
        return self.chips[chip.chip]

    def _timed(self, chip: Chip, arrival: Arrival, message: WireMessage) -> Timed:
        anchor = gate.anchor_ms(chip, message.boot, message.up, arrival.received_ms)
        at_ms, corrected_ms = mapping.times_ms(message, anchor)
        late = detect.lateness(
            says_late=message.late,
            synced=message.clock == "synced" or self.catching_up(arrival.shard),
            at_ms=at_ms if corrected_ms is None else corrected_ms,
            received_ms=arrival.received_ms,
        )
        return Timed(arrival, message, chip.chip, at_ms, corrected_ms, late)

    # -- fates

    def accept(self, timed: Timed, *, live: bool) -> None:
        """A new message: its row, its word, its place in the chip's coverage."""
        chip = self.chips[timed.chip]
        message, arrival = timed.message, timed.arrival
        row = (chip.chip_no, timed.at_ms, timed.corrected_ms, timed.late.kind, arrival.received_ms, arrival.hash)
        if isinstance(message, Telemetry):
            self.telemetry.append(mapping.telemetry_row(message, *row))
        else:
            self.events.append(mapping.event_row(message, *row))
        self.fresh[timed.chip, message.boot, message.seq] = arrival.hash
        self.stored.append(timed)
        said = mapping.word(message, timed.now_ms)
        if said is not None:
            (self.live if live else self.late).append((timed, said))
        self._cover(chip, message.boot, message.seq)
        self._wants_time(chip, timed)
        self.fates["new"] = self.fates.get("new", 0) + 1

    def settle(self, found: dict[int, int], quarantined: set[int], elsewhere: set[int]) -> None:
        """Decide the candidates, now that the store has said what it holds (positions as in `candidates`).

        A conflict needs proof: another content, or another time, is stored under the key. What was seen and is nowhere (given up
        as unreadable, declared lost, counted beyond the quarantine's cap) is late evidence, and welcome.
        """
        for number, timed in enumerate(self.candidates):
            stored = self.fresh.get((timed.chip, timed.message.boot, timed.message.seq), found.get(number))
            if stored is not None and stored != timed.arrival.hash:
                self._conflict(timed, "another content is stored under this key")
            elif stored is not None or number in quarantined:
                self._repeated(timed)
            elif number in elsewhere:
                self._conflict(timed, "this key is stored with another time")
            else:
                self.accept(timed, live=False)

    def _repeated(self, timed: Timed) -> None:
        self.fates["duplicate"] = self.fates.get("duplicate", 0) + 1
        self._cover(self.chips[timed.chip], timed.message.boot, timed.message.seq)

    def _conflict(self, timed: Timed, detail: str) -> None:
        self.spoken.setdefault(timed.chip, set()).add(timed.message.boot)
        self.conflicts.append(timed)
        self.reject(timed.arrival, "changed_key", detail, timed.message.boot, timed.message.seq)
        self.touched.add(timed.chip)

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
        self.fates[reason] = self.fates.get(reason, 0) + 1

    # -- bookkeeping

    def _cover(self, chip: Chip, boot: int, seq: int) -> None:
        current = self.chips[chip.chip]
        self.spoken.setdefault(chip.chip, set()).add(boot)
        progress = intake.cover(current.fold.progress, boot, seq)
        self.chips[chip.chip] = replace(current, fold=replace(current.fold, progress=progress))
        self.touched.add(chip.chip)

    def _wants_time(self, chip: Chip, timed: Timed) -> None:
        message = timed.message
        if isinstance(message, Event) and isinstance(message.event, TimeWanted) and timed.late.kind == "live":
            words = Time(aud=chip.chip, boot=message.boot, up=message.up, at=timed.arrival.received_ms)
            self.answers.append((chip.shard, chip.chip, words, None))

    def keys(self) -> list[Key]:
        """What the store is asked about."""
        return [
            Key(
                self.chips[timed.chip].chip_no,
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
        known = current.boots[boot]
        self.chips[chip] = with_boot(current, boot, Answered(known.anchor_ms, content, reply))
        row = BootRow(current.chip_no, boot, mapping.utc(known.anchor_ms), content, reply)
        self.boots.append((row, current.received_ms))


def tickets(draft: Draft) -> set[UUID]:
    """The tickets whose meaning the fold needs."""
    return {said.ticket for _, said in (*draft.live, *draft.late) if getattr(said, "ticket", None) is not None}  # type: ignore[union-attr,misc]
