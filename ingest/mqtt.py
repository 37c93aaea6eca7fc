"""One persistent MQTT 5 session of one group of shards: reads deliveries, acknowledges when told to, publishes answers.

The only file of ingest that knows the MQTT client: the `mqtt5` codec under an asyncio.Protocol, because no ready client
acknowledges after commit at this rate (docs/adr/0002). Refuses to acknowledge by itself and to queue without bound: above
the inbox's limit it stops reading, and TCP pushes back to the broker.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import cast

import mqtt5

SESSION_EXPIRY_S = 7 * 86_400
KEEPALIVE_S = 30
_CONNECT_TIMEOUT_S = 10.0

# An acknowledgement of success is four bytes, type, length, packet id; the codec takes four times as long.
_PUBACK = Struct(">BBH").pack


class Refused(ConnectionError):
    """The broker did not accept us: wrong password, or another holder of this client id."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and as whom we come."""

    host: str
    port: int
    username: str | None = None
    password: bytes | None = None
    tls: ssl.SSLContext | None = None


Deliver = Callable[["Link", int | None, str, bytes], None]
"""Told of each PUBLISH: its link, its packet id (None: nothing to acknowledge), topic and payload."""


class Link(asyncio.Protocol):
    """One connection of a persistent session. A new connection is a new Link: packet ids do not outlive it."""

    def __init__(self, client_id: str, group: str, address: Address, deliver: Deliver) -> None:
        self.group = group
        self._client_id = client_id
        self._address = address
        self._deliver = deliver
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._connack: asyncio.Future[mqtt5.ConnAckPacket] = asyncio.get_running_loop().create_future()
        self._suback: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pinger: asyncio.TimerHandle | None = None
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._in_flight: set[int] = set()
        self._next_id = 1
        self._receive_max = 1
        self._pong_due = False
        self._paused = False
        self._flushing = False
        self.session_present = False

    @classmethod
    async def open(
        cls, client_id: str, group: str, address: Address, filters: Sequence[str], deliver: Deliver
    ) -> "Link":
        """Connect and, where the broker has no session for us, subscribe. Raises Refused or OSError."""
        loop = asyncio.get_running_loop()
        link = cls(client_id, group, address, deliver)
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await loop.create_connection(lambda: link, address.host, address.port, ssl=address.tls)
            try:
                await link._start(filters)
            except BaseException:
                link.abort()
                raise
        return link

    async def _start(self, filters: Sequence[str]) -> None:
        answer = await self._connack
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise Refused(f"the broker refused {self._client_id}: {answer.reason_code.name}")
        self.session_present = answer.session_present
        self._receive_max = answer.receive_max
        if not answer.session_present:  # with a session, subscribing again would bring a flood of retained messages
            wanted = [mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for pattern in filters]
            self._write(mqtt5.SubscribePacket(self._take_id(), wanted).write())
            await self._suback
        self._ping()

    # -- what the worker uses

    @property
    def alive(self) -> bool:
        """Whether acknowledgements can still reach the broker."""
        return self._transport is not None and not self._closed.done()

    async def wait_closed(self) -> None:
        """Returns when the connection is gone, for whatever reason."""
        await asyncio.shield(self._closed)

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Tell the broker that these are in the store; one write for all."""
        if self.alive:
            self._write(b"".join([_PUBACK(0x40, 2, packet_id) for packet_id in packet_ids]))

    def publish(self, topic: str, payload: bytes) -> None:
        """Send an answer at QoS 1. Not repeated over connections: chips ask again for what they miss."""
        self._waiting.append((topic, payload))
        if not self._flushing:  # what is said in one turn of the loop leaves in one write
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def pause(self) -> None:
        """Stop reading: too much waits for the store."""
        if self._transport is not None and not self._transport.is_closing():
            self._paused = True
            with contextlib.suppress(RuntimeError):
                self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing():
            self._paused = False
            with contextlib.suppress(RuntimeError):
                self._transport.resume_reading()

    def close(self) -> None:
        """Leave; the session and what is not acknowledged stay with the broker."""
        if self._transport is not None and not self._transport.is_closing():
            self._write(mqtt5.DisconnectPacket(session_expiry_interval=SESSION_EXPIRY_S).write())
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once, as a crash would."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio.Transport, but create_connection gives nothing else
        self._transport = cast("asyncio.Transport", transport)
        self._write(
            mqtt5.ConnectPacket(
                self._client_id,
                username=self._address.username,
                password=self._address.password,
                clean_start=False,
                keep_alive=KEEPALIVE_S,
                session_expiry_interval=SESSION_EXPIRY_S,
            ).write()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        reason = ConnectionResetError(f"the broker closed {self._client_id}: {exc}")
        for waiter in (self._connack, self._suback):
            if not waiter.done():
                waiter.set_exception(reason)
                waiter.exception()  # nobody may be waiting any more
        if self._pinger is not None:
            self._pinger.cancel()
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        view = memoryview(buffer)
        position, size, deliver = 0, len(buffer), self._deliver
        try:
            while position < size:
                packet, length = mqtt5.read(view[position:])
                position += length
                if type(packet) is mqtt5.PublishPacket:  # nearly all are: not even a call more for them
                    deliver(self, packet.packet_id, packet.topic, packet.payload)
                else:
                    self._handle(packet)
        except IndexError:  # the codec's word for "more bytes needed"
            pass
        except ValueError:
            self.abort()
            return
        self._buffer = buffer[position:]

    def _handle(self, packet: object) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self._in_flight.discard(packet.packet_id)
                if self._waiting:
                    self._flush()
            case mqtt5.ConnAckPacket():
                if not self._connack.done():
                    self._connack.set_result(packet)
            case mqtt5.SubAckPacket():
                self._subscribed(packet)
            case mqtt5.PingRespPacket():
                self._pong_due = False
            case mqtt5.DisconnectPacket():
                self.abort()

    def _subscribed(self, packet: mqtt5.SubAckPacket) -> None:
        if self._suback.done():
            return
        if any(code != mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE for code in packet.reason_codes):
            self._suback.set_exception(Refused(f"the broker refused the subscription of {self._client_id}"))
        else:
            self._in_flight.discard(packet.packet_id)
            self._suback.set_result(None)

    def _flush(self) -> None:
        self._flushing = False
        packets = []
        while self._waiting and len(self._in_flight) < self._receive_max and self.alive:
            topic, payload = self._waiting.popleft()
            packet_id = self._take_id()
            packet = mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id)
            packets.append(packet.write())
        if packets:
            self._write(b"".join(packets))

    def _take_id(self) -> int:
        while self._next_id in self._in_flight:
            self._next_id = self._next_id % 65_535 + 1
        taken, self._next_id = self._next_id, self._next_id % 65_535 + 1
        self._in_flight.add(taken)
        return taken

    def _ping(self) -> None:
        """Keep the session alive, and notice a broker that holds the line but does not answer (half-open)."""
        if not self.alive:
            return
        if self._pong_due and not self._paused:  # while we do not read, an answer may well have come
            self.abort()
            return
        self._pong_due = True
        self._write(mqtt5.PingReqPacket().write())
        self._pinger = asyncio.get_running_loop().call_later(KEEPALIVE_S / 2, self._ping)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
