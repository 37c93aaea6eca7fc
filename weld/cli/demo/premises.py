"""What has to be so before a demo starts: nobody else in its folder, its ports free, enough open files; and what its processes
are told.

Refuses, in one line each, whatever a person has to put right first.
"""

import fcntl
import os
import resource
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from api.settings import ApiSettings
from weld.cli import homes
from weld.cli.demo.city import FEWEST, MOST, SHARDS
from weld.cli.keeper import open_lock
from weld.cli.postgres import free_port
from weld.cli.stack import CLONE
from weld.kit.door import PortTakenError
from weld.kit.settings import PORTS

RUNNING = "running.json"  # where the running demo's page is
MARK = (
    "X-Weldgate-Demo"  # on what is asked of it: no page of another site can send it without asking, and nobody answers
)
_DOORS = ("ingest", "gateway", "dispatch", "maintain", "mqtt_chips", "mqtt_platform")
_FILES_BESIDE_MACHINES = 400
_FEW = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. `folder`: where the demo keeps its files; free ports: for tests and busy machines."""

    machines: int = 300
    speed: float = 1.0
    folder: Path | None = None
    free_ports: bool = False

    @property
    def place(self) -> Path:
        """The folder, or the clone's own."""
        return CLONE / ".weldgate" / "demo" if self.folder is None else self.folder.absolute()

    @property
    def database(self) -> str:
        """Its name: another folder is another demo."""
        mark = sha256(os.fsencode(self.place)).hexdigest()[:8]
        return "weldgate_demo" if self.folder is None else f"weldgate_demo_{mark}"


def environment(wanted: Wanted) -> dict[str, str]:
    """What the processes are told: that this is a demo, and what a city in one machine needs to be let through."""
    api_port = free_port() if wanted.free_ports else ApiSettings().api_port
    return {
        "WELDGATE_DEMO": "1",
        "WELDGATE_API_PORT": str(api_port),
        "WELDGATE_PUBLIC_URL": f"http://127.0.0.1:{api_port}",
        "WELDGATE_INSTALLATION_NAME": "焊码通 · 安阳示范",
        "WELDGATE_SHARDS": str(SHARDS),
        "WELDGATE_HEARTBEAT_S": "60" if wanted.machines <= _FEW else "300",  # somebody is watching
        "WELDGATE_WEBHOOK_ALLOW": "127.0.0.1/32",
        "WELDGATE_API_CODES_PER_ADDRESS": "100000",
        "WELDGATE_API_CODES_PER_PHONE": "100",
        "WELDGATE_API_CODE_WAIT_S": "0",
        "WELDGATE_API_DEVICE_WAIT_S": "0",  # whoever looks takes up any worker's phone
    }


def settings(told: Mapping[str, str]) -> ApiSettings:
    """The api's settings as its process will read them."""
    return ApiSettings(demo=True, api_port=int(told["WELDGATE_API_PORT"]), public_url=told["WELDGATE_PUBLIC_URL"])


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One demo at a time in a folder; let go by the kernel when we die."""
    homes.private_folder(CLONE)
    lock = open_lock(homes.make_folder(folder, None) / "running.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise RuntimeError("the demo runs already: stop it first (Ctrl-C where it was started)") from None
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            (folder / RUNNING).unlink()
        os.close(lock)


def let_open_files(machines: int) -> None:
    """Each machine is a connection here and one at the broker, which inherits what we may open."""
    if not FEWEST <= machines <= MOST:
        raise ValueError(f"--machines: from {FEWEST} to {MOST}")
    files = machines + _FILES_BESIDE_MACHINES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise RuntimeError(f"so many machines need {files} open files, the system allows {hard}: see `ulimit -Hn`")
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def look_at_ports(wanted: Wanted, api_port: int) -> None:
    """PortTakenError where something else listens already."""
    if not wanted.free_ports:
        _listen(api_port, "api", "set WELDGATE_API_PORT").close()
        for name in _DOORS:
            _listen(PORTS[name], name, "start with --free-ports").close()


def page_socket(wanted: Wanted) -> socket.socket:
    """Where the demo's page will be; nobody else can take it any more."""
    return _listen(0 if wanted.free_ports else PORTS["demo"], "the demo's page", "start with --free-ports")


def _listen(port: int, name: str, hint: str) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        line = f"port {port} ({name}) is in use: stop what listens there (perhaps `weldgate up` or another demo), or {hint}"
        raise PortTakenError(line) from None


def start_logs_anew(folder: Path) -> None:
    """The logs of the run before are kept beside the new ones, so that they do not grow for ever."""
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".before"))
