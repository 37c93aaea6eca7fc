"""One batch in one transaction, as a list of named steps (architecture.md section 3, walk a).

Nothing here is remembered or acknowledged: whoever calls does both after COMMIT. Refuses decisions: they are in weld.core; and
SQL: it is in weld.store.
"""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from ingest import alarm, books, latest, mapping
from ingest.batch import Batch
from ingest.chip import Chip
from ingest.draft import Timed, tickets
from schemas.chip import Armed, BufferOverflow, Event
from schemas.signed import Time
from weld.core import intake
from weld.core.fold import Terms
from weld.core.said import Sampled
from weld.store import chips, evidence, leases, reported, rollups
from weld.store.reported import ArcRow
from weld.store.rollups import Sum


class LeaseLost(RuntimeError):
    """Groups of this batch, under these epochs, are not ours any more; nothing was written."""

    def __init__(self, epochs: Mapping[str, int]) -> None:
        super().__init__(f"lost the lease of {', '.join(sorted(epochs))}")
        self.epochs = epochs


async def hold_leases(batch: Batch) -> None:
    """The fence: whoever lost a group writes nothing for it."""
    held = await leases.hold(batch.conn, batch.epochs)
    if held != set(batch.epochs):
        raise LeaseLost({name: epoch for name, epoch in batch.epochs.items() if name not in held})


async def settle_candidates(batch: Batch) -> None:
    """Ask the store about everything that is not above a high-water mark."""
    if batch.draft.candidates:
        keys = batch.draft.keys()
        found = await evidence.find(batch.conn, keys)
        quarantined = await evidence.find_quarantined(batch.conn, keys)
        # what fills a known hole was never here; only of what was, or may have been, the other times are looked through
        unknown = [n for n in range(len(keys)) if n not in found and n not in quarantined]
        open_ends = [n for n in unknown if not batch.draft.fills_a_hole(batch.draft.candidates[n])]
        elsewhere = await evidence.find_elsewhere(batch.conn, keys, open_ends) if open_ends else set()
        batch.draft.settle(found, quarantined, elsewhere)


async def look_up_tickets(batch: Batch) -> None:
    """What the tickets named in this batch permit."""
    wanted = tickets(batch.draft)
    for row in await reported.grants(batch.conn, list(wanted)) if wanted else []:
        batch.terms_of(row.chip)[row.id] = Terms(mapping.ms_of(row.expires_at), row.longest_s)


async def store_evidence(batch: Batch) -> None:
    """Every new message, once."""
    draft = batch.draft
    if draft.telemetry:
        # only telemetry is there, which the type of a Timed does not tell
        rows = (mapping.telemetry_row(timed, timed.message) for timed in draft.telemetry)  # type: ignore[arg-type]
        await evidence.put_telemetry(batch.conn, rows)
    if draft.events:
        await evidence.put_events(batch.conn, (mapping.event_row(timed, timed.message) for timed in draft.events))
    if batch.draft.quarantine:
        await evidence.put_quarantine(batch.conn, batch.draft.quarantine)


async def write_events(batch: Batch) -> None:
    """Arcs, results of commands, armed tickets, declared losses."""
    arcs: dict[tuple[int, int, int], ArcRow] = {}
    for timed in batch.draft.events:
        chip = batch.chip(timed.chip)
        if (arc := mapping.arc_row(timed.message, chip.chip_no, timed.now_ms)) is not None:
            arcs[arc[:3]] = mapping.merged(arcs[arc[:3]], arc) if arc[:3] in arcs else arc
        if (result := mapping.command_result(timed.message)) is not None:
            ended = await reported.put_result(batch.conn, timed.chip, *result, batch.now)
            batch.hints.update({f"grant:{ended}"} if ended else set())
        if isinstance(timed.message, Event):
            await _event(batch, chip, timed, timed.message)
    if arcs:
        await reported.put_arcs(batch.conn, list(arcs.values()))


async def _event(batch: Batch, chip: Chip, timed: Timed, message: Event) -> None:
    match message.event:
        case BufferOverflow(lost_boot=boot, lost_from=low, lost_to=high):
            chip.cover(intake.forgo(chip.progress, boot, low, high))
            await evidence.put_hole(batch.conn, chip.chip_no, boot, low, high, "lost", batch.now)
        case Armed(ticket=named):
            ticket = UUID(named)
            await reported.arm_grant(batch.conn, timed.chip, ticket, mapping.utc(timed.now_ms))
            batch.hints.add(f"grant:{ticket}")


