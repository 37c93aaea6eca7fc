"""What stands in one PostgreSQL server's folder: data, configuration, locks; and what a killed start leaves there.

Refuses to trust a postmaster.pid by its number alone: the process must be a server of that very folder.
"""

import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from weld.cli import homes
from weld.cli.keeper import has_users, is_locked
from weld.cli.postgres_program import Program

_PORT = 5432  # names the socket file; nothing listens on it

# sun_path holds 108 bytes on Linux, 104 on macOS; we stay below 100 with "/.s.PGSQL.65535" added to the folder.
_LONGEST_SOCKET_FOLDER = 84

# Logs must not carry personal data: no statement, no DETAIL ("Key (phone)=(...)"), no parameter.
_CONFIGURATION = """\
# Written by weldgate at every start; changes here are lost.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 200
max_prepared_transactions = 0
shared_buffers = '256MB'
max_wal_size = '4GB'
wal_compression = 'pglz'        # the wheel has no lz4; with that word the server does not start
fsync = on                      # kill -9 must lose nothing, in throw-away servers too: they are for testing just that
synchronous_commit = on
random_page_cost = 1.1          # no disk with a moving head: look-ups by key stay look-ups
jit = off                       # short statements only
timezone = 'UTC'
log_timezone = 'UTC'
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] %q%u@%d '
"""

_WHO_MAY_ENTER = """\
# Written by weldgate at every start.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Place:
    """One server's folder, its programs and its user. Locks, log and pid stand in the folder, data and socket too."""

    program: Program
    folder: Path

    @property
    def user(self) -> str | None:
        return self.program.user

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        return socket_folder(self.folder)

    @property
    def is_made(self) -> bool:
        return (self.data / "PG_VERSION").exists()


def socket_folder(folder: Path) -> Path:
    """The folder itself, or a short one where the path of a socket would be too long."""
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER:
        return folder
    mark = sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path("/tmp") / f"weldgate-{os.geteuid()}-{mark}"  # noqa: S108 - of mode 0700 and checked to be ours


def initialise(place: Place, password: str) -> None:
    """Make the data folder: UTF-8, and a locale in which trigrams know Chinese letters (in `C` they know none)."""
    with suppress(FileNotFoundError):
        shutil.rmtree(place.folder / "data.new")
    word = place.folder / "password.new"
    homes.write_private(word, password, place.user)
    try:
        words = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={word.name}", "--encoding=UTF8"]
        place.program.run(
            place.folder, "initdb", "-D", "data.new", *words, "--locale=C.UTF-8", "--no-sync", "--no-instructions"
        )
    finally:
        word.unlink()
    (place.folder / "data.new").rename(place.data)  # a killed initdb leaves no half-made "data"


def set_password(place: Place, password: str) -> None:
    """A new word for old data whose word is lost or does not fit; the server must not run."""
    configure(place, None)
    said = f"ALTER ROLE postgres PASSWORD '{password}'\n"  # token_urlsafe: no quote in it
    place.program.run(place.folder, "postgres", "--single", "-D", "data", "postgres", said=said)


def configure(place: Place, tcp_port: int | None) -> None:
    """Write postgresql.conf and pg_hba.conf, and make sure that this PostgreSQL can read the data."""
    made_by = (place.data / "PG_VERSION").read_text().strip()
    if made_by != place.program.major():
        raise RuntimeError(f"{place.data} was made by PostgreSQL {made_by}: dump it with that version or remove it")
    homes.make_folder(place.sockets, place.user)
    listen = "127.0.0.1" if tcp_port else ""
    text = configuration(listen, port_of(tcp_port), str(place.sockets))
    homes.write_private(place.data / "postgresql.conf", text, place.user)
    homes.write_private(place.data / "pg_hba.conf", _WHO_MAY_ENTER, place.user)


def configuration(listen: str, port: int, sockets: str) -> str:
    """The settings of a server that we start; `tools/timescale` gives the same to its own."""
    return _CONFIGURATION.format(listen=listen, port=port, sockets=sockets)


def port_of(tcp_port: int | None) -> int:
    """The port that names the socket file."""
    return tcp_port or _PORT


def end_stray(folder: Path) -> None:
    """End a server of this folder that no keeper minds, and remove a pid file that speaks of another process."""
    pid_file = folder / "data" / "postmaster.pid"
    for number, seconds in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
        pid = _stray(pid_file)
        if pid is None:
            break
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        _wait_for_the_end(pid_file, seconds)
    pid_file.unlink(missing_ok=True)


def _wait_for_the_end(pid_file: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _stray(pid_file) is not None and time.monotonic() < deadline:
        time.sleep(0.05)


def _stray(pid_file: Path) -> int | None:
    """The process that the file names, if it is alive and really a server of this folder (numbers are re-used)."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(pid_file.parent) in words else None


def remove(folder: Path) -> None:
    """Remove a throw-away's folder; after a kill its last backends may still be writing there for a moment."""
    deadline = time.monotonic() + 5.0
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02 if folder.exists() else 0.0)
    if socket_folder(folder) != folder:
        shutil.rmtree(socket_folder(folder), ignore_errors=True)


def remove_leftovers(throwaways: Path) -> None:
    """Servers and data of throw-aways whose makers died together with their keepers."""
    for folder in throwaways.iterdir():
        if not has_users(folder / "users.lock") and not is_locked(folder / "keeper.lock"):
            end_stray(folder)
            remove(folder)
