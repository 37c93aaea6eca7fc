"""Ten thousand light chips in one process, each with a connection of its own: its name, its topics, its words from a stream.

A light chip keeps what nobody called stored, says it again after a reconnect and after a minute (doubling), and comes back after
a break at a random, doubling distance. `stored` is believed without looking at the signature, the reply to a boot is not waited
for, and there is no TLS: that is the price of 10,000 in one process. Deterministic by seed in all that is said.
"""

import asyncio
import base64
import random
import resource
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import msgspec

from simulator.stream import Stream, chip_name, shard_of
from weld.kit.clock import Clock
from weld.kit.wait import wait

MOST_KEPT = 256  # words that nobody called stored; a real chip keeps 30 days
WINDOW = 32  # words under way to the broker
PATIENCE_S = 60.0
BACKOFF_S = 2.0
LONGEST_BACKOFF_S = 120.0
DIALS_A_SECOND = 1500  # the broker's listen queue holds 100
_TICK_S = 0.01
_SPARE_FILES = 64


@dataclass(slots=True)
class Tally:
    """What a crowd has done: words said first and again, what broker and platform took, and how the connections fared."""

    said: int = 0
    repeated: int = 0
    acknowledged: int = 0
    stored: int = 0
    replies: int = 0
    resends: int = 0
    forgotten: int = 0
    connected: int = 0
    dials: int = 0
    breaks: int = 0


