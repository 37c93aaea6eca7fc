"""How large things may be and what they may be called.

The incident behind it: in nearly every code base that we read, the ugly file is the `service`, `manager` or `utils` that
everybody may extend, because such a name has no border; and a module of thousands of lines was once one of five hundred.
"""

import ast
from itertools import chain

from tests.structure.sources import Source, all_tests, rooms

_LONGEST_FUNCTION = 50
_LONGEST_MODULE = 500
_REASON = "Longer than 500 lines because"
_NAMES_WITHOUT_A_BORDER = {"service", "services", "manager", "utils", "util", "helpers", "helper", "common", "misc"}


def _functions(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _gives_a_reason(source: Source) -> bool:
    return any(line.startswith(_REASON) for line in source.docstring.splitlines())


def test_there_are_files_to_look_at() -> None:
    assert len(rooms()) > 20
    assert len(all_tests()) > 5


def test_no_function_is_longer_than_50_lines() -> None:
    too_long = [
        f"{source.name}:{node.lineno} {node.name} has {_lines(node)} lines"
        for source in chain(rooms(), all_tests())
        for node in _functions(source)
        if _lines(node) > _LONGEST_FUNCTION
    ]
    assert not too_long, "\n".join(too_long)


def test_no_module_is_longer_than_500_lines_without_a_reason() -> None:
    too_long = [
        f"{source.name} has {lines} lines and no line '{_REASON} ...' in its docstring"
        for source in chain(rooms(), all_tests())
        if (lines := len(source.text.splitlines())) > _LONGEST_MODULE and not _gives_a_reason(source)
    ]
    assert not too_long, "\n".join(too_long)


def test_no_file_has_a_name_without_a_border() -> None:
    unclear = [
        source.name
        for source in chain(rooms(), all_tests())
        if _NAMES_WITHOUT_A_BORDER & {source.path.stem, source.path.parent.name}
    ]
    assert not unclear, "\n".join(unclear)


def test_every_module_says_what_it_holds() -> None:
    silent = [source.name for source in rooms() if not source.docstring.strip()]
    assert not silent, "\n".join(silent)
