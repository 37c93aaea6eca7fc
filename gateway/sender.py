"""The sender: takes due commands, signs them, publishes at QoS 1, and repeats the same bytes until somebody answered.

`sent` means that the broker has taken it, also where nobody listened; what it refuses stays queued and is tried again. Whether
the contact moved is what the chip reports, to ingest. Refuses rules: what may be unlocked was decided by the api in the
transaction that made the command.
"""

import asyncio
from dataclasses import dataclass, field

import aiomqtt
import structlog
from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import Counter, Histogram

from gateway import sign
from gateway.settings import GatewaySettings
from schemas import topics
from schemas.signed import SigningKey
from weld.kit.clock import Clock
from weld.kit.wait import wait
from weld.store import gateway as store
from weld.store.connect import TRANSIENT, Conn, connect
from weld.store.gateway import ClaimedRow
from weld.store.listen import hints, listen

log = structlog.get_logger()

SENT = Counter("weldgate_gateway_sent_total", "Commands acknowledged by the broker, repetitions included", ["kind"])
UNHEARD = Counter("weldgate_gateway_unheard_total", "Commands that the broker took while their chip was not connected")
FAILED = Counter("weldgate_gateway_failed_total", "Commands that could not be published", ["why"])
DELAY_MS = Histogram(
    "weldgate_gateway_delay_ms",
    "From the command's making to its PUBACK",
    buckets=(5, 10, 20, 50, 100, 250, 1000, 5000),
)

# There from the start with 0: Prometheus sees no rise in a number that appears as 1.
for kind in ("ticket", "lock", "end"):
    SENT.labels(kind)
for why in ("no_nonce", "broker", "refused"):
    FAILED.labels(why)


# MQTT 5: taken, but nobody subscribes to the topic. A success: the chip is simply not there.
_NOBODY_LISTENS = 0x10


class Client(aiomqtt.Client):
    """A client that keeps the reason in a PUBACK, which aiomqtt leaves out. One message at a time, or it is another one's."""

    reason: ReasonCode | None = None

    def _on_publish(
        self, client: mqtt.Client, userdata: object, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        self.reason = reason_code
        super()._on_publish(client, userdata, mid, reason_code, properties)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and as whom the gateway comes."""

    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)

    def client(self, keepalive_s: int = 60) -> Client:
        """A client that is not connected yet."""
        return Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=5,
            keepalive=keepalive_s,
        )


class Sender:
    """One gateway process; several may run, leases keep them apart."""

    def __init__(
        self, settings: GatewaySettings, database_url: str, broker: Broker, key: SigningKey, clock: Clock
    ) -> None:
        self._settings = settings
        self._url = database_url
        self._broker = broker
        self._key = key
        self._clock = clock
        self.connected = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; a lost database or broker is waited for."""
        while not stop.is_set():
            try:
                await self._session(stop)
            except (aiomqtt.MqttError, *TRANSIENT) as error:
                self.connected.clear()
                log.warning("gateway_waits", error=type(error).__name__)
                await wait(stop, 0.5)

    async def _session(self, stop: asyncio.Event) -> None:
        client = self._broker.client()
        conn = await connect(self._url, "gateway")
        async with conn, await connect(self._url, "gateway listen") as ears, client:
            await listen(ears, ["weld_command"])
            self.connected.set()
            while not stop.is_set():
                await store.expire(conn)
                while await self._send_due(conn, client):
                    pass
                await hints(ears, self._settings.poll_s)
        self.connected.clear()

    async def _send_due(self, conn: Conn, client: Client) -> int:
        async with conn.transaction():
            rows = await store.claim(conn, self._settings.batch_commands, self._settings.send_again_s)
        for row in rows:
            with structlog.contextvars.bound_contextvars(command=str(row.id), kind=row.kind, chip=row.chip):
                await self._send(conn, client, row)
        return len(rows)

    async def _send(self, conn: Conn, client: Client, row: ClaimedRow) -> None:
        payload = row.wire or sign.wire(row, self._key)
        if payload is None:
            FAILED.labels("no_nonce").inc()
            log.info("ticket_waits_for_nonce")
            return
        if row.wire is None:
            payload = await store.fix_wire(conn, row.id, payload)
        try:
            topic = topics.build(row.shard, row.chip, "down")
            await client.publish(topic, payload, qos=1, properties=self._expiry(row))
        except aiomqtt.MqttError:
            FAILED.labels("broker").inc()
            await store.unlease(conn, row.id)
            raise
        if client.reason is not None and client.reason.is_failure:  # due again when its lease is over
            FAILED.labels("refused").inc()
            log.warning("command_refused_by_broker", reason=str(client.reason))
            return
        heard = client.reason is None or client.reason.value != _NOBODY_LISTENS
        await store.mark_sent(conn, row.id)
        SENT.labels(row.kind).inc()
        DELAY_MS.observe((self._clock.now() - row.created_at).total_seconds() * 1000)
        UNHEARD.inc(not heard)
        log.info("command_sent", repeated=row.wire is not None, heard=heard)

    def _expiry(self, row: ClaimedRow) -> Properties:
        """The broker forgets a command when its time is over: a late unlock must not wait there for the chip's return."""
        left_s = (row.expires_at - self._clock.now()).total_seconds()
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = max(1, int(left_s))
        return properties