class LightChip(asyncio.Protocol):
    """One chip. `_kept` holds (seq, at) of what nobody called stored; the bytes are made again when they are needed."""

    __slots__ = (
        "_buffer", "_connection", "_crowd", "_flying", "_kept", "_next_id", "_patience_s", "_seq", "_shown_s", "_tries",
        "_unsent", "_up_head", "number", "transport", "up",
    )  # fmt: skip

    def __init__(self, crowd: "Crowd", number: int) -> None:
        self.number = number
        self.transport: asyncio.Transport | None = None
        self.up = False
        self._crowd = crowd
        topic = self._topic("up")
        self._up_head = len(topic).to_bytes(2) + topic
        self._connection = 0
        self._buffer = b""
        self._seq = 0
        self._kept: deque[tuple[int, int]] = deque()
        self._unsent: deque[tuple[int, int]] = deque()
        self._flying = 0
        self._next_id = 1
        self._tries = 0
        self._shown_s = 0.0
        self._patience_s = PATIENCE_S

    def say(self, at_ms: int) -> None:
        """The next word of its stream, now or when the connection is back."""
        self._seq += 1
        self._crowd.tally.said += 1
        self._kept.append((self._seq, at_ms))
        self._unsent.append((self._seq, at_ms))
        if len(self._kept) > MOST_KEPT:
            self._kept.popleft()
            self._crowd.tally.forgotten += 1
        self._pump()

    def look(self, now_s: float) -> None:
        """Say again what waits too long for its `stored`."""
        if self.up and self._kept and not self._unsent and now_s > self._shown_s + self._patience_s:
            self._patience_s *= 2 * random.uniform(0.9, 1.1)  # noqa: S311  (spreads repetitions, no secret)
            self._repeat(list(self._kept))

    def drop(self) -> None:
        """The radio is gone."""
        if self.transport is not None:
            self.transport.abort()

    @property
    def kept(self) -> int:
        """Words that nobody called stored yet."""
        return len(self._kept)

    def backoff_s(self, dice: random.Random) -> float:
        """How long it waits before it dials again: random and doubling (P15)."""
        most_s = min(BACKOFF_S * 2**self._tries, LONGEST_BACKOFF_S)
        self._tries = min(self._tries + 1, 16)
        return dice.uniform(0.1, most_s)

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._connection += 1
        name, topic = chip_name(self.number).encode(), self._topic("state")
        will = self._presence(online=False)
        words = b"".join(len(word).to_bytes(2) + word for word in (name, topic, will, name))
        # user name, retained will of QoS 1, clean session; no keepalive
        self.transport.write(_packet(0x10, b"\x00\x04MQTT\x04\xae\x00\x00" + words))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.up:
            self._crowd.tally.connected -= 1
        self.up, self.transport, self._buffer, self._flying = False, None, b"", 0
        self._crowd.broken(self)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        at, end = 0, len(data)
        while end - at >= 2:
            length, start = data[at + 1], at + 2
            if length & 128:
                if end < at + 3:
                    break
                length, start = (length & 127) + (data[at + 2] << 7), at + 3
            if start + length > end:
                break
            self._take(data[at] >> 4, data[start : start + length])
            at = start + length
        self._buffer = data[at:]

    # -- the conversation

    def _take(self, kind: int, body: bytes) -> None:
        match kind:
            case 4:
                self._crowd.tally.acknowledged += 1
                self._flying -= 1
                self._pump()
            case 3:
                self._heard(body)
            case 2 if body[1] == 0:
                topic = self._topic("down")
                self._write(_packet(0x82, b"\x00\x01" + len(topic).to_bytes(2) + topic + b"\x01"))
            case 9:
                self._begin()

    def _begin(self) -> None:
        self.up, self._tries, self._flying = True, 0, 1
        self._crowd.tally.connected += 1
        topic = self._topic("state")
        body = len(topic).to_bytes(2) + topic + self._id() + self._presence(online=True)
        self._write(_packet(0x33, body))  # retained
        self._patience_s = PATIENCE_S
        fresh = {seq for seq, _ in self._unsent}
        self._unsent.clear()
        self._repeat(list(self._kept), fresh)

    def _repeat(self, words: list[tuple[int, int]], fresh: "set[int] | frozenset[int]" = frozenset()) -> None:
        self._crowd.tally.repeated += sum(seq not in fresh for seq, _ in words)
        self._unsent.extend(words)
        self._pump()

    def _pump(self) -> None:
        if not self.up or not self._unsent or self._flying >= WINDOW:
            return
        packets = []
        while self._unsent and self._flying < WINDOW:
            word = self._crowd.stream.word(self.number, *self._unsent.popleft())
            packets.append(_packet(0x32, self._up_head + self._id() + word))
            self._flying += 1
        self._shown_s = self._crowd.now_s
        self._write(b"".join(packets))

    def _heard(self, body: bytes) -> None:
        start = 2 + int.from_bytes(body[:2])
        self._write(b"\x40\x02" + body[start : start + 2])  # everything on `down` comes with QoS 1
        words = msgspec.json.decode(body[start + 2 :], type=_Down)
        tally = self._crowd.tally
        match words.kind:
            case "stored":
                said = msgspec.json.decode(_claims(words.jws), type=_Stored)
                while self._kept and self._kept[0][0] <= said.upto:
                    self._kept.popleft()
                    tally.stored += 1
                self._patience_s = PATIENCE_S
            case "resend":
                tally.resends += 1
                self._repeat([word for word in self._kept if words.from_seq <= word[0] <= words.to_seq])
            case "boot_reply":
                tally.replies += 1

    def _topic(self, leaf: str) -> bytes:
        return f"wg/1/{shard_of(self.number, self._crowd.shards)}/{chip_name(self.number)}/{leaf}".encode()

    def _presence(self, *, online: bool) -> bytes:
        said = b'{"online":%b,"boot":%d,"connection":%d,"nonce":"load-nonce-%08d","config_version":1}'
        return said % (b"true" if online else b"false", self._crowd.boot, self._connection, self.number)

    def _id(self) -> bytes:
        taken, self._next_id = self._next_id, self._next_id % 65_535 + 1
        return taken.to_bytes(2)

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)