async def declare_unreadable(batch: Batch) -> None:
    """What stays unreadable after three resends is declared so, so that the chip may forget it (P14)."""
    for gap in batch.draft.unreadable:
        chip = batch.chip(gap.chip)
        chip.cover(intake.forgo(chip.progress, gap.boot, gap.low, gap.high))
        batch.touch(chip)
        await evidence.put_hole(batch.conn, chip.chip_no, gap.boot, gap.low, gap.high, "unreadable", batch.now)
        fates = batch.draft.fates
        fates["unreadable"] = fates.get("unreadable", 0) + gap.high - gap.low + 1


async def write_rollups(batch: Batch) -> None:
    """Every new message is added once to the sums of its machine, idle ones a quarter of an hour at a time; and what changed of
    sessions and alerts. After everything that locks rows of people: api counts last as well."""
    sums: dict[tuple[str, int], Sum] = {}
    for timed, said in (*batch.draft.live, *batch.draft.late):
        if type(said) is Sampled:
            lasted_ms = max(0, min(said.when.up_ms - said.from_up, mapping.LONGEST_MS))
            key = (timed.chip, (said.when.at_ms - lasted_ms) // mapping.QUARTER_MS)
            if (total := sums.get(key)) is None:
                total = sums[key] = Sum(key[1] * mapping.QUARTER_S, timed.chip)
            total.arc_ms += said.arc_ms
            total.covered_ms += said.covered_ms
            total.energy_wh += said.energy_wh
            total.messages += 1
            if said.peak_a is not None and (total.peak_a is None or said.peak_a > total.peak_a):
                total.peak_a = said.peak_a
            if timed.late.kind != "chip":
                total.online_ms += lasted_ms
    rows = [*sums.values(), *batch.sums]
    for name, quarter, covered_ms, messages, online_ms in batch.draft.idle:
        at_s = quarter * mapping.QUARTER_S
        peak_a = 0.0 if covered_ms else None
        rows.append(Sum(at_s, name, covered_ms=covered_ms, online_ms=online_ms, messages=messages, peak_a=peak_a))
    if rows:
        await rollups.add(batch.conn, rows, rollups.part_of(list(batch.epochs)), batch.now)


async def answer_boots(batch: Batch) -> None:
    """Sign what boots and time requests are told; a boot's answer is kept, for the same message gets it again."""
    for shard, chip, words, content in batch.draft.answers:
        payload = batch.sign(words)
        batch.replies.append((shard, chip, payload))
        if content is not None and not isinstance(words, Time):
            batch.draft.answered(chip, words.boot, content, payload)
    if batch.draft.boots:
        rows = [(row, mapping.utc(received)) for row, received in batch.draft.boots]
        await chips.put_boots(batch.conn, rows)
    if batch.draft.again:
        asked = {(batch.chip(name).chip_no, boot): batch.chip(name) for name, boot in batch.draft.again}
        for row in await chips.boots(batch.conn, list(asked)):
            if row.reply is not None:
                there = asked[row.chip_no, row.boot]
                batch.replies.append((there.shard, there.chip, row.reply))


async def hint(batch: Batch) -> None:
    """LISTEN/NOTIFY: ids only; a burst of facts is one hint."""
    if "outbox" in batch.hints:
        batch.hints.discard("outbox")
        await reported.notify(batch.conn, "weld_outbox", "")
    if batch.hints:
        ids = sorted(batch.hints)
        texts = [" ".join(ids[start : start + 100]) for start in range(0, len(ids), 100)]
        await reported.notify(batch.conn, "weld_fact", *texts)


STEPS: tuple[Callable[[Batch], Awaitable[None]], ...] = (
    hold_leases,
    settle_candidates,
    look_up_tickets,
    store_evidence,
    books.fold_live,
    books.reassemble_sessions,
    books.judge_late,
    books.review_sessions,
    books.write_sessions,
    write_events,
    declare_unreadable,
    alarm.raise_alerts,
    write_rollups,
    answer_boots,
    latest.write_states,
    alarm.recover_alerts,
    hint,
)


async def run(batch: Batch) -> None:
    """All steps in one transaction. Raises LeaseLost; any other error leaves nothing behind either."""
    async with batch.conn.transaction():
        for step in STEPS:
            await step(batch)
