"""`weldgate divisions import`: the divisions of published lists, with the areas that tell where a place lies, into the registers.

Keeps every code that is there: what vanished from its list ends, nothing is deleted, a second time changes nothing. Refuses to
end a good part of the register because a file is short, unless it is told that so many may end.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from api.screens import PAGES
from api.settings import ApiSettings
from weld.cli.as_api import as_api
from weld.cli.division_files import NoImportError, Published, read
from weld.core import division
from weld.core.gazetteer import Difference, Lists, Plan, plan
from weld.store import audit, divisions
from weld.store.audit import Trace
from weld.store.connect import Conn, pool, scoped

_MAY_END = 20
_MAY_END_SHARE = 0.05
_SHOWN = 8
_KINDS = {
    "only_first": "only in the first list",
    "only_second": "only in the second list (development zones, older or newer codes)",
    "only_here": "only in the register, entered by a person: kept",
    "name": "other names in the two lists: the first counts",
    "parent": "under another parent than the code says: kept",
    "no_parent": "left out, as what it belongs to is not there",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to import. `many`: as many codes may end as do. `day` None: today."""

    folder: Path | None = None
    provinces: Sequence[str] = ()
    townships: bool = False
    dry: bool = False
    many: bool = False
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of it."""

    made_from: Sequence[str]
    day: date
    dry_run: bool
    added: int
    changed: int
    ended: Sequence[str]
    lands: int
    differences: Sequence[Difference]

    def line(self) -> str:
        """As one line of JSON."""
        words: dict[str, Any] = asdict(self) | {"day": self.day.isoformat()}
        words["differences"] = [each._asdict() for each in self.differences]
        return json.dumps(words, ensure_ascii=False)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run(asked: Asked) -> int:
    """Import into the clone's own registers, or those that a container is told of; 1 where it was refused."""
    try:
        folder = asked.folder or ApiSettings().pages_folder or PAGES
        _to_stderr(f"reading {folder}")
        published = read(folder, provinces_of(asked))
        with as_api() as (url, _):
            report = asyncio.run(enter(asked, published, url, datetime.now(UTC)))
    except (RuntimeError, ValueError, OSError, psycopg.OperationalError) as error:
        _to_stderr(f"weldgate: {error}")
        return 1
    _tell(report)
    print(report.line())
    return 0


async def enter(
    asked: Asked, published: Published, database_url: str, now: datetime, say: Callable[[str], None] = _to_stderr
) -> Report:
    """Import in one transaction what was read of the provinces asked for, or with `dry` say what would be done.

    `database_url` is that of the role api.
    """
    provinces, day = provinces_of(asked), _day(asked, now)
    if asked.townships and not published.second:
        raise NoImportError("townships stand in the second list, which is not there: `tools/pages --codes` fetches it")
    async with pool(database_url, "divisions", size=1) as connections, scoped(connections, "platform") as conn:
        await divisions.hold_imports(conn)
        register = await divisions.held(conn, provinces)
        say(
            f"{len(published.first)} divisions in the first list, {len(published.second)} in the second, {len(register)} here"
        )
        planned = plan(Lists(published.first, published.second, asked.townships), register, day)
        _refuse_many_ends(planned, sum(row.listed is not None and row.until is None for row in register), asked)
        known = {row.code for row in (*register, *planned.added)}
        changed, gone = await _lands(conn, published, known, provinces)
        ended = planned.ended
        report = Report(
            published.made_from, day, asked.dry, len(planned.added), len(planned.changed) - len(ended), ended,
            len(changed) + len(gone), planned.differences,
        )  # fmt: skip
        if not asked.dry and (planned.added or planned.changed or changed or gone):
            say(f"writing {len(planned.added) + len(planned.changed)} divisions and the areas of {report.lands}")
            await divisions.carry_out(conn, planned)
            await divisions.put_lands(conn, changed, gone)
            trace = Trace(now, "command:divisions", "divisions.imported", "divisions", _trace(report, provinces))
            await audit.append(conn, [trace])
    return report


async def _lands(
    conn: Conn, published: Published, known: set[str], provinces: Sequence[str]
) -> tuple[dict[str, divisions.Pieces], list[str]]:
    """The land that is another now, and the divisions that have none any more."""
    before = await divisions.lands(conn, provinces)
    changed = {code: now for code, now in published.lands.items() if code in known and before.get(code) != now}
    return changed, [code for code in before if code not in published.lands]


def provinces_of(asked: Asked) -> list[str]:
    """The provinces as the register writes them: 41 of 41 and of 410000."""
    codes = [division.normal(code) for code in asked.provinces]
    wrong = next((code for code in codes if division.code_fault(code) or division.level(code) != "province"), None)
    if wrong is not None:
        raise NoImportError(f"--province: {wrong} is no province: take one such as 41")
    return sorted({division.short(code) for code in codes})


def _day(asked: Asked, now: datetime) -> date:
    today = now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    if asked.day is not None and asked.day > today:
        raise NoImportError(f"--on: {asked.day} is still to come")
    return asked.day or today


def _refuse_many_ends(planned: Plan, listed: int, asked: Asked) -> None:
    if asked.many or len(planned.ended) <= max(_MAY_END, _MAY_END_SHARE * listed):
        return
    raise NoImportError(
        f"{len(planned.ended)} of {listed} divisions would end: is the list whole? If it is, say so with --many-may-end"
    )


def _trace(report: Report, provinces: Sequence[str]) -> dict[str, Any]:
    counts = {"added": report.added, "changed": report.changed, "ended": len(report.ended), "lands": report.lands}
    return {"made_from": list(report.made_from), "day": report.day.isoformat(), "provinces": list(provinces)} | counts


def _tell(report: Report) -> None:
    """What became of it, for people; the line of JSON has all of it."""
    for kind, number in Counter(each.kind for each in report.differences).items():
        some = [f"{each.code} {each.text}" for each in report.differences if each.kind == kind][:_SHOWN]
        _to_stderr(f"{number} {_KINDS[kind]}: {'; '.join(some)}{' ...' if number > _SHOWN else ''}")
    if report.ended:
        _to_stderr(f"no longer valid from {report.day} on: {', '.join(report.ended)}")
    done = "would be" if report.dry_run else "were"
    _to_stderr(
        f"{report.added} divisions {done} added, {report.changed} changed, {len(report.ended)} ended;"
        f" the areas of {report.lands} {done} written"
    )
