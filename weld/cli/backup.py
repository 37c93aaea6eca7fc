"""`weldgate backup --to FOLDER`: the whole store at one moment, while everything goes on, and what tells later that it is whole.

Beside the dump stands a survey of the same moment: rows, sums, migrations, the end of the audit. Without the keys: they must be
kept elsewhere, and this says which. Refuses to replace anything, to begin without room, and to leave half of one behind.
"""

import json
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from os import environ
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from weld.cli import backup_manifest, postgres_clients
from weld.cli.backup_manifest import DUMP, BackupError, Manifest
from weld.cli.homes import make_folder
from weld.cli.installation import Installation, signing_key
from weld.cli.postgres_clients import ClientError, now_and_then, say
from weld.cli.stack import Stack
from weld.store import partitions, setup, verify

_FAILURES = (BackupError, ClientError, RuntimeError, ValueError, OSError, psycopg.Error)
# A dump is packed; telemetry packs to less than a third of what its tables take.
_LEAST_ROOM = 0.5
_WAIT_FOR_MAINTENANCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """The store as one who may read all of it, its name, and what is known of its keys."""

    url: str
    database: str
    keys: Mapping[str, Any]


def run(to: Path, jobs: int) -> int:
    """Back up; 0 and one JSON object on stdout, or 1 and why not."""
    try:
        with ended_in_order(), _source() as source:
            told = make(source, to.absolute(), jobs, datetime.now(UTC))
    except KeyboardInterrupt:
        say("interrupted: nothing was left behind")
        return 130
    except _FAILURES as error:
        say(f"no backup was made: {error}")
        return 1
    print(json.dumps(told))
    return 0


def make(source: Source, to: Path, jobs: int, now: datetime) -> dict[str, object]:
    """The folder, whole or not at all; what it holds."""
    if to.exists():
        raise BackupError(f"{to} is there already: name a folder that is not")
    half = to.with_name(f".{to.name}.half")
    if half.exists():
        raise BackupError(f"{half} is of a backup that runs, or that was killed: remove it if none runs")
    if not to.parent.is_dir():
        raise BackupError(f"{to.parent} is no folder")
    make_folder(half, None)
    try:
        manifest = _dumped(source, half, jobs, now)
        digest = backup_manifest.write(half, manifest)
        half.rename(to)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    _farewell(to, manifest)
    rows = sum(table.rows for table in manifest.survey.tables.values())
    size = sum(file.bytes for file in manifest.files.values())
    return {"folder": str(to), "sha256": digest, "rows": rows, "bytes": size, "audit": manifest.survey.head.seq}


def _dumped(source: Source, half: Path, jobs: int, now: datetime) -> Manifest:
    with psycopg.connect(source.url, autocommit=True, application_name="weldgate backup") as lock:
        _keep_maintenance_out(lock)
        with verify.moment(source.url) as conn:
            engine = verify.engine(conn)
            _look_for_room(half, engine.bytes)
            found = postgres_clients.clients(engine.major)
            words = [
                "--format=directory",
                f"--file={half / DUMP}",
                f"--jobs={jobs}",
                f"--snapshot={verify.exported(conn)}",
            ]
            words.append("--lock-wait-timeout=60s")
            with postgres_clients.started(found.folder / "pg_dump", source.url, words, "dumping contents of") as dump:
                survey = verify.survey(conn, now, now_and_then())
                dump.wait(lambda seen: say(f"{seen} tables and partitions begun, {_mb(half)} MB"))
    say("reading it back for its checksums")
    files = backup_manifest.files(half, lambda _: None)
    return Manifest(now, version("weldgate"), source.database, found.major, engine, survey, source.keys, files)


def _keep_maintenance_out(conn: psycopg.Connection) -> None:
    """Until this connection ends: a partition that goes away under a dump would end it."""
    until = time.monotonic() + _WAIT_FOR_MAINTENANCE_S
    while not partitions.locked(conn):
        if time.monotonic() > until:
            raise BackupError("maintenance, or another backup, has been running for a minute: try again later")
        time.sleep(0.5)


def _look_for_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted * _LEAST_ROOM:
        raise BackupError(f"{free >> 20} MB are free there, and the tables hold {wanted >> 20} MB: make room")


def _mb(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / DUMP).glob("*")) >> 20


def _farewell(to: Path, manifest: Manifest) -> None:
    survey = manifest.survey
    say(f"{to} holds the store of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, audit to row {survey.head.seq}, "
        f"{sum(file.bytes for file in manifest.files.values()) >> 20} MB")  # fmt: skip
    if wrong := {name: count for name, count in survey.checks.items() if count}:
        say(f"look at these in the store itself: {wrong}")
    say(
        "NOT IN IT: the keys. Keep .weldgate/secrets (prepared: the folder `installation`) elsewhere, apart from this folder:"
    )
    say("  vault/       without it names, numbers and endpoints' secrets stay closed for ever")
    say("  permit.pem, service.pem   without them every chip must be given new keys")
    say("  audit.pem and the anchors' folder: without them nobody can tell whether the audit was rewritten")


@contextmanager
def _source() -> Iterator[Source]:
    """The database that a process is told of (the container of maintain); otherwise the clone's own, or the named server."""
    told = environ.get("WELDGATE_PROCESS_DATABASE_URL")
    if told:
        yield Source(told, str(conninfo_to_dict(told).get("dbname")), {})
        return
    given = environ.get("WELDGATE_DATABASE_URL")
    with Stack.main(prepares=False, needs_broker=False) as stack:
        url = setup.database_url(given, stack.database) if given else stack.role_url("owner")
        yield Source(url, stack.database, names_of(stack.installation))


def names_of(installation: Installation) -> dict[str, Any]:
    """The names of an installation's keys: what says later whether the keys at hand are those of then."""
    ids = {name: signing_key(installation.key_file(name)).kid for name in ("permit", "service", "audit")}
    return ids | {
        "vault": sorted(file.stem.removeprefix("seal-") for file in installation.vault_folder.glob("seal-*.key"))
    }


@contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
