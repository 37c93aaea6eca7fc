"""A real mosquitto with our configuration, in a folder of its own, for stacks on this machine and for tests.

Holds files, start, stop, crash and reload. Refuses to run it as root, to hand a password over in a command line, and to
install anything (that is `make setup`). WELDGATE_MQTT_URL, where it is set, makes it unnecessary; the caller decides.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway import broker
from weld.cli import homes
from weld.cli.keeper import Kept, NotStartedError, Order, open_lock

_START_WITHIN_S = 15.0
_STOP_WITHIN_S = 30.0  # it writes its queues when it stops
_ATTEMPTS = 5

_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC", "LC_ALL": "C"}


class BrokerTakenError(RuntimeError):
    """A living process runs the broker of this folder."""


@dataclass(frozen=True)
class Address:
    """Where a listener is."""

    host: str
    port: int


@dataclass(frozen=True)
class TlsFiles:
    """What the listener of profile 3 shows and believes, as PEM. `crl` = None: nobody was ever revoked."""

    ca: bytes
    certificate: bytes
    key: bytes
    crl: bytes | None = None

    def __repr__(self) -> str:
        return "TlsFiles(...)"  # a key must not reach a log by way of repr


@dataclass(frozen=True)
class _Ports:
    chips: int
    platform: int
    tls: int


class Mosquitto:
    """A running broker: `with Mosquitto(folder) as broker: broker.chips, broker.platform_url("ingest")`.

    `folder` is the broker's own (made, and given to the server's user); it keeps queues and sessions between starts.
    Port 0 = a free one, kept over restarts. Without `tls` there is no listener of profile 3. With `remove` the folder
    goes away with the broker. The broker ends with the process that started it, even one that was killed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        chips_port: int = 0,
        platform_port: int = 0,
        tls_port: int = 0,
        tls: TlsFiles | None = None,
        passwords: Mapping[str, str] | None = None,
        limits: broker.Limits | None = None,
        remove: bool = False,
    ) -> None:
        self._folder = folder.absolute()
        self._wanted = _Ports(chips_port, platform_port, tls_port)
        self._ports: _Ports | None = None
        self._tls = tls
        self._passwords = {user: secrets.token_urlsafe(24) for user in broker.PLATFORM_USERS} | dict(passwords or {})
        self._limits = limits or broker.Limits()
        self._remove = remove
        self._kept: Kept | None = None
        self._owner: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Write the files, start the broker, return when all its listeners accept connections."""
        program = _program("mosquitto")
        user = homes.server_user()
        homes.make_folder(self._folder, user)
        self._owner = _own(self._folder)
        self._kept = Kept(self._order(program, user))
        try:
            self._kept.join()
            self._kept.signal(signal.SIGTERM)  # left over from a killed start, and its keeper has not noticed yet
            self._kept.wait_until_gone()
            self._write_files(user)
            self._launch(self._kept, user)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it in order: it writes its queues and sessions first (SIGTERM)."""
        kept, self._kept = self._kept, None
        if kept is None:
            return
        kept.leave()
        if self._remove:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None

    def kill(self) -> None:
        """End it as a crash would (SIGKILL): what came since the last autosave is lost."""
        kept = self._running()
        kept.signal(signal.SIGKILL)
        kept.wait_until_gone()

    def restart(self) -> None:
        """Start it again on the same ports and queues, after `kill()` or while it runs (then it stops in order)."""
        kept = self._running()
        kept.signal(signal.SIGTERM)
        kept.wait_until_gone()
        self._launch(kept, homes.server_user())

    def reload(self) -> None:
        """Let it read access lists, certificates and the revocation list again; nobody is disconnected."""
        kept, before = self._running(), self._reloads()
        kept.signal(signal.SIGHUP)
        kept.wait_until(lambda: self._reloads() > before, _START_WITHIN_S)

    def replace_crl(self, crl: bytes) -> None:
        """Revoke: from now on refused at the door. Who is in already stays until his connection ends (or `restart()`)."""
        if self._tls is None or self._tls.crl is None:
            raise RuntimeError("this broker was started without a revocation list")
        homes.write_private(self._folder / "revoked.pem", crl, homes.server_user())
        self.reload()

    @property
    def chips(self) -> Address:
        """The listener of profile 0."""
        return Address("127.0.0.1", self._known_ports().chips)

    @property
    def tls(self) -> Address:
        """The listener of profile 3."""
        if self._tls is None:
            raise RuntimeError("this broker has no TLS listener")
        return Address("127.0.0.1", self._known_ports().tls)

    @property
    def platform(self) -> Address:
        """The listener for our own processes."""
        return Address("127.0.0.1", self._known_ports().platform)

    def password(self, user: str) -> str:
        """The password of `ingest` or `gateway`."""
        return self._passwords[user]

    def platform_url(self, user: str) -> str:
        """The address with user and password, as WELDGATE_MQTT_URL takes it."""
        return f"mqtt://{user}:{self._passwords[user]}@127.0.0.1:{self._known_ports().platform}"

    @property
    def pid(self) -> int | None:
        """The broker's process; None while it does not run."""
        return self._kept.pid() if self._kept else None

    @property
    def log(self) -> Path:
        """The broker's log since its last start."""
        return self._folder / "server.log"

    def _running(self) -> Kept:
        if self._kept is None:
            raise RuntimeError("this broker was not started")
        return self._kept

    def _known_ports(self) -> _Ports:
        if self._ports is None:
            raise RuntimeError("this broker was not started")
        return self._ports

    def _order(self, program: str, user: str | None) -> Order:
        return Order(
            folder=str(self._folder),
            argv=(program, "-c", broker.CONFIGURATION_FILE),
            user=user,
            stop_signal=signal.SIGTERM,
            stop_within_s=_STOP_WITHIN_S,
            remove_folder=self._remove,
            environment=_ENVIRONMENT,
        )

    def _write_files(self, user: str | None) -> None:
        def write(name: str, content: str | bytes) -> None:
            homes.write_private(self._folder / name, content, user)

        write(broker.CHIP_ACL_FILE, broker.chip_acl())
        write(broker.PLATFORM_ACL_FILE, broker.platform_acl())
        write(broker.PASSWORD_FILE, _hashed(self._passwords))
        if self._tls is not None:
            write("ca.pem", self._tls.ca)
            write("server.pem", self._tls.certificate)
            write("server.key", self._tls.key)
            if self._tls.crl is not None:
                write("revoked.pem", self._tls.crl)

    def _configuration(self, ports: _Ports) -> str:
        tls = None
        if self._tls is not None:
            tls = broker.TlsDoor(ports.tls, crlfile=None if self._tls.crl is None else "revoked.pem")
        doors = broker.Broker(broker.Door(ports.platform), broker.Door(ports.chips), tls, limits=self._limits)
        return broker.configuration(doors)

    def _launch(self, kept: Kept, user: str | None) -> None:
        """A free port can be lost between finding and using it: then once more with others."""
        for attempt in range(1, _ATTEMPTS + 1):
            ports = self._ports or _choose(self._wanted)
            homes.write_private(self._folder / broker.CONFIGURATION_FILE, self._configuration(ports), user)
            kept.launch()
            try:
                kept.wait_until(self._runs, _START_WITHIN_S)
            except NotStartedError:
                kept.wait_until_gone()
                taken = "Address already in use" in kept.last_words()
                if not taken or self._ports is not None or attempt == _ATTEMPTS:
                    raise
            else:
                self._ports = ports
                return

    def _reloads(self) -> int:
        return self.log.read_text(errors="replace").count(": Reloading config.\n")

    def _runs(self) -> bool:
        """Said by mosquitto itself once all its listeners are open; a port that answers could be somebody else's."""
        with self.log.open(errors="replace") as log:
            return any(line.endswith(" running\n") for line in islice(log, 50))


