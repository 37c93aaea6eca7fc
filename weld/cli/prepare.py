"""`weldgate prepare FOLDER`: what must be ready before processes run beside servers that we do not start.

A folder of its own for each reader, so that each can be handed over alone (a volume, a unit's EnvironmentFile): `installation`
is the secrets, to be backed up; `database` the password of the database server; `broker` all that mosquitto reads; and
`ingest`, `gateway`, `dispatch`, `api`, `maintain` what that process is told. Run again it keeps the secrets and renews the
rest. Refuses to start a server, to show a secret, and to hand anybody more than he needs.
"""

import os
import secrets
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import psycopg
from pydantic import SecretStr

from gateway import broker
from weld.cli import authority, broker_folder
from weld.cli.homes import make_folder, write_private
from weld.cli.installation import Installation
from weld.cli.stack import KEYS, PROCESSES, BrokerAddress
from weld.kit.settings import PORTS, Settings
from weld.store import partitions, setup
from weld.store.migrate import migrate

ENVIRONMENT_FILE = "process.env"
PASSWORD_FILE = "password"  # noqa: S105 - a file's name
_ROLES = {"maintain": "owner"}
_WITH_VAULT = ("api", "dispatch")


@dataclass(frozen=True)
class Servers:
    """Where processes reach the servers, and how chips reach the broker."""

    postgres_at: str = "127.0.0.1:5432"
    broker_at: str = f"127.0.0.1:{PORTS['mqtt_platform']}"
    hosts: tuple[str, ...] = ("localhost",)
    containers: bool = False
    tls_port: int = PORTS["mqtt_tls"]
    database_url: SecretStr | None = None
    database: str = "weldgate"

    @property
    def broker_address(self) -> BrokerAddress:
        """Host and port of the broker; ValueError where a password would cross a network that is not private."""
        address = BrokerAddress.parse(f"mqtt://{self.broker_at}")
        if not self.containers and not ip_address(address.host).is_loopback:
            raise ValueError(f"the broker's door for processes has no encryption: 127.0.0.1, not {address.host}")
        return address

    @property
    def platform_door(self) -> broker.Door:
        """The broker's listener for our own processes."""
        address = self.broker_address
        return broker_folder.ContainerDoor(address.port) if self.containers else broker.Door(address.port, address.host)


def run(folder: Path, servers: Servers, *, database: bool) -> int:
    """The files, or with `database` roles, database and schema from them; 1 and a sentence where it fails."""
    folder = folder.absolute()
    try:
        if database:
            make_database(folder, servers)
            done = f"the database {servers.database} has its roles and the schema of this program"
        else:
            make_files(folder, servers, datetime.now(UTC))
            done = f"{folder} has what each process needs; back up {folder / 'installation'}"
    except (RuntimeError, ValueError, OSError, psycopg.OperationalError) as error:
        print(f"weldgate: {error}", file=sys.stderr)
        return 1
    print(f"weldgate: {done}", file=sys.stderr)
    return 0


def told(postgres_at: str, broker_at: str, hosts: Iterable[str], *, containers: bool) -> Servers:
    """The servers that a person named; the database's own address counts where it is set."""
    name = os.environ.get("WELDGATE_DATABASE", "weldgate")
    address = Settings().database_url
    return Servers(postgres_at, broker_at, tuple(hosts), containers, database_url=address, database=name)


def make_files(folder: Path, servers: Servers, now: datetime) -> None:
    """Every reader's folder. Secrets that are there stay; certificates near their end, access lists and copies are renewed."""
    if not folder.exists():
        make_folder(folder, None)
    installation = Installation(folder / "installation")
    tls = authority.broker_files(folder / "installation" / "authority", servers.hosts, now)
    # the broker keeps one queue a group of shards: fewer of them may be longer
    limits = broker.Limits(sessions=Settings().groups)
    broker_folder.write(folder / "broker", servers.platform_door, servers.tls_port, installation.broker, tls, limits)
    _make_password(folder / "database")
    for name in PROCESSES:
        words = _addresses(name, installation, servers, _server_url(folder, servers))
        _write_process(folder / name, name, installation, words)


def make_database(folder: Path, servers: Servers) -> None:
    """Roles with their passwords, the database, its schema and the first partitions; nothing that is there is lost."""
    if not (folder / "installation" / "roles.json").exists():
        raise RuntimeError(f"{folder} is not prepared: run `weldgate prepare {folder}` first")
    passwords, url = Installation(folder / "installation").roles, _server_url(folder, servers)
    setup.create_database(url, servers.database, passwords)
    owner = setup.role_url(url, servers.database, "owner", passwords["owner"])
    migrate(owner, lambda line: print(f"weldgate: {line}", file=sys.stderr))
    with psycopg.connect(owner, autocommit=True) as conn:
        partitions.ensure(conn, *partitions.horizon(datetime.now(UTC)))


def _server_url(folder: Path, servers: Servers) -> str:
    if servers.database_url is not None:
        return servers.database_url.get_secret_value()
    password = (folder / "database" / PASSWORD_FILE).read_text()
    return f"postgresql://postgres:{quote(password)}@{servers.postgres_at}/postgres"


def _make_password(folder: Path) -> None:
    """The superuser's, for a server that is made with it. The group may read it: a container's server has a user of its own."""
    make_folder(folder, None)
    if not (folder / PASSWORD_FILE).exists():
        write_private(folder / PASSWORD_FILE, secrets.token_urlsafe(24))
    (folder / PASSWORD_FILE).chmod(0o640)
    folder.chmod(0o750)


def _addresses(name: str, installation: Installation, servers: Servers, server_url: str) -> dict[str, str]:
    """Where this process finds the servers, with the login of its own role and no other."""
    role = _ROLES.get(name, name)
    url = setup.role_url(server_url, servers.database, role, installation.roles[role])
    if name not in broker.PLATFORM_USERS:
        return {"WELDGATE_PROCESS_DATABASE_URL": url}
    there = servers.broker_address
    mine = BrokerAddress(there.host, there.port, name, installation.broker[name])
    return {"WELDGATE_PROCESS_DATABASE_URL": url, "WELDGATE_PROCESS_MQTT_URL": mine.url}


def _write_process(folder: Path, name: str, installation: Installation, words: dict[str, str]) -> None:
    make_folder(folder, None)
    if name in KEYS:
        write_private(folder / "key.pem", installation.key_file(KEYS[name]).read_bytes())
        words["WELDGATE_KEY_FILE"] = str(folder / "key.pem")
    if name in _WITH_VAULT:
        _copy_vault(installation.vault_folder, make_folder(folder / "vault", None))
        words["WELDGATE_VAULT"] = str(folder / "vault")
    lines = "".join(f"{word}={shlex.quote(value)}\n" for word, value in words.items())
    write_private(folder / ENVIRONMENT_FILE, lines)


def _copy_vault(source: Path, target: Path) -> None:
    """The name of the current key comes last: it never points at a key that is not there yet."""
    for file in sorted(source.iterdir(), key=lambda one: one.name == "current"):
        write_private(target / file.name, file.read_bytes())
