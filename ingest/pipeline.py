"""One batch in one transaction, as a list of named steps (architecture.md section 3, walk a).

Nothing here is remembered or acknowledged: whoever calls does both after COMMIT. Refuses decisions: they are in weld.core; and
SQL: it is in weld.store.
"""

import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from ingest import mapping
from ingest.draft import Draft, Timed, tickets
from ingest.memory import Chip, Latest, to_json
from schemas.chip import Armed, BufferOverflow, Event, Telemetry
from schemas.signed import SigningKey, Time
from weld.core import catalogue, detect, intake, session
from weld.core import fold as folding
from weld.core.detect import Episode, Finding, Licence
from weld.core.fold import Fact, Found, Reassemble, Terms, Touched
from weld.core.ids import uuid7
from weld.core.said import Said, Sampled
from weld.core.session import Session
from weld.store import chips, evidence, leases, reported
from weld.store.connect import Conn
from weld.store.reported import AlertRow, DayRow, SessionRow

# No session is longer than 24 h, so this window around a late word surely holds its session.
_SESSION_WINDOW = timedelta(hours=25)


class LeaseLost(RuntimeError):
    """A shard of this batch belongs to another worker now; nothing was written."""

    def __init__(self, shards: set[str]) -> None:
        super().__init__(f"lost the lease of {', '.join(sorted(shards))}")
        self.shards = shards


@dataclass(slots=True)
class Batch:
    """What the steps share. `replies` are the signed bytes that leave after COMMIT, as (shard, chip, payload)."""

    conn: Conn
    draft: Draft
    epochs: Mapping[str, int]
    key: SigningKey
    now: datetime
    sign: Callable[[object], bytes]
    terms: dict[UUID, Terms] = field(default_factory=dict)
    sessions: dict[UUID, tuple[str, Session, Licence]] = field(default_factory=dict)
    closings: dict[UUID, int] = field(default_factory=dict)
    found: list[tuple[str, Found, int]] = field(default_factory=list)
    reassemble: dict[UUID, Timed] = field(default_factory=dict)
    replies: list[tuple[str, str, bytes]] = field(default_factory=list)
    hints: set[str] = field(default_factory=set)
    alerts: int = 0

    def chip(self, name: str) -> Chip:
        """The chip as this batch has it so far."""
        return self.draft.chips[name]

    def put(self, chip: Chip) -> None:
        """Replace a chip in this batch."""
        self.draft.chips[chip.chip] = chip
        self.draft.touched.add(chip.chip)


async def hold_leases(batch: Batch) -> None:
    """The fence: whoever lost a shard writes nothing for it."""
    held = await leases.hold(batch.conn, batch.epochs)
    if held != set(batch.epochs):
        raise LeaseLost(set(batch.epochs) - held)


async def settle_candidates(batch: Batch) -> None:
    """Ask the store about everything that is not above a high-water mark."""
    if batch.draft.candidates:
        keys = batch.draft.keys()
        found = await evidence.find(batch.conn, keys)
        quarantined = await evidence.find_quarantined(batch.conn, keys)
        batch.draft.settle(found, quarantined)


async def look_up_tickets(batch: Batch) -> None:
    """What the tickets named in this batch permit."""
    wanted = tickets(batch.draft)
    for row in await reported.grants(batch.conn, list(wanted)) if wanted else []:
        batch.terms[row.id] = Terms(mapping.ms_of(row.expires_at), row.longest_s)


async def store_evidence(batch: Batch) -> None:
    """Every new message, once."""
    if batch.draft.telemetry:
        await evidence.put_telemetry(batch.conn, batch.draft.telemetry)
    if batch.draft.events:
        await evidence.put_events(batch.conn, batch.draft.events)
    if batch.draft.quarantine:
        await evidence.put_quarantine(batch.conn, batch.draft.quarantine)


async def fold_live(batch: Batch) -> None:
    """The rules over the new words, in (boot, seq) order for each chip."""
    for timed, said in batch.draft.live:
        chip = batch.chip(timed.chip)
        fold, facts = folding.step(chip.fold, said, timed.late, batch.terms)
        batch.put(replace(chip, fold=fold))
        for fact in facts:
            _note(batch, timed, fact)
    for timed, said in batch.draft.late:
        if getattr(said, "session", None) is not None:
            batch.reassemble[said.session] = timed  # type: ignore[union-attr,index]


