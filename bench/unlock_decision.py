"""`weldgate bench unlock-decision`: a province's workers imported through the real door, then the whole decision asked for many.

A stack of its own: an api that is brought a made-up table with valid numbers, the same for the same seed. A decision is all that
a scan does from its first look-up to the answer of the pure decision; what it writes afterwards is timed beside it, and undone.
Refuses to help: no table is analysed by hand, no cache warmed.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx

from api import scan
from api.board import Board
from api.caller import Caller
from api.code_provider import ConsoleProvider
from api.parts import Parts, new_id
from api.registers import PUTS, Desk, Kind
from api.settings import ApiSettings
from api.sheets import line
from bench import usage
from bench.domain_path import heard_once
from bench.ground import Ground
from schemas import registers as shapes
from weld.cli.stack import Child
from weld.core import identity, plate, roster, secret
from weld.core.access import Permit, Refusal, Rules, Scan, decide
from weld.core.rights import BUSINESS_RIGHTS
from weld.kit.clock import SystemClock
from weld.store import access_rules, load
from weld.store.connect import Conn, pool, scoped, undone
from weld.store.vault import Vault

AIM_MS, FLOOR_MS = 10.0, 50.0
_CITIES = 18
_ENTERPRISES = 200
_KEY = "wgk_" + "bench-of-unlock-decisions-only-0123456789"
Say = Callable[[str], None]
_ITEMS = ("熔化焊接与热切割作业", "压力焊作业", "钎焊作业")


@dataclass(frozen=True, slots=True)
class Asked:
    """How much to do."""

    workers: int
    decisions: int = 5000
    machines: int = 2000
    seed: int = 1


def run(asked: Asked, *, quiet: bool) -> int:
    """Import, ask, and print one JSON object; 1 where the floor is missed or a row was."""
    say: Say = _silent if quiet else _say
    ground = Ground.make("decide")
    ground.needs_broker = False
    with ground:
        asyncio.run(_furnish(ground, asked))
        load.hear(ground.admin_url, 0, asked.machines, heard_once())
        say(f"{asked.machines} machines are in the registers")
        child = ground.start("api")
        child.wait_ready()
        imported = _import(ground.folder / "workers.csv", child, asked, say)
        child.stop()
        chosen = load.some_workers(ground.admin_url, 10_000)
        decided = asyncio.run(_decide(ground, asked, chosen))
    told = {"workers": asked.workers} | imported | decided | {"aim_ms": AIM_MS, "floor_ms": FLOOR_MS}
    print(json.dumps(told))
    return 0 if decided["p99_ms"] <= FLOOR_MS and imported["entered"] == asked.workers else 1


async def _furnish(ground: Ground, asked: Asked) -> None:
    """Divisions, enterprises, machines and a key, by the functions behind the registers' routes."""
    clock = SystemClock()
    async with pool(ground.role_url("api"), "bench", 1) as connections, scoped(connections, "platform") as conn:
        desk = Desk(ground.installation.vault, clock.now())
        for kind, entry in _entries(asked, clock.now()):
            await PUTS[kind](conn, desk, entry)


def _entries(asked: Asked, now: datetime) -> Iterator[tuple[Kind, shapes.Shape]]:
    yield "division", shapes.Division(code="41", name_zh="河南省", name_en="Henan")
    for city in range(1, _CITIES + 1):
        yield (
            "division",
            shapes.Division(code=f"41{city:02d}", name_zh=f"市{city}", name_en=f"City {city}", parent="41"),
        )
    for number in range(_ENTERPRISES):
        entry = shapes.Enterprise(name=f"企业{number}", credit_code=_credit_code(number), division=_city(number))
        yield "enterprise", entry
    for number in range(asked.machines):
        yield "chip", shapes.Chip(chip=f"LOAD{number:08d}", model="load")
        yield (
            "machine",
            shapes.Machine(
                plate=_plate(number),
                division=_city(number),
                enterprise=_credit_code(number % _ENTERPRISES),
                maker="load",
                model="load",
                serial=str(number),
                chip=f"LOAD{number:08d}",
            ),
        )
    until = now + timedelta(days=1)
    yield (
        "officer_key",
        shapes.OfficerKey(name="bench", scope="platform", rights=list(BUSINESS_RIGHTS), expires_at=until, secret=_KEY),
    )


def _city(number: int) -> str:
    return f"41{number % _CITIES + 1:02d}"


def _plate(number: int) -> str:
    return plate.make("410500", "A", number)


def _credit_code(number: int) -> str:
    organisation = f"MB{number:06d}"
    first = f"91410100{organisation}{identity.organisation_check(organisation)}"
    return first + identity.credit_check(first)


def rows(workers: int, seed: int) -> Iterator[list[str]]:
    """The table, its headings first; every identity number and phone is another, and holds its check."""
    yield [column.zh for column in roster.COLUMNS]
    chance = random.Random(seed)  # noqa: S311  (a made-up table, the same every time)
    for number in range(workers):
        born = date(1975, 1, 1) + timedelta(days=number % 9000)
        first = f"4101{number // 9000 // 999 % 90 + 10}{born:%Y%m%d}{number // 9000 % 999 + 1:03d}"
        holder = first + identity.identity_check(first)
        since = date(2024, 6, 1) + timedelta(days=chance.randrange(700))
        yield [
            f"工{number}", holder, f"1{3_000_000_000 + number}", _credit_code(number % _ENTERPRISES), _city(number),
            "特种作业操作证", f"T{holder}", "焊接与热切割作业", chance.choices(_ITEMS, (8, 1, 1))[0], since.isoformat(),
            (since + timedelta(days=2190)).isoformat(), "", "", "河南省应急管理厅",
        ]  # fmt: skip


