"""The dated rules of retention: read from a file, checked, and picked by day.

The file beside this module ships with the program; an installation may name another, which keeps longer and never shorter than
the law asks, names every table, and lets nothing go that the shipped one keeps. Refuses half a rule.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from weld.store.partitions import DAYS_BACK, TABLES

How = Literal["delete", "partition", "empty", "keep"]
SHIPPED = Path(__file__).with_suffix(".toml")


class RetentionError(ValueError):
    """The file of retention cannot be used; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a table's rows: `days` after `after`; `law_days` is the least, `source` where the number comes from.

    Whole days of it become columns after `compress_days`, where the database has a columnstore; 0 = never.
    """

    how: How
    days: int | None
    law_days: int
    after: str
    source: str
    compress_days: int = 0


@dataclass(frozen=True, slots=True)
class Retention:
    """One entry: a rule for each table, and for how long after the last trace of work a person is not erased."""

    version: int
    since: date
    person_held_days: int
    person_law_days: int
    tables: Mapping[str, Rule]

    def days(self, table: str) -> int:
        """After how many days rows of this table go; KeyError where it is kept."""
        days = self.tables[table].days
        if days is None:
            raise KeyError(table)
        return days


def load(file: Path | None = None) -> tuple[Retention, ...]:
    """All entries of the file, oldest first."""
    path = file or SHIPPED
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["retention"]
        found = sorted((_entry(entry) for entry in entries), key=lambda entry: entry.since)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RetentionError(f"{path}: {type(error).__name__} {error}") from error
    if not found or len({entry.version for entry in found}) != len(found):
        raise RetentionError(f"{path}: no entry, or two of one version")
    if file is not None:
        for entry in found:
            _check_against(path, entry, load()[-1])
    return tuple(found)


def in_force(rules: Sequence[Retention], day: date) -> Retention:
    """The newest entry that had begun on this day; the oldest one for days before all of them."""
    begun = [entry for entry in rules if entry.since <= day]
    return begun[-1] if begun else rules[0]


def _entry(entry: Mapping[str, Any]) -> Retention:
    held, law = int(entry["person_held_days"]), int(entry["person_law_days"])
    if held < law:
        raise ValueError(f"person_held_days: the law asks for {law}")
    tables = {name: _rule(name, words) for name, words in entry["tables"].items()}
    return Retention(int(entry["version"]), entry["since"], held, law, tables)


def _rule(name: str, words: Mapping[str, Any]) -> Rule:
    how: How = words["how"]
    if how not in get_args(How):
        raise ValueError(f"{name}: {how!r} is none of {get_args(How)}")
    days = None if how == "keep" else int(words["days"])
    least = max(int(words.get("law_days", 1)), DAYS_BACK + 1 if how == "partition" else 1)
    if days is not None and days < least:
        raise ValueError(f"{name}: {days} days, and {least} are the least")
    compress_days = int(words.get("compress_days", DAYS_BACK + 1 if name in TABLES else 0))
    if compress_days < 0 or compress_days == 1:
        raise ValueError(f"{name}: compress_days: 2 are the least, or 0 for never")
    return Rule(
        how, days, int(words.get("law_days", 0)), str(words.get("after", "")), str(words["source"]), compress_days
    )


def _check_against(path: Path, entry: Retention, shipped: Retention) -> None:
    if entry.tables.keys() != shipped.tables.keys():
        raise RetentionError(f"{path}: these tables and no others: {', '.join(sorted(shipped.tables))}")
    if entry.person_held_days < shipped.person_law_days:
        raise RetentionError(f"{path}: person_held_days: {shipped.person_law_days} are the least")
    for name, rule in shipped.tables.items():
        theirs = entry.tables[name]
        if theirs.how not in {rule.how, "keep"}:
            raise RetentionError(f"{path}: {name}: {rule.how}, or keep")
        if theirs.days is not None and theirs.days < rule.law_days:
            raise RetentionError(f"{path}: {name}: {rule.law_days} days are the least")