def _note(batch: Batch, timed: Timed, fact: Fact) -> None:
    match fact:
        case Touched(known, licence, replaced):
            batch.sessions[known.id] = (timed.chip, known, licence)
            if replaced is not None:
                batch.closings[replaced[0].id] = known.opened.at_ms
                batch.sessions.setdefault(replaced[0].id, (timed.chip, *replaced))
        case Reassemble(known):
            batch.reassemble[known] = timed
        case Found():
            batch.found.append((timed.chip, fact, timed.late.by_ms))


async def reassemble_sessions(batch: Batch) -> None:
    """Sessions touched out of order: put together again from stored rows, by the same fold."""
    for known, timed in batch.reassemble.items():
        chip = batch.chip(timed.chip)
        at = mapping.utc(timed.at_ms)
        rows = await evidence.of_session(batch.conn, chip.chip_no, known, at - _SESSION_WINDOW, at + _SESSION_WINDOW)
        words = mapping.stored_words(*rows)
        whole = session.assemble(words)
        if whole is None:
            continue
        if whole.ticket is not None and whole.ticket not in batch.terms:
            for row in await reported.grants(batch.conn, [whole.ticket]):
                batch.terms[row.id] = Terms(mapping.ms_of(row.expires_at), row.longest_s)
        entitled = folding.licence(whole, batch.terms)
        batch.sessions[known] = (chip.chip, whole, entitled)
        _take_over(batch, chip, whole, entitled)
        if entitled.authorised is False:  # only now is it known that its arcs were not licensed
            for said in words:
                _judge(batch, timed, said, entitled)


def _take_over(batch: Batch, chip: Chip, whole: Session, entitled: Licence) -> None:
    """The reassembled session is the chip's newest one: the fold goes on from it."""
    current = chip.fold.session
    if current is None or current.id == whole.id or _key(whole) > _key(current):
        if current is not None and current.id != whole.id and current.ended is None:
            batch.closings[current.id] = whole.opened.at_ms
            known = chip.fold.licence or folding.licence(current, {})
            batch.sessions.setdefault(current.id, (chip.chip, current, known))
        batch.put(replace(chip, fold=replace(chip.fold, session=whole, licence=entitled)))


def _key(known: Session) -> tuple[int, int]:
    return known.last.boot, known.last.seq


async def judge_late(batch: Batch) -> None:
    """The rules over words that came out of order: each by itself, with what is known of its session now."""
    for timed, said in batch.draft.late:
        named = getattr(said, "session", None)
        entry = batch.sessions.get(named) if named is not None else None
        _judge(batch, timed, said, entry[2] if entry else None)


def _judge(batch: Batch, timed: Timed, said: Said, entitled: Licence | None) -> None:
    for finding in detect.judge(said, entitled):
        name = f"{finding.boot}:{finding.seq}"
        episode = Episode(finding.code, finding.since_ms, finding.last_ms, name, timed.late.pages)
        batch.found.append((timed.chip, Found(finding, episode, timed.late.pages), timed.late.by_ms))


async def review_sessions(batch: Batch) -> None:
    """Sessions that the watchdog asks about: their chips have been silent past the latest possible end."""
    for name in batch.draft.review:
        chip = batch.chip(name)
        if chip.fold.open_session is not None and chip.fold.licence is not None:
            batch.sessions[chip.fold.open_session.id] = (name, chip.fold.open_session, chip.fold.licence)


