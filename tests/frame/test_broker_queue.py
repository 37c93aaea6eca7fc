"""The real broker under what a province does to it: a reader that lags, a stop, a full house. The words: gateway/broker.py."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import mqtt5
import pytest

from gateway.broker import Limits
from weld.cli.mosquitto import Address, Mosquitto

CHIP = "CHIPAAAA1"
UP = f"wg/1/0a/{CHIP}/up"
MANY = 50_000
_AT_ONCE = 2_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


class Line:
    """A plain connection: fast enough for floods, and reads only when it is told to."""

    def __init__(self, address: Address, name: str, password: str | None = None, *, lasting: bool = False) -> None:
        self.socket = socket.create_connection((address.host, address.port), timeout=30)
        self._rest = b""
        self._early: list[object] = []
        words = mqtt5.ConnectPacket(
            name if lasting else "",
            username="ingest" if lasting else name,
            password=password.encode() if password else None,
            clean_start=not lasting,
            session_expiry_interval=3600 if lasting else 0,
            keep_alive=600,
        )
        self.say(words)
        try:
            answer, *self._early = self.hear()  # with a session, what waited follows at once
        except BaseException:
            self.close()
            raise
        assert isinstance(answer, mqtt5.ConnAckPacket)
        self.session_present = answer.session_present

    def close(self) -> None:
        self.socket.close()

    def say(self, *packets: mqtt5.ConnectPacket | mqtt5.SubscribePacket | mqtt5.PublishPacket) -> None:
        self.socket.sendall(b"".join(packet.write() for packet in packets))

    def hear(self) -> list[object]:
        """At least one packet."""
        found, self._early = self._early, []
        while not found:
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionResetError
            self._rest += data
            view, position = memoryview(self._rest), 0
            try:
                while position < len(self._rest):
                    packet, length = mqtt5.read(view[position:])
                    found.append(packet)
                    position += length
            except IndexError:  # the rest of a packet is still on its way
                pass
            self._rest = self._rest[position:]
        return found

    def flood(self, count: int) -> None:
        """Publish numbers, in order; returns when the broker has acknowledged all."""
        sent = acknowledged = 0
        while acknowledged < count:
            size = min(count - sent, _AT_ONCE - (sent - acknowledged))
            self.say(*(_publish(number) for number in range(sent, sent + size)))
            sent += size
            acknowledged += sum(isinstance(packet, mqtt5.PubAckPacket) for packet in self.hear())

    def drain(self, count: int) -> list[int]:
        """The next numbers, each acknowledged."""
        numbers: list[int] = []
        while len(numbers) < count:
            heard = [packet for packet in self.hear() if isinstance(packet, mqtt5.PublishPacket)]
            numbers += [int(bytes(packet.payload)) for packet in heard]
            answers = [mqtt5.PubAckPacket(packet.packet_id).write() for packet in heard if packet.packet_id]
            self.socket.sendall(b"".join(answers))
        return numbers


def _publish(number: int) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(UP, b"%d" % number, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number % 60_000 + 1)


def _ingest(broker: Mosquitto) -> Line:
    return Line(broker.platform, "wg-ingest-0a", broker.password("ingest"), lasting=True)


def _subscribed(broker: Mosquitto) -> Line:
    line = _ingest(broker)
    line.say(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("wg/1/0a/+/up", max_qos=mqtt5.QoS.AT_LEAST_ONCE)]))
    line.hear()
    return line


def test_a_reader_that_lags_loses_none_of_50_000_waiting_messages(broker: Mosquitto) -> None:
    with closing(_subscribed(broker)) as ingest, closing(Line(broker.chips, CHIP)) as chip:
        chip.flood(MANY)  # nobody reads meanwhile
        assert ingest.drain(MANY) == list(range(MANY))


def test_a_broker_that_stops_in_order_keeps_the_queue(broker: Mosquitto) -> None:
    _subscribed(broker).close()
    with closing(Line(broker.chips, CHIP)) as chip:
        chip.flood(MANY)
    broker.restart()
    with closing(_ingest(broker)) as ingest:
        assert ingest.session_present
        assert ingest.drain(MANY) == list(range(MANY))


def test_a_killed_broker_forgets_what_it_had_acknowledged_and_ingest_sees_that_it_did(broker: Mosquitto) -> None:
    """Why a PUBACK frees nothing on a chip: only our `stored` does (P13), and it comes after the commit."""
    _subscribed(broker).close()
    with closing(Line(broker.chips, CHIP)) as chip:
        chip.flood(100)
    broker.kill()
    broker.restart()
    with closing(_ingest(broker)) as ingest:
        assert not ingest.session_present


def test_chips_alone_cannot_fill_the_house(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker", limits=replace(Limits(), max_chip_connections=3)) as broker:
        chips = [Line(broker.chips, f"CHIPAAAA{number}") for number in range(3)]
        with pytest.raises(ConnectionResetError):
            Line(broker.chips, "CHIPAAAA4")
        _ingest(broker).close()
        for chip in chips:
            chip.close()
