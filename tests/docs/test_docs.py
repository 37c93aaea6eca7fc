"""The documents name all that the code has: settings, metrics, commands, alerts, tables, indexes, rules; no link is dead.

The incident behind it: a setting that stands in no document is found by reading the code at night, and a rule's status table
that names a renamed test proves nothing. Refuses to judge prose.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.structure.sources import ROOT, Source, all_tests, rooms
from weld.cli.main import app
from weld.core.catalogue import ALERTS
from weld.kit.settings import Settings

RULES = [f"P{number}" for number in range(1, 25)]
STATES = ("done", "first form", "not yet")

_METRIC_KINDS = {"Counter", "Gauge", "Histogram", "Summary"}
_VARIABLE = re.compile(r"WELDGATE_[A-Z][A-Z_]*[A-Z]")
_MADE = re.compile(r"^CREATE (TABLE|UNIQUE INDEX|INDEX) (?:weld\.)?(\w+)", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_RULE_ROW = re.compile(r"^\| (P\d+) \|[^|]*\| ([^|]*) \|([^|]*)\|$", re.MULTILINE)


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def markdown() -> list[Path]:
    """Every markdown file of the project, and none of an installed package."""
    hidden = {path for path in ROOT.iterdir() if path.name.startswith(".")} | {ROOT / "web/node_modules"}
    return [file for file in sorted(ROOT.rglob("*.md")) if not hidden & set(file.parents)]


def _settings_models() -> Iterator[type[Settings]]:
    """The shared settings, and every class in the rooms that extends them."""
    yield Settings
    for source in rooms():
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Settings" for base in node.bases):
                module = importlib.import_module(source.name.removesuffix(".py").replace("/", "."))
                found = getattr(module, node.name)
                if issubclass(found, Settings):
                    yield found


def _settings() -> list[tuple[str, str, str]]:
    """(variable, default as the environment writes it, description) of every setting of every process."""
    found = []
    for model in _settings_models():
        for name, field in model.model_fields.items():
            if model is Settings or name not in Settings.model_fields:
                default = field.get_default(call_default_factory=True, validated_data={"shards": 64})
                found.append((f"WELDGATE_{name.upper()}", _written(default), field.description or ""))
    return found


def _written(default: object) -> str:
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case float() if default.is_integer():
            return str(int(default))
        case tuple():
            return f"[{', '.join(_written(each) for each in default)}]"
        case _:
            return str(default)


def _variables_of(source: Source) -> set[str]:
    """Environment variables that stand as whole strings in the code."""
    texts = (node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and _VARIABLE.fullmatch(text)}


def _metrics_of(source: Source) -> set[str]:
    return {
        node.args[0].value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in _METRIC_KINDS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def _commands() -> list[str]:
    command: Any = typer.main.get_command(app)
    return sorted(command.commands)


def _made_by_migrations() -> list[tuple[str, str]]:
    """(kind, name) of every table and index."""
    files = sorted((ROOT / "weld/store/migrations").glob("*.sql"))
    return [(kind, name) for file in files for kind, name in _MADE.findall(file.read_text(encoding="utf-8"))]


@cache
def _test_names() -> frozenset[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name
        for source in all_tests()
        for node in ast.walk(source.tree)
        if isinstance(node, functions) and node.name.startswith("test_")
    )


def _rule_rows() -> list[tuple[str, str, list[str]]]:
    """(rule, state, tests) of each row of the status table."""
    rows = _RULE_ROW.findall(document("docs/protocol/README.md"))
    return [(rule, state, re.findall(r"`(test_\w+)`", tests)) for rule, state, tests in rows]


def _anchor(heading: str) -> str:
    """A heading as the address that a link uses."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", file.read_text(encoding="utf-8")), re.MULTILINE)
    return {_anchor(heading) for heading in headings}


