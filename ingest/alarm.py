"""Findings become alerts: one for each physical episode, and the fact that leaves when somebody has to know.

Refuses to judge: weld.core.detect did.
"""

import os
from collections import defaultdict
from datetime import timedelta

from ingest import mapping
from ingest.batch import Batch
from ingest.draft import Timed
from weld.core import catalogue, detect
from weld.core.detect import Finding
from weld.core.fold import Found
from weld.core.ids import uuid7
from weld.store import reported
from weld.store.reported import AlertRow


async def raise_alerts(batch: Batch) -> None:
    """Findings of one episode become one alert; what pages leaves through the outbox."""
    grouped: dict[tuple[str, str, str], list[tuple[Found, int]]] = defaultdict(list)
    for chip, found, late_by in batch.found:
        grouped[chip, detect.FAMILIES[found.finding.code], found.episode.name].append((found, late_by))
    for (chip, family, name), items in grouped.items():
        await _raise(batch, chip, family, name, items)
    for timed in batch.draft.conflicts:
        await _raise_clone(batch, timed)


async def _raise(batch: Batch, chip: str, family: str, name: str, items: list[tuple[Found, int]]) -> None:
    findings = [found.finding for found, _ in items]
    first = min(findings, key=lambda finding: finding.since_ms)
    pages = any(found.pages for found, _ in items)
    # the code of the episode's first finding: D01 and E02 are the same arc seen with and without a contact reading
    code = items[0][0].episode.code
    kind = catalogue.ALERTS[code]
    row = AlertRow(
        id=uuid7(batch.now, os.urandom(10)),
        code=code,
        codes=[known for known, its in detect.FAMILIES.items() if its == family],
        level=kind.level,
        chip=chip,
        session=first.session,
        episode=name,
        since=mapping.utc(first.since_ms),
        last_at=mapping.utc(max(finding.last_ms for finding in findings)),
        quiet=timedelta(milliseconds=detect.QUIET_MS),
        occurrences=len(items),
        historical=not pages,
        late_by_ms=max(late for _, late in items),
        evidence=_evidence(first),
    )
    alert, told, sums = await reported.raise_alert(batch.conn, row, batch.now)
    batch.sums += sums
    if told:
        batch.alerts += 1
        batch.hints.update({f"alert:{alert}", "outbox"})
        if kind.locks:
            order = uuid7(batch.now, os.urandom(10))
            await reported.order_lock(batch.conn, order, chip, first.session, code)


def _evidence(finding: Finding) -> dict[str, object]:
    """What an enforcement team sees first: where in the chip's stream it stands, and what was measured."""
    return {
        "boot": finding.boot,
        "seq": finding.seq,
        "peak_a": finding.peak_a,
        "contact": finding.contact,
        "rules_version": detect.RULES_VERSION,
    }


async def _raise_clone(batch: Batch, timed: Timed) -> None:
    row = AlertRow(
        id=uuid7(batch.now, os.urandom(10)),
        code="D05",
        codes=["D05"],
        level=catalogue.ALERTS["D05"].level,
        chip=timed.chip,
        session=None,
        episode=f"{timed.message.boot}:{timed.message.seq}:{timed.arrival.hash:x}",
        since=batch.now,
        last_at=batch.now,
        quiet=timedelta(hours=24),
        occurrences=1,
        historical=False,
        late_by_ms=0,
        evidence={"boot": timed.message.boot, "seq": timed.message.seq, "at_ms": timed.at_ms},
    )
    alert, told, sums = await reported.raise_alert(batch.conn, row, batch.now)
    batch.sums += sums
    if told:
        batch.alerts += 1
        batch.hints.update({f"alert:{alert}", "outbox"})


async def recover_alerts(batch: Batch) -> None:
    """A silent chip that speaks again closes its own alert."""
    before, long_ago_ms = batch.draft.before, mapping.ms_of(batch.now) - 86_400_000
    waking = [name for name in batch.draft.touched if 0 < before[name].received_ms < long_ago_ms]
    if waking:
        for alert in await reported.recover(batch.conn, waking, batch.now):
            batch.hints.update({f"alert:{alert}", "outbox"})
