"""The nemesis: a schedule of blows made from the seed, and the hands that deal them.

Kills with -9, stopped processes, cut, reset and half-open lines, slow and narrow ones, messages twice and out of order, clocks
that jump. Every blow ends by itself and mends what it broke. Refuses to look at what comes of it.
"""

import asyncio
import math
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bench.chaos.ingest import move_clock
from bench.chaos.stage import Stage
from weld.cli.stack import Child
from weld.store import inspection
from weld.store.connect import connect

WORKERS = 2
LINES = ("chips", "broker", "database")
# A whole turn; the seed shuffles it, and a run takes as many turns as it has time for.
_DECK = (
    "kill_ingest", "kill_ingest", "kill_ingest", "kill_database", "kill_database", "kill_backend", "kill_broker", "kill_broker",
    "pause_ingest", "pause_ingest", "pause_broker", "cut", "cut", "reset", "reset", "freeze", "freeze", "slow", "narrow",
    "shuffle", "shuffle", "jump", "jump",
)  # fmt: skip
_EVERY_S = (1.4, 3.2)
_FIRST_S = 3.0
# After the last blow chips still speak for a moment before everything is healed.
_LAST_S = 4.0
# A worker's supervisor looks this often, and starts it so many times.
_SUPERVISE_EVERY_S = 1.0
_STARTS = 3
WORST_JUMP_S = 600


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow: when, which, for how long, against which process or line, and one more number for its kind."""

    at_s: float
    name: str
    lasts_s: float
    target: int
    size: float


def schedule(seed: int, seconds: float) -> list[Blow]:
    """What is going to happen; the same seed, the same schedule."""
    dice, blows, deck = random.Random(f"{seed}:nemesis"), list[Blow](), list[str]()  # noqa: S311  (to be repeated)
    at_s = _FIRST_S
    while at_s < seconds - _LAST_S:
        if not deck:
            deck = dice.sample(_DECK, len(_DECK))
        blows.append(Blow(at_s, deck.pop(), dice.uniform(0.0, 1.0), dice.randrange(6), dice.uniform(-1.0, 1.0)))
        at_s += dice.uniform(*_EVERY_S)
    return blows


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * abs(share)


def _never_began(child: Child) -> bool:
    """Whether a worker ended because it could not reach the database at all: it never held a group."""
    lines = child.log.read_text(errors="replace").splitlines() if child.log is not None else []
    began = any("groups_acquired" in line and f"pid={child.process.pid} " in f"{line} " for line in lines)
    return not began and "psycopg.OperationalError" in child.last_words()


class Nemesis:
    """Deals the blows of a schedule on one stage. `kills` counts the kill -9, `died` what ended without one."""

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self.kills = 0
        self.died: list[str] = []
        self._stage = stage
        self._say = say
        self._ingest = [asyncio.Lock() for _ in range(WORKERS)]
        self._broker, self._database, self._clock = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._hands: dict[str, Callable[[Blow], Awaitable[None]]] = {
            "kill_ingest": self._kill_ingest, "kill_database": self._kill_database, "kill_backend": self._kill_backend,
            "kill_broker": self._kill_broker, "pause_ingest": self._pause_ingest, "pause_broker": self._pause_broker,
            "cut": self._cut, "reset": self._cut, "freeze": self._freeze, "slow": self._slow, "narrow": self._narrow,
            "shuffle": self._shuffle, "jump": self._jump,
        }  # fmt: skip

    async def run(self, blows: list[Blow], begin_s: float) -> None:
        """All blows, each at its time; returns when the last one has mended what it broke."""
        supervising = asyncio.create_task(self._supervise())
        try:
            async with asyncio.TaskGroup() as tasks:
                for blow in blows:
                    tasks.create_task(self._deal(blow, begin_s))
        finally:
            supervising.cancel()

    async def heal(self) -> None:
        """Nothing is broken any more, and every worker runs."""
        for line in self._stage.lines.values():
            line.faults.heal()
        move_clock(self._stage.clock)
        for number in range(WORKERS):
            await self._wait_ready(number)

    async def _wait_ready(self, number: int) -> None:
        """As a supervisor does: a worker that does not come up is started again, a few times."""
        for _ in range(_STARTS):
            self._look_after(number)
            with suppress(RuntimeError):
                await asyncio.to_thread(self._child(number).wait_ready)
                return
        self.died.append(f"{self._child(number).name} was not ready after {_STARTS} starts")

    async def _deal(self, blow: Blow, begin_s: float) -> None:
        await asyncio.sleep(max(0.0, begin_s + blow.at_s - asyncio.get_running_loop().time()))
        self._say(f"{blow.at_s:5.1f} s {blow.name}")
        await self._hands[blow.name](blow)

    # -- processes

    def _child(self, number: int) -> Child:
        return self._stage.stack.children["ingest" if number == 0 else f"ingest-{number + 1}"]

    def _look_after(self, number: int) -> None:
        """As a supervisor does: start a worker that ended. It may end by itself only where no database answers its first word."""
        child = self._child(number)
        if child.process.poll() is not None:
            self._say(f"{child.name} ended by itself")
            if not _never_began(child):
                self.died.append(
                    f"{child.name} ended with code {child.process.returncode}: {child.last_words()[-600:]}"
                )
            self._stage.start(number + 1)

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(_SUPERVISE_EVERY_S)
            for number, lock in enumerate(self._ingest):
                if not lock.locked():
                    self._look_after(number)

    async def _kill_ingest(self, blow: Blow) -> None:
        number = blow.target % WORKERS
        async with self._ingest[number]:
            self._look_after(number)
            self.kills += 1
            await asyncio.to_thread(self._child(number).kill)
            await asyncio.sleep(_between(0.0, 3.0, blow.lasts_s))
            self._stage.start(number + 1)

    async def _pause_ingest(self, blow: Blow) -> None:
        number = blow.target % WORKERS
        async with self._ingest[number]:
            self._look_after(number)
            await self._stop_for(self._child(number).process.pid, _between(3.0, 8.0, blow.lasts_s))

    async def _pause_broker(self, blow: Blow) -> None:
        async with self._broker:
            pid = self._stage.stack.mosquitto.pid
            if pid is not None:
                await self._stop_for(pid, _between(2.0, 5.0, blow.lasts_s))

    async def _stop_for(self, pid: int, seconds: float) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _kill_broker(self, blow: Blow) -> None:
        async with self._broker:
            self.kills += 1
            await asyncio.to_thread(self._stage.stack.mosquitto.kill)
            await asyncio.sleep(_between(0.0, 2.0, blow.lasts_s))
            await asyncio.to_thread(self._stage.stack.mosquitto.restart)

    async def _kill_database(self, blow: Blow) -> None:
        async with self._database:
            self.kills += 1
            await asyncio.to_thread(self._stage.stack.postgres.kill)
            await asyncio.sleep(_between(0.0, 2.0, blow.lasts_s))
            await asyncio.to_thread(self._stage.stack.postgres.start)

    async def _kill_backend(self, blow: Blow) -> None:
        """One server process of ours; its postmaster then ends all others and recovers, as after a crash."""
        async with self._database:
            conn = await connect(self._stage.stack.role_url("owner"), "chaos")
            try:
                pids = await inspection.backends(conn)
            finally:
                await conn.close()
            with suppress(ProcessLookupError, IndexError):
                os.kill(pids[blow.target % max(1, len(pids))], signal.SIGKILL)
                self.kills += 1
            await asyncio.sleep(2.0)

    # -- lines

    async def _cut(self, blow: Blow) -> None:
        line = self._stage.lines[LINES[blow.target % 3]]
        line.end(line.some(_between(0.2, 1.0, blow.size)), "reset" if blow.name == "reset" else "cut")

    async def _freeze(self, blow: Blow) -> None:
        line = self._stage.lines[LINES[blow.target % 3]]
        lanes = line.some(_between(0.1, 0.7, blow.size))
        line.freeze(lanes)
        await asyncio.sleep(_between(3.0, 9.0, blow.lasts_s))
        line.end(lanes, "reset")

    async def _slow(self, blow: Blow) -> None:
        faults = self._stage.lines[LINES[blow.target % 3]].faults
        faults.delay_s = faults.jitter_s = _between(0.02, 0.5, blow.size)
        await asyncio.sleep(_between(2.0, 6.0, blow.lasts_s))
        faults.delay_s = faults.jitter_s = 0.0

    async def _narrow(self, blow: Blow) -> None:
        faults = self._stage.lines[LINES[blow.target % 3]].faults
        faults.bytes_per_s = _between(2_000, 50_000, blow.size)
        await asyncio.sleep(_between(2.0, 5.0, blow.lasts_s))
        faults.bytes_per_s = 0.0

    async def _shuffle(self, blow: Blow) -> None:
        faults = self._stage.lines["chips"].faults
        faults.duplicate = faults.reorder = _between(0.1, 0.5, blow.size)
        await asyncio.sleep(_between(5.0, 9.0, blow.lasts_s))
        faults.duplicate = faults.reorder = 0.0

    # -- clocks

    async def _jump(self, blow: Blow) -> None:
        """The clock of all workers jumps, and back again."""
        async with self._clock:
            jump_s = math.copysign(_between(30, WORST_JUMP_S, blow.size), blow.size)
            move_clock(self._stage.clock, jump_s=jump_s)
            await asyncio.sleep(_between(1.0, 4.0, blow.lasts_s))
            move_clock(self._stage.clock)
