"""`weldgate chaos ingest`: a run with faults, the same bytes without faults, and the comparison of both.

Prints one JSON object on the last line of stdout, progress on stderr. Leaves nothing behind where all promises were kept; else
the logs and all differences stay in a folder that it names.
"""

import asyncio
import json
import math
import random
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bench.chaos.checker import Counted, Verdict, judge
from bench.chaos.chip import Chip, play
from bench.chaos.ingest import move_clock
from bench.chaos.life import Life, lives
from bench.chaos.nemesis import WORKERS, Nemesis, schedule
from bench.chaos.stage import SHARDS, Stage, stage
from simulator.identity import ChipIdentity
from weld.kit.clock import SystemClock
from weld.store.inspection import Books

# After the faults have ended: how long nothing more may be confirmed until we give up on the rest.
_CONVERGE_S = 120.0
# How much faster the run without faults is, at most; and how many messages a second it may be.
_CALM_SPEED, _CALM_RATE = 8.0, 2500.0
_SHOWN = 20
_ROOM_TO_DIAL = 50


Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run."""

    seconds: float
    seed: int
    chips: int
    rate: float

    def lives(self, base_ms: int) -> list[Life]:
        """The lives of all chips; only their times depend on when they begin."""
        return lives(self.chips, self.seed, base_ms, self.seconds, self.rate, SHARDS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: what the chips counted, what the store holds, how many kills there were, and what went wrong beside."""

    counted: Sequence[Counted]
    books: Books
    base_ms: int
    kills: int
    faults: Sequence[str]


def run(wanted: Wanted, *, quiet: bool) -> int:
    """Both runs, and the JSON line; 0 only if every promise was kept."""
    kept = Path(tempfile.mkdtemp(prefix="weldgate-chaos-kept-"))
    try:
        verdict, kills = asyncio.run(_run(wanted, kept, (lambda _: None) if quiet else _say))
    except BaseException:
        _say(f"the run itself failed; all logs: {kept}")
        raise
    if verdict.holds:
        shutil.rmtree(kept)
    else:
        _show(verdict, wanted, kept)
    words = {name: getattr(verdict, name) for name in ("sent", "stored", "lost", "doubled", "wrong")}
    print(json.dumps({"seed": wanted.seed, **words, "kills": kills}), flush=True)
    return 0 if verdict.holds else 1


async def _run(wanted: Wanted, kept: Path, say: Say) -> tuple[Verdict, int]:
    granted_at = SystemClock().now()
    outcome = await _with_faults(wanted, granted_at, kept, say)
    say("the same bytes without faults")
    async with without_faults(wanted, outcome.counted, outcome.base_ms, granted_at, kept) as there:
        calm = await there.books()
    verdict = judge(outcome.counted, outcome.books, calm)
    for fault in outcome.faults:
        verdict.blame(fault)
    return verdict, outcome.kills


async def _with_faults(wanted: Wanted, granted_at: datetime, kept: Path, say: Say) -> Outcome:
    dice = random.Random(f"{wanted.seed}:lines")  # noqa: S311  (chance that can be repeated)
    async with stage("chaos", dice) as here, _keeping_logs(here, kept / "faults"):
        await here.enrol(wanted.lives(0), granted_at)
        for number in range(WORKERS):
            here.start(number + 1)
        await here.ready()
        base_ms = _now_ms() + 500
        chips = _chips(here, wanted.lives(base_ms), speed=1.0)
        nemesis, begin_s = Nemesis(here, say), asyncio.get_running_loop().time() + 0.5
        say(f"{len(chips)} chips, {sum(len(chip.life.words) for chip in chips)} messages, seed {wanted.seed}")
        async with _playing(chips, begin_s):
            await nemesis.run(schedule(wanted.seed, wanted.seconds), begin_s)
            await asyncio.sleep(max(0.0, begin_s + wanted.seconds - asyncio.get_running_loop().time()))
            await nemesis.heal()
            say(f"healed after {nemesis.kills} kills")
            faults = await _converge(chips, say)
        faults += [f"{chip.life.chip} heard {chip.forged} words that do not verify" for chip in chips if chip.forged]
        await _stop(here)
        counted = [Counted(chip.life, chip.said, chip.stored) for chip in chips]
        return Outcome(counted, await here.books(), base_ms, nemesis.kills, [*faults, *nemesis.died])


