"""What a worker remembers of the chips of its shards: loaded with the lease, advanced only after COMMIT, thrown away after any
doubt.

Small on purpose: a million chips fit beside each other, so what only people ask for (position, energy, replies) stays in the
store. Refuses to be changed by a batch: that works on copies and hands them over once it has committed.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ingest.mapping import ms_of
from weld.core.detect import RULES_VERSION
from weld.core.fold import Fold
from weld.core.intake import TRACKED_BOOTS, Progress
from weld.core.said import ARC_A
from weld.store import chips
from weld.store.chips import BootRow, ChipRow
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
    progress: Progress = _NOTHING_HEARD
    fold: Fold = _NOTHING_OPEN
    anchors: tuple[Anchor, ...] = ()
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

    def anchor(self, boot: int) -> Anchor | None:
        """What is known of a boot."""
        for anchor in self.anchors:
            if anchor.boot == boot:
                return anchor
        return None


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
            boots = _by_chip(await chips.newest_boots(conn, [shard]))
            loaded = [from_row(row, boots.get(row.chip_no, ())) for row in await chips.of_shards(conn, [shard])]
            self._shards[shard], self._working[shard] = {}, {}
            self.advance(loaded)
        gc.freeze()  # what is remembered stays: the collector need not look at it again and again


async def load_named(conn: Conn, names: Sequence[str]) -> dict[str, Chip]:
    """Chips by name, whatever their shard."""
    rows = await chips.named(conn, names)
    return {row.chip: from_row(row, ()) for row in rows}


def from_row(row: ChipRow, anchors: tuple[Anchor, ...]) -> Chip:
    """A chip as it was saved; of a fold by other rules only the coverage is used, its session is put together again."""
    saved = row.fold or {}
    same_rules = row.rules_version == RULES_VERSION
    return Chip(
        row.chip,
        row.chip_no,
        row.shard,
        rejected=row.rejected,
        progress=_progress(saved, row),
        fold=_fold(saved if same_rules else {}),
        anchors=anchors,
        received_ms=ms_of(row.received_at) if row.received_at else 0,
        at_ms=ms_of(row.at) if row.at else 0,
        state=row.state,
        contact=row.contact,
        burning=is_burning(row.state, row.current_a),
        presence=presence_of(row.presence_boot or 0, row.connection or 0),
        online=bool(row.online),
        quarter=row.idle_quarter,
        idle_ms=row.idle_ms,
        idle_messages=row.idle_messages,
        clock_ms=row.clock_ms,
    )


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


def _by_chip(rows: Sequence[BootRow]) -> dict[int, tuple[Anchor, ...]]:
    found: dict[int, tuple[Anchor, ...]] = {}
    for row in rows:
        found[row.chip_no] = (*found.get(row.chip_no, ()), Anchor(row.boot, ms_of(row.anchor_at), row.hash))
    return found


def with_anchor(chip: Chip, anchor: Anchor) -> None:
    """One more boot known; beside it only the newest few are kept."""
    others = sorted((known for known in chip.anchors if known.boot != anchor.boot), key=lambda known: known.boot)
    chip.anchors = (*others[-(TRACKED_BOOTS - 1) :], anchor)
