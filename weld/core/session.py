"""Sessions: one worker's hold on one machine, put together from what the chip said under one session id.

A session is a fold over its messages in (boot, seq) order: live messages step it, late ones make it be assembled again from
stored rows by the same step, so that any order of arrival ends in the same session. Refuses to know grants' contents: the
ticket's end is handed in as a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from weld.core.said import Booted, Closed, Moment, Opened, Said, Sampled, elapsed_ms

# What the chip may add at the ticket's end while an arc burns (architecture.md 4.5).
GRACE_MS = 60_000
# How long after the latest possible end silence is believed; our own and the chip's delays are far below.
SILENCE_MS = 120_000
# No ticket permits more than a day; a session without one of ours ends at the latest a day after its last word.
DAY_MS = 86_400_000

# Why a contact opened without ending the session: the chip may close it again under the same id (P11).
_PAUSES = frozenset({"power_loss"})


@dataclass(frozen=True, slots=True)
class Session:
    """Sums over the messages of one session so far. `closed_since` is None while the contact is open."""

    id: UUID
    opened: Moment
    last: Moment
    ticket: UUID | None = None
    begun: bool = False  # its relay_closed was heard, so that a missing ticket is known to be missing
    closed_since: Moment | None = None
    contact_ms: int = 0
    covered_ms: int = 0
    arc_ms: int = 0
    energy_wh: float = 0.0
    peak_a: float | None = None
    resumed: int = 0
    ended: Moment | None = None
    end_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands in the books: open, closed as reported, or closed because nothing else can be true."""

    state: Literal["open", "closed", "inferred"]
    closed_ms: int | None
    reason: str | None


OPEN = Standing("open", None, None)


def assemble(said: Iterable[Said]) -> Session | None:
    """The session of messages in (boot, seq) order that all carry its id; None for no messages."""
    session: Session | None = None
    for word in said:
        session = step(session, word)
    return session


def step(session: Session | None, word: Said) -> Session | None:
    """The session after one more word under its id."""
    match word:
        case Sampled():  # first, for most are
            return _sampled(session, word)
        case Closed():
            return _closed(session, word)
        case Opened():
            return _opened(session, word)
        case Booted():
            return None if session is None else _pause(session, session.last)
        case _:
            return None if session is None else _seen(session, word.when)


def contact_ms(session: Session) -> int:
    """How long the contact is known to have been closed, up to the last word."""
    if session.closed_since is None:
        return session.contact_ms
    return session.contact_ms + elapsed_ms(session.closed_since, session.last)


def standing(session: Session, *, live: bool, next_opened_ms: int | None, ends_ms: int | None, now_ms: int) -> Standing:
    """Where the session stands: reported end, end by a later session, or end because the ticket cannot reach further.

    `live`: the chip's newest words are under this session. `now_ms` is the shard's watermark, never the wall clock: while
    we catch up, silence proves nothing.
    """
    if session.ended is not None:
        return Standing("closed", max(session.opened.at_ms, session.ended.at_ms), session.end_reason)
    if next_opened_ms is not None:
        return Standing("closed", max(session.opened.at_ms, next_opened_ms), "superseded")
    if not live:
        return Standing("inferred", max(session.opened.at_ms, session.last.at_ms), "inferred")
    if now_ms > silent_until_ms(session, ends_ms):
        closed_ms = session.last.at_ms if ends_ms is None else _latest_ms(session, ends_ms)
        return Standing("inferred", max(session.opened.at_ms, closed_ms), "inferred")
    return OPEN


def silent_until_ms(session: Session, ends_ms: int | None) -> int:
    """Until when an open session may be silent; after that nothing but its end explains it."""
    return _latest_ms(session, ends_ms) + SILENCE_MS


def _latest_ms(session: Session, ends_ms: int | None) -> int:
    return session.last.at_ms + DAY_MS if ends_ms is None else max(ends_ms + GRACE_MS, session.last.at_ms)


def ticket_end_ms(opened_ms: int, expires_ms: int, longest_s: int) -> int:
    """The end of the permission: min(ticket expiry, start + longest session)."""
    return min(expires_ms, opened_ms + longest_s * 1000)


def _seen(session: Session, when: Moment) -> Session:
    return replace(session, last=when)


def _closed(session: Session | None, word: Closed) -> Session:
    if session is None:
        return Session(word.session, word.when, word.when, word.ticket, begun=True, closed_since=word.when)
    session = (
        _pause(session, session.last)
        if session.closed_since and session.closed_since.boot != word.when.boot
        else session
    )
    again = session.closed_since is None
    return replace(
        session,
        last=word.when,
        ticket=session.ticket or word.ticket,
        begun=True,
        closed_since=session.closed_since or word.when,
        resumed=session.resumed + (1 if again and word.resumed else 0),
        ended=None,
        end_reason=None,
    )


def _opened(session: Session | None, word: Opened) -> Session | None:
    if session is None:
        if word.session is None:
            return None
        session = Session(word.session, word.when, word.when)
    stopped = word.when if session.closed_since is not None else session.last
    if session.closed_since is not None and session.closed_since.boot != word.when.boot:
        stopped = session.last  # the power went away unseen: the contact fell open then
    paused = replace(_pause(session, stopped), last=word.when)
    if word.reason in _PAUSES:
        return paused
    return replace(paused, ended=stopped, end_reason=word.reason)


def _sampled(session: Session | None, word: Sampled) -> Session | None:
    if session is None:
        if word.session is None:
            return None
        start = replace(word.when, up_ms=word.from_up, at_ms=word.from_ms)
        session = Session(word.session, start, start, word.ticket)
    since = session.closed_since
    if since is None and session.ended is None and word.contact == "closed":
        since = replace(word.when, up_ms=word.from_up, at_ms=word.from_ms)
    return Session(  # by hand: `replace` takes three times as long, and this is each message of a session
        id=session.id,
        opened=session.opened,
        last=word.when,
        ticket=session.ticket or word.ticket,
        begun=session.begun,
        closed_since=since,
        contact_ms=session.contact_ms,
        covered_ms=session.covered_ms + word.covered_ms,
        arc_ms=session.arc_ms + word.arc_ms,
        energy_wh=session.energy_wh + word.energy_wh,
        peak_a=_max(session.peak_a, word.peak_a),
        resumed=session.resumed,
        ended=session.ended,
        end_reason=session.end_reason,
    )


def _pause(session: Session, stopped: Moment) -> Session:
    if session.closed_since is None:
        return session
    lasted = elapsed_ms(session.closed_since, stopped)
    return replace(session, closed_since=None, contact_ms=session.contact_ms + lasted)


def _max(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return a if b is None else b
    return max(a, b)
