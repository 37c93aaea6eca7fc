"""One chip as ingest knows it: its coverage, its boots, its newest session, its newest words about itself.

A batch works on copies. Refuses I/O; how it is saved and read again stands here, where it is stored is weld.store's.
"""

from sys import intern
from typing import Any

import msgspec

from ingest.mapping import ms_of
from weld.core.detect import RULES_VERSION
from weld.core.fold import Fold
from weld.core.intake import Progress, Range, Track
from weld.core.said import ARC_A
from weld.store.chips import ChipRow

_NOTHING_HEARD = Progress()
NOTHING_OPEN = Fold()
unpack = msgspec.msgpack.Decoder(Fold).decode  # a fold as a shelf keeps it


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """A boot as it is known: when its `up` was 0, and the hash of its boot message once that was answered."""

    boot: int
    at_ms: int
    hash: int | None = None


class Chip(msgspec.Struct, gc=False):
    """One chip; a batch works on a copy."""

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
    # its newest session and running episodes; packed where nothing of it goes on
    kept: Fold | bytes = NOTHING_OPEN
    received_ms: int = 0
    # the newest words about itself, as much as tells whether somebody who watches sees a difference
    at_ms: int = 0
    state: str | None = None
    contact: str | None = None
    burning: bool = False
    # presence: (boot, connection) of the newest word, and what it said
    presence: tuple[int, int] = (0, 0)
    online: bool = False
    # idle time that is not in the rollups yet: which quarter of an hour it belongs to, how much, of how many messages, and the
    # span of those that were told while it happened
    quarter: int = 0
    idle_ms: int = 0
    idle_messages: int = 0
    idle_online_ms: int = 0
    clock_ms: int | None = None  # how far its clock is behind ours

    @property
    def fold(self) -> Fold:
        """What the rules go on from."""
        if isinstance(self.kept, bytes):
            self.kept = unpack(self.kept)
        return self.kept

    @fold.setter
    def fold(self, fold: Fold) -> None:
        self.kept = fold

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


def from_row(row: ChipRow) -> Chip:
    """A chip as it was saved; of a fold by other rules only the coverage is used, its session is put together again."""
    saved = row.fold or {}
    same_rules = row.rules_version == RULES_VERSION
    chip = Chip(
        row.chip,
        row.chip_no,
        row.shard,
        rejected=row.rejected,
        kept=_fold(saved if same_rules else {}),
        received_ms=ms_of(row.received_at) if row.received_at else 0,
        at_ms=ms_of(row.at) if row.at else 0,
        state=row.state and intern(row.state),
        contact=row.contact and intern(row.contact),
        burning=is_burning(row.state, row.current_a),
        presence=(row.presence_boot or 0, row.connection or 0),
        online=bool(row.online),
        quarter=row.idle_quarter,
        idle_ms=row.idle_ms,
        idle_messages=row.idle_messages,
        idle_online_ms=row.idle_online_ms,
        clock_ms=row.clock_ms,
    )
    chip.cover(_progress(saved, row))
    return chip


def _progress(saved: dict[str, Any], row: ChipRow) -> Progress:
    """Coverage is saved with the fold; messages that simply came next after that have only moved the row's own `seq`."""
    if "progress" not in saved:
        return _NOTHING_HEARD
    progress = msgspec.convert(saved["progress"], Progress)
    return progress._replace(seq=max(progress.seq, row.seq or 0)) if row.boot == progress.boot else progress


def _fold(saved: dict[str, Any]) -> Fold:
    fold = msgspec.convert(saved, Fold)
    return NOTHING_OPEN if fold == NOTHING_OPEN else fold


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
