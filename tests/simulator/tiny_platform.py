"""As much of a platform as a chip needs: boot replies, `stored`, `resend`, tickets; on a real broker, with test keys.

Independent of ingest and gateway on purpose: it keeps every byte that arrived and says what was doubled or contradictory.
"""

import asyncio
import socket
import time
from types import TracebackType
from typing import Any, Self

import aiomqtt

from schemas import topics
from schemas.chip import BootUp, BufferOverflow, Event, Message, Presence, TimeWanted
from schemas.decode import decode, decode_presence
from schemas.down import encode_resend, encode_signed
from schemas.signed import BootReply, Signed, SigningKey, Stored, Ticket, Time
from tests.simulator.bench import PERMIT, SERVICE, uuid
from weld.cli.mosquitto import Mosquitto


class TinyPlatform:
    """`async with TinyPlatform(broker) as platform`."""

    def __init__(self, broker: Mosquitto, *, confirms: bool = True, asks: bool = True) -> None:
        self._broker = broker
        self.confirms = confirms
        self.asks = asks
        self.arrived: list[tuple[str, bytes]] = []
        self.messages: dict[str, dict[tuple[int, int], Message]] = {}
        self.bytes: dict[tuple[str, int, int], bytes] = {}
        self.contradictions: list[str] = []
        self.presences: dict[str, Presence] = {}
        self.lost: dict[str, set[tuple[int, int]]] = {}
        self._numbers = iter(range(1, 10**6))
        self._listening: asyncio.Task[None]
        self._client: aiomqtt.Client

    async def __aenter__(self) -> Self:
        there = self._broker.platform
        password = self._broker.password("ingest")
        at_once = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        self._client = aiomqtt.Client(
            there.host, there.port, username="ingest", password=password, socket_options=at_once
        )
        await self._client.__aenter__()
        for pattern in ("wg/1/+/+/up", "wg/1/+/+/state"):
            await self._client.subscribe(pattern, qos=1)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        while not self._listening.done():
            self._listening.cancel()  # again: aiomqtt swallows a cancellation that meets a message
            await asyncio.wait([self._listening], timeout=0.2)
        await self._client.__aexit__(kind, error, at)

    async def _listen(self) -> None:
        async for got in self._client.messages:
            topic, payload = topics.parse(str(got.topic)), bytes(got.payload)
            if topic.leaf == "state":
                self.presences[topic.chip] = decode_presence(payload)
            else:
                await self._heard(topic, payload)

    async def _heard(self, topic: topics.Topic, payload: bytes) -> None:
        message, chip = decode(payload), topic.chip
        key = (message.boot, message.seq)
        self.arrived.append((chip, payload))
        if self.bytes.setdefault((chip, *key), payload) != payload:
            self.contradictions.append(f"{chip} {key}")
        self.messages.setdefault(chip, {})[key] = message
        if isinstance(message, Event) and isinstance(message.event, BufferOverflow):
            gone = message.event
            lost = {(gone.lost_boot, seq) for seq in range(gone.lost_from, gone.lost_to + 1)}
            self.lost.setdefault(chip, set()).update(lost)
        await self._answer(topic, message)

    async def _answer(self, topic: topics.Topic, message: Message) -> None:
        chip, now_ms = topic.chip, int(time.time() * 1000)
        if isinstance(message, BootUp):
            await self.say(
                topic,
                BootReply(
                    aud=chip,
                    boot=message.boot,
                    up=message.up,
                    status="accepted",
                    anchor=now_ms - message.up,
                    config_version=1,
                    heartbeat_s=300,
                    boot_floor=None,
                ),
            )
        if isinstance(message, Event) and isinstance(message.event, TimeWanted):
            await self.say(topic, Time(aud=chip, boot=message.boot, up=message.up, at=now_ms))
        if self.confirms:
            await self._confirm(topic, message.boot)

    async def _confirm(self, topic: topics.Topic, boot: int) -> None:
        known = {seq for b, seq in self.messages[topic.chip] if b == boot}
        known |= {seq for b, seq in self.lost.get(topic.chip, set()) if b == boot}
        upto = next(seq for seq in range(1, len(known) + 2) if seq not in known) - 1
        if upto:
            await self.say(topic, Stored(aud=topic.chip, boot=boot, upto=upto))
        if self.asks and max(known) > upto:
            missing_to = min(seq for seq in known if seq > upto) - 1
            await self._publish(topic, encode_resend(boot, upto + 1, missing_to))

    async def say(self, topic: topics.Topic, words: Signed, key: SigningKey | None = None) -> None:
        right = PERMIT if type(words).__name__ in ("Ticket", "Command") else SERVICE
        await self._publish(topic, encode_signed(words, key or right))

    async def _publish(self, topic: topics.Topic, payload: bytes) -> None:
        await self._client.publish(topics.build(topic.shard, topic.chip, "down"), payload, qos=1)

    async def unlock(self, chip: str, shard: str = "00", key: SigningKey | None = None, **changes: Any) -> Ticket:
        """Signs a ticket for the nonce that the chip shows, and sends it."""
        number, now_s = next(self._numbers), int(time.time())
        words: dict[str, Any] = {
            "jti": uuid(number),
            "cmd": uuid(number + 10**6),
            "aud": chip,
            "sub": uuid(7),
            "nonce": self.presences[chip].nonce,
            "nbf": now_s - 5,
            "exp": now_s + 3600,
            "longest_s": 3600,
            "presence": "none",
            "counter": 0,
        }
        ticket = Ticket(**{**words, **changes})
        await self.say(topics.Topic(shard, chip, "down"), ticket, key)
        return ticket

    def said(self, chip: str) -> list[Message]:
        """Everything of this chip, in its own order."""
        return [message for _, message in sorted(self.messages.get(chip, {}).items())]

    def events(self, chip: str) -> list[Any]:
        return [message.event for message in self.said(chip) if isinstance(message, Event)]

    def names(self, chip: str) -> list[str]:
        return [type(event).__name__ for event in self.events(chip)]
