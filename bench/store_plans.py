"""How the questions were planned: EXPLAIN (ANALYZE, BUFFERS) of every statement of theirs, those inside functions included.

The server tells it by itself (auto_explain) to a superuser who then acts as the api's role. Refuses to shorten what matters:
what is left out of a long plan (one part for each day) is counted.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.store_questions import Asking, asked, machines_of
from bench.store_servers import StoreGround
from weld.store import province, questions
from weld.store.province import Shape

_LINES = 70  # of one plan
_STATEMENT = re.compile(r"Query Text:.*?(?=\nQuery Parameters:|\n\w[^\n]*\(cost=)", re.DOTALL)
_FILE = "store-plans.md"
Plans = Mapping[str, Mapping[str, list[str]]]


def gather(ground: StoreGround, shape: Shape) -> dict[str, list[str]]:
    """Each question once, the second time it is put; the plans of its statements as the server wrote them."""
    return asyncio.run(_gather(ground, shape))


def write(folder: Path, shape: Shape, plans: Plans) -> Path:
    """One document for all engines."""
    lines = [_HEAD.format(machines=shape.machines, rows=shape.rows, days=shape.days)]
    for engine, of_engine in plans.items():
        lines.append(f"## {engine}\n")
        for name, found in of_engine.items():
            lines.append(f"### {name} ({engine})\n")
            lines += [f"```\n{_shortened(plan)}\n```\n" for plan in found]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / _FILE
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


async def _gather(ground: StoreGround, shape: Shape) -> dict[str, list[str]]:
    asking, found, seen = Asking(shape, machines_of(ground, shape)), {}, set[str]()
    for name in questions.NAMES:
        put = asking.put(name)
        for _ in range(2):
            said: list[str] = []
            eyes = province.explained(ground.admin_url, f"{ground.database}_api", put.scope, said.append)
            await asked(eyes, put)
        found[name] = _once(said, seen)
    return found


def _once(plans: Sequence[str], seen: set[str]) -> list[str]:
    """Those of statements that were not shown before: what decides the scope is the same for every question."""
    fresh = []
    for plan in plans:
        said = _STATEMENT.search(plan)
        statement = said[0] if said else plan
        if statement not in seen:
            seen.add(statement)
            fresh.append(plan)
    return fresh


def _shortened(plan: str) -> str:
    lines = [line.rstrip() for line in plan.splitlines()]
    if len(lines) <= _LINES:
        return "\n".join(lines)
    left_out = len(lines) - _LINES
    return "\n".join([*lines[: _LINES - 15], f"... {left_out} lines more like these ...", *lines[-15:]])


_HEAD = """\
# How the questions are planned

Made by `weldgate bench store --plans`: {machines:,} machines, {rows:,} rows of telemetry over {days} days. Each question was put
twice with words by chance, as the api's role under the scope of whoever may ask; these are the plans of the second time, with
those inside functions; what two questions share (scope, names) stands with the first. What they cost in all:
[benchmarks.md](benchmarks.md).
"""
