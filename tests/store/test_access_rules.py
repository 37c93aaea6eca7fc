"""The dated rules: the shipped file is whole, a broken one stops the process, the day picks the entry."""

from datetime import date
from pathlib import Path

import pytest

from weld.store.access_rules import SHIPPED, AccessRulesError, in_force, load


def test_the_shipped_rules_are_whole() -> None:
    for version, rules in enumerate(load(), start=1):
        assert (rules.version, rules.longest_s, rules.click_within_s) == (version, 14400, {"none": 30, "button": 90})
        assert rules.certificates.allows["special_equipment"] == {"equipment"}


def test_each_process_has_its_item_once_the_second_entry_is_in_force() -> None:
    first, second = (entry.certificates.kinds["operation"].items for entry in load())
    assert first["resistance"] == first["arc"] == {"熔化焊接与热切割作业"}
    assert second == {
        "arc": {"熔化焊接与热切割作业"},
        "cutting": {"熔化焊接与热切割作业"},
        "resistance": {"压力焊作业"},
        "brazing": {"钎焊作业"},
    }


def test_an_empty_list_of_items_allows_any(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    file = tmp_path / "rules.toml"
    file.write_text(text.replace('items = ["熔化焊接与热切割作业"]', "items = []"), encoding="utf-8")
    assert load(file)[0].certificates.kinds["operation"].items == {}


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("version = 1", ""),
        ("[rules.kinds.equipment]", "[rules.kinds.other]"),
        ('special_equipment = ["equipment"]', 'special_equipment = ["nonsense"]'),
        ("youngest_years = 18", ""),
        ("since = 2025-04-17", "since = 2025-04-37"),
        ('then = "refuse"', 'then = "perhaps"'),
        ('resistance = ["压力焊作业"]', ""),
        ('at_once = ["certificate_suspected_fake"]', 'at_once = ["certificate_ugly"]'),
        ("[rules.age.tables.women_50]", "[rules.age.tables.children]"),
        ('unknown = "men"', 'unknown = "somebody"'),
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
    file.write_text(text.replace("version = 2", "version = 1"), encoding="utf-8")
    with pytest.raises(AccessRulesError, match="two of one version"):
        load(file)


def test_the_newest_entry_that_has_begun_is_in_force() -> None:
    first, second = load()
    assert in_force((first, second), date(2026, 11, 30)) is first
    assert in_force((first, second), date(2026, 12, 1)) is second
    assert in_force((first, second), date(2020, 1, 1)) is first