def _own(folder: Path) -> int:
    """A broker is not shared: its passwords are known to one process only. Let go by the kernel when we die."""
    owner = open_lock(folder / "owner.lock")
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(owner)
        raise BrokerTakenError(f"another process runs a broker in {folder}: stop it first") from None
    return owner


def _choose(wanted: _Ports) -> _Ports:
    """Free ports for those that are 0; all probes stay open until the end, so that no two are the same."""
    with ExitStack() as probes:
        free = [_probe(probes) for _ in range(3)]
    return _Ports(wanted.chips or free[0], wanted.platform or free[1], wanted.tls or free[2])


def _probe(probes: ExitStack) -> int:
    probe = probes.enter_context(socket.socket())
    probe.bind(("127.0.0.1", 0))
    return int(probe.getsockname()[1])


def _program(name: str) -> str:
    """Debian keeps the broker in /usr/sbin, which is not on everybody's PATH."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: run `make setup` or `apt-get install mosquitto`")
    return found


def _hashed(passwords: Mapping[str, str]) -> bytes:
    """The lines of a password file. By way of a file of mode 0600: nothing secret stands in the command line."""
    with tempfile.TemporaryDirectory(prefix="weldgate-") as folder:
        file = Path(folder) / "passwords"
        homes.write_private(file, "".join(f"{user}:{word}\n" for user, word in passwords.items()))
        words = [_program("mosquitto_passwd"), "-U", str(file)]
        done = subprocess.run(words, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"mosquitto_passwd failed: {done.stderr.strip()}")
        return file.read_bytes()
