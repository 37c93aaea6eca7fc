"""A stack on this machine: database, broker, schema, and the processes beside them.

`main` is the clone's own (lasting data, fixed ports); a demo keeps a database and secrets of its own beside it; a throw-away has
everything of its own on free ports and leaves nothing behind. WELDGATE_DATABASE_URL and WELDGATE_MQTT_URL put existing servers
in the place of ours. Each process gets the login of its own role and the one key it needs, by environment and file; nothing
secret stands in a command line.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlsplit

import psycopg

from gateway.broker import Limits
from weld.cli import homes
from weld.cli.installation import Installation
from weld.cli.mosquitto import BrokerTakenError, Mosquitto
from weld.cli.postgres import EmbeddedPostgres
from weld.kit.settings import PORTS, Settings
from weld.store import partitions, setup
from weld.store.migrate import migrate

CLONE = Path(__file__).resolve().parents[2]
PROCESSES = ("ingest", "gateway", "dispatch", "api", "maintain")
KEYS: Mapping[str, str] = {"ingest": "service", "gateway": "permit", "maintain": "audit"}
"""Which of the installation's private keys a process is handed; the others get none."""
_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is for one user; no user and password for chips."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        """As WELDGATE_PROCESS_MQTT_URL has it."""
        who = f"{self.username}:{self.password}@" if self.username else ""
        return f"mqtt://{who}{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """The parts of a broker's URL; ValueError says what is wrong with it."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise ValueError("a broker's address looks like mqtt://user:password@host:1883")
        return cls(parts.hostname, parts.port or 1883, parts.username, parts.password)


