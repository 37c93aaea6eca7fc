"""The fold of one chip: everything that its next word is judged by, and what follows from that word.

Steps over words in (boot, seq) order. Words that came out of order do not step it: sessions they touch are assembled again
from the store. Refuses lookups: what tickets mean is handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from weld.core import detect, session
from weld.core.detect import Episode, Finding, Lateness, Licence
from weld.core.said import Closed, Said, Sampled
from weld.core.session import Session


@dataclass(frozen=True, slots=True)
class Terms:
    """What a ticket of ours permits: until when it may be used, and for how long."""

    expires_ms: int
    longest_s: int


@dataclass(frozen=True, slots=True)
class Fold:
    """A chip's newest session (also when that has ended) and the running episodes by family."""

    session: Session | None = None
    licence: Licence | None = None
    episodes: dict[str, Episode] = field(default_factory=dict)

    @property
    def open_session(self) -> Session | None:
        """The newest session, if it has not ended."""
        return self.session if self.session is not None and self.session.ended is None else None


class Touched(NamedTuple):
    """A session changed; `replaced` is an open one that the chip left without ending it."""

    session: Session
    licence: Licence
    replaced: tuple[Session, Licence] | None = None


@dataclass(frozen=True, slots=True)
class Reassemble:
    """A word of a session that is not the newest one: only the store can put it together."""

    session: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with the episode it belongs to; `pages` says whether somebody may be told."""

    finding: Finding
    episode: Episode
    pages: bool


Fact = Touched | Reassemble | Found


def step(fold: Fold, word: Said, late: Lateness, tickets: Mapping[UUID, Terms]) -> tuple[Fold, list[Fact]]:
    """The fold after one word in order, and the facts that follow."""
    fold, facts = _session(fold, word, tickets)
    for finding in () if _spans_end(fold.session, word) else detect.judge(word, fold.licence):
        family = detect.FAMILIES[finding.code]
        episode, _ = detect.join(fold.episodes.get(family), finding, pages=late.pages)
        fold = replace(fold, episodes={**fold.episodes, family: episode})
        facts.append(Found(finding, episode, late.pages))
    return fold, facts


def _spans_end(known: Session | None, word: Said) -> bool:
    """Whether samples that are said after a session's end reach back into it: their arc may have been licensed."""
    if known is None or known.ended is None or not isinstance(word, Sampled) or word.session is not None:
        return False
    return word.when.boot == known.ended.boot and word.from_up < known.ended.up_ms


def licence(known: Session, tickets: Mapping[UUID, Terms]) -> Licence:
    """What a session is entitled to: nothing, unless its ticket is ours."""
    terms = tickets.get(known.ticket) if known.ticket is not None else None
    if terms is None:
        told = known.ticket is not None or known.begun
        return Licence(known.id, authorised=False if told else None, ends_ms=None)
    ends_ms = session.ticket_end_ms(known.opened.at_ms, terms.expires_ms, terms.longest_s)
    return Licence(known.id, authorised=True, ends_ms=ends_ms)


def _session(fold: Fold, word: Said, tickets: Mapping[UUID, Terms]) -> tuple[Fold, list[Fact]]:
    current = fold.session
    named: UUID | None = getattr(word, "session", None)
    if named is None:  # it belongs to none: put together again from the store, a session would miss it too
        return fold, []
    if current is not None and named == current.id:
        return _same(fold, current, word)
    if isinstance(word, Closed) and not word.resumed:
        return _begin(fold, word, tickets)
    return fold, [Reassemble(named)]


def _same(fold: Fold, current: Session, word: Said) -> tuple[Fold, list[Fact]]:
    stepped = session.step(current, word)
    if stepped is None or fold.licence is None:
        return fold, []
    # not by `replace`, which takes three times as long: this is each message of a session
    return Fold(stepped, fold.licence, fold.episodes), [Touched(stepped, fold.licence)]


def _begin(fold: Fold, word: Closed, tickets: Mapping[UUID, Terms]) -> tuple[Fold, list[Fact]]:
    begun = session.step(None, word)
    if begun is None:
        return fold, []
    entitled = licence(begun, tickets)
    left = fold.open_session
    replaced = (left, fold.licence) if left is not None and fold.licence is not None else None
    return replace(fold, session=begun, licence=entitled), [Touched(begun, entitled, replaced)]
