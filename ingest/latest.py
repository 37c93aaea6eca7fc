"""The latest state of each chip of a batch, for people who ask what it is doing now; and a word in the live map's tail where
somebody who watches would see a difference.

Refuses to let late words overwrite newer ones: the draft has told which words are the newest.
"""

from datetime import datetime
from struct import Struct

from ingest import mapping
from ingest.batch import Batch
from ingest.chip import Chip, to_json
from ingest.draft import Draft
from schemas.chip import Position, Telemetry
from weld.core import detect
from weld.core.intake import missing_messages as missing
from weld.store import chips
from weld.store.binary import (
    EPOCH_US,
    FLAG,
    FLOAT4,
    FLOAT8,
    INT4,
    INT8,
    NOWHERE,
    NULL,
    WORDS,
    jsonb,
    micros,
    uuid,
)


async def write_states(batch: Batch) -> None:
    """The latest state of each chip: one row a chip, never moved back by late words."""
    draft = batch.draft
    if rows := [_row(draft, name) for name in draft.touched]:
        await chips.put_states(batch.conn, rows, told=len(draft.newest))
    if draft.presence:
        await chips.put_presence(batch.conn, list(draft.presence.values()))
    if changes := [
        _change(draft.chips[name]) for name in draft.newest if _differs(draft.before[name], draft.chips[name])
    ]:
        await chips.put_changes(batch.conn, changes)


def _differs(before: Chip, after: Chip) -> bool:
    """Whether somebody who watches sees a difference: the state, the contact, or whether an arc burns."""
    return after.state != before.state or after.contact != before.contact or after.burning != before.burning


def _change(chip: Chip) -> tuple[str, str, datetime]:
    return chip.chip, chip.state or "", mapping.utc(chip.at_ms)


# Number of columns, chip_no, size of chip.
_HEAD = Struct(">hiii").pack
# rules_version, boot, seq, received_at.
_HEARD = Struct(">iiiiiqiq").pack
# idle_quarter, idle_ms, idle_messages, idle_online_ms.
_IDLE = Struct(">iiiqiiiq").pack
# missing and fold, where both are as they were saved.
_AS_SAVED = INT4(4, 0) + NULL
# What would be told: from state to accuracy_m.
_NOTHING = 9 * NULL


def _row(draft: Draft, name: str) -> bytes:
    """The columns of the stage in their order, each with its size (weld.store.binary)."""
    before, chip, told = draft.before[name], draft.chips[name], draft.newest.get(name)
    as_saved = (
        chip.kept is before.kept
        and chip.boot == before.boot
        and chip.gaps is before.gaps
        and chip.older is before.older
    )
    return b"".join((
        _HEAD(25, 4, chip.chip_no, len(name)),  # the name of a chip is ASCII
        name.encode(),
        WORDS[chip.shard],
        _HEARD(4, detect.RULES_VERSION, 4, chip.boot, 8, chip.seq, 8, chip.received_ms * 1000 - EPOCH_US),
        INT8(8, micros(chip.at_ms)) if chip.at_ms else NULL,
        FLAG[told is not None],
        _NOTHING if told is None else _told(told, draft.energy_wh.get(name), draft.places.get(name)),
        _IDLE(4, chip.quarter, 8, chip.idle_ms, 4, chip.idle_messages, 8, chip.idle_online_ms),
        NULL if chip.clock_ms is None else INT4(4, chip.clock_ms),
        _AS_SAVED if as_saved else INT4(4, missing(chip.progress)) + jsonb(to_json(chip)),
    ))  # fmt: skip


def _told(message: Telemetry, energy_wh: float | None, here: Position | None) -> bytes:
    session, ticket, current_a = message.session, message.ticket, mapping.last_known(message.current_a)
    return b"".join((
        WORDS[message.state],
        WORDS[message.contact],
        NULL if session is None else uuid(session),
        NULL if ticket is None else uuid(ticket),
        NULL if current_a is None else FLOAT4(4, current_a),
        NULL if energy_wh is None else FLOAT8(8, energy_wh),
        NOWHERE if here is None else mapping.position(here),
    ))  # fmt: skip
