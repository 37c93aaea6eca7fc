"""What must be true after a run: everything called stored is there once, and the books are those of a run without faults.

Pure: it compares what the chips counted with two sets of books. It knows the contract only, not how ingest keeps it. Every
difference is a line of text for whoever looks for the cause.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bench.chaos.life import Life
from ingest.arrival import content_hash
from weld.store.inspection import Books, Row

_Key = tuple[str | None, int | None, int | None]

# Columns of a session that follow from when a message was received, not from what it said:
#   updated_at: when the row was written. historical: whether a newer session was known when this one was first heard of.
#   chip_no: the order of enrolment, which is nobody's promise.
_SESSION_BY_RECEIPT = frozenset({"updated_at", "historical", "chip_no"})
# With an unset or drifting clock the platform reckons times from the boot's first receipt (P16): they are compared from there.
_SESSION_TIMES = frozenset({"opened_at", "closed_at"})
# ... and this one is the earlier of the ticket's own end and a reckoned one.
_SESSION_MIXED = frozenset({"ends_at"})
_ARC_TIMES = frozenset({"started_at", "ended_at"})
_ARC_BY_RECEIPT = frozenset({"chip_no"})


@dataclass(frozen=True, slots=True)
class Counted:
    """What one chip knows: its life, every message as first published, and up to where each boot was called stored."""

    life: Life
    said: Mapping[tuple[int, int], bytes]
    stored: Mapping[int, int]

    @property
    def shows_bypass(self) -> bool:
        """Whether it published a sign of welding past its contact in time: somebody must be told, once."""
        return any(b'"late":false' in self.said.get((w.boot, w.seq), b"") for w in self.life.words if w.sign)


@dataclass(slots=True)
class Verdict:
    """What is wrong, in numbers and in words."""

    sent: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return self.lost == self.doubled == self.wrong == 0

    def blame(self, what: str) -> None:
        """One difference more."""
        self.wrong += 1
        self.differences.append(what)


def judge(counted: Sequence[Counted], books: Books, calm: Books) -> Verdict:
    """The verdict over a run: `books` after it, `calm` after the same bytes without a fault."""
    verdict = Verdict()
    _judge_messages(verdict, counted, books)
    _judge_alerts(verdict, counted, books)
    lives = {one.life.chip: one.life for one in counted}
    for compare in (_sessions, _arcs, _days, _hours, _owners, _states):
        for what in compare(lives, books, calm):
            verdict.blame(what)
    for what in (
        *_sets("hole", set(books.holes), set(calm.holes)),
        *_sets("in quarantine", _refused(books), _refused(calm)),
    ):
        verdict.blame(what)
    return verdict


# -- messages


def _judge_messages(verdict: Verdict, counted: Sequence[Counted], books: Books) -> None:
    said: dict[_Key, int] = {
        (one.life.chip, *key): content_hash(payload) for one in counted for key, payload in one.said.items()
    }
    there = set(books.evidence)
    refused = {(row.chip, row.boot, row.seq, row.hash) for row in books.quarantine}
    kept = {row[:3] for row in there | refused if said.get(row[:3]) == row[3]} | _declared(books)
    for one in counted:
        _judge_stored(verdict, one, kept)
    for key, number in Counter(row[:3] for row in books.evidence).items():
        if number > 1:
            verdict.doubled += number - 1
            verdict.differences.append(f"doubled: {_plain(key)} stands {number} times")
    for row in sorted(there):
        if said.get(row[:3]) != row.hash:
            verdict.blame(f"stored, but nobody said it: {_plain(tuple(row))}")
        elif row in refused:
            verdict.blame(f"stored and in quarantine: {_plain(tuple(row))}")


def _judge_stored(verdict: Verdict, one: Counted, kept: Set[_Key]) -> None:
    """What one chip was told, against what is kept of it in any way."""
    verdict.sent += len(one.life.words)
    for word in one.life.words:
        if word.seq <= one.stored.get(word.boot, 0):
            verdict.stored += 1
            if (one.life.chip, word.boot, word.seq) not in kept:
                verdict.lost += 1
                verdict.differences.append(f"lost: {one.life.chip} {word.boot} {word.seq} was called stored")
    for boot, upto in one.stored.items():
        if upto > max((seq for known, seq in one.said if known == boot), default=0):
            verdict.blame(f"called stored, but never said: {one.life.chip} {boot} up to {upto}")


def _declared(books: Books) -> set[tuple[str, int, int]]:
    return {(row.chip, row.boot, seq) for row in books.holes for seq in range(row.from_seq, row.to_seq + 1)}


def _refused(books: Books) -> set[tuple[str | None, int | None, int | None, str]]:
    """By key and reason; how often it was repeated is nobody's promise."""
    return {(row.chip, row.boot, row.seq, row.reason) for row in books.quarantine}


# -- alerts


def _judge_alerts(verdict: Verdict, counted: Sequence[Counted], books: Books) -> None:
    live: Counter[tuple[str | None, str]] = Counter((row.chip, row.code) for row in books.alerts if not row.historical)
    wanted: Counter[tuple[str | None, str]] = Counter((one.life.chip, "D01") for one in counted if one.shows_bypass)
    for key in sorted(set(live) | set(wanted), key=str):
        if live[key] != wanted[key]:
            verdict.blame(f"live alert {key}: {live[key]} instead of {wanted[key]}")
    for row in books.alerts:
        if row.told != (0 if row.historical else 1):
            verdict.blame(f"alert {row.chip} {row.code}: announced {row.told} times")