async def write_sessions(batch: Batch) -> None:
    """Each session that changed, once, older ones first so that an open one never meets another."""
    for known, (name, whole, entitled) in sorted(batch.sessions.items(), key=lambda item: item[1][1].opened.at_ms):
        chip = batch.chip(name)
        following = batch.closings.get(known)
        live = chip.fold.session is not None and chip.fold.session.id == known
        if following is None and not live and whole.ended is None:
            opened = mapping.utc(whole.opened.at_ms)
            later = await reported.next_opened(batch.conn, chip.chip_no, known, opened)
            following = mapping.ms_of(later) if later is not None else None
        stands = session.standing(
            whole, live=live, next_opened_ms=following, ends_ms=entitled.ends_ms, now_ms=mapping.ms_of(batch.now)
        )
        historical = not live and known in batch.reassemble
        row = session_row(chip, whole, entitled, stands, historical=historical)
        for ended, _ in await reported.put_session(batch.conn, row, batch.now):
            batch.hints.add(f"session:{ended}")
        await _tell_grant(batch, row)


def session_row(
    chip: Chip, whole: Session, entitled: Licence, stands: session.Standing, *, historical: bool
) -> SessionRow:
    """A session as its row."""
    return SessionRow(
        id=whole.id,
        chip=chip.chip,
        chip_no=chip.chip_no,
        ticket=whole.ticket,
        authorised=entitled.authorised,
        opened_at=mapping.utc(whole.opened.at_ms),
        ends_at=mapping.utc(entitled.ends_ms) if entitled.ends_ms is not None else None,
        closed_at=mapping.utc(stands.closed_ms) if stands.closed_ms is not None else None,
        end_reason=stands.reason,
        state=stands.state,
        resumed=whole.resumed,
        contact_ms=session.contact_ms(whole),
        covered_ms=whole.covered_ms,
        arc_ms=whole.arc_ms,
        energy_wh=whole.energy_wh,
        peak_a=whole.peak_a,
        historical=historical,
    )


async def _tell_grant(batch: Batch, row: SessionRow) -> None:
    """The grant learns what the contact did; the phone waits for that."""
    batch.hints.add(f"session:{row.id}")
    if row.ticket is None:
        return
    batch.hints.add(f"grant:{row.ticket}")
    await reported.close_contact(batch.conn, row.chip, row.ticket, row.id, row.opened_at, batch.now)
    if row.closed_at is not None:
        await reported.end_grant(batch.conn, row.ticket, row.closed_at, row.end_reason or row.state)


async def write_events(batch: Batch) -> None:
    """Arcs, results of commands, armed tickets, declared losses."""
    arcs = []
    for timed in batch.draft.stored:
        chip = batch.chip(timed.chip)
        if (arc := mapping.arc_row(timed.message, chip.chip_no, timed.now_ms)) is not None:
            arcs.append(arc)
        if (result := mapping.command_result(timed.message)) is not None:
            ended = await reported.put_result(batch.conn, timed.chip, *result, batch.now)
            batch.hints.update({f"grant:{ended}"} if ended else set())
        if isinstance(timed.message, Event):
            await _event(batch, chip, timed, timed.message)
    if arcs:
        await reported.put_arcs(batch.conn, arcs)


async def _event(batch: Batch, chip: Chip, timed: Timed, message: Event) -> None:
    match message.event:
        case BufferOverflow(lost_boot=boot, lost_from=low, lost_to=high):
            progress = intake.forgo(chip.fold.progress, boot, low, high)
            batch.put(replace(chip, fold=replace(chip.fold, progress=progress)))
            await evidence.put_hole(batch.conn, chip.chip_no, boot, low, high, "lost", batch.now)
        case Armed(ticket=named):
            ticket = UUID(named)
            await reported.arm_grant(batch.conn, timed.chip, ticket, mapping.utc(timed.now_ms))
            batch.hints.add(f"grant:{ticket}")


async def declare_unreadable(batch: Batch) -> None:
    """What stays unreadable after three resends is declared so, so that the chip may forget it (P14)."""
    for gap in batch.draft.unreadable:
        chip = batch.chip(gap.chip)
        progress = intake.forgo(chip.fold.progress, gap.boot, gap.low, gap.high)
        batch.put(replace(chip, fold=replace(chip.fold, progress=progress)))
        await evidence.put_hole(batch.conn, chip.chip_no, gap.boot, gap.low, gap.high, "unreadable", batch.now)
        fates = batch.draft.fates
        fates["unreadable"] = fates.get("unreadable", 0) + gap.high - gap.low + 1


