"""One batch on its way into the store: what its steps share.

Holds no step. What stands here is forgotten when the transaction fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ingest.chip import Chip
from ingest.draft import Draft, Timed
from weld.core.detect import Licence
from weld.core.fold import Found, Terms
from weld.core.session import Session
from weld.store.connect import Conn
from weld.store.rollups import Sum


@dataclass(slots=True)
class Batch:
    """What the steps share. `epochs` are of the groups that it writes for, `replies` are the signed bytes that leave after
    COMMIT, as (shard, chip, payload); `sums` is what sessions and alerts add to the rollups."""

    conn: Conn
    draft: Draft
    epochs: Mapping[str, int]
    now: datetime
    sign: Callable[[object], bytes]
    terms: dict[str, dict[UUID, Terms]] = field(default_factory=dict)
    sessions: dict[UUID, tuple[str, Session, Licence]] = field(default_factory=dict)
    closings: dict[UUID, int] = field(default_factory=dict)
    found: list[tuple[str, Found, int]] = field(default_factory=list)
    reassemble: dict[UUID, Timed] = field(default_factory=dict)
    replies: list[tuple[str, str, bytes]] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    hints: set[str] = field(default_factory=set)
    alerts: int = 0

    def chip(self, name: str) -> Chip:
        """The chip as this batch has it so far."""
        return self.draft.chips[name]

    def terms_of(self, chip: str) -> dict[UUID, Terms]:
        """What the tickets made for this chip permit; another chip's ticket permits it nothing."""
        return self.terms.setdefault(chip, {})

    def touch(self, chip: Chip) -> None:
        """The chip was changed outside its draft: it is to be saved."""
        self.draft.touched.add(chip.chip)