# -- books


def _sessions(lives: Mapping[str, Life], books: Books, calm: Books) -> Iterator[str]:
    boots = {turn.session: (life.chip, turn.boot) for life in lives.values() for turn in life.turns}

    def readable(row: Row, anchors: Mapping[tuple[str, int], datetime]) -> dict[str, Any]:
        kept = {name: value for name, value in row.items() if name not in _SESSION_BY_RECEIPT}
        life, boot = lives.get(row["chip"]), boots.get(row["id"])
        if life is not None and life.anchored and boot is not None:
            return _since(anchors.get(boot), kept, _SESSION_TIMES, _SESSION_MIXED)
        return kept

    yield from _tables(
        "session",
        {row["id"]: readable(row, books.anchors) for row in books.sessions},
        {row["id"]: readable(row, calm.anchors) for row in calm.sessions},
    )


def _arcs(lives: Mapping[str, Life], books: Books, calm: Books) -> Iterator[str]:
    def readable(row: Row, anchors: Mapping[tuple[str, int], datetime]) -> dict[str, Any]:
        kept = {name: value for name, value in row.items() if name not in _ARC_BY_RECEIPT}
        life = lives.get(row["chip"])
        if life is not None and life.anchored:
            return _since(anchors.get((row["chip"], row["boot"])), kept, _ARC_TIMES)
        return kept

    def by_key(one: Books) -> dict[Hashable, dict[str, Any]]:
        return {(row["chip"], row["boot"], row["from_up"]): readable(row, one.anchors) for row in one.arcs}

    yield from _tables("arc", by_key(books), by_key(calm))


def _days(lives: Mapping[str, Life], books: Books, calm: Books) -> Iterator[str]:
    yield from _spans("day", lives, books.days, calm.days)


def _hours(lives: Mapping[str, Life], books: Books, calm: Books) -> Iterator[str]:
    yield from _spans("hour", lives, books.hours, calm.hours)


def _spans(what: str, lives: Mapping[str, Life], here: Sequence[Row], there: Sequence[Row]) -> Iterator[str]:
    """Those of a machine whose times are reckoned are summed: to which of two a message near the border belongs may differ."""
    summed = {life.plate for life in lives.values() if life.somewhat_anchored}

    def by_key(rows: Sequence[Row]) -> dict[Hashable, dict[str, Any]]:
        sums: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for row in rows:
            key = (row["plate"], "all" if row["plate"] in summed else row[what])
            sums[key].update({name: value for name, value in row.items() if name not in {"plate", what}})
        return {key: dict(values) for key, values in sums.items()}

    yield from _tables(what, by_key(here), by_key(there))


def _owners(_: Mapping[str, Life], books: Books, calm: Books) -> Iterator[str]:
    """Sums of divisions and enterprises over all their days, whoever wrote which part of them."""
    yield from _tables("owner", {row["owner"]: row for row in books.owners}, {row["owner"]: row for row in calm.owners})


def _states(_: Mapping[str, Life], books: Books, calm: Books) -> Iterator[str]:
    yield from _tables("state", {row["chip"]: row for row in books.states}, {row["chip"]: row for row in calm.states})


def _since(
    anchor: datetime | None, row: dict[str, Any], times: frozenset[str], left_out: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The row with its times counted from the anchor of its boot."""
    shifted: dict[str, Any] = {name: value for name, value in row.items() if name not in left_out}
    for name in times:
        if anchor is not None and shifted[name] is not None:
            shifted[name] = shifted[name] - anchor
    return shifted


def _tables(
    what: str, here: Mapping[Hashable, Mapping[str, Any]], there: Mapping[Hashable, Mapping[str, Any]]
) -> Iterator[str]:
    for key in sorted(set(here) | set(there), key=str):
        if key not in here:
            yield f"{what} {_plain(key)} is missing"
        elif key not in there:
            yield f"{what} {_plain(key)} should not be there"
        else:
            ours, theirs = here[key], there[key]
            unlike = [
                f"{name} {_plain(ours.get(name))}, without faults {_plain(theirs.get(name))}"
                for name in theirs
                if not _same(ours.get(name), theirs[name])
            ]
            if unlike:
                yield f"{what} {_plain(key)}: {'; '.join(unlike)}"


def _sets(what: str, here: set[Any], there: set[Any]) -> Iterator[str]:
    for row in sorted(here - there, key=str):
        yield f"{what}, and not without faults: {_plain(tuple(row))}"
    for row in sorted(there - here, key=str):
        yield f"not {what}, but without faults: {_plain(tuple(row))}"


def _same(one: object, other: object) -> bool:
    """Sums of floats depend on the order of adding in their last digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return one == other


def _plain(value: object) -> str:
    match value:
        case UUID() | timedelta():
            return str(value)
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case tuple():
            return " ".join(_plain(part) for part in value)
    return str(value)