@asynccontextmanager
async def without_faults(
    wanted: Wanted, counted: Sequence[Counted], base_ms: int, granted_at: datetime, kept: Path
) -> AsyncIterator[Stage]:
    """The same bytes in order, each chip after itself, on a clock that goes with them: nothing is late, nothing dies.

    Yields the stage when all is stored and the process has ended.
    """
    speed = max(1.0, min(_CALM_SPEED, _CALM_RATE / wanted.rate))
    async with stage("calm", None) as here, _keeping_logs(here, kept / "calm"):
        await here.enrol([one.life for one in counted], granted_at)
        _set_clock(here, base_ms)
        here.start()
        await here.ready()
        begin_s = asyncio.get_running_loop().time() + 0.5
        chips = _chips(here, [replace(one.life, kind="plain", downs=()) for one in counted], speed)
        for chip, one in zip(chips, counted, strict=True):
            chip.said.update(one.said)
        async with _playing(chips, begin_s):
            ticking = asyncio.create_task(_tick(here, base_ms, begin_s, speed))
            await asyncio.sleep(wanted.seconds / speed)
            faults = await _converge(chips, lambda _: None)
            ticking.cancel()
        await _stop(here)
        if faults:
            raise RuntimeError(f"the run without faults: {faults[0]}")
        yield here


def _chips(here: Stage, made: Sequence[Life], speed: float) -> list[Chip]:
    gate, keys = asyncio.Semaphore(_ROOM_TO_DIAL), here.stack.installation.pinned()
    return [
        Chip(life, ChipIdentity(life.chip, life.shard, keys), here.broker, random.Random(life.chip), gate, speed)  # noqa: S311
        for life in made
    ]


@asynccontextmanager
async def _playing(chips: list[Chip], begin_s: float) -> AsyncIterator[None]:
    playing = asyncio.create_task(play(chips, begin_s))
    try:
        yield
    finally:
        playing.cancel()
        await playing


async def _converge(chips: Sequence[Chip], say: Say) -> list[str]:
    """Wait until all chips are confirmed; what is still missing once nothing more has come for a long time."""
    loop = asyncio.get_running_loop()
    began_s = moved_s = loop.time()
    fewest = math.inf
    while waiting := [chip for chip in chips if not chip.confirmed]:
        left = sum(len(chip.pending) for chip in waiting)
        if left < fewest:  # a slow machine is slow, and no fault of ours
            fewest, moved_s = left, loop.time()
        if loop.time() > moved_s + _CONVERGE_S:
            return [
                f"not converged: {chip.life.chip} waits for {len(chip.pending)}: {list(chip.pending)[:5]}"
                for chip in waiting
            ]
        await asyncio.sleep(0.2)
    say(f"all confirmed after {loop.time() - began_s:.1f} s")
    return []


async def _stop(here: Stage) -> None:
    """End the processes in order: what they hold is written first."""
    for child in here.stack.children.values():
        await asyncio.to_thread(child.stop)


async def _tick(here: Stage, base_ms: int, begin_s: float, speed: float) -> None:
    """The clock of a shortened run."""
    loop = asyncio.get_running_loop()
    while True:
        _set_clock(here, base_ms + max(0.0, loop.time() - begin_s) * speed * 1000)
        await asyncio.sleep(0.02)


def _set_clock(here: Stage, shows_ms: float) -> None:
    move_clock(here.clock, ahead_s=(shows_ms - _now_ms()) / 1000)


def _now_ms() -> int:
    return round(SystemClock().now().timestamp() * 1000)


@asynccontextmanager
async def _keeping_logs(here: Stage, folder: Path) -> AsyncIterator[None]:
    """The processes' logs outlive the stack, for the case that somebody has to read them."""
    try:
        yield
    finally:
        await asyncio.to_thread(shutil.copytree, here.stack.folder / "run", folder, dirs_exist_ok=True)


def _show(verdict: Verdict, wanted: Wanted, kept: Path) -> None:
    (kept / "differences.txt").write_text("\n".join(verdict.differences) + "\n")
    for line in verdict.differences[:_SHOWN]:
        _say(line)
    _say(f"{len(verdict.differences)} differences and all logs: {kept}")
    words = f"--seconds {wanted.seconds:g} --seed {wanted.seed} --chips {wanted.chips} --rate {wanted.rate:g}"
    _say(f"again: weldgate chaos ingest {words}")


def _say(line: str) -> None:
    print(f"chaos: {line}", file=sys.stderr, flush=True)
