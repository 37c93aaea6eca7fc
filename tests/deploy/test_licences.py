"""docs/licences.md against what is installed: every direct dependency stands there, with the licence that it states itself.

The incident behind it: a package changes its licence with a new version, and the page goes on praising the old one.
"""

import json
import re
from functools import cache
from importlib.metadata import metadata
from typing import Any

import pytest

from tests.deploy.composition import PROJECT
from tests.structure.sources import ROOT

_ROW = re.compile(r"^\| (\S+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_LONGEST_NAME = 40  # some packages put their whole licence text where its name belongs
_WEB: dict[str, Any] = json.loads((ROOT / "web/package.json").read_text(encoding="utf-8"))


@cache
def _listed(heading: str) -> dict[str, str]:
    """Package and licence of each row below a heading."""
    text = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {name: licence.strip() for name, licence, _ in _ROW.findall(part) if name not in {"Package", "---"}}


def _python() -> list[str]:
    return [re.split(r"[\[<>=;~! ]", one, maxsplit=1)[0] for one in PROJECT["project"]["dependencies"]]


def _stated(package: Any) -> str:
    """The licence in the package's own words: the expression, else the old field, else the classifier."""
    expression, words = str(package.get("License-Expression") or ""), str(package.get("License") or "")
    if expression:
        return expression
    if words and "\n" not in words and len(words) < _LONGEST_NAME:
        return words
    classifiers: list[str] = package.get_all("Classifier") or []
    return next(one.rsplit(" :: ", 1)[1] for one in classifiers if one.startswith("License :: OSI Approved"))


@pytest.mark.parametrize("name", _python())
def test_a_python_package_stands_there_with_the_licence_that_it_states(name: str) -> None:
    assert _listed("Python, in every process").get(name) == _stated(metadata(name))


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("Screens, in what browsers receive", "dependencies"), ("Screens, while they are built", "devDependencies")],
)
def test_packages_of_the_screens_stand_there_with_the_licences_that_they_state(heading: str, kind: str) -> None:
    files = {name: ROOT / "web/node_modules" / name / "package.json" for name in _WEB[kind]}
    stated = {name: json.loads(file.read_text(encoding="utf-8"))["license"] for name, file in files.items()}
    assert _listed(heading) == stated


def test_nothing_stands_there_that_nobody_depends_on() -> None:
    assert set(_listed("Python, in every process")) == set(_python())


def test_the_map_is_not_praised_for_what_it_lacks() -> None:
    text = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    assert "no map approval number (审图号)" in text
    for setting in ("WELDGATE_MAP_FOLDER", "WELDGATE_MAP_APPROVAL", "WELDGATE_MAP_OWNER"):
        assert setting in text


def test_the_licence_of_the_project_is_the_one_that_lies_in_it() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert _WEB["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