@dataclass(slots=True)
class Child:
    """One process of the stack. `log` holds its stderr where the stack has a folder for logs."""

    name: str
    process: subprocess.Popen[str]
    address_file: Path
    log: Path | None

    @property
    def door(self) -> str:
        """The address of its live, ready and metrics doors."""
        return self.address_file.read_text().split()[0]

    @property
    def address(self) -> str:
        """The address that it serves people at (api), otherwise its door."""
        return self.address_file.read_text().split()[-1]

    def wait_ready(self, within_s: float = _READY_WITHIN_S) -> None:
        """Return when its door says ready; RuntimeError with its last words when it ended instead."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with code {self.process.returncode}\n{self.last_words()}")
            if self.address_file.exists() and _answers(f"{self.door}/ready"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} was not ready after {within_s:.0f} s\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        return "" if self.log is None else self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to finish and leave; its exit code (a hung one is killed)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL


@dataclass(slots=True)
class Stack:
    """`with Stack.throwaway("smoke") as stack: stack.start("ingest").wait_ready()`."""

    database: str
    throwaway: bool
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prepares: bool = True
    needs_broker: bool = True
    anchor_folder: Path | None = None  # of the audit; None: beside the secrets
    afresh: bool = False  # a database that is there is removed first: the secrets of its data are gone
    own_broker: bool = False  # never shared, never kept
    free_ports: bool = False
    logs: Path | None = None  # where the processes' stderr goes; None: to ours
    apart: bool = False  # Ctrl-C of the terminal is for us: we stop the processes in order
    programs: Mapping[str, str] = field(default_factory=dict)  # modules that run in the place of `weldgate NAME`
    step: Callable[[str], AbstractContextManager[object]] = nullcontext  # told what is being prepared
    server_url: str = ""
    children: dict[str, Child] = field(default_factory=dict)
    _mosquitto: Mosquitto | None = None
    _postgres: EmbeddedPostgres | None = None
    _installation: Installation | None = None
    _exits: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def main(cls, *, prepares: bool = True, needs_broker: bool = True) -> "Stack":
        """The clone's own stack; servers that run already are joined.

        Without `prepares` the database must be there with its schema: a process on its own changes neither.
        """
        name = os.environ.get("WELDGATE_DATABASE", "weldgate")
        folder = homes.private_folder(CLONE)
        anchors = os.environ.get("WELDGATE_ANCHOR_FOLDER")
        return cls(
            name,
            throwaway=False,
            folder=folder,
            prepares=prepares,
            needs_broker=needs_broker,
            anchor_folder=Path(anchors) if anchors else None,
        )

    @classmethod
    def make_throwaway(cls, name: str, **settings: str) -> "Stack":
        """One that leaves nothing behind; `settings` go to all processes, as WELDGATE_... without the prefix."""
        folder = Path(tempfile.mkdtemp(prefix=f"weldgate-{name}-"))
        changed = {f"WELDGATE_{key.upper()}": value for key, value in settings.items()}
        return cls(
            f"wg_{name}_{secrets.token_hex(4)}",
            throwaway=True,
            folder=folder,
            environment=changed,
            own_broker=True,
            free_ports=True,
            logs=folder / "run",
        )

    @classmethod
    def demo(
        cls,
        database: str,
        folder: Path,
        environment: Mapping[str, str],
        *,
        afresh: bool,
        free_ports: bool,
        programs: Mapping[str, str],
        step: Callable[[str], AbstractContextManager[object]],
    ) -> "Stack":
        """Lasting data beside the clone's own: another database on the same server, other secrets, a broker for this run."""
        return cls(
            database,
            throwaway=False,
            folder=homes.make_folder(folder, None),
            environment=environment,
            afresh=afresh,
            own_broker=True,
            free_ports=free_ports,
            logs=homes.make_folder(folder / "log", None),
            apart=True,
            programs=programs,
            step=step,
        )

    def __enter__(self) -> Self:
        if self.throwaway and threading.current_thread() is threading.main_thread():
            # whoever ends us ends its processes too, in order, as Ctrl-C does
            before = signal.signal(signal.SIGTERM, signal.default_int_handler)
            self._exits.callback(signal.signal, signal.SIGTERM, before)
        try:
            self._start_servers()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for child in reversed(self.children.values()):
            child.process.send_signal(signal.SIGTERM) if child.process.poll() is None else None
        for child in self.children.values():
            child.stop()
            if child.process.stdout is not None:
                child.process.stdout.close()
        self._exits.close()

    # -- servers

    def _start_servers(self) -> None:
        if self.throwaway:
            self._exits.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._installation = Installation(self.folder / "secrets")
        with self.step("database"):
            self._start_database()
        if self.needs_broker:
            with self.step("broker"):
                self._start_broker()

    def _start_database(self) -> None:
        given = os.environ.get("WELDGATE_DATABASE_URL")
        if given:
            self.server_url = given
        else:
            self._postgres = EmbeddedPostgres(CLONE, "throw" if self.throwaway else "main", self.throwaway)
            self.server_url = self._exits.enter_context(self._postgres).url
        if self.prepares:
            self._prepare(dropping=self.throwaway and bool(given))

    def _prepare(self, *, dropping: bool) -> None:
        if self.afresh:
            setup.drop_database(self.server_url, self.database)
        setup.create_database(self.server_url, self.database, self.installation.roles)
        if dropping:
            self._exits.callback(setup.drop_database, self.server_url, self.database)
        migrate(self.role_url("owner"), _told)
        with psycopg.connect(self.role_url("owner"), autocommit=True) as conn:
            partitions.ensure(conn, *partitions.horizon(datetime.now(UTC)))

    def _start_broker(self) -> None:
        if os.environ.get("WELDGATE_MQTT_URL"):
            return
        home = homes.home_of(CLONE)
        user = homes.server_user()
        ports: dict[str, int] = {}
        if self.own_broker:
            folder = homes.make_folder(home / "throwaway", user) / f"broker-{os.getpid()}-{secrets.token_hex(3)}"
        else:
            folder = home / "broker"
        if not self.free_ports:
            ports = {"chips_port": PORTS["mqtt_chips"], "platform_port": PORTS["mqtt_platform"]}
        # the broker keeps one queue a group of shards: fewer of them may be longer
        told = {name: self.environment.get(f"WELDGATE_{name.upper()}") for name in ("shards", "groups")}
        limits = Limits(sessions=Settings.model_validate({name: value for name, value in told.items() if value}).groups)
        try:
            passwords = self.installation.broker
            broker = Mosquitto(
                folder,
                limits=limits,
                passwords=passwords,
                remove=self.own_broker,
                chips_port=ports.get("chips_port", 0),
                platform_port=ports.get("platform_port", 0),
            )
            self._mosquitto = self._exits.enter_context(broker)
        except BrokerTakenError:  # `weldgate up`, or another process alone, runs it: same ports, same passwords
            if self.own_broker:
                raise

    # -- addresses

    @property
    def installation(self) -> Installation:
        """The stack's secrets."""
        if self._installation is None:
            raise RuntimeError("the stack was not started")
        return self._installation

    @property
    def mosquitto(self) -> Mosquitto:
        """Our own broker, for tests that kill it."""
        if self._mosquitto is None:
            raise RuntimeError("this stack uses a broker that is not its own")
        return self._mosquitto

    @property
    def postgres(self) -> EmbeddedPostgres:
        """Our own database server, for tests that kill it."""
        if self._postgres is None:
            raise RuntimeError("this stack uses a database server that is not its own")
        return self._postgres

    @property
    def anchors(self) -> Path:
        """The folder of the audit's daily anchors; throw-aways and demos write into none but their own."""
        return self.anchor_folder or self.folder / "anchors"

    def role_url(self, role: str) -> str:
        """The database as one role."""
        return setup.role_url(self.server_url, self.database, role, self.installation.roles[role])

    def broker(self, user: str | None) -> BrokerAddress:
        """The broker as `ingest` or `gateway`; None = the door for chips."""
        given = os.environ.get("WELDGATE_MQTT_URL")
        if given:
            there = BrokerAddress.parse(given)
            return there if user else BrokerAddress(there.host, there.port)
        joined = self._mosquitto is None
        if user is None:
            return BrokerAddress("127.0.0.1", PORTS["mqtt_chips"] if joined else self.mosquitto.chips.port)
        port = PORTS["mqtt_platform"] if joined else self.mosquitto.platform.port
        return BrokerAddress("127.0.0.1", port, user, self.installation.broker[user])

    # -- processes

    def start(self, name: str, *, number: int = 1, pipe: bool = False) -> Child:
        """Start one process; `pipe` keeps its stdout readable for us. A second ingest is number 2."""
        key = name if number == 1 else f"{name}-{number}"
        run = self.folder / "run"
        run.mkdir(exist_ok=True)
        address_file = run / f"{key}.address"
        address_file.unlink(missing_ok=True)
        log = None if self.logs is None else self.logs / f"{key}.log"
        words = [sys.executable, "-m", self.programs.get(name, "weld.cli.main"), name]
        stderr: IO[str] | None = log.open("a") if log is not None else None
        out = subprocess.PIPE if pipe else stderr
        process = subprocess.Popen(
            words,
            env=self._environment(name, address_file),
            stdout=out,
            stderr=stderr,
            text=True,
            start_new_session=self.apart,
        )
        if stderr is not None:
            stderr.close()
        self.children[key] = Child(key, process, address_file, log)
        return self.children[key]

    def _environment(self, name: str, address_file: Path) -> dict[str, str]:
        """What this process may know: its own role's login, its own broker user, its own key."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WELDGATE_") or self._passes(key)}
        role = {"maintain": "owner"}.get(name, name)
        mine = {
            "WELDGATE_PROCESS_DATABASE_URL": self.role_url(role),
            "WELDGATE_ADDRESS_FILE": str(address_file),
            "PYTHONUNBUFFERED": "1",
        }
        if name in {"ingest", "gateway"}:
            mine["WELDGATE_PROCESS_MQTT_URL"] = self.broker(name).url
        if name in KEYS:
            mine["WELDGATE_KEY_FILE"] = str(self.installation.key_file(KEYS[name]))
        if name == "maintain":
            mine["WELDGATE_ANCHOR_FOLDER"] = str(self.anchors)
        if name in {"api", "dispatch"}:
            mine["WELDGATE_VAULT"] = str(self.installation.vault_folder)
        if self.free_ports:
            mine |= {"WELDGATE_DOOR_PORT": "0", "WELDGATE_API_PORT": "0"}
        return kept | mine | dict(self.environment)

    def _passes(self, key: str) -> bool:
        # the servers' own addresses are for whoever sets things up; one fixed door cannot be everybody's
        return key not in {"WELDGATE_DATABASE_URL", "WELDGATE_MQTT_URL", "WELDGATE_DOOR_PORT"}


def _told(line: str) -> None:
    print(f"weldgate: {line}", file=sys.stderr, flush=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310  (our own door, plain HTTP on loopback)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
