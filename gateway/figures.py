"""What the broker tells of itself, made into metrics: messages dropped, clients, memory. On a connection of its own.

Mosquitto's $SYS topics; the nodes of EMQX have doors of their own for Prometheus, and say nothing here. Refuses to hold up
the sender: whatever happens here, commands go on.
"""

import asyncio

import aiomqtt
import structlog
from prometheus_client import Counter, Gauge

from gateway import access
from gateway.sender import Broker

log = structlog.get_logger()

DROPPED = Counter(
    "weldgate_broker_dropped_total", "Messages that the broker dropped while we watched: a queue was full"
)
CLIENTS = Gauge("weldgate_broker_clients", "Clients connected to the broker")
KEPT = Gauge("weldgate_broker_kept_messages", "Messages that the broker keeps: waiting, under way, retained")
KEPT_BYTES = Gauge("weldgate_broker_kept_bytes", "Payload of the messages that the broker keeps")
HEAP = Gauge("weldgate_broker_heap_bytes", "Memory that the broker has allocated")
HEARD = Gauge("weldgate_broker_heard", "1 while the broker tells its figures; at 0 the others are old")

_GAUGES = {
    access.CLIENTS: CLIENTS,
    access.KEPT: KEPT,
    access.KEPT_BYTES: KEPT_BYTES,
    access.HEAP: HEAP,
}
_KEEPALIVE_S = 10
_AGAIN_S = 1.0


class Drops:
    """From the broker's count, which begins at 0 with each of its starts, to what is new since we last looked.

    What was dropped before the first look is nobody's news: this process may have started a moment ago.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def new(self, count: int) -> int:
        """How many more than at the last look; a lower count is that of a broker that has started again."""
        last, self._last = self._last, count
        if last is None:
            return 0
        return count - last if count >= last else count


async def watch(broker: Broker) -> None:
    """Until cancelled; a broker that is away is waited for."""
    drops = Drops()
    while True:
        try:
            await _listen(broker, drops)
        except aiomqtt.MqttError as error:
            log.warning("broker_tells_nothing", error=type(error).__name__)
        finally:
            HEARD.set(0)
        await asyncio.sleep(_AGAIN_S)


async def _listen(broker: Broker, drops: Drops) -> None:
    async with broker.client(keepalive_s=_KEEPALIVE_S) as client:
        for topic in access.FIGURES:
            await client.subscribe(topic)
        async for message in client.messages:
            _take(str(message.topic), message.payload, drops)


def _take(topic: str, payload: object, drops: Drops) -> None:
    if not isinstance(payload, bytes) or not payload.isdigit():
        return
    HEARD.set(1)
    if topic == access.DROPPED:
        _count(drops.new(int(payload)))
    elif topic in _GAUGES:
        _GAUGES[topic].set(int(payload))


def _count(new: int) -> None:
    if new:
        DROPPED.inc(new)
        log.warning("broker_dropped", messages=new)
