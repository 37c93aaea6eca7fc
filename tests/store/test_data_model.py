"""docs/data-model.md against the schema: every table in the diagram, every index with its question, every age as the rules say.

The incident behind it: an index that nobody asks costs every start for years, and nobody dares to drop what nobody wrote down.
"""

import re
from collections import Counter

from tests.structure.sources import ROOT
from weld.store import retention

TEXT = (ROOT / "docs/data-model.md").read_text(encoding="utf-8")
SNAPSHOT = (ROOT / "weld/store/schema.snapshot.txt").read_text(encoding="utf-8")
DIAGRAM = TEXT.partition("```mermaid\n")[2].partition("```")[0]
TABLES = set(re.findall(r"^table (\w+) ", SNAPSHOT, re.MULTILINE))

_LINE = re.compile(r"^  (\w+) [|}][|o](?:--|\.\.)[|o][|{] (\w+) : ", re.MULTILINE)
_FOREIGN_KEY = re.compile(r"^constraint (\w+) \S+ FOREIGN KEY \([\w, ]+\) REFERENCES weld\.(\w+)\(", re.MULTILINE)
_INDEX = re.compile(r"^index CREATE (?:UNIQUE )?INDEX (\w+) ON (?:ONLY )?weld\.(\w+) USING (\w+) (.+)$", re.MULTILINE)
_INDEX_ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` `([^`]+)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_TABLE_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_FILL = re.compile(r"CREATE TABLE weld\.(\w+) \((?:(?!CREATE TABLE).)*?\) WITH \(fillfactor = (\d+)\)", re.DOTALL)


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def alone() -> list[str]:
    return re.findall(r"`(\w+)`", TEXT.partition("Standing alone: ")[2].partition("\n")[0])


def indexes() -> list[tuple[str, str, str]]:
    """(name, table, definition) of every index; a btree does not say so."""
    return [
        (name, table, words if how == "btree" else f"{how} {words}")
        for name, table, how, words in _INDEX.findall(SNAPSHOT)
    ]


def test_there_is_something_to_compare() -> None:
    assert len(TABLES) > 60
    assert len(indexes()) > 150
    assert len(_LINE.findall(DIAGRAM)) == DIAGRAM.count("\n") - 1


def test_every_table_is_in_the_diagram_or_said_to_stand_alone_and_none_is_gone() -> None:
    drawn = {table for line in _LINE.findall(DIAGRAM) for table in line}
    assert drawn | set(alone()) == TABLES
    assert drawn & set(alone()) == set()


def test_every_foreign_key_is_a_line_of_the_diagram() -> None:
    lines = set(_LINE.findall(DIAGRAM))
    assert [f"{there} -> {here}" for here, there in _FOREIGN_KEY.findall(SNAPSHOT) if (there, here) not in lines] == []


def test_every_index_stands_there_once_as_it_is_with_its_question_and_its_costs() -> None:
    rows = _INDEX_ROW.findall(section("Indexes, one by one"))
    assert sorted(row[:3] for row in rows) == sorted(indexes())
    assert [name for name, _, _, question, costs in rows if not question.strip() or not costs.strip()] == []


def test_every_table_stands_there_once_and_is_kept_as_long_as_the_rules_say() -> None:
    rows = _TABLE_ROW.findall(section("Tables"))
    assert Counter(table for table, _ in rows) == Counter(TABLES)
    rules = retention.load()[-1].tables
    wrong = [f"{table}: {kept}" for table, kept in rows if not agrees(rules[table], kept.strip())]
    assert wrong == []


def agrees(rule: retention.Rule, kept: str) -> bool:
    if rule.how == "keep":
        return not re.search(r"\d", kept)
    days = f"{rule.days} day{'s' if rule.days != 1 else ''}"
    return kept == (f"rows {days}" if rule.how == "empty" else days)


def test_fill_factors_are_those_of_the_migrations() -> None:
    found = [
        row
        for file in sorted((ROOT / "weld/store/migrations").glob("*.sql"))
        for row in _FILL.findall(file.read_text())
    ]
    line = next(line for line in TEXT.splitlines() if "fill factor" in line)
    told = [
        (table, number)
        for number, tables in re.findall(r"(\d+) for ((?:`\w+`(?:, )?)+)", line)
        for table in re.findall(r"`(\w+)`", tables)
    ]
    assert sorted(told) == sorted(found)
