"""The dated rules of access: read from a file, checked, and picked by day.

The file beside this module ships with the program; an installation may name another. Refuses a file with a hole in it at
start, so that nobody is refused or let in by half a rule.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, get_args

from weld.core.access import Presence, Rules
from weld.core.age import AgeRules, Group, Steps
from weld.core.certificate import CertificateRules, Kind, KindRules, Process, Then, Verification, Work
from weld.core.licence import MidSession, OffPost
from weld.core.reasons import ReasonCode

Word = TypeVar("Word")

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


def mark(file: Path | None = None) -> str:
    """The SHA-256 of the file, by which the audit knows one set of rules from another."""
    return sha256((file or SHIPPED).read_bytes()).hexdigest()


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
            allows={work: _set(entry["allows"][work], get_args(Kind)) for work in get_args(Work)},
            review_window_days=int(entry["review_window_days"]),
            unknown_process=_one(entry["unknown_process"], get_args(Process)),
            verification=Verification(
                int(entry["verification"]["stale_after_days"]), _one(entry["verification"]["then"], get_args(Then))
            ),
        ),
        age=_age(entry["age"]),
        off_post=OffPost(int(entry["off_post"]["months"]), _one(entry["off_post"]["then"], get_args(Then))),
        mid_session=_mid_session(entry["mid_session"]),
        remind_days=tuple(int(days) for days in entry["remind_days"]),
    )


def _kind(entry: Mapping[str, Any]) -> KindRules:
    items = entry["items"]  # one list for all processes, or a list for each; an empty one allows any
    by_process = items if isinstance(items, Mapping) else dict.fromkeys(get_args(Process), items)
    return KindRules(
        categories=frozenset(entry["categories"]),
        items={process: frozenset(by_process[process]) for process in get_args(Process)} if items else {},
        valid_years=entry.get("valid_years"),
        review_years=entry.get("review_years"),
        clean_review_years=entry.get("clean_review_years"),
    )


def _age(entry: Mapping[str, Any]) -> AgeRules:
    tables = {group: Steps(**entry["tables"][group]) for group in get_args(Group)}
    return AgeRules(int(entry["youngest_years"]), tables, _one(entry["unknown"], get_args(Group)))


def _mid_session(entry: Mapping[str, Any]) -> MidSession:
    return MidSession(
        int(entry["grace_s"]),
        _set(entry["after_arc"], get_args(ReasonCode)),
        _set(entry["at_once"], get_args(ReasonCode)),
    )


def _one(word: str, words: Sequence[Word]) -> Word:
    """The word, if it is one of this closed list."""
    for known in words:
        if known == word:
            return known
    raise ValueError(f"{word!r} is none of {words}")


def _set(found: Sequence[str], words: Sequence[Word]) -> frozenset[Word]:
    return frozenset(_one(word, words) for word in found)
