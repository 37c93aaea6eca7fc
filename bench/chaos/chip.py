"""A scripted chip on the wire: it lives its life, keeps what nobody confirmed, and says it again as the same bytes (P13, P14).

It believes only what the service key has signed, and forgets only what a `stored` covers: whoever loses a message that was called
stored cannot get it back from here. Refuses to decide what it says: the life is made.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass

from bench.chaos.life import Life, Word
from schemas.bad import BadMessage
from schemas.chip import Presence
from schemas.decode import encode
from schemas.down import Resend, decode_down
from schemas.signed import Stored
from simulator.dialling import dial
from simulator.identity import ChipIdentity
from simulator.link import Broker, Link, LinkCounters

Key = tuple[int, int]

# The first repetition of what is not confirmed, then doubling up to the most: short, for a run is short.
_AGAIN_S = (3.0, 5.0)
_MOST_AGAIN_S = 20.0
_LOOK_EVERY_S = 0.5
_ECHO_S = (1.0, 6.0)
_BACK_OFF_S = (0.2, 4.0)


@dataclass(slots=True)
class Pending:
    """A word that nobody has confirmed."""

    word: Word
    again_s: float = 0.0
    wait_s: float = 0.0


class Chip:
    """One chip with power or without, connected or not; `speed` shortens its life.

    `said` holds every message as it was published for the first time. Where it is filled before, those bytes are published.
    """

    def __init__(
        self,
        life: Life,
        identity: ChipIdentity,
        broker: Broker,
        dice: random.Random,
        gate: asyncio.Semaphore,
        speed: float = 1.0,
    ) -> None:
        self.life = life
        self.said: dict[Key, bytes] = {}
        self.stored: dict[int, int] = {}
        self.pending: dict[Key, Pending] = {}
        self.forged = 0
        self.finished = False
        self._identity = identity
        self._broker = broker
        self._dice = dice
        self._gate = gate
        self._speed = speed
        self._link: Link | None = None
        self._trying: Link | None = None
        self._powered = True
        self._boot = self._connection = 1
        self._back_off_s = _BACK_OFF_S[0]
        self._wants_link = asyncio.Event()
        self._echoes: list[tuple[float, Key]] = []

    # -- what it counted

    @property
    def confirmed(self) -> bool:
        """Whether its life is over and all of it was called stored."""
        return self.finished and not self.pending

    # -- its life

    async def live(self, begin_s: float) -> None:
        """From the first word to the last; `begin_s` of the loop's time is moment 0."""
        repeating = asyncio.create_task(self._repeat())
        dialling = asyncio.create_task(self._stay_connected())
        try:
            await self._speak(begin_s)
            self.finished = True
            await asyncio.Event().wait()
        finally:
            for task in (repeating, dialling):
                task.cancel()
            if self._link is not None:
                self._link.abort()

    async def _speak(self, begin_s: float) -> None:
        loop, downs = asyncio.get_running_loop(), list(self.life.downs)
        self._wants_link.set()
        for word in self.life.words:
            if downs and downs[0][0] <= word.moment_s:
                await self._without_power(begin_s, *downs.pop(0))
            await asyncio.sleep(max(0.0, begin_s + word.moment_s / self._speed - loop.time()))
            self._boot = word.boot
            self.pending[word.boot, word.seq] = Pending(word)
            if self._link is not None:
                self._publish((word.boot, word.seq))

    async def _without_power(self, begin_s: float, since_s: float, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, begin_s + since_s - loop.time()))
        self._powered = False
        for link in (self._link, self._trying):
            if link is not None:
                link.abort()
        await asyncio.sleep(max(0.0, begin_s + until_s - loop.time()))
        self._powered, self._connection, self._boot = True, 1, self._boot + 1
        self._wants_link.set()

    # -- speaking

    def _publish(self, key: Key) -> None:
        """The same bytes every time; whether they are late is decided the first time."""
        loop, waits = asyncio.get_running_loop(), self.pending[key]
        if key not in self.said:
            self.said[key] = waits.word.payload
            if self.life.kind == "repeats":
                self._echoes.append((loop.time() + self._dice.uniform(*_ECHO_S), key))
        waits.wait_s = min(waits.wait_s * 2, _MOST_AGAIN_S) or self._dice.uniform(*_AGAIN_S)
        waits.again_s = loop.time() + waits.wait_s
        if self._link is not None:
            self._link.publish(self.said[key])

    def _publish_kept(self) -> None:
        """Everything that is not confirmed, in order; what was never published is late by now."""
        for key, waits in self.pending.items():
            self.said.setdefault(key, waits.word.as_late)
            waits.wait_s = 0.0
            self._publish(key)

    async def _repeat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._link is None:
                continue
            for key, waits in self.pending.items():
                if key in self.said and waits.again_s <= loop.time():
                    self._publish(key)
            due = [key for when_s, key in self._echoes if when_s <= loop.time()]
            self._echoes = [echo for echo in self._echoes if echo[0] > loop.time()]
            for key in due:
                self._link.publish(self.said[key])

    # -- its connection

    async def _stay_connected(self) -> None:
        while True:
            await self._wants_link.wait()
            self._wants_link.clear()
            if self._link is None and self._trying is None and self._powered:
                await self._dial()

    async def _dial(self) -> None:
        will = encode(
            Presence(online=False, boot=self._boot, connection=self._connection, nonce=None, config_version=1)
        )
        self._trying = Link(self._identity, self._broker, will, self, LinkCounters())
        await dial(self._trying, self._broker, None, self._gate)

    def link_up(self, link: Link) -> None:
        """Connected: state first, then what is kept."""
        self._link, self._trying, self._back_off_s = link, None, _BACK_OFF_S[0]
        there = Presence(online=True, boot=self._boot, connection=self._connection, nonce=None, config_version=1)
        self._connection += 1
        link.publish_state(encode(there))
        self._publish_kept()

    def link_down(self, link: Link, reason: str) -> None:  # noqa: ARG002  (the shape of all owners)
        """Gone: try again after a random, doubling time (P15)."""
        self._link = None if self._link is link else self._link
        self._trying = None if self._trying is link else self._trying
        wait_s, self._back_off_s = (
            self._back_off_s * self._dice.uniform(0.5, 1.5),
            min(self._back_off_s * 2, _BACK_OFF_S[1]),
        )
        if self._powered:
            asyncio.get_running_loop().call_later(wait_s, self._wants_link.set)

    def link_got(self, link: Link, payload: bytes) -> None:  # noqa: ARG002  (the shape of all owners)
        """A word of the platform; one that does not verify changes nothing."""
        try:
            words = decode_down(payload)
            if isinstance(words, Resend):
                self._resend(words)
            elif words.kind == "stored":
                self._forget(self._identity.keys.verify(words.jws, Stored, self.life.chip))
        except BadMessage:
            self.forged += 1

    def _forget(self, words: Stored) -> None:
        if words.upto <= self.stored.get(words.boot, 0):
            return
        self.stored[words.boot] = words.upto
        for key in [key for key in self.pending if key[0] == words.boot and key[1] <= words.upto]:
            del self.pending[key]

    def _resend(self, words: Resend) -> None:
        for key in list(self.pending):
            if key[0] == words.boot and words.from_seq <= key[1] <= words.to_seq and key in self.said:
                self._publish(key)


async def play(chips: list[Chip], begin_s: float) -> None:
    """All chips at once, until cancelled; one that fails ends all."""
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as tasks:
            for chip in chips:
                tasks.create_task(chip.live(begin_s))
