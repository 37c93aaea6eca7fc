"""Where servers that we start may live: the unprivileged user, one folder per clone outside of it, files of mode 0600.

PostgreSQL refuses to run as root, and a clone below a folder of mode 0700 cannot be reached by anybody else; therefore,
as root, servers run as the system user `weldgate` in /var/lib/weldgate/<clone>, otherwise as ourselves in
~/.local/share/weldgate/<clone>. Refuses to open anybody's folders to others, and to use a folder that others can write.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weld.cli.keeper import open_lock

USER = "weldgate"
_BASE_AS_ROOT = Path("/var/lib/weldgate")

# useradd(8): the name is taken, by somebody who made it in the same moment
_NAME_TAKEN = 9


def server_user() -> str | None:
    """Whom servers run as: None is ourselves; as root the system user, made (and announced) where it is missing."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(USER)
    except KeyError:
        _make_user()
    return USER


def _make_user() -> None:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        raise RuntimeError(f"useradd is missing: make a system user `{USER}`, servers must not run as root")
    print(f"weldgate: adding the system user `{USER}`, because servers must not run as root", file=sys.stderr)
    words = ["--system", "--user-group", "--no-create-home", "--home-dir", str(_BASE_AS_ROOT)]
    made = subprocess.run([useradd, *words, "--shell", "/usr/sbin/nologin", USER], capture_output=True, check=False)
    if made.returncode not in {0, _NAME_TAKEN}:
        raise RuntimeError(f"useradd failed: {made.stderr.decode(errors='replace').strip()}")


def home_of(clone: Path) -> Path:
    """The folder outside the clone where its servers keep programs and data; made where it is missing."""
    user = server_user()
    mark = hashlib.sha256(os.fsencode(clone.resolve())).hexdigest()[:12]
    base = _BASE_AS_ROOT if user else Path.home() / ".local" / "share" / "weldgate"
    if not base.exists():
        base.mkdir(parents=True, exist_ok=True)
        base.chmod(0o755)  # the server's user must get through, whatever our umask
    _refuse_strange(base)
    return make_folder(base / mark, user)


def _refuse_strange(base: Path) -> None:
    stat = base.stat()
    if stat.st_uid != os.geteuid() or stat.st_mode & 0o022:
        raise RuntimeError(f"{base} must belong to us and be writable by nobody else")


def make_folder(folder: Path, user: str | None) -> Path:
    """A folder of mode 0700 for that user (None: for us); its parent exists."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink():
        raise RuntimeError(f"{folder} is a link; refusing to follow it")
    if user:
        shutil.chown(folder, user, user)
    folder.chmod(0o700)
    return folder


def private_folder(clone: Path) -> Path:
    """The clone's `.weldgate/`: addresses and passwords of its servers."""
    return make_folder(clone / ".weldgate", None)


def write_private(path: Path, content: str | bytes, user: str | None = None) -> None:
    """Replace a file as a whole; mode 0600 from its first moment, for that user (None: for us)."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(target, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    if user:
        shutil.chown(fresh, user, user)
    fresh.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One at a time, among processes and among threads; let go by the kernel when we die."""
    lock = open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
