"""What a worker remembers of the chips of its shards: loaded with the lease, advanced only after COMMIT, thrown away after any
doubt.

Refuses to be changed by a batch: that works on copies, and hands them over once it has committed.
"""

import gc
from collections.abc import Iterable, Sequence

from ingest.chip import Anchor, Chip, from_row
from ingest.mapping import ms_of
from ingest.shelf import Shelf
from weld.core.intake import TRACKED_BOOTS
from weld.store import chips
from weld.store.connect import Conn


class Memory:
    """All chips of the shards that this worker holds."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._awaited: dict[str, Shelf] = {}  # of each shard: the newest reading that goes on

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self._shelves.values())

    def get(self, shard: str, chip: str) -> Chip | None:
        """The chip, if it is remembered in this shard."""
        shelf = self._shelves.get(shard)
        return None if shelf is None else shelf.get(chip)

    def advance(self, changed: Iterable[tuple[Chip | None, Chip]]) -> None:
        """Remember what a committed batch made of these, as (before, after), where their shard is (still) ours."""
        for before, chip in changed:
            shelf = self._shelves.get(chip.shard)
            if shelf is None:
                continue
            if len(chip.anchors) >= TRACKED_BOOTS:  # within a batch none may be forgotten
                chip.anchors = chip.anchors[-(TRACKED_BOOTS - 1) :]
            shelf.put(chip, before)

    def drop(self, shards: Iterable[str]) -> None:
        """Forget everything about these shards."""
        for shard in shards:
            self._shelves.pop(shard, None)
            self._awaited.pop(shard, None)

    def of(self, shard: str) -> Shelf:
        """The chips of one shard; do not await while you go through them."""
        return self._shelves.get(shard) or Shelf(shard)

    async def load(self, conn: Conn, shards: Sequence[str]) -> None:
        """Remember what the store knows of these shards, and nothing else."""
        self.drop(shards)
        for shard in shards:
            shelf = self._awaited[shard] = Shelf(shard)
            await _fill(shelf, conn, shard)
            if (
                self._awaited.get(shard) is shelf
            ):  # else it was lost, or taken anew, while we read: ours is the older picture
                self._shelves[shard] = self._awaited.pop(shard)
        gc.freeze()  # what is remembered stays: the collector need not look at it again and again


async def _fill(shelf: Shelf, conn: Conn, shard: str) -> None:
    loaded = {row.chip_no: from_row(row) for row in await chips.of_shards(conn, [shard])}
    for boot in await chips.newest_boots(conn, [shard]):
        if (chip := loaded.get(boot.chip_no)) is not None:
            chip.anchor_at(Anchor(boot.boot, ms_of(boot.anchor_at)))
    for chip in loaded.values():
        shelf.put(chip)
    shelf.gather()


async def load_named(conn: Conn, names: Sequence[str]) -> dict[str, Chip]:
    """Chips by name, whatever their shard."""
    return {row.chip: from_row(row) for row in await chips.named(conn, names)}
