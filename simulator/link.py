"""One MQTT 5 connection of one chip: an asyncio protocol over the mqtt5 codec, small enough for thousands in one process.

CONNECT with the last will, SUBSCRIBE to the own `down`, QoS 1 publishing within the broker's window, keepalive. What waits is
bounded: the chip's ring repeats what is dropped here, so nothing is kept over a connection. Refuses to know messages.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mqtt5

from schemas import topics
from simulator.identity import ChipIdentity

MOST_WAITING = 256
WINDOW = 32
MOST_PACKET = 65_536
DIAL_S = 10.0
TAKEN = (mqtt5.PubAckReasonCode.SUCCESS, mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the chips' listener is, and how often an idle link is checked."""

    host: str
    port: int
    keep_alive_s: int = 60


class Owner(Protocol):
    """Whoever a link belongs to."""

    def link_up(self, link: "Link") -> None:
        """Connected and subscribed."""

    def link_down(self, link: "Link", reason: str) -> None:
        """Gone, or never came about. Called once."""

    def link_got(self, link: "Link", payload: bytes) -> None:
        """A message on our `down` topic."""


@dataclass(slots=True)
class LinkCounters:
    """What the broker said to our publishes, over all links of a chip."""

    acknowledged: int = 0
    refused: int = 0
    dropped: int = 0


