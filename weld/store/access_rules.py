"""The dated rules of access: read from a file, checked, and picked by day.

The file beside this module ships with the program; an installation may name another. Refuses a file with a hole in it at
start, so that nobody is refused or let in by half a rule.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, get_args

from weld.core.access import Presence, Rules
from weld.core.age import AgeRules
from weld.core.certificate import CertificateRules, Kind, KindRules, Work

SHIPPED = Path(__file__).with_suffix(".toml")


class AccessRulesError(ValueError):
    """The file of rules cannot be used; the message says what is missing."""


def load(file: Path | None = None) -> tuple[Rules, ...]:
    """All entries of the file, oldest first."""
    path = file or SHIPPED
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["rules"]
        rules = sorted((_rules(entry) for entry in entries), key=lambda entry: entry.since)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise AccessRulesError(f"{path}: {type(error).__name__} {error}") from error
    if not rules or len({entry.version for entry in rules}) != len(rules):
        raise AccessRulesError(f"{path}: no entry, or two of one version")
    return tuple(rules)


def in_force(rules: Sequence[Rules], day: date) -> Rules:
    """The newest entry that had begun on this day; the oldest one for days before all of them."""
    begun = [entry for entry in rules if entry.since <= day]
    return begun[-1] if begun else rules[0]


def _rules(entry: Mapping[str, Any]) -> Rules:
    return Rules(
        version=int(entry["version"]),
        since=entry["since"],
        longest_s=int(entry["longest_s"]),
        click_within_s={presence: int(entry["click_within_s"][presence]) for presence in get_args(Presence)},
        certificates=CertificateRules(
            kinds={kind: _kind(entry["kinds"][kind]) for kind in get_args(Kind)},
            allows={work: _kinds(entry["allows"][work]) for work in get_args(Work)},
            review_window_days=int(entry["review_window_days"]),
        ),
        age=AgeRules(**entry["age"]),
    )


def _kind(entry: Mapping[str, Any]) -> KindRules:
    return KindRules(
        categories=frozenset(entry["categories"]),
        items=frozenset(entry["items"]),
        valid_years=entry.get("valid_years"),
        review_years=entry.get("review_years"),
    )


def _kinds(names: Sequence[str]) -> frozenset[Kind]:
    unknown = set(names) - set(get_args(Kind))
    if unknown:
        raise ValueError(f"no kinds of certificate: {sorted(unknown)}")
    return frozenset(kind for kind in get_args(Kind) if kind in names)
