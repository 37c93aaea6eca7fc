"""The chips of one shard, packed: what every chip has as numbers side by side in one block of bytes, and beside it what only some
have (holes, earlier boots, a session).

Small and in one place on purpose. A million chips as objects are a gigabyte whose every change frees and fills memory somewhere
else, so that even what a batch needs for a moment lies in cold memory; here a change is written where the chip already is, also
that of an open session. Refuses to hand out what it holds: who asks gets a chip of his own.
"""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

import msgspec

from ingest.chip import NOTHING_OPEN, Anchor, Chip, unpack
from weld.core.fold import Fold
from weld.core.intake import Range, Track
from weld.core.session import silent_until_ms

# What each number is stands in `put`: ids and coverage, the newest boot's anchor, times, presence, idle time, the clock; then one
# byte each for what is true or known of it, its state and its contact.
_RECORD = Struct("<iiqiqqqqiiiqiqqBBB")
_QUARTER_AT, _MESSAGES_AT, _FLAGS_AT = 60, 72, 92
_QUARTERS = Struct(f"<{_QUARTER_AT}xi{_MESSAGES_AT - _QUARTER_AT - 4}xi{_RECORD.size - _MESSAGES_AT - 4}x")

_REJECTED, _BURNING, _ONLINE, _ANSWERED, _CLOCK = 1, 2, 4, 8, 16
_IS_ONLINE = bytes(1 if flags & _ONLINE else 0 for flags in range(256))


class _Past(NamedTuple):
    """Holes, earlier boots and their anchors."""

    gaps: tuple[Range, ...] = ()
    older: tuple[Track, ...] = ()
    anchors: tuple[Anchor, ...] = ()


_NO_PAST = _Past()
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(_Past).decode

# The cell of an open session begins with until when it may be silent and the size of its packed fold.
_CELL = Struct("<qi")


class _Words:
    """A short list of words that chips say of themselves, and their numbers; 0 = nothing."""

    def __init__(self) -> None:
        self.words: list[str | None] = [None]
        self.numbers: dict[str | None, int] = {None: 0}

    def number(self, word: str | None) -> int:
        """Its number; a word that was never heard gets one."""
        known = self.numbers.get(word)
        if known is None:
            known = self.numbers[word] = len(self.words)
            self.words.append(word)
        return known


_STATES, _CONTACTS = _Words(), _Words()  # closed lists of the wire: each number is below 256

_NUMBERS: list[int] = []  # slots as objects, the same for all shelves


