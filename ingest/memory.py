"""What a worker remembers of the chips of its shards: loaded with the lease, advanced only after COMMIT, thrown away after any
doubt.

Refuses to be changed in place: a batch works on replaced values and hands them over once it has committed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec

from ingest.mapping import ms_of
from weld.core.detect import RULES_VERSION
from weld.core.fold import Fold
from weld.core.intake import TRACKED_BOOTS, Progress
from weld.store import chips
from weld.store.chips import BootRow, ChipRow
from weld.store.connect import Conn


@dataclass(frozen=True, slots=True)
class Answered:
    """A boot as we know it: its anchor, and what we answered to which bytes."""

    anchor_ms: int
    hash: int | None = None
    reply: bytes | None = None


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest words of a chip about itself, for people who ask "what is it doing now"."""

    at_ms: int | None = None
    state: str | None = None
    contact: str | None = None
    session: UUID | None = None
    ticket: UUID | None = None
    current_a: float | None = None
    energy_wh: float | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip in memory."""

    chip: str
    chip_no: int
    shard: str
    rejected: bool = False
    fold: Fold = field(default_factory=Fold)
    latest: Latest = field(default_factory=Latest)
    boots: Mapping[int, Answered] = field(default_factory=dict)
    received_ms: int = 0
    presence: tuple[int, int] = (0, 0)
    online: bool = False
    stale: bool = False  # saved by other rules: its newest session must be assembled again


class Memory:
    """All chips of the shards that this worker holds."""

    def __init__(self) -> None:
        self._chips: dict[str, Chip] = {}

    def __len__(self) -> int:
        return len(self._chips)

    def get(self, chip: str) -> Chip | None:
        """The chip, if it is remembered."""
        return self._chips.get(chip)

    def advance(self, changed: Iterable[Chip]) -> None:
        """Remember what a committed batch made of these."""
        for chip in changed:
            self._chips[chip.chip] = chip

    def drop(self, shards: Iterable[str]) -> None:
        """Forget everything about these shards."""
        gone = set(shards)
        self._chips = {name: chip for name, chip in self._chips.items() if chip.shard not in gone}

    def of(self, shard: str) -> list[Chip]:
        """The chips of one shard."""
        return [chip for chip in self._chips.values() if chip.shard == shard]

    async def load(self, conn: Conn, shards: Sequence[str]) -> None:
        """Remember what the store knows of these shards, and nothing else."""
        self.drop(shards)
        boots = _by_chip(await chips.newest_boots(conn, shards))
        self.advance(from_row(row, boots.get(row.chip_no, {})) for row in await chips.of_shards(conn, shards))


async def load_named(conn: Conn, names: Sequence[str]) -> dict[str, Chip]:
    """Chips by name, whatever their shard."""
    rows = await chips.named(conn, names)
    return {row.chip: from_row(row, {}) for row in rows}


def from_row(row: ChipRow, boots: Mapping[int, Answered]) -> Chip:
    """A chip as it was saved; a fold of other rules keeps its coverage only."""
    saved = row.fold or {}
    stale = bool(saved) and row.rules_version != RULES_VERSION
    if stale:
        fold = Fold(progress=msgspec.convert(saved.get("progress", {}), Progress))
    else:
        fold = msgspec.convert(saved, Fold) if saved else Fold()
    latest = msgspec.convert(saved.get("latest", {}), Latest)
    received_ms = ms_of(row.received_at) if row.received_at else 0
    presence = (row.presence_boot or 0, row.connection or 0)
    online = bool(row.online)
    return Chip(
        row.chip, row.chip_no, row.shard, row.rejected, fold, latest, boots, received_ms, presence, online, stale
    )


def to_json(chip: Chip) -> dict[str, Any]:
    """What is saved of a chip's fold."""
    saved: dict[str, Any] = msgspec.to_builtins(chip.fold)
    saved["latest"] = msgspec.to_builtins(chip.latest)
    return saved


def _by_chip(rows: Sequence[BootRow]) -> dict[int, dict[int, Answered]]:
    found: dict[int, dict[int, Answered]] = {}
    for row in rows:
        found.setdefault(row.chip_no, {})[row.boot] = Answered(ms_of(row.anchor_at), row.hash, row.reply)
    return found


def with_boot(chip: Chip, boot: int, answered: Answered) -> Chip:
    """The chip with one more boot known; beside it only the newest few are kept."""
    boots = {**chip.boots, boot: answered}
    kept = {boot, *sorted(boots)[-TRACKED_BOOTS:]}
    return replace(chip, boots={number: boots[number] for number in kept})
