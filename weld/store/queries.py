"""The named queries of weld/store/sql, read once: `-- :name` opens a query, comments and SQL follow.

Refuses to build SQL: every query is static text, filters are parameters.
"""

import re
from pathlib import Path
from typing import LiteralString, cast

_FOLDER = Path(__file__).parent / "sql"
_HEAD = re.compile(r"^-- :(\w+)[ \t]*$", re.MULTILINE)


def _load(folder: Path) -> dict[str, LiteralString]:
    queries: dict[str, LiteralString] = {}
    for file in sorted(folder.glob("*.sql")):
        parts = _HEAD.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in queries:
                raise ValueError(f"the query {name} stands twice, the second time in {file.name}")
            # The files are part of the program, so their text is as literal as a string in the source.
            queries[name] = cast("LiteralString", text.strip())
    return queries


QUERIES = _load(_FOLDER)


def query(name: str) -> LiteralString:
    """The text of a named query; KeyError where there is none (a programming error, found by the tests)."""
    return QUERIES[name]