class Shelf:
    """All chips of one shard that this worker remembers."""

    def __init__(self, shard: str) -> None:
        self._shard = shard
        self._slots: dict[str, int] = {}
        self._names: list[str] = []
        self._records = bytearray()
        self._pasts: dict[int, bytes] = {}
        self._folds: dict[int, bytes] = {}  # of those without an open session
        self._working: dict[int, bytearray] = {}  # of those with one: see `_CELL`

    def __len__(self) -> int:
        return len(self._names)

    def get(self, name: str) -> Chip | None:
        """The chip as it was put here last."""
        slot = self._slots.get(name)
        return None if slot is None else self._chip(slot)

    def put(self, chip: Chip, before: Chip | None = None) -> None:
        """Remember it. What is the same object in `before`, as `get` gave it, need not be looked at again."""
        slot = self._slots.get(chip.chip)
        if slot is None:
            slot, before = self._new(chip.chip), None
        presence = chip.presence
        answered, clock_ms = chip.answered, chip.clock_ms
        flags = (
            (_REJECTED if chip.rejected else 0)
            | (_BURNING if chip.burning else 0)
            | (_ONLINE if chip.online else 0)
            | (0 if answered is None else _ANSWERED)
            | (0 if clock_ms is None else _CLOCK)
        )
        _RECORD.pack_into(
            self._records, slot * _RECORD.size, chip.chip_no, chip.boot, chip.seq, chip.anchor_boot, chip.anchor_ms,
            answered or 0, chip.received_ms, chip.at_ms, presence[0], presence[1], chip.quarter, chip.idle_ms,
            chip.idle_messages, chip.idle_online_ms, clock_ms or 0, flags, _STATES.number(chip.state),
            _CONTACTS.number(chip.contact),
        )  # fmt: skip
        if before is None or not (
            chip.gaps is before.gaps and chip.older is before.older and chip.anchors is before.anchors
        ):
            self._put_past(slot, _Past(chip.gaps, chip.older, chip.anchors))
        if before is None or chip.kept is not before.kept:
            self._put_fold(slot, chip.fold)

    def gather(self) -> None:
        """Names in one place, once all are here. Each was made among rows that are gone now: as long as they lie scattered, every
        page of that is half empty, and what a batch makes for a moment lands in the gaps, in cold memory."""
        self._names = "\n".join(self._names).split("\n") if self._names else []
        self._slots = dict(zip(self._names, _NUMBERS, strict=False))

    def __iter__(self) -> Iterator[Chip]:
        return (self._chip(slot) for slot in range(len(self._names)))

    def overdue(self, now_ms: int) -> list[Chip]:
        """Those whose open session has been silent for longer than it can be."""
        return [self._chip(slot) for slot, cell in self._working.items() if now_ms > _CELL.unpack_from(cell)[0]]

    def online(self) -> int:
        """How many are online by their last word."""
        return self._records[_FLAGS_AT :: _RECORD.size].translate(_IS_ONLINE).count(1)

    def idle_before(self, quarter: int) -> list[str]:
        """Those whose idle time of an earlier quarter of an hour is not in their day yet."""
        found = _QUARTERS.iter_unpack(self._records)
        return [self._names[slot] for slot, (since, messages) in enumerate(found) if messages and since < quarter]

    def _new(self, name: str) -> int:
        if len(self._names) == len(_NUMBERS):
            _NUMBERS.append(len(_NUMBERS))
        slot = self._slots[name] = _NUMBERS[len(self._names)]
        self._names.append(name)
        self._records += bytes(_RECORD.size)
        return slot

    def _chip(self, slot: int) -> Chip:
        (
            chip_no, boot, seq, anchor_boot, anchor_ms, answered, received_ms, at_ms, presence_boot, connection, quarter,
            idle_ms, idle_messages, idle_online_ms, clock_ms, flags, state, contact,
        ) = _RECORD.unpack_from(self._records, slot * _RECORD.size)  # fmt: skip
        past = self._pasts.get(slot)
        gaps, older, anchors = _NO_PAST if past is None else _decode(past)
        return Chip(
            self._names[slot], chip_no, self._shard, flags & _REJECTED != 0, boot, seq, gaps, older, anchor_boot, anchor_ms,
            answered if flags & _ANSWERED else None, anchors, self._fold(slot), received_ms, at_ms,
            _STATES.words[state], _CONTACTS.words[contact], flags & _BURNING != 0, (presence_boot, connection),
            flags & _ONLINE != 0, quarter, idle_ms, idle_messages, idle_online_ms,
            clock_ms if flags & _CLOCK else None,
        )  # fmt: skip

    def _put_past(self, slot: int, past: _Past) -> None:
        if past == _NO_PAST:
            self._pasts.pop(slot, None)
        else:
            self._pasts[slot] = _encode(past)

    def _fold(self, slot: int) -> Fold | bytes:
        """Unpacked where a session is open: the next word goes on from there; of others nobody asks for long."""
        cell = self._working.get(slot)
        if cell is None:
            return self._folds.get(slot, NOTHING_OPEN)
        _, size = _CELL.unpack_from(cell)
        return unpack(memoryview(cell)[_CELL.size : _CELL.size + size])

    def _put_fold(self, slot: int, fold: Fold) -> None:
        known, licence = fold.open_session, fold.licence
        if known is not None and licence is not None:
            self._folds.pop(slot, None)
            if (cell := self._working.get(slot)) is None:
                cell = self._working[slot] = bytearray(_CELL.size)
            packed = _encode(fold)
            _CELL.pack_into(cell, 0, silent_until_ms(known, licence.ends_ms), len(packed))
            cell[_CELL.size : _CELL.size + len(packed)] = packed  # in place; it never shrinks
            return
        self._working.pop(slot, None)
        if fold is NOTHING_OPEN:
            self._folds.pop(slot, None)
        else:
            self._folds[slot] = _encode(fold)