class Link(asyncio.Protocol):
    """A connection from CONNECT to its end; never used twice."""

    __slots__ = (
        "_broker", "_buffer", "_counters", "_identity", "_in_flight", "_next_id", "_owner", "_paused", "_quiet", "_state",
        "_timer", "_transport", "_unheard", "_up", "_waiting", "_will", "_window",
    )  # fmt: skip

    def __init__(
        self, identity: ChipIdentity, broker: Broker, will: bytes, owner: Owner, counters: LinkCounters
    ) -> None:
        self._identity = identity
        self._broker = broker
        self._will = will
        self._owner: Owner | None = owner
        self._counters = counters
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiting: deque[bytes] = deque()
        self._state: bytes | None = None
        self._in_flight: set[int] = set()
        self._next_id = 1
        self._window = WINDOW
        self._paused = self._up = False
        self._quiet = True
        self._unheard = 0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls,
        identity: ChipIdentity,
        host: str,
        port: int,
        will: bytes,
        heard: Callable[[bytes], None],
        lost: Callable[[], None],
    ) -> "Link":
        """A connection without a device, for tests and tools. OSError or TimeoutError where it is refused."""
        from simulator.dialling import open_link

        return await open_link(identity, Broker(host, port), will, heard, lost)

    # what the chip wants

    def publish(self, payload: bytes) -> None:
        """Evidence on `up`, in order."""
        if len(self._waiting) >= MOST_WAITING:
            self._counters.dropped += 1
            return
        self._waiting.append(payload)
        self._send_waiting()

    def publish_state(self, payload: bytes) -> None:
        """Presence, retained, before anything that waits; only the newest counts."""
        self._state = payload
        self._send_waiting()

    def close(self) -> None:
        """Ends in order: the broker publishes the last will, for it is true."""
        reason = mqtt5.DisconnectReasonCode.DISCONNECT_WITH_WILL_MESSAGE
        if self._up:
            self._write(mqtt5.DisconnectPacket(reason_code=reason).write())
        if self._transport is not None:
            self._transport.close()
        self._end("closed")

    def abort(self) -> None:
        """Ends as a lost radio would."""
        if self._transport is not None:
            self._transport.abort()
        self._end("aborted")

    # what the socket says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP or TLS transport
        if self._owner is None:
            self.abort()
            return
        name = self._identity.chip
        will = mqtt5.Will(self._topic("state"), payload=self._will, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True)
        connect = mqtt5.ConnectPacket(
            name,
            username=None if self._identity.tls else name,
            clean_start=True,
            will=will,
            keep_alive=self._broker.keep_alive_s,
            receive_max=WINDOW,
            max_packet_size=MOST_PACKET,
        )
        self._write(connect.write())
        self._timer = asyncio.get_running_loop().call_later(DIAL_S, self._late)

    def data_received(self, data: bytes) -> None:
        self._unheard = 0
        view = memoryview(self._buffer + data if self._buffer else data)
        at = 0
        try:
            while at < len(view) and self._owner is not None:
                packet, used = mqtt5.read(view[at:])
                at += used
                self._take(packet)
        except IndexError:
            pass  # the codec's word for "not all of it is here yet"
        except ValueError as error:
            self._fail(f"not MQTT: {error}")
            return
        self._buffer = bytes(view[at:])

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("lost" if exc is None else f"lost: {exc}")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._send_waiting()

    # the conversation

    def _take(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PublishPacket():
                if packet.packet_id is not None:
                    self._write(mqtt5.PubAckPacket(packet.packet_id).write())
                if self._owner is not None:
                    self._owner.link_got(self, packet.payload)
            case mqtt5.PubAckPacket():
                self._acknowledged(packet)
            case mqtt5.ConnAckPacket():
                self._accepted(packet)
            case mqtt5.SubAckPacket():
                self._subscribed(packet)
            case mqtt5.DisconnectPacket():
                self._fail(f"disconnected by the broker: {packet.reason_code}")
            case _:
                pass

    def _accepted(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            self._fail(f"refused by the broker: {packet.reason_code}")
            return
        self._window = min(WINDOW, packet.receive_max)
        wanted = [mqtt5.TopicFilter(self._topic("down"), max_qos=mqtt5.QoS.AT_LEAST_ONCE)]
        self._write(mqtt5.SubscribePacket(self._id(), wanted).write())

    def _subscribed(self, packet: mqtt5.SubAckPacket) -> None:
        if packet.reason_codes != [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]:
            self._fail("the broker refused the subscription")
            return
        self._up = True
        self._watch()
        if self._owner is not None:
            self._owner.link_up(self)

    def _acknowledged(self, packet: mqtt5.PubAckPacket) -> None:
        self._in_flight.discard(packet.packet_id)
        if packet.reason_code in TAKEN:
            self._counters.acknowledged += 1
        else:
            self._counters.refused += 1
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._up and not self._paused and len(self._in_flight) < self._window:
            if self._state is not None:
                payload, self._state = self._state, None
                self._send("state", payload, retain=True)
            elif self._waiting:
                self._send("up", self._waiting.popleft(), retain=False)
            else:
                return

    def _send(self, leaf: topics.Leaf, payload: bytes, *, retain: bool) -> None:
        number = self._id()
        self._in_flight.add(number)
        topic, qos = self._topic(leaf), mqtt5.QoS.AT_LEAST_ONCE
        self._write(mqtt5.PublishPacket(topic, payload, qos=qos, retain=retain, packet_id=number).write())

    def _id(self) -> int:
        number = self._next_id
        self._next_id = number % 65_535 + 1
        return number

    def _topic(self, leaf: topics.Leaf) -> str:
        return f"wg/1/{self._identity.shard}/{self._identity.chip}/{leaf}"

    def _write(self, data: bytes) -> None:
        self._quiet = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # keepalive: one timer a link, of the machine's real time, which is the broker's

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        half_s = self._broker.keep_alive_s / 2
        self._timer = asyncio.get_running_loop().call_later(half_s, self._check)

    def _check(self) -> None:
        if self._unheard >= 2:
            self._fail("the broker is silent")
            return
        if self._quiet:
            self._write(mqtt5.PingReqPacket().write())
            self._unheard += 1
        self._quiet = True
        self._watch()

    def _late(self) -> None:
        self._fail("no answer to CONNECT")

    def refuse(self, reason: str) -> None:
        """The socket never came about."""
        self._end(reason)

    def _fail(self, reason: str) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        owner, self._owner, self._up = self._owner, None, False
        if owner is not None:
            owner.link_down(self, reason)
