"""The domain path of one message in this process: decode, place, fold, rules, on prepared payloads; no I/O (G3).

The only file of the benchmarks that knows ingest's inside: when the hot path changes, this follows. Refuses to be the product:
its numbers explain, they do not count.
"""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ingest import arrival, books, mapping
from ingest.arrival import Arrival
from ingest.batch import Batch
from ingest.chip import Chip, to_json
from ingest.draft import Draft
from ingest.main import COLLECT_AFTER
from ingest.memory import Memory
from ingest.shelf import Shelf
from schemas.bad import BadMessage
from schemas.chip import Presence, Telemetry
from simulator.stream import Stream, chip_name, shard_of, ticket_of, works
from weld.core import detect
from weld.core.detect import Lateness
from weld.core.fold import Terms
from weld.kit.clock import SystemClock
from weld.store.load import Heard

CHIPS = 1000
BATCH = 2000
_DAY_MS = 86_400_000
_NOBODY: Any = None  # in the place of a connection, a link, a key: nothing here leaves the process


class Cost(NamedTuple):
    """CPU microseconds a message, of all and of each part."""

    total_us: float
    read_us: float
    place_us: float
    fold_us: float
    remember_us: float


def heard_once() -> Heard:
    """What is saved of a chip of which only the boot message was heard."""
    chip = Chip("LOAD00000000", 1, "00", boot=1, seq=1)
    return Heard(to_json(chip).decode(), detect.RULES_VERSION, b"answered")


class _Plain(NamedTuple):
    """A message on its way into the store, with nothing decided about it."""

    arrival: Arrival
    chip_no: int
    at_ms: int
    corrected_ms: None = None
    late: Lateness = Lateness("live")


def to_row(topic: str, payload: bytes, chip_no: int, received_ms: int) -> tuple[bool, bytes]:
    """Whether a delivery is telemetry, and the row that it becomes: for pipelines that store and nothing else."""
    one = arrival.read(_NOBODY, 1, topic, payload, received_ms)
    message = one.said
    if isinstance(message, BadMessage | Presence):
        raise TypeError(f"no evidence: {message}")
    plain = _Plain(one, chip_no, message.at or received_ms)
    if isinstance(message, Telemetry):
        return True, mapping.telemetry_row(plain, message)
    return False, mapping.event_row(plain, message)


def measure(messages: int, seed: int = 1) -> Cost:
    """What the path costs, over so many messages of the mix in batches of BATCH."""
    now_ms = mapping.ms_of(SystemClock().now())
    known, terms = _known(now_ms), _terms(now_ms)
    spent = [0.0, 0.0, 0.0, 0.0]
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()  # as ingest does once its chips are loaded
    gc.set_threshold(*COLLECT_AFTER)
    for batch in _batches(messages, seed, now_ms):
        for part, lasted_s in enumerate(_run(batch, known, terms, now_ms)):
            spent[part] += lasted_s
    gc.unfreeze()
    gc.set_threshold(*usual)
    done = messages // BATCH * BATCH
    return Cost(*(round(s * 1e6 / done, 3) for s in (sum(spent), *spent)))


def _run(
    deliveries: Sequence[tuple[str, bytes]], known: Memory, terms: dict[str, dict[UUID, Terms]], now_ms: int
) -> Iterator[float]:
    """One batch through all parts; how long each took."""
    began_s = time.process_time()
    arrivals = [arrival.read(_NOBODY, 1, topic, payload, now_ms) for topic, payload in deliveries]
    read_s = time.process_time()
    draft = Draft(300, lambda _: False)
    for one in arrivals:
        if one.chip is not None and one.chip not in draft.chips and (chip := known.get(one.shard, one.chip)):
            draft.add(chip)
    for one in arrivals:
        draft.place(one)
    placed_s = time.process_time()
    batch = Batch(_NOBODY, draft, {}, mapping.utc(now_ms), _NOBODY, terms=terms)
    asyncio.run(books.fold_live(batch))
    folded_s = time.process_time()
    known.advance((draft.before[name], chip) for name, chip in draft.chips.items())
    yield from (read_s - began_s, placed_s - read_s, folded_s - placed_s, time.process_time() - folded_s)
    if set(draft.fates) != {"new"} or batch.found:
        raise RuntimeError(f"the mix is not what it should be: {draft.fates}, {len(batch.found)} findings")


def _batches(messages: int, seed: int, now_ms: int) -> Iterator[list[tuple[str, bytes]]]:
    stream = Stream.make(seed)
    topics = [f"wg/1/{shard_of(number, 64)}/{chip_name(number)}/up" for number in range(CHIPS)]
    for start in range(0, messages - BATCH + 1, BATCH):
        turns = (divmod(turn, CHIPS) for turn in range(start, start + BATCH))
        yield [(topics[number], stream.word(number, seq + 2, now_ms)) for seq, number in turns]


class _AllShards(Memory):
    """A memory that holds every shard without asking a store."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(64):
            self._shelves[shard_of(number, 64)] = Shelf(shard_of(number, 64))


def _known(now_ms: int) -> Memory:
    known = _AllShards()
    chips = [
        Chip(
            chip_name(number),
            number,
            shard_of(number, 64),
            boot=1,
            seq=1,
            anchor_boot=1,
            anchor_ms=now_ms - 60_000,
        )
        for number in range(CHIPS)
    ]
    known.advance((None, chip) for chip in chips)
    return known


def _terms(now_ms: int) -> dict[str, dict[UUID, Terms]]:
    lasting = Terms(now_ms + _DAY_MS, 86_400)
    return {chip_name(n): {UUID(ticket_of(n)): lasting} for n in range(CHIPS) if works(n, 10)}
