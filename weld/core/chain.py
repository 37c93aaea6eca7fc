"""The audit's chain: what of a row is hashed, and whether rows follow one another.

A row's hash covers the hash before it, so nobody changes, takes out or puts in a row without rewriting all that follow; and
an anchor, kept elsewhere, says what they were. Refuses to read rows: they are handed in, in order.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

_FORM = "weldgate audit 1"


class Link(NamedTuple):
    """A place in the chain: the number and the hash of a row."""

    seq: int
    hash: bytes


class Row(NamedTuple):
    """One row. `at_us` counts microseconds since 1970 UTC, whatever the zone; `detail` is the text of the store's jsonb.

    None is what the store never holds: somebody made away with the value.
    """

    seq: int
    at_us: int | None
    actor: str | None
    action: str | None
    subject: str | None
    detail: str | None
    before: bytes | None
    hash: bytes | None


class Break(NamedTuple):
    """Where the chain does not hold: the number of the first row that is wrong or missing, what was expected there and found."""

    seq: int
    expected: str
    found: str


START = Link(0, bytes(32))


def canonical(row: Row) -> bytes:
    """The bytes that are hashed after the hash before: each field as its length in bytes, a colon, itself and a comma.

    Lengths make it unambiguous: no two rows have the same bytes, whatever stands in their fields.
    """
    words = (_FORM, str(row.seq), str(row.at_us), row.actor, row.action, row.subject, row.detail)
    fields = (str(word).encode() for word in words)
    return b"".join(b"%d:%b," % (len(field), field) for field in fields)


def hash_of(row: Row) -> bytes:
    """What the row's hash must be."""
    return hashlib.sha256((row.before or b"") + canonical(row)).digest()


def follow(link: Link, row: Row) -> Link | Break:
    """The row's place, if it follows this one unharmed."""
    if row.seq != link.seq + 1:
        return Break(link.seq + 1, f"row {link.seq + 1}", f"row {row.seq}")
    if row.before != link.hash:
        return Break(row.seq, f"after {link.hash.hex()}", f"after {_hex(row.before)}")
    ours = hash_of(row)
    if row.hash != ours:
        return Break(row.seq, f"the hash {ours.hex()}", f"the hash {_hex(row.hash)}")
    return Link(row.seq, ours)


def walk(link: Link, rows: Iterable[Row], anchors: Mapping[int, bytes]) -> Iterator[Link | Break]:
    """Each row's place, until one does not follow or is not what an anchor (number -> hash) says it was."""
    for row in rows:
        place = follow(link, row)
        if isinstance(place, Link):
            wanted = anchors.get(place.seq, place.hash)
            if wanted != place.hash:
                place = Break(place.seq, f"the anchored hash {wanted.hex()}", f"the hash {place.hash.hex()}")
        yield place
        if isinstance(place, Break):
            return
        link = place


def resume(anchor: Link, rows: Iterator[Row]) -> Iterator[Link | Break]:
    """The same from an anchored row on, which must still be there as it was; what stood before it is not looked at."""
    first = next(rows, None)
    if first is None:
        yield Break(anchor.seq, f"row {anchor.seq}", "nothing")
        return
    before = Link(anchor.seq - 1, first.before or b"")
    yield from walk(before, chain([first], rows), {anchor.seq: anchor.hash})


def ended(last: Link, head: Link | None, anchors: Mapping[int, bytes]) -> Break | None:
    """Whether the chain ends where its head and all anchors say that it has come to."""
    if head is None:
        return Break(last.seq + 1, "a head", "no head")
    if head != last:
        return Break(min(head.seq, last.seq) + 1, f"an end at {_place(head)}", f"an end at {_place(last)}")
    farthest = max(anchors, default=0)
    if farthest > last.seq:
        return Break(last.seq + 1, f"rows up to the anchored {farthest}", f"an end at {_place(last)}")
    return None


def _place(link: Link) -> str:
    return f"row {link.seq}, {link.hash.hex()}"


def _hex(value: bytes | None) -> str:
    return "nothing" if value is None else value.hex()