def _is_alive(file: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    there = (file.parent / path).resolve() if path else file
    return there.exists() and (not anchor or anchor in _anchors(there))


def test_there_is_something_to_compare() -> None:
    assert len(list(_settings_models())) >= 6
    assert len({name for source in rooms() for name in _metrics_of(source)}) > 10
    assert len(_commands()) > 10
    assert len(_made_by_migrations()) > 50
    assert len(markdown()) > 10


def test_every_setting_stands_in_the_example_with_its_default_and_its_meaning() -> None:
    text = document(".env.example")
    lines, prose = text.splitlines(), re.sub(r"\s*\n#\s*", " ", text)
    wrong = [
        f"#{name}={default} under: {meaning}"
        for name, default, meaning in _settings()
        if f"#{name}={default}" not in lines or meaning not in prose
    ]
    assert not wrong, "correct .env.example:\n" + "\n".join(wrong)


def test_every_setting_stands_in_the_operations_page_with_its_default_and_its_meaning() -> None:
    text = document("docs/operations.md")
    rows = [
        f"| `{name}` | {f'`{default}`' if default else '-'} | {meaning} |" for name, default, meaning in _settings()
    ]
    missing = [row for row in rows if row not in text]
    assert not missing, "correct docs/operations.md:\n" + "\n".join(missing)


def test_the_example_and_the_operations_page_name_no_setting_that_is_gone() -> None:
    known = {name for name, _, _ in _settings()} | {name for source in rooms() for name in _variables_of(source)}
    named = re.findall(r"^#(WELDGATE_\w+)=", document(".env.example"), re.MULTILINE)
    named += re.findall(r"^\| \w+ \| `(WELDGATE_\w+)` \|", document("docs/operations.md"), re.MULTILINE)
    assert set(named) <= known


def test_every_variable_that_the_code_reads_stands_in_the_operations_page() -> None:
    text = document("docs/operations.md")
    read = {name for source in rooms() for name in _variables_of(source)}
    assert sorted(name for name in read if f"`{name}`" not in text) == []


def test_every_metric_stands_in_the_operations_page() -> None:
    text = document("docs/operations.md")
    metrics = {name for source in rooms() for name in _metrics_of(source)}
    assert sorted(name for name in metrics if f"`{name}`" not in text and f"`{name}_total`" not in text) == []


def test_the_operations_page_names_no_metric_that_is_gone() -> None:
    metrics = {name for source in rooms() for name in _metrics_of(source)}
    named = re.findall(r"^\| `(weldgate_\w+)` \|", document("docs/operations.md"), re.MULTILINE)
    assert [name for name in named if name not in metrics and name.removesuffix("_total") not in metrics] == []


@pytest.mark.parametrize("readme", ["README.md", "README.en.md"])
def test_every_command_stands_in_the_readme(readme: str) -> None:
    text = document(readme)
    assert [name for name in _commands() if not re.search(rf"weldgate {name}(?![\w-])", text)] == []


@pytest.mark.parametrize("readme", ["README.md", "README.en.md"])
def test_the_readme_names_no_command_that_is_gone(readme: str) -> None:
    assert set(re.findall(r"`weldgate ([a-z][\w-]*)", document(readme))) <= set(_commands())


def test_every_alert_stands_in_the_operations_page_with_its_level_and_name() -> None:
    text = document("docs/operations.md")
    rows = [f"| {code} | {kind.level} | {kind.zh} |" for code, kind in ALERTS.items()]
    assert [row for row in rows if row not in text] == []


def test_every_table_and_index_stands_in_the_data_model() -> None:
    text = document("docs/data-model.md")
    assert [f"{kind} {name}" for kind, name in _made_by_migrations() if f"`{name}`" not in text] == []


def test_every_table_has_its_writer() -> None:
    writers = document("docs/architecture.md").partition("## One writer per table")[2].partition("\n## ")[0]
    tables = [name for kind, name in _made_by_migrations() if kind == "TABLE"]
    assert [name for name in tables if f"`{name}`" not in writers] == []


def test_every_rule_has_a_row_and_its_tests_exist() -> None:
    rows = _rule_rows()
    assert [rule for rule, _, _ in rows] == RULES
    assert [rule for rule, state, _ in rows if not state.startswith(STATES)] == []
    assert [rule for rule, state, tests in rows if not state.startswith("not yet") and not tests] == []
    gone = [f"{rule}: {name}" for rule, _, tests in rows for name in tests if name not in _test_names()]
    assert not gone, "renamed or removed: " + ", ".join(gone)


def test_every_step_of_the_pipeline_stands_in_the_architecture() -> None:
    source = next(source for source in rooms() if source.name == "ingest/pipeline.py")
    steps = next(
        node.value
        for node in source.tree.body
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "STEPS"
    )
    assert isinstance(steps, ast.Tuple)
    names = [getattr(step, "attr", getattr(step, "id", "")) for step in steps.elts]
    text = document("docs/architecture.md")
    places = [text.find(f"`{name}`") for name in names]
    assert -1 not in places, [name for name, place in zip(names, places, strict=True) if place == -1]
    assert places == sorted(places), "the steps stand in another order"


@pytest.mark.parametrize("file", markdown(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_link_is_dead(file: Path) -> None:
    targets = _LINK.findall(_CODE.sub("", file.read_text(encoding="utf-8")))
    relative = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in relative if not _is_alive(file, target)] == []


def test_every_page_below_docs_is_linked_from_somewhere() -> None:
    linked = {
        (file.parent / target.partition("#")[0]).resolve()
        for file in markdown()
        for target in _LINK.findall(_CODE.sub("", file.read_text(encoding="utf-8")))
    }
    assert [file.name for file in markdown() if (ROOT / "docs") in file.parents and file not in linked] == []
