"""A fault proxy in user space: TCP on loopback before a server that may be behind a port or a Unix socket.

Delay, bandwidth, duplicates and swapped neighbours are switched while it runs and work on what passes from then on; cut, reset
and half-open take the connections that are there now. Refuses to know protocols, but for the packets of MQTT where it is told to.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, cast

from bench.chaos.frames import Shuffle

End = Literal["cut", "reset"]

# A PUBLISH that waits for a neighbour goes on alone after this.
_ALONE_S = 1.0
# More than this waiting for its time, and the side that sends is no longer read.
_MOST_WAITING = 65_536
_LINGER_0 = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Faults:
    """What happens to everything that passes; all 0 = nothing. Chances are for each PUBLISH of a chip."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0  # 0 = no limit
    duplicate: float = 0.0
    reorder: float = 0.0

    def heal(self) -> None:
        """Nothing happens any more."""
        self.delay_s = self.jitter_s = self.bytes_per_s = self.duplicate = self.reorder = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """The server behind the proxy: a port of loopback, or a socket file."""

    port: int = 0
    path: Path | None = None


class Proxy:
    """`async with Proxy(Target(port=1883), random.Random(7)) as proxy: connect to 127.0.0.1:{proxy.port}`."""

    def __init__(self, target: Target, dice: random.Random, *, mqtt: bool = False) -> None:
        self.faults = Faults()
        self.passed = self.ended = 0
        self.shuffles: list[Shuffle] = []
        self.lanes: set[Lane] = set()
        self.dice = dice
        self._target = target
        self._mqtt = mqtt
        self._server: asyncio.Server | None = None
        self._dialling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._lane, "127.0.0.1", 0, backlog=1000)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._dialling:
            task.cancel()
        self.end(self.lanes, "cut")
        await asyncio.sleep(0)

    @property
    def port(self) -> int:
        """The port of loopback on which it listens."""
        assert self._server is not None  # noqa: S101  (only inside the context)
        return int(self._server.sockets[0].getsockname()[1])

    # -- faults of the connections that are there now

    def some(self, share: float) -> "list[Lane]":
        """A share of the connections, at least one where there is one."""
        there = sorted(self.lanes, key=lambda lane: lane.number)
        return self.dice.sample(there, min(len(there), max(1, round(share * len(there)))))

    def end(self, lanes: "Iterable[Lane]", how: End) -> None:
        """Close both sides in order (FIN), or as a crash does (RST)."""
        for lane in list(lanes):
            lane.end(how)

    def freeze(self, lanes: "Iterable[Lane]") -> None:
        """Half-open: forward nothing and close nothing, until somebody ends them."""
        for lane in lanes:
            lane.frozen = True

    # -- connections

    def _lane(self) -> "Side":
        shuffle = Shuffle(self.dice) if self._mqtt else None
        if shuffle is not None:
            self.shuffles.append(shuffle)
        self.passed += 1
        return Lane(self, self.passed, shuffle).near

    def dial(self, lane: "Lane") -> None:
        """Open the far side of a connection that came in."""
        task = asyncio.create_task(self._dial(lane))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _dial(self, lane: "Lane") -> None:
        loop, there = asyncio.get_running_loop(), self._target
        try:
            if there.path is not None:
                await loop.create_unix_connection(lambda: lane.far, str(there.path))
            else:
                await loop.create_connection(lambda: lane.far, "127.0.0.1", there.port)
        except OSError:
            lane.end("reset")


class Lane:
    """One connection: the near side, which came to us, and the far side, which we dialled."""

    def __init__(self, proxy: Proxy, number: int, shuffle: Shuffle | None) -> None:
        self.proxy = proxy
        self.number = number
        self.frozen = False
        self.ended = False
        self.near = Side(self, shuffle)
        self.far = Side(self, None)
        self.near.peer, self.far.peer = self.far, self.near

    def made(self, side: "Side") -> None:
        """One side is there."""
        if self.ended:
            side.end("cut")
        elif side is self.near:
            side.read(reads=False)
            self.proxy.lanes.add(self)
            self.proxy.dial(self)
        else:
            self.near.read(reads=True)

    def end(self, how: End) -> None:
        """Both sides go."""
        if not self.ended:
            self.ended = True
            self.proxy.ended += 1
            self.proxy.lanes.discard(self)
            self.near.end(how)
            self.far.end(how)


class Side(asyncio.Protocol):
    """One of the two sockets; what it reads goes on to its peer when its time has come."""

    peer: "Side"

    def __init__(self, lane: Lane, shuffle: Shuffle | None) -> None:
        self._lane = lane
        self._shuffle = shuffle
        self._transport: asyncio.Transport | None = None
        self._due_s = 0.0  # when the last of what waits goes on
        self._waiting = 0
        self._alone: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._lane.made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._lane.frozen:
            self._lane.end("cut" if exc is None else "reset")

    def data_received(self, data: bytes) -> None:
        if self._lane.frozen:
            return
        if self._shuffle is not None:
            faults = self._lane.proxy.faults
            try:
                data = self._shuffle.feed(data, faults.duplicate, faults.reorder)
            except ValueError:
                self._lane.end("reset")
                return
            self._wait_alone()
        self._pass(data)

    def pause_writing(self) -> None:
        self.peer.read(reads=False)

    def resume_writing(self) -> None:
        self.peer.read(reads=True)

    # -- what the lane says

    def read(self, *, reads: bool) -> None:
        """Go on reading, or stop."""
        if self._transport is not None and not self._transport.is_closing():
            with contextlib.suppress(RuntimeError):
                self._transport.resume_reading() if reads else self._transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Send to whoever is on this side."""
        if self._transport is not None and not self._transport.is_closing() and not self._lane.frozen:
            self._transport.write(data)

    def end(self, how: End) -> None:
        """Close this side."""
        if self._alone is not None:
            self._alone.cancel()
        if self._transport is None:
            return
        if how == "cut":
            self._transport.close()
            return
        plug = self._transport.get_extra_info("socket")
        if plug is not None and plug.family == socket.AF_INET and plug.fileno() >= 0:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self._transport.abort()

    # -- time

    def _pass(self, data: bytes) -> None:
        if not data:
            return
        loop, due_s = asyncio.get_running_loop(), self._due(len(data))
        if due_s <= loop.time():
            self.peer.write(data)
            return
        self._waiting += len(data)
        if self._waiting > _MOST_WAITING:
            self.read(reads=False)
        loop.call_at(due_s, self._arrive, data)

    def _due(self, size: int) -> float:
        """When this much may go on: never before what was read earlier."""
        now_s, faults = asyncio.get_running_loop().time(), self._lane.proxy.faults
        due_s = now_s + faults.delay_s + faults.jitter_s * self._lane.proxy.dice.random()
        if faults.bytes_per_s:
            due_s = max(due_s, self._due_s) + size / faults.bytes_per_s
        if self._due_s > now_s:
            due_s = max(due_s, self._due_s + 1e-6)
        self._due_s = due_s
        return due_s

    def _arrive(self, data: bytes) -> None:
        self._waiting -= len(data)
        if self._waiting <= _MOST_WAITING // 2:
            self.read(reads=True)
        self.peer.write(data)

    def _wait_alone(self) -> None:
        if self._alone is not None:
            self._alone.cancel()
            self._alone = None
        if self._shuffle is not None and self._shuffle.holds:
            self._alone = asyncio.get_running_loop().call_later(_ALONE_S, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        if self._shuffle is not None:
            self._pass(self._shuffle.flush())
