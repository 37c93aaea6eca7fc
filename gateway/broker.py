"""The words that make a mosquitto the broker of this platform: its configuration and its access lists, as text.

Pure functions. Nothing per chip is configured: a chip's authenticated name is its permission, by pattern. Refuses a
listener without encryption anywhere but on loopback, and to log what is in a message.
Three listeners: `chips` (security profile 0: the name is claimed, not proven), `tls` (profile 3: the name is the
certificate's) and `platform` (our own processes, by password). What cannot be configured: mosquitto lets 100 dialling
clients wait at a listener, the next one tries again a second later; so chips dial with jitter (P15).
"""

from dataclasses import dataclass, field
from ipaddress import ip_address

from gateway import access

# The files that the configuration names. The broker is started inside their folder, so that it finds them even where
# it may not pass the folders above.
CONFIGURATION_FILE = "mosquitto.conf"
CHIP_ACL_FILE = "chips.acl"
PLATFORM_ACL_FILE = "platform.acl"
PASSWORD_FILE = "platform.passwords"  # noqa: S105 - a file's name

PLATFORM_USERS = ("ingest", "gateway")


@dataclass(frozen=True)
class Door:
    """A plain listener; only loopback is accepted."""

    port: int
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        if not ip_address(self.host).is_loopback:
            raise ValueError(f"a listener without encryption must be on loopback, not on {self.host}")


@dataclass(frozen=True)
class TlsDoor:
    """The listener of security profile 3. `crlfile` = None: nobody was ever revoked."""

    port: int
    host: str = "127.0.0.1"
    cafile: str = "ca.pem"
    certfile: str = "server.pem"
    keyfile: str = "server.key"
    crlfile: str | None = None


@dataclass(frozen=True)
class Limits:
    """The numbers that decide what is lost; each with its reason."""

    # Per client, above what is in flight. The default 1000 lost 85-99.8 % of messages that the broker had acknowledged
    # as soon as their reader lagged. Never 0: unlimited in 2.0.11, but 2.0.16 then drops everything.
    max_queued_messages: int = 2_000_000
    # All that may wait, by payload, shared by the sessions of ingest, one for each group of shards; this is the limit that
    # counts, as a waiting message costs its payload and 0.4 KB (docs/operations.md has the sum). Above it the broker drops, which
    # is counted (gateway/figures.py) and which chips mend by themselves (P13: they repeat until `stored`). Never
    # `memory_limit` instead: tried, it shuts the reader out as well, so that nobody empties the queue any more.
    queue_bytes: int = 2 * 1024**3
    sessions: int = 8
    # One round trip carries this many; the default 20 starves a reader that acknowledges after its commit.
    max_inflight_messages: int = 1_000
    # Sessions and queues are written this often, and on SIGTERM; kill -9 loses what came since. That is no loss of ours:
    # `stored` is said after our commit only, so chips still hold what the broker lost and repeat it once they are back.
    # Writing stops the broker's only thread (0.8 s for a million messages): not more often.
    autosave_interval_s: int = 60
    # $SYS counters, which the gateway makes into metrics.
    sys_interval_s: int = 5
    # Per listener for chips, below the files that the process may open (docker-compose.yml: 200,000): chips alone must not
    # use them up, or ingest cannot come back. Where the machine allows fewer files, its limit counts.
    max_chip_connections: int = 150_000
    # A payload is at most 16 KiB; a larger packet is no chip's.
    max_packet_size: int = 65_536
    # A chip that vanished without a word is noticed after 1.5 times this, whatever it asked for (2.0 can hold only
    # MQTT 5 clients to it). Below 10 s the broker refuses the number.
    max_keepalive_s: int = 600
    # A session whose client never came back (test clients, retired chips) does not queue for ever.
    persistent_client_expiration: str = "14d"

    def __post_init__(self) -> None:
        if self.max_queued_messages < 1:
            raise ValueError("max_queued_messages must not be 0: some versions then drop every message")

    @property
    def max_queued_bytes(self) -> int:
        """The share of one session. Never 0, which means no limit."""
        return max(1, self.queue_bytes // self.sessions)


@dataclass(frozen=True)
class Broker:
    """All that a broker is configured with. Without `chips` only chips with certificates get in."""

    platform: Door
    chips: Door | None = None
    tls: TlsDoor | None = None
    persistence_location: str = "./"
    limits: Limits = field(default_factory=Limits)


def configuration(broker: Broker) -> str:
    """The text of mosquitto.conf."""
    parts = [_general(broker.limits, broker.persistence_location), _platform_listener(broker.platform)]
    if broker.chips is not None:
        parts.append(_chip_listener(broker.chips, broker.limits))
    if broker.tls is not None:
        parts.append(_tls_listener(broker.tls, broker.limits))
    return "\n".join(parts)


def _general(limits: Limits, persistence_location: str) -> str:
    return f"""\
# Written by weldgate (gateway/broker.py gives the reasons); changes here are lost.
per_listener_settings true
persistence true
persistence_location {persistence_location}
autosave_interval {limits.autosave_interval_s}
max_queued_messages {limits.max_queued_messages}
max_queued_bytes {limits.max_queued_bytes}
max_inflight_messages {limits.max_inflight_messages}
max_packet_size {limits.max_packet_size}
max_keepalive {limits.max_keepalive_s}
persistent_client_expiration {limits.persistent_client_expiration}
sys_interval {limits.sys_interval_s}
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%SZ
"""


def _platform_listener(door: Door) -> str:
    return f"""\
listener {door.port} {door.host}
allow_anonymous false
password_file {PASSWORD_FILE}
acl_file {PLATFORM_ACL_FILE}
"""


def _chip_listener(door: Door, limits: Limits) -> str:
    # The user name replaces the client id: nobody takes over a session under a client id of his choice, and who gives
    # no user name is not let in. A name is only claimed here: whoever lies about it gets that chip's topics and session,
    # and whoever knows the client id of one of our own sessions can end that session. That is what profile 3 is for:
    # there a name is [A-Z0-9]{8,32} by the authority's rule, and no client id of ours may look like that.
    return f"""\
listener {door.port} {door.host}
allow_anonymous true
use_username_as_clientid true
max_connections {limits.max_chip_connections}
acl_file {CHIP_ACL_FILE}
"""


def _tls_listener(door: TlsDoor, limits: Limits) -> str:
    revoked = f"crlfile {door.crlfile}\n" if door.crlfile else ""
    return f"""\
listener {door.port} {door.host}
allow_anonymous false
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.2
cafile {door.cafile}
certfile {door.certfile}
keyfile {door.keyfile}
{revoked}max_connections {limits.max_chip_connections}
acl_file {CHIP_ACL_FILE}
"""


def chip_acl() -> str:
    """What a chip may do: speak on its own two topics, hear its own one. Everything else is refused."""
    return access.mosquitto(access.CHIPS)


def platform_acl() -> str:
    """What our own processes may do, each as little as it needs."""
    return access.mosquitto(access.PLATFORM)
