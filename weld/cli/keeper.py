"""Keeps one server process alive exactly as long as somebody uses it, and never longer.

`Kept` is our side: every process that uses a server holds a shared lock on its `users.lock`; the kernel lets go of it
however the process ends, kill -9 included. The other side is this file run as a program of its own: it starts the
server, waits until nobody holds that lock, stops the server and, for a throw-away, removes its folder.
Refuses to import anything but the standard library (it runs as `python -I -S keeper.py`, before any of our packages),
to know what it keeps, and to take a secret (its order stands in the process list).
"""

import ctypes
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypedDict

# How often either side looks. A lock cannot be waited for together with a child, and ten looks a second cost nothing.
_LOOK_EVERY_S = 0.1

# From prctl(2).
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# What a killed server's own children may take to notice.
_ORPHANS_END_WITHIN_S = 10.0


@dataclass(frozen=True)
class Order:
    """What to start, where, as whom, and how it ends. `folder` holds the locks, the log and the pid."""

    folder: str
    argv: tuple[str, ...]
    user: str | None
    stop_signal: int
    stop_within_s: float
    remove_folder: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class NotStartedError(RuntimeError):
    """The server ended, or did not answer in time; the message carries the end of its log."""


class Kept:
    """One server as its users see it: join, launch if nobody did, leave. Safe to call from any thread."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._folder = Path(order.folder)
        self._users: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def join(self) -> None:
        """Become a user; waits while a keeper is just stopping the server."""
        if self._users is None:
            self._users = open_lock(self._folder / "users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def launch(self) -> None:
        """Start a keeper, which starts the server. Join first, or it stops at once."""
        order = json.dumps(asdict(self._order))
        with _fresh_log(self._folder / "server.log") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, order],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us: we decide when the server stops
            )

    def wait_until(self, answers: Callable[[], bool], within_s: float) -> None:
        """Return when the server answers; raise NotStartedError when it ended or took too long."""
        deadline = time.monotonic() + within_s
        while self.pid() is None or not answers():
            if self._keeper is not None and self._keeper.poll() is not None:
                raise NotStartedError(f"{self._order.argv[0]} ended at once:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise NotStartedError(f"{self._order.argv[0]} did not answer in {within_s:.0f} s:\n{self.last_words()}")
            time.sleep(_LOOK_EVERY_S / 2)

    def is_kept(self) -> bool:
        """True while a keeper lives (its server may be just starting or stopping)."""
        return is_locked(self._folder / "keeper.lock")

    def pid(self) -> int | None:
        """The server's process; None while there is none."""
        try:
            pid = int((self._folder / "server.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if self.is_kept() else None

    def signal(self, number: int) -> None:
        """Send the server a signal; nothing when it is gone."""
        pid = self.pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_until_gone(self) -> None:
        """Return when the server has ended, however it ended; raise TimeoutError when it does not."""
        self._wait_for_the_end(lambda: False)

    def leave(self) -> None:
        """Use it no longer. The last one to leave waits until the server has stopped."""
        if self._users is None:
            return
        os.close(self._users)
        self._users = None
        self._wait_for_the_end(lambda: has_users(self._folder / "users.lock"))

    def _wait_for_the_end(self, stays: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._order.stop_within_s + 10
        while self._keeper_lives() and not stays():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the keeper of {self._folder} does not end")
            time.sleep(_LOOK_EVERY_S / 2)
        self._forget_keeper()

    def last_words(self) -> str:
        """The end of the server's log, for an error message."""
        with suppress(OSError):
            return (self._folder / "server.log").read_text(errors="replace")[-2000:].strip()
        return "(no log)"

    def _keeper_lives(self) -> bool:
        if self._keeper is not None:
            return self._keeper.poll() is None
        return self.is_kept()

    def _forget_keeper(self) -> None:
        """Where others still use the server, its keeper goes on without us; without the code subprocess would warn."""
        if self._keeper is not None and self._keeper.poll() is None:
            self._keeper.returncode = 0
        self._keeper = None


def open_lock(path: Path) -> int:
    """Open (make) a lock file that only we can open, never through a link that somebody else has put there."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def is_locked(path: Path) -> bool:
    """Whether anybody holds the lock exclusively."""
    return _try(path, fcntl.LOCK_SH) is False


def has_users(path: Path) -> bool:
    """Whether somebody else holds it as a user; a keeper that is stopping the server holds it too, but exclusively."""
    return _try(path, fcntl.LOCK_EX) is False and _try(path, fcntl.LOCK_SH) is True


def _try(path: Path, how: int) -> bool | None:
    try:
        lock = open_lock(path)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


@contextmanager
def _fresh_log(path: Path) -> Iterator[int]:
    """A new log file for each start; the one before is kept beside it, so that logs do not grow for ever."""
    if path.exists():
        path.replace(path.with_suffix(".before"))
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield log
    finally:
        os.close(log)


# --- from here on: the keeper's own process ---------------------------------------------------------------------------


class _ToldToStopError(Exception):
    """Somebody ends the keeper itself: then it ends the server in order first."""


def keep(order: Order) -> int:
    """Start the server and stay until nobody uses it (or until it ends by itself); the exit code is the server's."""
    folder = Path(order.folder)
    ours = open_lock(folder / "keeper.lock")
    fcntl.flock(ours, fcntl.LOCK_EX)  # a keeper before us may be just finishing
    users = open_lock(folder / "users.lock")
    pid_file = folder / "server.pid"
    pid_file.unlink(missing_ok=True)  # of the server before: nobody may signal that number any more
    child = _start(order)
    unused = True
    try:
        pid_file.write_text(str(child.pid))
        unused = _wait(child, users)
    except _ToldToStopError:
        pass
    if unused:
        _stop(child, order)
    pid_file.unlink(missing_ok=True)
    _wait_for_orphans()
    if unused and order.remove_folder:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if unused else child.wait()


def _wait(child: "subprocess.Popen[bytes]", users: int) -> bool:
    """True when the last user is gone, and no new one can come while we hold the lock; False when the server ended."""
    while child.poll() is None:
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def _start(order: Order) -> "subprocess.Popen[bytes]":
    libc = ctypes.CDLL(None)
    keeper = os.getpid()
    if sys.platform == "linux":
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)  # the server's own children become ours when it is killed

    def die_with_the_keeper() -> None:
        # Runs after the change of user, which would clear it. The keeper has one thread, so "parent" means the process.
        if sys.platform == "linux":
            libc.prctl(_PR_SET_PDEATHSIG, order.stop_signal)
        if os.getppid() != keeper:
            os.kill(os.getpid(), signal.SIGKILL)

    return subprocess.Popen(
        order.argv,
        stdin=subprocess.DEVNULL,
        cwd=order.folder,  # entered as root: below a folder of mode 0700 the server still finds its own files
        env=dict(order.environment),
        preexec_fn=die_with_the_keeper,  # noqa: PLW1509 - the keeper has no threads
        **as_user(order.user),
    )


def _wait_for_orphans() -> None:
    """A killed server's backends hold its memory and files until they notice; nobody starts it again before that."""
    deadline = time.monotonic() + _ORPHANS_END_WITHIN_S
    with suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(_LOOK_EVERY_S / 5)


class AsUser(TypedDict, total=False):
    """The words by which subprocess becomes another user."""

    user: int
    group: int
    extra_groups: list[str | int]


def as_user(user: str | None) -> AsUser:
    """That user without root's groups; None = stay who we are."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _stop(child: "subprocess.Popen[bytes]", order: Order) -> None:
    child.send_signal(order.stop_signal)
    try:
        child.wait(order.stop_within_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _told_to_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _ToldToStopError


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _told_to_stop)
    said = json.loads(sys.argv[1])
    sys.exit(keep(Order(**{**said, "argv": tuple(said["argv"])})))
