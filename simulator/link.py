"""One chip's connection to the broker: MQTT 5 over the `mqtt5` codec and an asyncio.Protocol, plain (profile 0) or TLS with the
chip's own certificate (profile 3).

Carries bytes both ways at QoS 1 with a last will. Refuses to repeat what was not acknowledged and to queue while it is down:
the chip's ring does both, because PUBACK frees nothing (P13).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

import mqtt5

from schemas import topics
from simulator.identity import ChipIdentity, Tls

KEEPALIVE_S = 60
_CONNECT_WITHIN_S = 10.0
_MOST_WAITING = 10_000


class Link(asyncio.Protocol):
    """One connection; a new one is a new Link."""

    def __init__(
        self, identity: ChipIdentity, will: bytes, heard: Callable[[bytes], None], lost: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._will = will
        self._heard = heard
        self._lost = lost
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: deque[tuple[str, bytes, bool]] = deque()
        self._in_flight: set[int] = set()
        self._next_id = 1
        self._window = 20
        self._pinger: asyncio.TimerHandle | None = None

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
        """Connect and subscribe to our own `down`. OSError or TimeoutError where the broker refuses or is not there."""
        link = cls(identity, will, heard, lost)
        tls = _context(identity.tls) if identity.tls is not None else None
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            await asyncio.get_running_loop().create_connection(lambda: link, host, port, ssl=tls)
            try:
                await link._accepted
            except BaseException:
                link.abort()
                raise
        return link

    def publish(self, leaf: topics.Leaf, payload: bytes) -> None:
        """Send at QoS 1; `state` is retained. Beyond the in-flight window it waits here."""
        if self._transport is None or len(self._waiting) >= _MOST_WAITING:
            return  # nothing is lost: the chip repeats what nobody confirms
        topic = topics.build(self._identity.shard, self._identity.chip, leaf)
        self._waiting.append((topic, payload, leaf == "state"))
        self._flush()

    def close(self) -> None:
        """Leave in order: the broker does not publish the last will."""
        if self._transport is not None and not self._transport.is_closing():
            self._write(mqtt5.DisconnectPacket().write())
            self._transport.close()

    def abort(self) -> None:
        """Drop the line, as a lost network does: the broker publishes the last will."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio.Transport, but create_connection gives nothing else
        self._transport = cast("asyncio.Transport", transport)
        chip, state = self._identity.chip, topics.build(self._identity.shard, self._identity.chip, "state")
        will = mqtt5.Will(state, payload=self._will, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True)
        connect = mqtt5.ConnectPacket(chip, username=chip, clean_start=True, keep_alive=KEEPALIVE_S, will=will)
        self._write(connect.write())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pinger is not None:
            self._pinger.cancel()
        self._transport = None
        if self._accepted.done() and self._accepted.exception() is None:
            self._lost()
        elif not self._accepted.done():
            self._accepted.set_exception(ConnectionResetError(f"the broker closed the connection: {exc}"))
            self._accepted.exception()  # nobody may be waiting any more

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        view, position = memoryview(buffer), 0
        try:
            while position < len(buffer):
                packet, length = mqtt5.read(view[position:])
                position += length
                self._handle(packet)
        except IndexError:  # the codec's word for "more bytes needed"
            pass
        except ValueError:
            self.abort()
            return
        self._buffer = buffer[position:]

    def _handle(self, packet: object) -> None:
        match packet:
            case mqtt5.ConnAckPacket():
                self._connected(packet)
            case mqtt5.SubAckPacket():
                self._subscribed(packet)
            case mqtt5.PublishPacket():
                if packet.packet_id is not None:
                    self._write(mqtt5.PubAckPacket(packet.packet_id).write())
                self._heard(bytes(packet.payload))
            case mqtt5.PubAckPacket():
                self._in_flight.discard(packet.packet_id)
                self._flush()
            case mqtt5.DisconnectPacket():
                self.abort()

    def _connected(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            self._refused(f"the broker refused us: {packet.reason_code}")
            return
        self._window = min(self._window, packet.receive_max)
        down = mqtt5.TopicFilter(
            topics.build(self._identity.shard, self._identity.chip, "down"), max_qos=mqtt5.QoS.AT_LEAST_ONCE
        )
        self._write(mqtt5.SubscribePacket(self._take_id(), [down]).write())

    def _subscribed(self, packet: mqtt5.SubAckPacket) -> None:
        self._in_flight.discard(packet.packet_id)
        if packet.reason_codes != [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]:
            self._refused("the broker refused the subscription to our own topic")
        elif not self._accepted.done():
            self._accepted.set_result(None)
            self._ping()

    def _refused(self, why: str) -> None:
        if not self._accepted.done():
            self._accepted.set_exception(ConnectionRefusedError(why))
        self.abort()

    def _flush(self) -> None:
        while self._waiting and len(self._in_flight) < self._window:
            topic, payload, retain = self._waiting.popleft()
            packet_id = self._take_id()
            qos = mqtt5.QoS.AT_LEAST_ONCE
            self._write(mqtt5.PublishPacket(topic, payload, qos=qos, retain=retain, packet_id=packet_id).write())

    def _take_id(self) -> int:
        while self._next_id in self._in_flight:
            self._next_id = self._next_id % 65_535 + 1
        taken, self._next_id = self._next_id, self._next_id % 65_535 + 1
        self._in_flight.add(taken)
        return taken

    def _ping(self) -> None:
        self._write(mqtt5.PingReqPacket().write())
        self._pinger = asyncio.get_running_loop().call_later(KEEPALIVE_S / 2, self._ping)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    return context
