"""The two stores side by side: the embedded PostgreSQL, and a TimescaleDB by tools/timescale or the given one.

Each is a throw-away ground whose server can be started afresh with nothing of it in memory. Refuses to change or stop a server
that was given (WELDGATE_TIMESCALE_URL): that one keeps its settings and its caches.
"""

import os
import shutil
import subprocess
from pathlib import Path

from bench.ground import Ground
from weld.cli.postgres import EmbeddedPostgres
from weld.cli.stack import CLONE
from weld.store import province

ENGINES = ("postgresql", "timescaledb")
_CANNOT = 77  # tools/timescale's exit code


class NotHereError(RuntimeError):
    """This engine cannot be had on this machine; the message says why."""


class StoreGround(Ground):
    """A ground whose database server can be emptied of all that it remembers."""

    engine = "postgresql"

    @property
    def data(self) -> Path | None:
        """Where the server's data are; None where it is not ours."""
        return self.postgres.log.parent / "data"

    def _start_database(self) -> None:
        # over TCP, as TimescaleDB has it: what a round trip costs must be the same for both
        self._postgres = self._exits.enter_context(EmbeddedPostgres(CLONE, "store", throwaway=True, tcp_port=0))
        self.server_url = self._postgres.tcp_url
        self._prepare(dropping=False)

    def stop_server(self) -> None:
        self.postgres.kill()

    def start_server(self) -> None:
        self.postgres.start()
        self.server_url = self.postgres.tcp_url

    def hurry(self, *, on: bool) -> None:
        """Fill quickly, or be as in production again, from a start on with nothing in memory."""
        if self.data is not None:
            province.hurry(self.admin_url, on=on)
            self.restart()

    def restart(self) -> None:
        """Start afresh; what was in memory, the system's cache included, is read from the disk again."""
        if self.data is None:
            return
        self.stop_server()
        for file in self.data.rglob("*"):
            if file.is_file():
                _forget(file)
        self.start_server()

    def free_bytes(self) -> int:
        """What the disk of its data has left."""
        return shutil.disk_usage(self.data or CLONE).free


class TimescaleGround(StoreGround):
    """The same on TimescaleDB."""

    engine = "timescaledb"

    @property
    def data(self) -> Path | None:
        return None if self._given else self._home / "data"

    @property
    def database_pid(self) -> int:
        if self._given:
            raise RuntimeError("the given TimescaleDB may be anywhere: what its processes use is not measured")
        # the server knows itself by a number of its own namespace; ours is that of the child of the one who keeps it
        keeper = int((self._home / "pid").read_text())
        return int(Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()[0])

    def stop_server(self) -> None:
        _tool("stop", self._home)

    def start_server(self) -> None:
        self.server_url = _tool("start", self._home)

    @property
    def _given(self) -> str | None:
        return os.environ.get("WELDGATE_TIMESCALE_URL")

    @property
    def _home(self) -> Path:
        return self.folder / "timescale"

    def _start_database(self) -> None:
        if self._given:
            self.server_url = self._given
        else:
            self._home.mkdir()
            self._exits.callback(self._end)
            self.start_server()
        self._prepare(dropping=bool(self._given))

    def _end(self) -> None:
        if (self._home / "url").exists():
            self.stop_server()


GROUNDS: dict[str, type[StoreGround]] = {"postgresql": StoreGround, "timescaledb": TimescaleGround}


def make(engine: str, **settings: object) -> StoreGround:
    """The ground of an engine, not started; NotHereError by whoever starts it where that cannot be."""
    ground = GROUNDS[engine].make("store", **settings)
    assert isinstance(ground, StoreGround)  # noqa: S101  (make makes what it is called on)
    return ground


def _tool(verb: str, folder: Path) -> str:
    done = subprocess.run([CLONE / "tools" / "timescale", verb, folder], capture_output=True, text=True, check=False)
    if done.returncode == _CANNOT:
        raise NotHereError(done.stderr.strip().rpartition("\n")[2])
    if done.returncode:
        raise RuntimeError(f"tools/timescale {verb}: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()


def _forget(file: Path) -> None:
    """Nothing of it in the system's cache; what was not written yet is written first, or it would stay."""
    with file.open("rb") as opened:
        os.fdatasync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
