"""The Python files of the project as the structure tests see them. Refuses to import any of them."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("schemas", "weld", "ingest", "gateway", "dispatch", "api", "simulator", "bench", "conformance")


@dataclass(frozen=True)
class Source:
    """One file, read and parsed once."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.name)

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    def is_in(self, *places: str) -> bool:
        """Whether it is one of these files or stands below one of these folders."""
        return any(self.name == place or self.name.startswith(f"{place}/") for place in places)


def rooms() -> list[Source]:
    """Every file of the rooms."""
    return [Source(path) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def all_tests() -> list[Source]:
    """Every file of the tests."""
    return [Source(path) for path in sorted((ROOT / "tests").rglob("*.py"))]
