"""docker-compose.yml, the Dockerfile and .dockerignore as data. Refuses to know docker: there is none where the tests run."""

import fnmatch
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from tests.structure.sources import ROOT

FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy/Dockerfile"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROCESSES = ("ingest", "gateway", "dispatch", "api", "maintain")

# ${NAME} or ${NAME:-default}
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")

Service = dict[str, Any]
Composition = dict[str, Any]


def composition() -> Composition:
    """The whole file, variables not filled in."""
    return cast("Composition", yaml.safe_load(FILE.read_text(encoding="utf-8")))


def filled(text: str) -> str:
    """What compose makes of a text when nothing is set."""
    return VARIABLE.sub(lambda found: found[2] or "", text)


def ours(composed: Composition) -> dict[str, Service]:
    """The services that run our own image."""
    return {name: one for name, one in composed["services"].items() if "build" in one}


def mounts(service: Service) -> list[tuple[str, str, bool]]:
    """(source, target, read-only) of everything mounted."""
    found = (volume.split(":") for volume in service.get("volumes", []))
    return [(words[0], words[1], words[2:] == ["ro"]) for words in found]


def volumes(service: Service) -> list[tuple[str, str, bool]]:
    """The mounts that are named volumes."""
    return [mount for mount in mounts(service) if not mount[0].startswith(".")]


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile, its lines joined."""

    name: str
    words: str

    @property
    def sources(self) -> list[str]:
        """What a COPY takes from the build context; nothing where it takes from another stage."""
        words = shlex.split(self.words)
        if self.name != "COPY" or any(word.startswith("--from") for word in words):
            return []
        return [word for word in words if not word.startswith("--")][:-1]


def dockerfile() -> list[Instruction]:
    """All instructions in order."""
    lines = (line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(" ", 1)) for line in whole.splitlines() if line.strip()]


def reaches_the_build(path: str, ignore: str | None = None) -> bool:
    """Whether .dockerignore lets a path of the project through; its last matching line counts, as docker says."""
    text = (ROOT / ".dockerignore").read_text(encoding="utf-8") if ignore is None else ignore
    passes = True
    for line in text.splitlines():
        pattern = line.removeprefix("!").rstrip("/")
        if line and not line.startswith("#") and any(_matches(part, pattern) for part in _parts(path)):
            passes = line.startswith("!")
    return passes


def _parts(path: str) -> list[str]:
    """The path and every folder above it: what is said of a folder holds for all inside it."""
    return [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(Path(path).name, pattern[3:])
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)
