"""A prepared folder and the servers beside it, made by the very commands of docker-compose.yml, for real.

What a container would give is put in by hand: /secrets and /anchors become folders of the test, the servers' names and ports
become free ones on loopback. Refuses anything else: the words that are run are those of the file.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.database import Database, Server
from tests.deploy.composition import composition, filled
from tests.structure.sources import ROOT
from weld.cli import homes
from weld.cli.keeper import as_user
from weld.cli.main import app
from weld.cli.postgres import free_port
from weld.kit.settings import PORTS
from weld.store import setup

BIN = Path(sys.executable).parent


@dataclass
class Place:
    """What `prepare` and `migrate` made, and where the broker's doors are."""

    folder: Path
    server: Server
    database: str
    platform: int = 0
    chips: int = 0

    def words(self, service: str) -> list[str]:
        """The command of a service, on this machine."""
        return [self.on_this_machine(filled(word)) for word in composition()["services"][service]["command"]]

    @property
    def anchors(self) -> Path:
        """The volume in which the audit is anchored."""
        return self.folder.parent / "anchors"

    def on_this_machine(self, word: str) -> str:
        """A container's word with what is here in place of volumes and other containers."""
        volumes = word.replace("/secrets", str(self.folder)).replace("/anchors", str(self.anchors))
        return volumes.replace("timescaledb:5432", "127.0.0.1:1")

    @property
    def environment(self) -> dict[str, str]:
        """What a process here is told besides its own folder: nothing of ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
        return kept | {"PATH": f"{BIN}:{os.environ.get('PATH', '')}"}

    def run(self, *words: str) -> Result:
        """One `weldgate` command to its end, told of the database of this test."""
        ours: dict[str, str | None] = {name: None for name in os.environ if name.startswith("WELDGATE_")}
        told = {"WELDGATE_DATABASE_URL": self.server.url, "WELDGATE_DATABASE": self.database}
        return CliRunner().invoke(app, list(words), env=ours | told)

    def made(self, service: str) -> Result:
        """Run a one-shot service of the composition."""
        return self.run(*self.words(service))

    def move_broker(self) -> None:
        """Free ports for it, chosen as late as can be, and known to the processes that speak to it."""
        self.platform, self.chips = free_port(), free_port()
        for name in ("ingest", "gateway"):
            file = self.folder / name / "process.env"
            file.write_text(file.read_text().replace("mosquitto:18831", f"127.0.0.1:{self.platform}"))

    def told(self, name: str) -> dict[str, str]:
        """The words that a process is told."""
        lines = (self.folder / name / "process.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def as_database(self) -> Database:
        """The migrated database, for what other tests have for databases."""
        passwords = json.loads((self.folder / "installation" / "roles.json").read_text())
        return Database(self.server.url, self.database, passwords)


@pytest.fixture
def place(server: Server, tmp_path: Path) -> Iterator[Place]:
    """A folder where nothing was prepared yet, and the name of a database that is not there yet."""
    here = Place(tmp_path / "secrets", server, f"t_{secrets.token_hex(6)}")
    try:
        yield here
    finally:
        setup.drop_database(server.url, here.database)


@pytest.fixture
def prepared(place: Place) -> Place:
    """The same, after the service `prepare`."""
    done = place.made("prepare")
    assert done.exit_code == 0, done.stderr
    return place


@contextmanager
def broker(place: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """The broker of the composition with the files that were made, on free ports of this machine."""
    user = homes.server_user()
    with tempfile.TemporaryDirectory(prefix="wgd") as above:
        Path(above).chmod(0o755)
        place.move_broker()
        folder = Path(shutil.copytree(place.folder / "broker", Path(above) / "broker"))
        file = folder / "mosquitto.conf"
        text = file.read_text().replace("0.0.0.0", "127.0.0.1")
        text = text.replace(str(PORTS["mqtt_platform"]), str(place.platform)).replace(
            str(PORTS["mqtt_tls"]), str(place.chips)
        )
        file.write_text(text)
        for one in (folder, *folder.iterdir()):
            shutil.chown(one, user, user) if user else None
        with (Path(above) / "log").open("wb") as log:
            words = [*composition()["services"]["mosquitto"]["command"]]
            running = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, **as_user(user))
        try:
            _wait_for(Path(above) / "log", " running\n", running)
            yield running
        finally:
            _end(running)


@contextmanager
def process(place: Place, name: str, folder: Path, **more: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A process by deploy/start, and its door; ends by SIGTERM and must end well."""
    address = folder / f"{name}.address"
    service: dict[str, Any] = composition()["services"][name]
    told = {key: place.on_this_machine(str(value)) for key, value in service["environment"].items()}
    here = {"WELDGATE_DOOR_PORT": "0", "WELDGATE_API_PORT": "0", "WELDGATE_API_HOST": "127.0.0.1"}
    environment = place.environment | told | here | {"WELDGATE_ADDRESS_FILE": str(address)} | more
    with (folder / f"{name}.log").open("wb") as log:
        words = [str(ROOT / "deploy/start"), *service["command"]]
        running = subprocess.Popen(words, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for(address, "http", running)
        yield running, address.read_text().split()[0]
        running.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0, (folder / f"{name}.log").read_text()[-2000:]
    finally:
        _end(running)


def _wait_for(file: Path, words: str, running: "subprocess.Popen[bytes]", within_s: float = 40.0) -> None:
    until = time.monotonic() + within_s
    while not (file.exists() and words in file.read_text()):
        assert running.poll() is None, f"ended with {running.returncode}: {_around(file)}"
        assert time.monotonic() < until, f"nothing after {within_s:.0f} s: {_around(file)}"
        time.sleep(0.05)


def _around(file: Path) -> str:
    return "\n".join(one.read_text(errors="replace")[-2000:] for one in sorted(file.parent.glob("*log")))


def _end(running: "subprocess.Popen[bytes]") -> None:
    if running.poll() is None:
        running.terminate()
        running.wait(15)
