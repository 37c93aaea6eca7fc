"""Sessions in a batch: folded live, put together again from stored rows where words came out of order, and written.

Refuses to decide what a session is: weld.core.session and weld.core.fold do.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from ingest import mapping
from ingest.batch import Batch
from ingest.chip import Chip
from ingest.draft import Timed
from weld.core import detect, session
from weld.core import fold as folding
from weld.core.detect import Episode, Licence
from weld.core.fold import Fact, Found, Reassemble, Terms, Touched
from weld.core.said import Said
from weld.core.session import Session
from weld.store import evidence, reported
from weld.store.reported import Growth, SessionRow

# No session is longer than 24 h, so this window around a late word surely holds its session.
_SESSION_WINDOW = timedelta(hours=25)


async def fold_live(batch: Batch) -> None:
    """The rules over the new words, in (boot, seq) order for each chip."""
    for timed, said in batch.draft.live:
        chip = batch.chip(timed.chip)
        chip.fold, facts = folding.step(chip.fold, said, timed.late, batch.terms_of(timed.chip))
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
        if whole.ticket is not None and whole.ticket not in batch.terms_of(chip.chip):
            for row in await reported.grants(batch.conn, [whole.ticket]):
                batch.terms_of(row.chip)[row.id] = Terms(mapping.ms_of(row.expires_at), row.longest_s)
        entitled = folding.licence(whole, batch.terms_of(chip.chip))
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
        chip.fold = replace(chip.fold, session=whole, licence=entitled)
        batch.touch(chip)


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
    """Each session that changed, once. Of those that only grew the sums are written; those that began, ended or were put together
    again are written whole, and their grants learn it: the phone waits for that."""
    grown = [_growth(whole) for known, (_, whole, _) in batch.sessions.items() if _grew(batch, known)]
    gone = await reported.grow_sessions(batch.conn, grown, batch.now) if grown else set()
    # one that the books call closed, and that goes on after all, is written like a new one
    settled = {row["id"] for row in grown} - gone
    rows = [await _whole(batch, known, *entry) for known, entry in batch.sessions.items() if known not in settled]
    if rows:
        put = await reported.put_sessions(batch.conn, rows, batch.now)
        batch.sums += put.sums
        batch.hints.update(f"session:{known}" for known in put.ended)
        batch.hints.update(f"grant:{row.ticket}" for row in rows if row.ticket is not None)
    batch.hints.update(f"session:{known}" for known in batch.sessions)


def _grew(batch: Batch, known: UUID) -> bool:
    """Whether nothing happened to a session but that more is known of it: it was open before and is open still."""
    name, whole, entitled = batch.sessions[known]
    before = batch.draft.before[name].fold
    same = before.open_session is not None and before.open_session.id == known and before.licence == entitled
    grows = same and whole.ended is None and whole.ticket == before.open_session.ticket  # type: ignore[union-attr]
    apart = known in batch.closings or known in batch.reassemble or name in batch.draft.review
    return grows and not apart and batch.chip(name).fold.session is whole


def _growth(whole: Session) -> Growth:
    return {
        "id": whole.id,
        "contact_ms": session.contact_ms(whole),
        "covered_ms": whole.covered_ms,
        "arc_ms": whole.arc_ms,
        "energy_wh": whole.energy_wh,
        "peak_a": whole.peak_a,
        "resumed": whole.resumed,
    }


async def _whole(batch: Batch, known: UUID, name: str, whole: Session, entitled: Licence) -> SessionRow:
    chip = batch.chip(name)
    following = batch.closings.get(known)
    live = chip.fold.session is not None and chip.fold.session.id == known
    if following is None and not live and whole.ended is None:
        opened = mapping.utc(whole.opened.at_ms)
        later = await reported.next_opened(batch.conn, chip.chip_no, known, opened)
        following = mapping.ms_of(later) if later is not None else None
    # while we catch up, silence proves nothing: the session's own last word is as far as we know
    now_ms = whole.last.at_ms if batch.draft.catching_up(chip.shard) else mapping.ms_of(batch.now)
    stands = session.standing(whole, live=live, next_opened_ms=following, ends_ms=entitled.ends_ms, now_ms=now_ms)
    return _row(batch, name, whole, entitled, stands=stands, historical=not live and known in batch.reassemble)


def _row(
    batch: Batch, name: str, whole: Session, entitled: Licence, *, stands: session.Standing, historical: bool = False
) -> SessionRow:
    chip = batch.chip(name)
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
