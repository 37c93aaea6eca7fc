"""Where it is played: a throw-away stack with the registers of all chips, and a fault proxy on each of its three lines.

Chips speak to the broker, ingest to the broker, ingest to PostgreSQL: each through a proxy, or directly where `calm` is wanted.
Refuses servers that somebody else gave: what is killed here must be ours.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit
from uuid import UUID

from bench.chaos.ingest import CLOCK_FILE, move_clock
from bench.chaos.life import Life
from bench.chaos.proxy import Proxy, Target
from simulator.link import Broker
from weld.cli.stack import BrokerAddress, Stack
from weld.store import inspection
from weld.store.connect import connect
from weld.store.inspection import Books

SHARDS = 16  # two in each group
# How often a chip asks whether its broker is still there.
KEEP_ALIVE_S = 10
_WORKER = UUID("0197c8a0-0000-7000-8000-00000000c4a0")
PROGRAM = "bench.chaos.ingest"
# A run without faults plays yesterday's minute faster than it was: its clock is off the database's by design.
_ANY_CLOCK = {"ingest_clock_off_max_s": "1000000000"}
_SETTINGS = {"shards": str(SHARDS), "lease_s": "3", "stored_after_s": "1", "resend_after_s": "2", "watch_every_s": "2"}


@dataclass(slots=True)
class Stage:
    """A running stack without processes yet; `lines` are its proxies by name, none where it is calm."""

    stack: Stack
    lines: dict[str, Proxy]
    clock: Path

    @property
    def broker(self) -> Broker:
        """Where chips connect."""
        line = self.lines.get("chips")
        return Broker("127.0.0.1", line.port if line else self.stack.mosquitto.chips.port, KEEP_ALIVE_S)

    async def enrol(self, lives: Sequence[Life], at: datetime) -> None:
        """The registers: a machine for each chip, and every ticket of its life, given at `at`."""
        machines = [(life.chip, life.plate, life.shard) for life in lives]
        tickets = [(turn.ticket, life.chip) for life in lives for turn in life.turns]
        conn = await connect(self.stack.role_url("owner"), "chaos")
        try:
            await inspection.enrol(conn, _WORKER, machines, tickets, at)
        finally:
            await conn.close()

    def start(self, number: int = 1) -> None:
        """One ingest process."""
        self.stack.start("ingest", number=number)

    async def ready(self) -> None:
        """All processes answer that they are ready."""
        for child in self.stack.children.values():
            await asyncio.to_thread(child.wait_ready)

    async def books(self) -> Books:
        """What stands in the store."""
        conn = await connect(self.stack.role_url("owner"), "chaos")
        try:
            return await inspection.read(conn)
        finally:
            await conn.close()


@asynccontextmanager
async def stage(name: str, dice: random.Random | None) -> AsyncIterator[Stage]:
    """Servers and proxies; `dice` is for the proxies' chances, and without them there are none and any clock is right."""
    given = {
        name: os.environ.pop(name) for name in ("WELDGATE_DATABASE_URL", "WELDGATE_MQTT_URL") if name in os.environ
    }
    stack = Stack.make_throwaway(name, **(_SETTINGS if dice is not None else _SETTINGS | _ANY_CLOCK))
    stack.programs = {"ingest": PROGRAM}
    clock = stack.folder / "clock"
    stack.environment = {**stack.environment, CLOCK_FILE: str(clock)}
    await asyncio.to_thread(stack.__enter__)
    try:
        move_clock(clock)
        async with AsyncExitStack() as exits:
            lines = {} if dice is None else await _lines(stack, dice, exits)
            if lines:
                stack.environment = {**stack.environment, **_through(stack, lines)}
            yield Stage(stack, lines, clock)
    finally:
        await asyncio.to_thread(stack.__exit__, None, None, None)
        os.environ.update(given)


async def _lines(stack: Stack, dice: random.Random, exits: AsyncExitStack) -> dict[str, Proxy]:
    targets = {
        "chips": Target(port=stack.mosquitto.chips.port),
        "broker": Target(port=stack.mosquitto.platform.port),
        "database": Target(path=_socket(stack.server_url)),
    }
    return {
        name: await exits.enter_async_context(Proxy(target, dice, mqtt=name == "chips"))
        for name, target in targets.items()
    }


def _socket(server_url: str) -> Path:
    """The socket file behind the address of the embedded server."""
    words = parse_qs(urlsplit(server_url).query)
    return Path(words["host"][0]) / f".s.PGSQL.{words['port'][0]}"


def _through(stack: Stack, lines: dict[str, Proxy]) -> dict[str, str]:
    """The addresses that ingest is told, with the proxies in the place of the servers."""
    parts, there = urlsplit(stack.role_url("ingest")), stack.broker("ingest")
    who = parts.netloc.rpartition("@")[0]
    database = urlunsplit(
        (parts.scheme, f"{who}@127.0.0.1:{lines['database'].port}", parts.path, "sslmode=disable", "")
    )
    broker = BrokerAddress("127.0.0.1", lines["broker"].port, there.username, there.password)
    return {"WELDGATE_PROCESS_DATABASE_URL": database, "WELDGATE_PROCESS_MQTT_URL": broker.url}
