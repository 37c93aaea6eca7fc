"""The dated rules: the shipped file is whole, a broken one stops the process, the day picks the entry."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from weld.store.access_rules import SHIPPED, AccessRulesError, in_force, load


def test_the_shipped_rules_are_whole() -> None:
    (rules,) = load()
    assert (rules.version, rules.longest_s, rules.click_within_s) == (1, 14400, {"none": 30, "button": 90})
    assert rules.certificates.allows["special_equipment"] == {"equipment"}


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("version = 1", ""),
        ("[rules.kinds.equipment]", "[rules.kinds.other]"),
        ('special_equipment = ["equipment"]', 'special_equipment = ["nonsense"]'),
        ("youngest_years = 18", ""),
        ("since = 2025-04-17", "since = 2025-04-37"),
        ("[[rules]]", "[rules"),
    ],
)
def test_a_file_with_a_hole_is_refused(tmp_path: Path, word: str, instead: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert word in text
    file = tmp_path / "rules.toml"
    file.write_text(text.replace(word, instead), encoding="utf-8")
    with pytest.raises(AccessRulesError, match=r"rules\.toml"):
        load(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessRulesError):
        load(tmp_path / "none.toml")


def test_two_entries_of_one_version_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    text = SHIPPED.read_text(encoding="utf-8")
    file.write_text(text + text.replace("since = 2025-04-17", "since = 2027-01-01"), encoding="utf-8")
    with pytest.raises(AccessRulesError, match="two of one version"):
        load(file)


def test_the_newest_entry_that_has_begun_is_in_force() -> None:
    (first,) = load()
    second = replace(first, version=2, since=date(2027, 1, 1))
    assert in_force((first, second), date(2026, 12, 31)) is first
    assert in_force((first, second), date(2027, 1, 1)) is second
    assert in_force((first, second), date(2020, 1, 1)) is first