class Crowd:
    """`async with Crowd(10_000, seed, host, port, clock) as crowd: await crowd.speak(2000, seconds=60)`."""

    def __init__(
        self, chips: int, seed: int, host: str, port: int, clock: Clock, *, shards: int = 64, boot: int = 1
    ) -> None:
        make_room(chips)
        self.stream = Stream.make(seed, boot=boot)
        self.tally = Tally()
        self.shards = shards
        self.boot = boot
        self.now_s = 0.0
        self._place = host, port
        self._clock = clock
        self._dice = random.Random(seed)  # noqa: S311  (storms must be repeatable)
        self._chips = [LightChip(self, number) for number in range(chips)]
        self._dialling: set[asyncio.Task[None]] = set()
        self._closing = False

    async def __aenter__(self) -> "Crowd":
        for start in range(0, len(self._chips), DIALS_A_SECOND // 20):
            for chip in self._chips[start : start + DIALS_A_SECOND // 20]:
                self._dial(chip, 0.0)
            await asyncio.sleep(0.05)
        await self.all_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        for task in self._dialling:
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        for chip in self._chips:
            chip.drop()
        await asyncio.sleep(0)

    @property
    def kept(self) -> int:
        """Words that nobody called stored yet, of all chips."""
        return sum(chip.kept for chip in self._chips)

    async def all_up(self, within_s: float = 120.0) -> None:
        """Return when every chip is connected; TimeoutError where that takes too long."""
        async with asyncio.timeout(within_s):
            while self.tally.connected < len(self._chips):
                await asyncio.sleep(0.05)

    async def speak(
        self,
        rate: float,
        seconds: float,
        stop: asyncio.Event,
        *,
        storm_every_s: float = 0.0,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        """So many words a second, each from the next chip; `tell` is called about once a second."""
        began_s = looked_s = stormed_s = self.now_s = self._clock.monotonic()
        said = 0
        while self.now_s < began_s + seconds and not stop.is_set():
            at_ms = int(self._clock.now().timestamp() * 1000)
            due = int((self.now_s - began_s) * rate)
            for turn in range(said, due):
                self._chips[turn % len(self._chips)].say(at_ms)
            said = due
            if self.now_s > looked_s + 1:
                looked_s = self.now_s
                self.look()
                tell()
            if storm_every_s and self.now_s > stormed_s + storm_every_s:
                stormed_s = self.now_s
                self.drop_all()
            await wait(stop, _TICK_S)
            self.now_s = self._clock.monotonic()

    async def all_stored(self, stop: asyncio.Event, within_s: float) -> bool:
        """Wait until every word was called stored; whether it came to that."""
        until_s = self._clock.monotonic() + within_s
        while self.kept and self._clock.monotonic() < until_s and not stop.is_set():
            self.look()
            await wait(stop, 0.2)
        return not self.kept

    def look(self) -> None:
        """Let every chip say again what waits too long."""
        self.now_s = self._clock.monotonic()
        for chip in self._chips:
            chip.look(self.now_s)

    def drop_all(self) -> None:
        """Every connection breaks in the same moment; each chip comes back at a time of its own."""
        for chip in self._chips:
            chip.drop()

    def broken(self, chip: LightChip) -> None:
        """A chip lost its connection."""
        if not self._closing:
            self.tally.breaks += 1
            self._dial(chip, chip.backoff_s(self._dice))

    def _dial(self, chip: LightChip, after_s: float) -> None:
        task = asyncio.ensure_future(self._dialled(chip, after_s))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _dialled(self, chip: LightChip, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.tally.dials += 1
        try:
            await asyncio.get_running_loop().create_connection(lambda: chip, *self._place)
        except OSError:
            self.broken(chip)


def make_room(chips: int) -> None:
    """Raise the soft limit of open files as far as needed; ValueError where the hard one is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = chips + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise ValueError(
            f"{chips} connections do not fit: this process may open {hard} files, so {hard - _SPARE_FILES} chips"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class _Down(msgspec.Struct):
    """What a light chip reads of a word on `down`."""

    kind: str
    jws: str = ""
    from_seq: int = 0
    to_seq: int = 0


class _Stored(msgspec.Struct):
    """What it reads of a `stored`."""

    upto: int


def _claims(jws: str) -> bytes:
    middle = jws.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))


def _packet(first: int, body: bytes) -> bytes:
    length = len(body)
    if length < 128:
        return bytes((first, length)) + body
    return bytes((first, length & 127 | 128, length >> 7)) + body