async def write_days(batch: Batch) -> None:
    """The first rollup: every new message is added once to the day of its machine."""
    sums: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0, 0, 0.0, 0])
    for timed, said in (*batch.draft.live, *batch.draft.late):
        if isinstance(said, Sampled):
            quarter = said.from_ms // 900_000  # zones differ by quarters of an hour, so a quarter lies in one day
            total = sums[timed.chip, quarter]
            for index, value in enumerate((said.arc_ms, said.covered_ms, said.energy_wh, 1)):
                total[index] += value
    rows = [
        DayRow(chip, mapping.utc(quarter * 900_000), int(t[0]), int(t[1]), t[2], 0, int(t[3]))
        for (chip, quarter), t in sums.items()
    ]
    if rows:
        await reported.add_days(batch.conn, rows)


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
    alert, told = await reported.raise_alert(batch.conn, row, batch.now)
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
    alert, told = await reported.raise_alert(batch.conn, row, batch.now)
    if told:
        batch.alerts += 1
        batch.hints.update({f"alert:{alert}", "outbox"})


async def answer_boots(batch: Batch) -> None:
    """Sign what boots and time requests are told; a boot's answer is kept, for the same message gets it again."""
    for shard, chip, words, content in batch.draft.answers:
        payload = words if isinstance(words, bytes) else batch.sign(words)
        batch.replies.append((shard, chip, payload))
        if content is not None and not isinstance(words, bytes | Time):
            batch.draft.answered(chip, words.boot, content, payload)
    if batch.draft.boots:
        rows = [(row, mapping.utc(received)) for row, received in batch.draft.boots]
        await chips.put_boots(batch.conn, rows)


async def write_states(batch: Batch) -> None:
    """The latest state of each chip: one row a chip, never moved back by late words."""
    changes = []
    for timed in batch.draft.stored:
        chip = batch.chip(timed.chip)
        if timed.late.kind != "chip" and timed.now_ms >= (chip.latest.at_ms or 0):
            latest = _latest(chip.latest, timed)
            if latest.state != chip.latest.state and latest.state is not None:
                changes.append((chip.chip, latest.state, mapping.utc(timed.now_ms)))
            chip = replace(chip, latest=latest)
        batch.put(replace(chip, received_ms=max(chip.received_ms, timed.arrival.received_ms)))
    rows = [_state_row(batch.chip(name)) for name in batch.draft.touched]
    if rows:
        await chips.put_states(batch.conn, rows)
    if batch.draft.presence:
        await chips.put_presence(batch.conn, list(batch.draft.presence.values()))
    if changes:
        await chips.put_changes(batch.conn, changes)


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


async def recover_alerts(batch: Batch) -> None:
    """A silent chip that speaks again closes its own alert."""
    waking = [
        name
        for name in batch.draft.touched
        if mapping.ms_of(batch.now) - batch.draft.heard_before.get(name, 0) > 86_400_000
    ]
    if waking:
        for alert in await reported.recover(batch.conn, waking, batch.now):
            batch.hints.add(f"alert:{alert}")


async def hint(batch: Batch) -> None:
    """LISTEN/NOTIFY: ids only; a burst of facts is one hint."""
    if "outbox" in batch.hints:
        batch.hints.discard("outbox")
        await reported.notify(batch.conn, "weld_outbox", "")
    for start in range(0, len(batch.hints), 100):
        text = " ".join(sorted(batch.hints)[start : start + 100])
        await reported.notify(batch.conn, "weld_fact", text)


STEPS: tuple[Callable[[Batch], Awaitable[None]], ...] = (
    hold_leases,
    settle_candidates,
    look_up_tickets,
    store_evidence,
    fold_live,
    reassemble_sessions,
    judge_late,
    review_sessions,
    write_sessions,
    write_events,
    declare_unreadable,
    write_days,
    raise_alerts,
    answer_boots,
    write_states,
    recover_alerts,
    hint,
)


async def run(batch: Batch) -> None:
    """All steps in one transaction. Raises LeaseLost; any other error leaves nothing behind either."""
    async with batch.conn.transaction():
        for step in STEPS:
            await step(batch)
