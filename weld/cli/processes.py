"""One process in the foreground: its settings from the environment, its login, its key; then its own `serve`.

Started by a stack it is told its addresses (WELDGATE_PROCESS_...); started alone by a person it joins the clone's own stack.
Refuses to hand a process more than it needs.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import structlog
from pydantic import ValidationError

from weld.cli.crew import Crew
from weld.cli.installation import private_key, signing_key
from weld.cli.stack import KEYS, BrokerAddress, Stack
from weld.kit import log as logging
from weld.kit.clock import SystemClock
from weld.kit.run import run as run_until_stopped
from weld.kit.settings import Settings
from weld.store.vault import Vault

log = structlog.get_logger()

Serve = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Place:
    """What a process is told about where it runs."""

    database_url: str
    broker: BrokerAddress | None
    key_file: Path | None
    vault_folder: Path | None
    address_file: Path | None
    anchors: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The same for a process that we start: what `_told` reads."""
        words = {
            "WELDGATE_PROCESS_DATABASE_URL": self.database_url,
            "WELDGATE_PROCESS_MQTT_URL": self.broker.url if self.broker else None,
            "WELDGATE_KEY_FILE": str(self.key_file) if self.key_file else None,
            "WELDGATE_VAULT": str(self.vault_folder) if self.vault_folder else None,
        }
        return {key: value for key, value in words.items() if value is not None}


def run(name: str, workers: int = 1) -> int:
    """Run a process, or several that share its work, until told to stop; the exit code."""
    logging.configure(name, json=False)
    try:
        settings = Settings()
        logging.configure(name, json=settings.log_json)
        with ExitStack() as exits:
            place = _told() or _joined(name, exits)
            if workers > 1:
                folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix=f"weldgate-{name}-")))
                first_port = settings.door_port or 0
                return Crew(name, workers, place.environment, folder, place.address_file, first_port).run()
            return run_until_stopped(_SERVES[name](place))
    except ValidationError as error:
        wrong = ", ".join(f"WELDGATE_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        log.error("cannot_start", reason=wrong)
    except (RuntimeError, ValueError, psycopg.OperationalError) as error:
        log.error("cannot_start", reason=str(error))
    return 1


def _told() -> Place | None:
    """The place that a stack told us by environment."""
    url = os.environ.get("WELDGATE_PROCESS_DATABASE_URL")
    if url is None:
        return None
    broker = os.environ.get("WELDGATE_PROCESS_MQTT_URL")
    return Place(
        url,
        BrokerAddress.parse(broker) if broker else None,
        _path("WELDGATE_KEY_FILE"),
        _path("WELDGATE_VAULT"),
        _path("WELDGATE_ADDRESS_FILE"),
        _path("WELDGATE_ANCHOR_FOLDER"),
    )


def _joined(name: str, exits: ExitStack) -> Place:
    """The clone's own stack: its servers are started, or joined where they run."""
    needs_broker = name in {"ingest", "gateway"}
    stack = exits.enter_context(Stack.main(prepares=False, needs_broker=needs_broker))
    role = "owner" if name == "maintain" else name
    secrets = stack.installation
    key = secrets.key_file(KEYS[name]) if name in KEYS else None
    broker = stack.broker(name) if name in {"ingest", "gateway"} else None
    return Place(stack.role_url(role), broker, key, secrets.vault_folder, None, stack.anchors)


def _path(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def _ingest(place: Place) -> Serve:
    from ingest.main import serve
    from ingest.mqtt import Address
    from ingest.settings import IngestSettings

    assert place.broker is not None  # noqa: S101  (both ways of making a place give ingest a broker and a key)
    assert place.key_file is not None  # noqa: S101
    there = place.broker
    password = there.password.encode() if there.password else None
    broker, key = Address(there.host, there.port, there.username, password), signing_key(place.key_file)
    settings = IngestSettings()
    return lambda stop: serve(settings, place.database_url, broker, key, SystemClock(), stop, place.address_file)


def _gateway(place: Place) -> Serve:
    from gateway.main import serve
    from gateway.sender import Broker
    from gateway.settings import GatewaySettings

    assert place.broker is not None  # noqa: S101
    assert place.key_file is not None  # noqa: S101
    there, key, settings = place.broker, signing_key(place.key_file), GatewaySettings()
    broker = Broker(there.host, there.port, there.username, there.password)
    return lambda stop: serve(settings, place.database_url, broker, key, SystemClock(), stop, place.address_file)


def _maintain(place: Place) -> Serve:
    from weld.cli.anchors import Anchorage
    from weld.cli.maintain import MaintainSettings, serve

    settings, anchorage = MaintainSettings(), None
    if place.anchors is not None and place.key_file is not None:
        anchorage = Anchorage(place.anchors, private_key(place.key_file))
    else:
        log.warning("no_anchors", reason="WELDGATE_ANCHOR_FOLDER or WELDGATE_KEY_FILE is not set")
    return lambda stop: serve(settings, place.database_url, anchorage, SystemClock(), stop, place.address_file)


def _api(place: Place) -> Serve:
    from api.main import serve
    from api.settings import ApiSettings

    assert place.vault_folder is not None  # noqa: S101
    settings, vault = ApiSettings(), Vault.load(place.vault_folder)
    return lambda stop: serve(settings, place.database_url, vault, SystemClock(), stop, place.address_file)


def _dispatch(place: Place) -> Serve:
    from dispatch.main import serve
    from dispatch.settings import DispatchSettings

    assert place.vault_folder is not None  # noqa: S101
    settings, vault = DispatchSettings(), Vault.load(place.vault_folder)
    return lambda stop: serve(settings, place.database_url, vault, SystemClock(), stop, place.address_file)


_SERVES: dict[str, Callable[[Place], Serve]] = {
    "ingest": _ingest,
    "gateway": _gateway,
    "dispatch": _dispatch,
    "api": _api,
    "maintain": _maintain,
}
