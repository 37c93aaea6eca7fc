"""What a worker remembers of the chips of its shards: loaded with the lease, advanced only after COMMIT, thrown away after any
doubt.

Small on purpose: a million chips fit beside each other, so what only people ask for (position, energy, replies) stays in the
store. Refuses to be changed by a batch: that works on copies and hands them over once it has committed.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec

from ingest.mapping import ms_of
from weld.core.detect import RULES_VERSION
from weld.core.fold import Fold
from weld.core.intake import TRACKED_BOOTS, Progress, Range, Track
from weld.core.said import ARC_A
from weld.store import chips
from weld.store.chips import ChipRow
from weld.store.connect import Conn

_NOTHING_HEARD = Progress()
_NOTHING_OPEN = Fold()


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """A boot as it is known: when its `up` was 0, and the hash of its boot message once that was answered."""

    boot: int
    at_ms: int
    hash: int | None = None


class Chip(msgspec.Struct, gc=False):
    """One chip. A batch works on a copy."""

    chip: str
    chip_no: int
    shard: str
    rejected: bool = False
    # its coverage, spread out: see `progress`
    boot: int = 0
    seq: int = 0
    gaps: tuple[Range, ...] = ()
    older: tuple[Track, ...] = ()
    # when `up` was 0 in its newest boot, the hash of its boot message where that was asked for, and the boots before
    anchor_boot: int = 0
    anchor_ms: int = 0
    answered: int | None = None
    anchors: tuple[Anchor, ...] = ()
    fold: Fold = _NOTHING_OPEN
    received_ms: int = 0
    # the newest words about itself, as much as tells whether somebody who watches sees a difference
    at_ms: int = 0
    state: str | None = None
    contact: str | None = None
    burning: bool = False
    # presence: (boot, connection) of the newest word, and what it said
    presence: tuple[int, int] = (0, 0)
    online: bool = False
    # idle time that is not added to the machine's day yet: which quarter of an hour it belongs to, how much, of how many messages
    quarter: int = 0
    idle_ms: int = 0
    idle_messages: int = 0
    clock_ms: int | None = None  # how far its clock is behind ours

    @property
    def progress(self) -> Progress:
        """Which of its messages are here."""
        return Progress(self.boot, self.seq, self.gaps, self.older)

    def cover(self, progress: Progress) -> None:
        """From now on these are."""
        self.boot, self.seq, self.gaps, self.older = progress

    def anchor(self, boot: int) -> Anchor | None:
        """What is known of a boot."""
        if boot == self.anchor_boot:
            return Anchor(boot, self.anchor_ms, self.answered) if boot else None
        return next((anchor for anchor in self.anchors if anchor.boot == boot), None)

    def anchor_at(self, anchor: Anchor) -> None:
        """One boot known, or better known; beside the newest a few are remembered."""
        if anchor.boot < self.anchor_boot:
            others = [known for known in self.anchors if known.boot != anchor.boot]
            self.anchors = tuple(sorted([*others, anchor], key=lambda known: known.boot))
            return
        if 0 < self.anchor_boot < anchor.boot:
            before = Anchor(self.anchor_boot, self.anchor_ms, self.answered)
            self.anchors = (*self.anchors, before)
        self.anchor_boot, self.anchor_ms, self.answered = anchor.boot, anchor.at_ms, anchor.hash


class Memory:
    """All chips of the shards that this worker holds."""

    def __init__(self) -> None:
        self._shards: dict[str, dict[str, Chip]] = {}
        self._working: dict[str, dict[str, Chip]] = {}

    def __len__(self) -> int:
        return sum(len(chips) for chips in self._shards.values())

    def get(self, shard: str, chip: str) -> Chip | None:
        """The chip, if it is remembered in this shard."""
        held = self._shards.get(shard)
        return None if held is None else held.get(chip)

    def advance(self, changed: Iterable[Chip]) -> None:
        """Remember what a committed batch made of these, where their shard is (still) ours."""
        for chip in changed:
            held = self._shards.get(chip.shard)
            if held is None:
                continue
            if len(chip.anchors) >= TRACKED_BOOTS:  # within a batch none may be forgotten
                chip.anchors = chip.anchors[-(TRACKED_BOOTS - 1) :]
            held[chip.chip] = chip
            if chip.fold is not _NOTHING_OPEN:
                working = self._working[chip.shard]
                if chip.fold.open_session is not None:
                    working[chip.chip] = chip
                else:
                    working.pop(chip.chip, None)

    def drop(self, shards: Iterable[str]) -> None:
        """Forget everything about these shards."""
        for shard in shards:
            self._shards.pop(shard, None)
            self._working.pop(shard, None)

    def of(self, shard: str) -> Iterator[Chip]:
        """The chips of one shard; do not await while you read them."""
        return iter(self._shards.get(shard, {}).values())

    def working(self, shard: str) -> Iterator[Chip]:
        """Those of them with an open session."""
        return iter(self._working.get(shard, {}).values())

    async def load(self, conn: Conn, shards: Sequence[str]) -> None:
        """Remember what the store knows of these shards, and nothing else."""
        self.drop(shards)
        for shard in shards:
            loaded = {row.chip_no: from_row(row) for row in await chips.of_shards(conn, [shard])}
            for boot in await chips.newest_boots(conn, [shard]):
                if (chip := loaded.get(boot.chip_no)) is not None:
                    chip.anchor_at(Anchor(boot.boot, ms_of(boot.anchor_at)))
            self._shards[shard], self._working[shard] = {}, {}
            self.advance(loaded.values())
        gc.freeze()  # what is remembered stays: the collector need not look at it again and again


async def load_named(conn: Conn, names: Sequence[str]) -> dict[str, Chip]:
    """Chips by name, whatever their shard."""
    return {row.chip: from_row(row) for row in await chips.named(conn, names)}


def from_row(row: ChipRow) -> Chip:
    """A chip as it was saved; of a fold by other rules only the coverage is used, its session is put together again."""
    saved = row.fold or {}
    same_rules = row.rules_version == RULES_VERSION
    chip = Chip(
        row.chip,
        row.chip_no,
        row.shard,
        rejected=row.rejected,
        fold=_fold(saved if same_rules else {}),
        received_ms=ms_of(row.received_at) if row.received_at else 0,
        at_ms=ms_of(row.at) if row.at else 0,
        state=row.state and intern(row.state),
        contact=row.contact and intern(row.contact),
        burning=is_burning(row.state, row.current_a),
        presence=presence_of(row.presence_boot or 0, row.connection or 0),
        online=bool(row.online),
        quarter=quarter_of(row.idle_quarter),
        idle_ms=row.idle_ms,
        idle_messages=row.idle_messages,
        clock_ms=row.clock_ms,
    )
    chip.cover(_progress(saved, row))
    return chip


@lru_cache(maxsize=4096)
def quarter_of(number: int) -> int:
    """One number for all chips that are in the same quarter of an hour."""
    return number


@lru_cache(maxsize=65_536)
def presence_of(boot: int, connection: int) -> tuple[int, int]:
    """One pair for all chips that have it: most have low numbers."""
    return boot, connection


def _progress(saved: dict[str, Any], row: ChipRow) -> Progress:
    """Coverage is saved with the fold; messages that simply came next after that have only moved the row's own `seq`."""
    if "progress" not in saved:
        return _NOTHING_HEARD
    progress = msgspec.convert(saved["progress"], Progress)
    return progress._replace(seq=max(progress.seq, row.seq or 0)) if row.boot == progress.boot else progress


def _fold(saved: dict[str, Any]) -> Fold:
    fold = msgspec.convert(saved, Fold)
    return _NOTHING_OPEN if fold == _NOTHING_OPEN else fold


def to_json(chip: Chip) -> bytes:
    """What is saved of a chip beside the columns of its state."""
    fold = chip.fold
    words = {
        "progress": chip.progress,
        "session": fold.session,
        "licence": fold.licence,
        "episodes": fold.episodes,
    }
    return msgspec.json.encode(words)


def is_burning(state: str | None, current_a: float | None) -> bool:
    """Whether somebody who watches sees an arc."""
    return state == "arcing" or (current_a or 0.0) >= ARC_A
