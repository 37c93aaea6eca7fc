"""Detection: which words of a chip show an arc that nobody licensed, and when two of them are one episode.

Each rule is one function over one word and what is known of the session; RULES is the order. One physical episode raises
one alert: findings of one family with less than QUIET_MS between them belong together. Refuses lateness: whether an episode
pages anybody is decided by `pages`, from how the message came, not by the rules.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from weld.core.catalogue import AlertCode
from weld.core.said import ArcBegan, Bypassed, Said, Sampled

# Welders pause for fit-up, slag and coffee; half an hour without current is another piece of work.
QUIET_MS = 30 * 60_000
# The chip's clock and ours agree within seconds: an arc this close to the end is not held against anybody.
END_TOLERANCE_MS = 2_000
# Lateness that we caused still pages up to here (architecture.md 4.3).
OUR_LATE_PAGES_MS = 10 * 60_000
# Older than this with a synced clock is late, whoever caused it (architecture.md 4.3).
LATE_MS = 120_000

RULES_VERSION = 1

_BURNING = (ArcBegan, Sampled)  # words that may tell of an arc; made once, because `|` makes a type each time

Family = Literal["unlicensed", "overrun", "clone", "silence"]
FAMILIES: dict[AlertCode, Family] = {
    "D01": "unlicensed",
    "E02": "unlicensed",
    "B02": "overrun",
    "D05": "clone",
    "D06": "silence",
}


@dataclass(frozen=True, slots=True)
class Licence:
    """What is known of the session in force: whether its ticket is ours, and when it ends (UTC ms).

    `authorised` is None while the word that would tell is missing: unknown, never a violation.
    """

    session: UUID
    authorised: bool | None
    ends_ms: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One word that breaks a rule: what it shows, from when to when (UTC ms)."""

    code: AlertCode
    since_ms: int
    last_ms: int
    boot: int
    seq: int
    peak_a: float | None
    contact: str | None
    session: UUID | None


@dataclass(frozen=True, slots=True)
class Lateness:
    """How a message came: live, late by the chip's own word, or late by ours."""

    kind: Literal["live", "chip", "ours"]
    by_ms: int = 0

    @property
    def pages(self) -> bool:
        """Whether a finding in such a message may page somebody."""
        return self.kind == "live" or (self.kind == "ours" and self.by_ms <= OUR_LATE_PAGES_MS)


LIVE = Lateness("live")


@dataclass(frozen=True, slots=True)
class Episode:
    """One run of findings of a family; its name is the key of its first message."""

    code: AlertCode
    since_ms: int
    last_ms: int
    name: str
    paged: bool


Rule = Callable[[Said, Licence | None], Finding | None]


def bypassed(word: Said, _licence: Licence | None) -> Finding | None:
    """D01: current while the contact reads open. Samples count only outside a session: within one the contact may have
    opened after the arc; the chip's own event is exact about that."""
    match word:
        case Bypassed():
            return _finding("D01", word, word.began_ms, word.when.at_ms, word.peak_a, "open", None)
        case ArcBegan(contact="open"):
            return _finding("D01", word, word.began_ms, word.when.at_ms, word.peak_a, "open", word.session)
        case Sampled(contact="open", session=None, arc_from_ms=int(since), arc_to_ms=int(last)):
            return _finding("D01", word, since, last, word.peak_a, "open", None)
    return None


def unlicensed(word: Said, licence: Licence | None) -> Finding | None:
    """E02: an arc with the contact closed or unknown, and no session, or one that is known not to be ours."""
    if not isinstance(word, _BURNING) or word.contact == "open":
        return None
    if word.session is not None and not (
        licence is not None and licence.session == word.session and licence.authorised is False
    ):
        return None
    span = arc_span_ms(word)
    return _finding("E02", word, *span, word.peak_a, word.contact, word.session) if span else None


def overrun(word: Said, licence: Licence | None) -> Finding | None:
    """B02: an arc after the end of the permission, under its own session."""
    if not isinstance(word, _BURNING) or licence is None or licence.ends_ms is None:
        return None
    span = arc_span_ms(word)
    if span is None or word.session != licence.session or not licence.authorised or word.contact == "open":
        return None
    limit = licence.ends_ms + END_TOLERANCE_MS
    if span[1] <= limit:
        return None
    return _finding("B02", word, max(span[0], licence.ends_ms), span[1], word.peak_a, word.contact, word.session)


RULES: tuple[Rule, ...] = (bypassed, unlicensed, overrun)


def judge(word: Said, licence: Licence | None) -> list[Finding]:
    """All findings in one word."""
    return [finding for rule in RULES if (finding := rule(word, licence)) is not None]


def arc_span_ms(word: ArcBegan | Sampled) -> tuple[int, int] | None:
    """From when to when (UTC ms) an arc burned in this word; None where none did."""
    if isinstance(word, ArcBegan):
        return word.began_ms, max(word.began_ms, word.when.at_ms)
    if word.arc_from_ms is None or word.arc_to_ms is None:
        return None
    return word.arc_from_ms, word.arc_to_ms


def join(episode: Episode | None, finding: Finding, *, pages: bool) -> tuple[Episode, bool]:
    """The episode that a finding belongs to, and whether it has to be raised now: a new one, or a historical one that turned
    out to be going on."""
    if episode is None or finding.since_ms > episode.last_ms + QUIET_MS:
        name = f"{finding.boot}:{finding.seq}"
        return Episode(finding.code, finding.since_ms, finding.last_ms, name, pages), True
    grown = replace(
        episode,
        since_ms=min(episode.since_ms, finding.since_ms),
        last_ms=max(episode.last_ms, finding.last_ms),
        paged=episode.paged or pages,
    )
    return grown, pages and not episode.paged


def lateness(*, says_late: bool, synced: bool, at_ms: int, received_ms: int) -> Lateness:
    """How a message came. The chip says so, or it is older than 120 s by a synced clock; then somebody between was late."""
    age_ms = received_ms - at_ms
    if says_late:
        return Lateness("chip", max(0, age_ms))
    if synced and age_ms > LATE_MS:
        return Lateness("ours", age_ms)
    return LIVE


def silent(*, last_heard_ms: int, arc_ms_30d: int, watermark_ms: int) -> bool:
    """D06: worked at least an hour in the last 30 days, then nothing for 7 (domain.md section 8); against the watermark."""
    return arc_ms_30d >= 3_600_000 and watermark_ms - last_heard_ms >= 7 * 86_400_000


def _finding(
    code: AlertCode, word: Said, since: int, last: int, peak: float | None, contact: str | None, session: UUID | None
) -> Finding:
    return Finding(code, since, last, word.when.boot, word.when.seq, peak, contact, session)
