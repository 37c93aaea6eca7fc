"""The latest state of each chip of a batch, for people who ask what it is doing now; and a word in the live map's tail where
somebody who watches would see a difference.

Refuses to let late words overwrite newer ones: the draft has told which words are the newest.
"""

from datetime import datetime

from ingest import mapping
from ingest.batch import Batch
from ingest.chip import Chip, to_json
from ingest.draft import Draft
from schemas.chip import Position, Telemetry
from weld.core import detect
from weld.store import chips
from weld.store.binary import jsonb, micros, uuid_bytes
from weld.store.chips import StateRow


async def write_states(batch: Batch) -> None:
    """The latest state of each chip: one row a chip, never moved back by late words."""
    draft = batch.draft
    if rows := [_row(draft, name) for name in draft.touched]:
        await chips.put_states(batch.conn, rows)
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


def _row(draft: Draft, name: str) -> StateRow:
    before, chip, told = draft.before[name], draft.chips[name], draft.newest.get(name)
    as_saved = (
        chip.kept is before.kept
        and chip.boot == before.boot
        and chip.gaps is before.gaps
        and chip.older is before.older
    )
    columns = (
        chip.chip_no, chip.chip, chip.shard, detect.RULES_VERSION, chip.boot, chip.seq, micros(chip.received_ms),
        micros(chip.at_ms) if chip.at_ms else None,
        *(_SILENT if told is None else _told(told, draft.energy_wh.get(name), draft.places.get(name))),
        chip.quarter, chip.idle_ms, chip.idle_messages, chip.clock_ms, None if as_saved else jsonb(to_json(chip)),
    )  # fmt: skip
    return StateRow._make(columns)


_Told = tuple[
    bool,
    str | None,
    str | None,
    bytes | None,
    bytes | None,
    float | None,
    float | None,
    float | None,
    float | None,
    float | None,
]  # fmt: skip  (from `told` to `accuracy_m` of a StateRow)
_SILENT: _Told = (False, None, None, None, None, None, None, None, None, None)


def _told(message: Telemetry, energy_wh: float | None, here: Position | None) -> _Told:
    session, ticket = message.session, message.ticket
    return (
        True, message.state, message.contact, None if session is None else uuid_bytes(session),
        None if ticket is None else uuid_bytes(ticket), mapping.last_known(message.current_a), energy_wh,
        here.lat if here else None, here.lon if here else None, here.accuracy_m if here else None,
    )  # fmt: skip
