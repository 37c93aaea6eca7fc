"""A process that publishes the streams of many chips over a few connections: `python -m bench.publisher --help`.

MQTT 3.1.1 by hand: QoS 1, a window for each connection, packets made in one formatting step. Message i of all belongs to chip
i % chips, and a chip always speaks over the same connection, so every chip's words keep their order and one number is the
whole state. Connections go in step: no chip speaks twice before all others had their turn, but for what is on its way. Whoever
started it says on stdin how far it may go, as JSON lines: {"upto": 5000} in all, {"rate": 20000} from now on, both for a rate up
to so many, {"ahead_s": 86400} for the time that chips believe in, {"report": 1} for the figures so far. Refuses to repeat
anything: a lost connection ends it.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from simulator.stream import Stream
from weld.kit.clock import SystemClock

USER = "bench"
PASSWORD = "BENCH_PASSWORD"  # noqa: S105 - a variable's name
_TICK_S = 0.004
_STRIDE = 1024  # words of all connections before the first one goes on
_ENDLESS = 1 << 62


@dataclass(frozen=True, slots=True)
class Load:
    """Which chips speak, and from which of their words on; with `apart` only every so-manieth chip does."""

    chips: int
    first_chip: int = 0
    first_seq: int = 2
    connections: int = 16
    window: int = 256
    shards: int = 64
    seed: int = 1
    samples: int | None = None
    working_percent: int = 10
    apart: int = 1


class Publisher:
    """All connections, and how far they may go."""

    def __init__(self, load: Load, host: str, port: int) -> None:
        self.load = load
        self.stream = Stream.make(load.seed, samples=load.samples, working_percent=load.working_percent)
        self.upto = 0
        self._begun = 0
        self.ended = asyncio.get_running_loop().create_future()
        self._ahead_s = 0.0
        self._wall_ms = SystemClock().now().timestamp() * 1000 - time.monotonic() * 1000
        self._place = host, port
        self._lines: list[Line] = []
        self._rate = 0.0
        self._most = _ENDLESS
        self._paced_from = (0.0, 0)
        self._began_s = time.monotonic()

    @property
    def now_ms(self) -> int:
        """The wall clock, read cheaply; it may be set ahead."""
        return int(self._wall_ms + time.monotonic() * 1000)

    @property
    def sent(self) -> int:
        """Messages handed to the broker."""
        return sum(line.sent for line in self._lines)

    async def open(self) -> None:
        """Connect all lines, a few at a time."""
        loop = asyncio.get_running_loop()
        for number in range(self.load.connections):
            line = Line(self, number)
            await loop.create_connection(lambda line=line: line, *self._place)  # type: ignore[misc]
            await asyncio.wait_for(line.accepted, 10)
            self._lines.append(line)
        self._began_s = time.monotonic()
        loop.call_later(_TICK_S, self._tick)

    def allow(self, upto: int) -> None:
        """So many messages in all."""
        self._rate, self.upto = 0.0, upto
        self.pump()

    def pump(self) -> None:
        """Let all connections go on together, as far as windows and allowance permit."""
        while self._begun < self.upto and len(self._lines) == self.load.connections:
            goal = min(self.upto, self._begun + _STRIDE)
            if not all(line.has_room(goal) for line in self._lines):
                return
            for line in self._lines:
                line.send(goal)
            self._begun = goal

    def set_ahead(self, seconds: float) -> None:
        """From now on it is so much later than it is."""
        self._wall_ms += (seconds - self._ahead_s) * 1000
        self._ahead_s = seconds

    def pace(self, rate: float, most: int = _ENDLESS) -> None:
        """So many a second from now on, until there are `most` in all."""
        self._rate, self._most = rate, most
        self._paced_from = (time.monotonic(), self.sent)
        self.upto = self.sent

    def report(self) -> dict[str, Any]:
        """What was done so far."""
        cpu_s, sent = time.process_time(), self.sent
        return {
            "sent": sent,
            "acknowledged": sum(line.acknowledged for line in self._lines),
            "seconds": round(time.monotonic() - self._began_s, 3),
            "cpu_s": round(cpu_s, 3),
            "cpu_us_per_message": round(cpu_s * 1e6 / max(1, sent), 2),
        }

    def _tick(self) -> None:
        if self._rate:
            since_s, from_sent = self._paced_from
            self.upto = min(self._most, from_sent + int((time.monotonic() - since_s) * self._rate))
            self.pump()
        asyncio.get_running_loop().call_later(_TICK_S, self._tick)


class Line(asyncio.Protocol):
    """One connection: the words of every `connections`-th chip, beginning with its own number."""

    def __init__(self, publisher: Publisher, number: int) -> None:
        self.sent = 0
        self.acknowledged = 0
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._publisher = publisher
        self._number = number
        self._chips = self._among(publisher.load.chips)
        self._odd = 0  # bytes of an acknowledgement that is not all here
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(connect_packet(f"bench-{os.getpid()}-{self._number}", USER, os.environ[PASSWORD]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._publisher.ended.done():
            self._publisher.ended.set_exception(ConnectionResetError(f"the broker closed a connection: {exc}"))

    def data_received(self, data: bytes) -> None:
        if not self.accepted.done():
            if data[:4] != b"\x20\x02\x00\x00":
                self.accepted.set_exception(ConnectionRefusedError(f"CONNACK {data[:4].hex()}"))
                return
            self.accepted.set_result(None)
            data = data[4:]
        # everything else that the broker says here is a PUBACK of four bytes
        whole, self._odd = divmod(self._odd + len(data), 4)
        self.acknowledged += whole
        if self.sent - self.acknowledged <= self._publisher.load.window * 3 // 4:  # fewer and longer writes
            self._publisher.pump()

    def has_room(self, goal: int) -> bool:
        """Whether its window lets it go on until all connections together have sent so many."""
        return self._share(goal) - self.acknowledged <= self._publisher.load.window

    def send(self, goal: int) -> None:
        """Its part of what all connections together have then sent, as one write."""
        count = self._share(goal) - self.sent
        if count > 0 and self._transport is not None:
            self._transport.write(b"".join(self._packets(count)))
            self.sent += count

    def _share(self, messages: int) -> int:
        turns, begun = divmod(messages, self._publisher.load.chips)
        return turns * self._chips + self._among(begun)

    def _among(self, chips: int) -> int:
        """How many of the first so many chips speak over this connection."""
        return max(0, chips - self._number + self._publisher.load.connections - 1) // self._publisher.load.connections

    def _packets(self, count: int) -> list[bytes]:
        load, word, now_ms = self._publisher.load, self._publisher.stream.word, self._publisher.now_ms
        made = []
        for mine in range(self.sent, self.sent + count):
            turn, place = divmod(mine, self._chips)
            number = (load.first_chip + place * load.connections + self._number) * load.apart
            payload = word(number, turn + load.first_seq, now_ms)
            length = len(payload) + 27
            packet_id = mine % 65_535 + 1
            head = (length & 127 | 128, length >> 7, number % load.shards, number, packet_id >> 8, packet_id & 255)
            made.append(b"\x32%c%c\x00\x17wg/1/%02x/LOAD%08d/up%c%c%b" % (*head, payload))
        return made


def connect_packet(client_id: str, user: str, password: str) -> bytes:
    """CONNECT of MQTT 3.1.1: clean session, no keepalive."""
    words = b"".join(len(word).to_bytes(2) + word for word in (client_id.encode(), user.encode(), password.encode()))
    body = b"\x00\x04MQTT\x04\xc2\x00\x00" + words
    return b"\x10" + bytes([len(body) & 127 | 128, len(body) >> 7]) + body


async def obey(publisher: Publisher) -> None:
    """Do what stdin says until it ends."""
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    while line := await stdin.readline():
        match json.loads(line):
            case {"upto": int(upto), "rate": int() | float() as rate}:
                publisher.pace(rate, upto)
            case {"upto": int(upto)}:
                publisher.allow(upto)
            case {"rate": int() | float() as rate}:
                publisher.pace(rate)
            case {"ahead_s": int() | float() as ahead_s}:
                publisher.set_ahead(ahead_s)
            case {"report": _}:
                print(json.dumps(publisher.report()), flush=True)


async def run(load: Load, host: str, port: int, rate: float | None, seconds: float) -> None:
    """Publish by stdin's word (`seconds` 0), or for some seconds: at a rate, or as fast as the broker takes it."""
    publisher = Publisher(load, host, port)
    await publisher.open()
    if not seconds:
        working = asyncio.ensure_future(obey(publisher))
        await asyncio.wait({working, publisher.ended}, return_when=asyncio.FIRST_COMPLETED)
    else:
        publisher.pace(rate) if rate else publisher.allow(_ENDLESS)
        await asyncio.wait({publisher.ended}, timeout=seconds)
    if publisher.ended.done():
        publisher.ended.result()
    print(json.dumps(publisher.report()), flush=True)


def main() -> None:
    """The command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--host", default="127.0.0.1")
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--rate", type=float, default=0, help="messages a second; 0 = as fast as the broker takes them")
    asked.add_argument("--seconds", type=float, default=0, help="0 = by the words on stdin, until it ends")
    for name, kind, default in (
        ("chips", int, 1000),
        ("first-chip", int, 0),
        ("first-seq", int, 2),
        ("connections", int, 16),
        ("window", int, 256),
        ("shards", int, 64),
        ("seed", int, 1),
        ("samples", int, None),
        ("working-percent", int, 10),
        ("apart", int, 1),
    ):
        asked.add_argument(f"--{name}", type=kind, default=default)
    told = vars(asked.parse_args())
    host, port, rate, seconds = (told.pop(name) for name in ("host", "port", "rate", "seconds"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(Load(**told), host, port, rate, seconds))


if __name__ == "__main__":
    main()
