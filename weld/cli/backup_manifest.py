"""What a backup says of itself: `backup.json` beside the dump: what it holds, what it was made of, which keys it needs.

Refuses a folder whose files are not those that were written, and a manifest that it does not know.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from weld.cli.homes import write_private
from weld.core.chain import Link
from weld.store.verify import Engine, Survey, Table

FORMAT = "weldgate backup 1"
FILE = "backup.json"
DUMP = "dump"
_PIECE = 1 << 20


class BackupError(Exception):
    """The folder cannot be used as a backup; the message says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the dump."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`keys` are the names of the keys that the store needs, never a key: vault -> [k1, ...], permit -> key id, ..."""

    made_at: datetime
    program: str
    database: str
    dump: int
    engine: Engine
    survey: Survey
    keys: Mapping[str, Any]
    files: Mapping[str, Written]


def write(folder: Path, manifest: Manifest) -> str:
    """Put it there; the SHA-256 of what was written."""
    survey = manifest.survey
    words = asdict(manifest) | {
        "format": FORMAT,
        "made_at": manifest.made_at.isoformat(),
        "survey": {
            "versions": dict(survey.versions),
            "schema": survey.schema,
            "tables": {name: table._asdict() for name, table in survey.tables.items()},
            "checks": dict(survey.checks),
            "audit": {"seq": survey.head.seq, "hash": survey.head.hash.hex()},
        },
    }
    text = json.dumps(words, indent=1, ensure_ascii=False) + "\n"
    write_private(folder / FILE, text)
    return hashlib.sha256(text.encode()).hexdigest()


def read(folder: Path) -> Manifest:
    """What a folder says of itself; BackupError where it is none of ours, or half of one."""
    try:
        words = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if words["format"] != FORMAT:
            raise BackupError(
                f"{folder}: {words['format']!r} is not {FORMAT!r}: another version of the program made it"
            )
        return Manifest(
            made_at=datetime.fromisoformat(words["made_at"]),
            program=str(words["program"]),
            database=str(words["database"]),
            dump=int(words["dump"]),
            engine=Engine(**words["engine"]),
            survey=_survey(words["survey"]),
            keys=words["keys"],
            files={name: Written(**file) for name, file in words["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{folder}: is no whole backup ({FILE}: {type(error).__name__})") from None


def _survey(words: Mapping[str, Any]) -> Survey:
    return Survey(
        versions={int(number): str(digest) for number, digest in words["versions"].items()},
        schema=str(words["schema"]),
        tables={name: Table(int(table["rows"]), str(table["sum"])) for name, table in words["tables"].items()},
        checks={name: int(count) for name, count in words["checks"].items()},
        head=Link(int(words["audit"]["seq"]), bytes.fromhex(words["audit"]["hash"])),
    )


def files(folder: Path, told: Callable[[int], None]) -> dict[str, Written]:
    """The files of the dump as they are; `told` hears how many bytes were read."""
    found, done = {}, 0
    for file in sorted((folder / DUMP).rglob("*")):
        if file.is_file():
            found[file.relative_to(folder).as_posix()] = _written(file)
            done += file.stat().st_size
            told(done)
    return found


def check(folder: Path, manifest: Manifest, told: Callable[[int], None]) -> None:
    """BackupError with every file that is not what was written, is missing, or is one too many."""
    there = files(folder, told)
    wrong = [f"{name} is {'missing' if name not in there else 'damaged'}" for name, file in manifest.files.items()
             if there.get(name) != file]  # fmt: skip
    wrong += [f"{name} does not belong to it" for name in there if name not in manifest.files]
    if wrong:
        raise BackupError(
            f"{folder}: " + ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        )


def _written(file: Path) -> Written:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return Written(file.stat().st_size, digest.hexdigest())
