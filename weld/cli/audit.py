"""`weldgate audit verify`: whether the audit's chain holds, row by row, up to its head and all anchors.

Needs no running stack: the clone's own store is started where it does not run. Reads one moment and changes no row. Refuses to
call a chain good whose anchors it cannot read.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from schemas.anchor import AnchorError
from weld.cli import anchors
from weld.cli.installation import public_key
from weld.cli.stack import Stack
from weld.core.chain import START, Break, Link, ended, walk
from weld.store import audit, setup

HOLDS, BROKEN, UNKNOWN = 0, 1, 2
_PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True)
class Place:
    """Which database, which folder of anchors (if any), and the file of the key that signed them."""

    url: str
    folder: Path | None
    key_file: Path | None


@dataclass(frozen=True)
class Found:
    """What was seen of the chain: its last sound row, its head, and where it breaks."""

    last: Link
    head: Link | None
    broken: Break | None

    def words(self) -> dict[str, object]:
        """As --json prints it; `rows` are those that hold."""
        return {
            "rows": self.last.seq,
            "first": 1 if self.last.seq else None,
            "last": self.last.seq or None,
            "head": None if self.head is None else self.head.hash.hex(),
            "holds": self.broken is None,
            "broken_at": None if self.broken is None else self.broken.seq,
        }


def run(anchor: Path | None, key: Path | None, *, as_json: bool) -> int:
    """0: the chain holds; 1: it is broken, and where; 2: that cannot be told, and why."""
    try:
        with _place() as place:
            known = _anchors(anchor, place.folder, key or place.key_file)
            found = verify(place.url, known)
    except (RuntimeError, ValueError, OSError, psycopg.Error) as error:
        _say(f"cannot tell whether the audit holds: {error}")
        return UNKNOWN
    if as_json:
        print(json.dumps(found.words()))
    if found.broken is not None:
        _say(anchors.sentence(found.broken))
        return BROKEN
    _say(f"the audit holds: {found.last.seq} rows, {len(known)} anchors, head {found.last.hash.hex()}")
    return HOLDS


def verify(url: str, known: dict[int, bytes]) -> Found:
    """Look through the chain of a database; `known` are anchors, number -> hash."""
    with audit.opened(url) as conn:
        head, last = audit.head(conn), START
        said_at = time.monotonic()
        for place in walk(START, audit.rows(conn), known):
            if isinstance(place, Break):
                return Found(last, head, place)
            last = place
            if time.monotonic() - said_at > _PROGRESS_EVERY_S:
                said_at = time.monotonic()
                _say(f"{last.seq} of {head.seq if head else '?'} rows")
    return Found(last, head, ended(last, head, known))


def _anchors(asked: Path | None, folder: Path | None, key_file: Path | None) -> dict[int, bytes]:
    """All anchors, number -> hash: the one that was asked for and those of the folder."""
    found = [*([asked] if asked else []), *(anchors.files(folder) if folder else [])]
    if not found:
        return {}
    if key_file is None:
        raise AnchorError("no key to check the anchors' signatures with: name one by --key")
    links = [anchors.link_of(anchors.read(file, _public(key_file))) for file in found]
    known = dict(links)
    torn = [link.seq for link in links if known[link.seq] != link.hash]
    if torn:
        raise AnchorError(f"two anchors say different things of row {torn[0]}")
    return known


def _public(file: Path) -> Ed25519PublicKey:
    """The key in a file of the installation, or the public half alone."""
    if b"PUBLIC" not in file.read_bytes():
        return public_key(file)
    key = load_pem_public_key(file.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise AnchorError(f"{file}: no Ed25519 key")
    return key


@contextmanager
def _place() -> Iterator[Place]:
    """Where a process is told to look, the server of WELDGATE_DATABASE_URL as it is, or the clone's own store."""
    told, given = os.environ.get("WELDGATE_PROCESS_DATABASE_URL"), os.environ.get("WELDGATE_DATABASE_URL")
    if told:
        folder, key = os.environ.get("WELDGATE_ANCHOR_FOLDER"), os.environ.get("WELDGATE_KEY_FILE")
        yield Place(told, Path(folder) if folder else None, Path(key) if key else None)
        return
    with Stack.main(prepares=not given, needs_broker=False) as stack:
        url = setup.database_url(given, stack.database) if given else stack.role_url("owner")
        yield Place(url, stack.anchors, stack.installation.key_file("audit"))


def _say(line: str) -> None:
    print(f"weldgate: {line}", file=sys.stderr, flush=True)
