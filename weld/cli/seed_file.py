"""Reading a seed file: YAML or JSON into checked entries, each with its place in the file, and everything wrong with it.

Refuses to look into the database: references and numbers are checked where they are entered. Says nothing personal: what
stands in a field is never repeated.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from api.registers import Kind
from schemas import registers as shapes
from weld.core import identity

MODELS: Mapping[str, tuple[Kind, type[shapes.Shape]]] = {
    "divisions": ("division", shapes.Division),
    "enterprises": ("enterprise", shapes.Enterprise),
    "sites": ("site", shapes.Site),
    "chips": ("chip", shapes.Chip),
    "machines": ("machine", shapes.Machine),
    "workers": ("worker", shapes.Worker),
    "certificates": ("certificate", shapes.Certificate),
    "endpoints": ("endpoint", shapes.Endpoint),
    "officer_keys": ("officer_key", shapes.OfficerKey),
    "officers": ("officer", shapes.Officer),
}


class Place(NamedTuple):
    """Where an entry stands: list, number from 1, line where the format tells."""

    part: str
    number: int
    line: int | None

    def __str__(self) -> str:
        line = "" if self.line is None else f" (line {self.line})"
        return f"{self.part}, entry {self.number}{line}"


class Entry(NamedTuple):
    """One entry that has the right shape. `key` is what others point to it by, or what must not stand twice."""

    place: Place
    kind: Kind
    key: str
    shape: shapes.Shape


class Read(NamedTuple):
    """What a file holds: good entries, faults as lines for people, and the keys of entries with faults."""

    entries: list[Entry]
    faults: list[str]
    failed: set[tuple[Kind, str]]


def read(path: Path) -> Read:
    """All entries and all faults of a file."""
    try:
        text = path.read_text(encoding="utf-8")
        document, lines = _parse_json(text) if path.suffix == ".json" else _parse_yaml(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        return Read([], [f"{path}: cannot be read: {_in_short(error)}"], set())
    if not isinstance(document, dict):
        return Read([], [f"{path}: must hold lists under {', '.join(MODELS)}"], set())
    found = Read([], [], set())
    for part, raw in document.items():
        _read_part(found, str(part), raw, lines.get(str(part), []))
    _find_doubles(found)
    return found


def _read_part(found: Read, part: str, raw: object, lines: list[int]) -> None:
    if part not in MODELS:
        found.faults.append(f"{part}: unknown; a seed file has {', '.join(MODELS)}")
    elif not isinstance(raw, list):
        found.faults.append(f"{part}: must be a list")
    else:
        for index, item in enumerate(raw):
            place = Place(part, index + 1, lines[index] if index < len(lines) else None)
            _read_entry(found, place, item)


def _read_entry(found: Read, place: Place, raw: object) -> None:
    kind, model = MODELS[place.part]
    if not isinstance(raw, dict):
        found.faults.append(f"{place}: must have named fields")
        return
    key = _key(kind, raw)
    try:
        shape = model.model_validate_json(json.dumps(raw, default=_plain))
    except ValidationError as error:
        found.faults.extend(f"{place}: {line}" for line in _fault_lines(error, raw))
        found.failed.add((kind, key))
    except TypeError:
        found.faults.append(f"{place}: fields are words, and values are text, numbers, dates and lists")
        found.failed.add((kind, key))
    else:
        found.entries.append(Entry(place, kind, key, shape))


def _fault_lines(error: ValidationError, raw: Mapping[str, Any]) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(step) for step in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "string_type" and not isinstance(raw.get(field), str | list | dict | None):
            text = "must be text: put it in quotes"
        elif fault["type"] == "extra_forbidden":
            text = "there is no such field: correct its name or take it out"
        yield f"{field}: {text}" if field else text


def _find_doubles(found: Read) -> None:
    seen: dict[tuple[Kind, str], Place] = {}
    for entry in found.entries:
        for kind, key in _claims(entry):
            first = seen.setdefault((kind, key), entry.place)
            if first is not entry.place:
                found.faults.append(f"{entry.place}: the same {kind.replace('_', ' ')} as {first}: keep one of them")


def _claims(entry: Entry) -> Iterator[tuple[Any, str]]:
    """What no other entry may claim: the key, a machine's chip, a worker's phone."""
    yield entry.kind, entry.key
    if isinstance(entry.shape, shapes.Machine) and entry.shape.chip:
        yield "machine's chip", entry.shape.chip
    if isinstance(entry.shape, shapes.Worker):
        yield "worker's phone", identity.normal_phone(entry.shape.phone)


def _key(kind: Kind, raw: Mapping[str, Any]) -> str:
    """What an entry is known by, also where the entry is wrong otherwise."""
    fields: dict[Kind, tuple[str, ...]] = {
        "division": ("code",),
        "enterprise": ("credit_code",),
        "site": ("enterprise", "name"),
        "chip": ("chip",),
        "machine": ("plate", "plate_from"),
        "worker": ("identity",),
        "certificate": ("kind", "number", "item"),
        "officer": ("login",),
    }
    return identity.normal("|".join(str(raw.get(field)) for field in fields.get(kind, ("name",))))


def _parse_json(text: str) -> tuple[Any, dict[str, list[int]]]:
    return json.loads(text), {}


def _parse_yaml(text: str) -> tuple[Any, dict[str, list[int]]]:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    lines: dict[str, list[int]] = {}
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(value, yaml.SequenceNode):
                lines[str(name.value)] = [item.start_mark.line + 1 for item in value.value]
    return yaml.load(text, Loader=yaml.CSafeLoader), lines


def _plain(value: object) -> str:
    if isinstance(value, date):  # datetime too: YAML knows both, JSON neither
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__} has no place in a seed file")


def _in_short(error: Exception) -> str:
    # The marks of a YAML error quote the file, which may be personal: only where it is and what was expected.
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}: {error.msg}"
    return error.strerror or "" if isinstance(error, OSError) else type(error).__name__
