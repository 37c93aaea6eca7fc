"""The files that `tools/pages` makes of published lists of divisions: divisions.json.gz, and where asked for codes.json.gz.

Their form is written above web/tools/divisions.mjs and codes.mjs. Refuses a file with a code that is none or a ring that is
broken, and says which.
"""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from weld.core import area, division
from weld.core.gazetteer import Named
from weld.store.divisions import Pieces

_STEPS = 10_000


class NoImportError(ValueError):
    """Nothing is imported; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Published:
    """Both lists and the land of the first, by the register's code. `second` is empty where its file is not there."""

    first: Sequence[Named]
    second: Sequence[Named]
    lands: dict[str, Pieces]
    made_from: Sequence[str]


def read(folder: Path, provinces: Sequence[str] = ()) -> Published:
    """What lies in this folder, of these provinces (41); of all where none is named."""
    main, more = folder / "divisions.json.gz", folder / "codes.json.gz"
    if not main.is_file():
        raise NoImportError(f"{main} is not there: `make pages` makes it, or name its folder with --from")
    try:
        return _published(_words(main), _words(more) if more.is_file() else None, provinces)
    except (OSError, EOFError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise NoImportError(f"{folder}: not what `make pages` makes: {error}") from error


def names(folder: Path) -> dict[str, Named]:
    """The first list's names by the register's code; empty where the file is not there or cannot be read."""
    try:
        return {division.short(one.code): one for one in _named(_words(folder / "divisions.json.gz")["divisions"], ())}
    except (OSError, EOFError, LookupError, TypeError, ValueError):
        return {}


def _published(main: dict[str, Any], more: dict[str, Any] | None, provinces: Sequence[str]) -> Published:
    first = _named(main["divisions"], provinces)
    wrong = next((one.code for one in first if division.code_fault(one.code) is not None), None)
    if wrong is not None or not first:
        raise ValueError(f"{wrong} is no code of a division" if first else "no divisions")
    areas = {code: pieces for code, pieces in main["areas"].items() if not provinces or code[:2] in provinces}
    lands = {division.short(code): _pieces(code, pieces) for code, pieces in areas.items()}
    second = [] if more is None else _named(more["codes"], provinces)
    return Published(first, second, lands, [str(each["made_from"]) for each in (main, more) if each is not None])


def _words(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return found


def _named(rows: Iterable[Sequence[str]], provinces: Sequence[str]) -> list[Named]:
    """Each code once: a city without counties (441900) is a line of two levels."""
    found: dict[str, Named] = {}
    for code, name_zh, name_en in rows:
        if provinces and code[:2] not in provinces:
            continue
        found.setdefault(division.normal(code), Named(division.normal(code), str(name_zh), str(name_en)))
    return list(found.values())


def _pieces(code: str, pieces: Iterable[Iterable[Sequence[int]]]) -> Pieces:
    decoded = [[_ring(ring) for ring in rings] for rings in pieces]
    area.area(code, "MultiPolygon", decoded)  # a broken one is found before anything is written
    return decoded


def _ring(steps: Sequence[int]) -> list[list[float]]:
    lons, lats = accumulate(steps[0::2]), accumulate(steps[1::2])
    return [[lon / _STEPS, lat / _STEPS] for lon, lat in zip(lons, lats, strict=True)]
