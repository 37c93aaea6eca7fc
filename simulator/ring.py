"""The ring of evidence: what the chip has said and nobody has confirmed yet (P13), with the exact bytes once published.

Only `stored` frees; an overflow forgets the oldest telemetry first and remembers the range until it is declared (P14).
Times are `up` of the running boot. Refuses to make messages, to encode and to publish: it says what is due.
"""

from msgspec import Struct
from msgspec.structs import replace

from schemas.chip import BootUp, BufferOverflow, Event, Message, Telemetry

Range = tuple[int, int, int]  # boot, from, to


class Entry(Struct, frozen=True):
    """One message: as made until it is first published, as bytes from then on."""

    boot: int
    seq: int
    message: Message | None
    telemetry: bool
    declares: Range | None = None
    payload: bytes | None = None
    published_up: int | None = None
    due_up: int = 0
    wait_ms: int = 0

    @property
    def key(self) -> tuple[int, int]:
        return self.boot, self.seq


class Ring(Struct, frozen=True):
    """Entries in the order of (boot, seq); `lost` are ranges that were forgotten and are not declared yet."""

    capacity: int
    entries: tuple[Entry, ...] = ()
    lost: tuple[Range, ...] = ()
    earliest_up: int | None = None


def entry_of(message: Message) -> Entry:
    """A message that waits for its first publishing."""
    event = message.event if isinstance(message, Event) else None
    declares = (event.lost_boot, event.lost_from, event.lost_to) if isinstance(event, BufferOverflow) else None
    return Entry(message.boot, message.seq, message, isinstance(message, Telemetry), declares)


def add(ring: Ring, entry: Entry) -> Ring:
    """The ring with one entry more; where it was full, with one less.

    A declaration of loss finds room in any case: without it the platform could never confirm what lies behind the loss.
    """
    while entry.declares is None and len(ring.entries) >= ring.capacity:
        ring = _forget(ring)
    earliest = entry.due_up if ring.earliest_up is None else min(ring.earliest_up, entry.due_up)
    before = ring.entries[-1].key if ring.entries else (0, 0)
    entries = (*ring.entries, entry)
    if entry.key < before:
        entries = tuple(sorted(entries, key=lambda each: each.key))
    return replace(ring, entries=entries, earliest_up=earliest)


def published(ring: Ring, entry: Entry, payload: bytes, up_ms: int, wait_ms: int, due_up: int) -> Ring:
    """The ring after this entry went out as these bytes."""
    sent = replace(
        entry, message=None, payload=payload, published_up=entry.published_up, due_up=due_up, wait_ms=wait_ms
    )
    if sent.published_up is None:
        sent = replace(sent, published_up=up_ms)
    return _with(ring, tuple(sent if each.key == entry.key else each for each in ring.entries))


def stored(ring: Ring, boot: int, upto: int) -> Ring:
    """The ring after the platform said that every seq <= upto of this boot is stored, in quarantine or declared lost."""
    kept = tuple(entry for entry in ring.entries if entry.boot != boot or entry.seq > upto)
    lost = tuple((b, max(start, upto + 1) if b == boot else start, end) for b, start, end in ring.lost)
    return replace(_with(ring, kept), lost=tuple(each for each in lost if each[1] <= each[2]))


def all_due(ring: Ring, up_ms: int) -> Ring:
    """After a reconnect everything unconfirmed is due, with the first waiting time again."""
    return _with(ring, tuple(replace(entry, due_up=up_ms, wait_ms=0) for entry in ring.entries))


def restarted(ring: Ring) -> Ring:
    """The ring as a new boot finds it: its clock begins at 0."""
    return _with(ring, tuple(replace(entry, published_up=None, due_up=0, wait_ms=0) for entry in ring.entries))


def asked(ring: Ring, boot: int, from_seq: int, to_seq: int, up_ms: int) -> Ring:
    """A resend: what is still here is due; the rest of the range is lost, unless that is being declared already."""
    wanted = range(from_seq, to_seq + 1)
    here = [entry.seq for entry in ring.entries if entry.boot == boot and entry.seq in wanted]
    gaps, start = [], from_seq
    for seq in [*here, to_seq + 1]:
        if seq > start:
            gaps.append((boot, start, seq - 1))
        start = seq + 1
    ring = _with(ring, tuple(_due_if_asked(entry, boot, wanted, gaps, up_ms) for entry in ring.entries))
    declared = {entry.declares for entry in ring.entries}
    return replace(ring, lost=_merged((*ring.lost, *(gap for gap in gaps if gap not in declared))))


def _due_if_asked(entry: Entry, boot: int, wanted: range, gaps: list[Range], up_ms: int) -> Entry:
    asked_for = (entry.boot == boot and entry.seq in wanted) or entry.declares in gaps
    return replace(entry, due_up=min(entry.due_up, up_ms)) if asked_for else entry


def first_due(ring: Ring, up_ms: int) -> Entry | None:
    """The oldest entry that is due."""
    if ring.earliest_up is None or ring.earliest_up > up_ms:
        return None
    return next((entry for entry in ring.entries if entry.due_up <= up_ms), None)


def without(ring: Ring, key: tuple[int, int]) -> Ring:
    """The ring without this entry, for which nobody waits."""
    return _with(ring, tuple(entry for entry in ring.entries if entry.key != key))


def declared(ring: Ring) -> Ring:
    """The ring after its first lost range has become a message of its own."""
    return replace(ring, lost=ring.lost[1:])


def _with(ring: Ring, entries: tuple[Entry, ...]) -> Ring:
    return replace(ring, entries=entries, earliest_up=min((entry.due_up for entry in entries), default=None))


def _forget(ring: Ring) -> Ring:
    """Room for one: the oldest telemetry goes, else the oldest of all but a boot, without which nothing is accepted."""
    gone = min(ring.entries, key=lambda entry: (not entry.telemetry, isinstance(entry.message, BootUp), entry.key))
    lost = [(gone.boot, gone.seq, gone.seq), *([gone.declares] if gone.declares else [])]
    return replace(without(ring, gone.key), lost=_merged((*ring.lost, *lost)))


def _merged(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """The same ranges in order, neighbours as one."""
    merged: list[Range] = []
    for boot, start, end in sorted(ranges):
        if merged and merged[-1][0] == boot and start <= merged[-1][2] + 1:
            merged[-1] = (boot, merged[-1][1], max(end, merged[-1][2]))
        else:
            merged.append((boot, start, end))
    return tuple(merged)