def _import(file: Path, child: Child, asked: Asked, say: Say) -> dict[str, Any]:
    """Write the table, bring it, confirm it; how long each part took and what memory the api had at most."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(line(row) for row in rows(asked.workers, asked.seed))
    say(f"{file.stat().st_size / 1e6:.0f} MB with {asked.workers} workers are brought")
    headers = {"Authorization": f"Bearer {_KEY}"}
    with httpx.Client(base_url=child.address, headers=headers, timeout=600) as http:
        began = time.monotonic()
        number = _bring(http, file)
        brought = time.monotonic()
        _until(http, number, "previewed", say)
        previewed = time.monotonic()
        http.post(f"/api/v1/imports/{number}/confirm").raise_for_status()
        done = _until(http, number, "done", say)
        ended = time.monotonic()
    return {
        "entered": done["created"],
        "import_s": round(ended - began, 1),
        "upload_s": round(brought - began, 1),
        "preview_s": round(previewed - brought, 1),
        "enter_s": round(ended - previewed, 1),
        "api_cpu_s": round(usage.cpu_s(child.process.pid), 1),
        "rows_per_s": round(asked.workers / (ended - previewed)),
        "api_peak_mb": round(usage.peak_mb(child.process.pid), 1),
    }


def _bring(http: httpx.Client, file: Path) -> str:
    with file.open("rb") as source:
        pieces = iter(lambda: source.read(1 << 16), b"")
        answer = http.post("/api/v1/imports", content=pieces, headers={"Content-Type": "text/csv"})
    answer.raise_for_status()
    number: str = answer.json()["id"]
    return number


def _until(http: httpx.Client, number: str, state: str, say: Say) -> dict[str, Any]:
    shown = 0
    while True:
        answer = http.get(f"/api/v1/imports/{number}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        if found["state"] == state:
            return found
        if found["state"] == "stopped":
            raise RuntimeError(f"the import was stopped: {found['why']}")
        done = max(found["rows_entered"], 0 if state == "done" else found["rows_read"])
        if done >= shown + 20_000:
            say(f"{done} rows, {'entered' if state == 'done' else 'read'}")
            shown = done
        time.sleep(0.25)


@asynccontextmanager
async def _parts(ground: Ground) -> AsyncIterator[Parts]:
    vault: Vault = ground.installation.vault
    async with pool(ground.role_url("api"), "bench", 1) as connections:
        yield Parts(connections, vault, SystemClock(), ConsoleProvider(), ApiSettings(), access_rules.load(), Board())


class _Judge:
    """Stands where a scan asks the pure decision, and notes when that has answered: all look-ups are behind it then."""

    def __init__(self) -> None:
        self.answered_s = 0.0

    def __call__(self, asked: Scan, rules: Rules) -> Permit | Refusal:
        decision = decide(asked, rules)
        self.answered_s = time.perf_counter()
        return decision


async def _decide(ground: Ground, asked: Asked, chosen: list[UUID]) -> dict[str, Any]:
    """Ask for workers and machines by chance; what became of it, and how long it took."""
    chance, judge = random.Random(asked.seed), _Judge()  # noqa: S311
    decided_ms, answered_ms, granted = [], [], 0
    cpu_s = time.process_time()
    with patch.object(scan, "decide", judge):
        async with _parts(ground) as parts:
            for _ in range(asked.decisions):
                worker, code = chance.choice(chosen), _plate(chance.randrange(asked.machines))
                began_s = time.perf_counter()
                async with undone(parts.pool, "platform") as conn:
                    outcome = await scan.attempt(_caller(parts, conn, worker), worker, code)
                    answered_ms.append((time.perf_counter() - began_s) * 1000)
                decided_ms.append((judge.answered_s - began_s) * 1000)
                granted += isinstance(outcome, scan.Granted)
    if min(decided_ms) <= 0:
        raise RuntimeError("a scan was answered without the decision")
    return {
        "decisions": asked.decisions,
        "granted": granted,
        **_spread("", decided_ms),
        **_spread("with_writes_", answered_ms),
        "cpu_ms": round((time.process_time() - cpu_s) * 1000 / asked.decisions, 2),
    }


def _spread(name: str, took_ms: list[float]) -> dict[str, float]:
    took_ms.sort()
    middle, high = took_ms[len(took_ms) // 2], took_ms[len(took_ms) * 99 // 100]
    return {f"{name}p50_ms": round(middle, 2), f"{name}p99_ms": round(high, 2), f"{name}most_ms": round(took_ms[-1], 2)}


def _caller(parts: Parts, conn: Conn, worker: UUID) -> Caller:
    now = parts.clock.now()
    return Caller(conn, parts, now, "zh", new_id(now), f"worker:{worker}", worker, secret.key_hash("bench"))


def _silent(_text: str) -> None:
    return None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
