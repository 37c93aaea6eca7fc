"""House rules that import-linter and ruff cannot see. Each docstring tells the incident that the rule prevents."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.structure.sources import Source, rooms

_CLOCK_CALLS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns"},
}

# A word alone is English ("Update the map"); in capitals, or with the next word of the grammar, it is SQL.
_SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\s")
_SQL_IN_SMALL = re.compile(
    r"\s*(?:select\s.*\sfrom|insert\s+into|update\s+\S+\s+set|delete\s+from)\s", re.DOTALL | re.IGNORECASE
)


def _last_name(node: ast.expr) -> str:
    """`datetime` of both `datetime` and `dt.datetime`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _called_attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func


def _clock_reads(tree: ast.Module) -> Iterator[int]:
    for called in _called_attributes(tree):
        if called.attr in _CLOCK_CALLS.get(_last_name(called.value), set()):
            yield called.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node.lineno for alias in node.names if alias.name in _CLOCK_CALLS["time"])


def _commits(tree: ast.Module) -> Iterator[int]:
    return (called.lineno for called in _called_attributes(tree) if called.attr == "commit")


def _docstrings(tree: ast.Module) -> set[int]:
    """The constants that stand alone as a statement: docstrings, also those of attributes."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string in the code that is not just talk, with `x` for what an f-string fills in."""
    talk = _docstrings(tree)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            filled = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
            yield node.lineno, "".join(map(str, filled))
        elif isinstance(node, ast.Constant) and id(node) not in talk | parts:
            if isinstance(node.value, bytes):
                yield node.lineno, node.value.decode(errors="replace")
            elif isinstance(node.value, str):
                yield node.lineno, node.value


def _sql_strings(tree: ast.Module) -> Iterator[int]:
    return (line for line, text in _texts(tree) if _SQL.match(text) or _SQL_IN_SMALL.match(text))


def _broken(sources: Iterable[Source], rule: Callable[[ast.Module], Iterator[int]]) -> str:
    return "\n".join(f"{source.name}:{line}" for source in sources for line in rule(source.tree))


def test_nobody_but_the_clock_asks_the_machine_for_the_time() -> None:
    """One `datetime.now()` in a rule, and a replay at sixty times the speed judges today's arcs by another day's limits."""
    others = [source for source in rooms() if not source.is_in("weld/kit/clock.py", "weld/cli")]
    assert not _broken(others, _clock_reads)


def test_nobody_but_the_store_commits() -> None:
    """A commit in the middle of a batch, and what was acknowledged is no longer what was written."""
    others = [source for source in rooms() if not source.is_in("weld/store")]
    assert not _broken(others, _commits)


def test_all_sql_stands_in_the_store() -> None:
    """A query in an endpoint passes by row-level security's scope, the snapshot test and everybody who changes a column."""
    others = [source for source in rooms() if not source.is_in("weld/store")]
    assert not _broken(others, _sql_strings)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (_clock_reads, "datetime.now(UTC)"),
        (_clock_reads, "dt.datetime.utcnow()"),
        (_clock_reads, "date.today()"),
        (_clock_reads, "time.time()"),
        (_clock_reads, "from time import time"),
        (_commits, "self._conn.commit()"),
        (_sql_strings, "run('SELECT 1')"),
        (_sql_strings, "run('''\n  select a\n from b ''')"),
        (_sql_strings, "run(f'UPDATE {table} SET a = 1')"),
        (_sql_strings, "run('UPDATE t SET a = 1')"),
        (_sql_strings, "run('insert into t values (1)')"),
        (_sql_strings, "run(b'DELETE FROM t')"),
    ],
)
def test_the_rules_find_what_they_look_for(rule: Callable[[ast.Module], Iterator[int]], code: str) -> None:
    assert list(rule(ast.parse(code)))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (_clock_reads, "clock.now()"),
        (_clock_reads, "time.monotonic()"),
        (_clock_reads, "row.date.isoformat()"),
        (_sql_strings, "help='Update the map'"),
        (_sql_strings, "help='select a machine'"),
        (_sql_strings, "def f():\n    '''SELECT it.'''"),
        (_commits, "commit = 1"),
    ],
)
def test_the_rules_leave_the_rest_alone(rule: Callable[[ast.Module], Iterator[int]], code: str) -> None:
    assert not list(rule(ast.parse(code)))
