"""The latest state of each chip of a batch, for people who ask what it is doing now; and a word in the live map's tail where
somebody who watches would see a difference.

Refuses to let late words overwrite newer ones.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ingest import mapping
from ingest.batch import Batch
from ingest.draft import Timed
from ingest.memory import Chip, Latest, to_json
from schemas.chip import Telemetry
from weld.core import detect
from weld.core.said import ARC_A
from weld.store import chips


async def write_states(batch: Batch) -> None:
    """The latest state of each chip: one row a chip, never moved back by late words."""
    before: dict[str, Latest] = {}
    for timed in batch.draft.stored:
        chip = batch.chip(timed.chip)
        before.setdefault(chip.chip, chip.latest)
        if timed.late.kind != "chip" and timed.now_ms >= (chip.latest.at_ms or 0):
            chip = replace(chip, latest=_latest(chip.latest, timed))
        batch.put(replace(chip, received_ms=max(chip.received_ms, timed.arrival.received_ms)))
    rows = [_state_row(batch.chip(name)) for name in batch.draft.touched]
    if rows:
        await chips.put_states(batch.conn, rows)
    if batch.draft.presence:
        await chips.put_presence(batch.conn, list(batch.draft.presence.values()))
    if changes := [_change(batch.chip(name)) for name, old in before.items() if _differs(old, batch.chip(name).latest)]:
        await chips.put_changes(batch.conn, changes)


def _differs(before: Latest, after: Latest) -> bool:
    """Whether somebody who watches sees a difference: the state, the contact, or whether an arc burns."""
    return after.state is not None and _visible(before) != _visible(after)


def _visible(latest: Latest) -> tuple[str | None, str | None, bool]:
    return latest.state, latest.contact, latest.state == "arcing" or (latest.current_a or 0.0) >= ARC_A


def _change(chip: Chip) -> tuple[str, str, datetime]:
    latest = chip.latest
    return chip.chip, latest.state or "", mapping.utc(latest.at_ms or 0)


def _latest(before: Latest, timed: Timed) -> Latest:
    message = timed.message
    if not isinstance(message, Telemetry):
        return replace(before, at_ms=timed.now_ms)
    known = [a for a in message.current_a if a is not None]
    here = message.position
    return Latest(
        at_ms=timed.now_ms,
        state=message.state,
        contact=message.contact,
        session=UUID(message.session) if message.session else None,
        ticket=UUID(message.ticket) if message.ticket else None,
        current_a=known[-1] if known else None,
        energy_wh=message.energy_wh if message.energy_wh is not None else before.energy_wh,
        lat=here.lat if here else before.lat,
        lon=here.lon if here else before.lon,
        accuracy_m=here.accuracy_m if here else before.accuracy_m,
    )


def _state_row(chip: Chip) -> chips.StateRow:
    latest = chip.latest
    return chips.StateRow(
        chip.chip_no, chip.chip, chip.shard, detect.RULES_VERSION, chip.fold.progress.boot, chip.fold.progress.seq,
        mapping.utc(chip.received_ms), None if latest.at_ms is None else mapping.utc(latest.at_ms), latest.state,
        latest.contact, latest.session, latest.ticket, latest.current_a, latest.energy_wh,
        latest.lat, latest.lon, latest.accuracy_m, to_json(chip),
    )  # fmt: skip
