"""`weldgate plates ... --out FILE`: plates of the clone's own machines as A4 sheets (PDF), or one plate as SVG.

The same drawing as the api's, and the same trace. Refuses to print a part of what was asked for.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from api.paper.label import svg
from api.paper.sheet import sheets
from api.printing import labels
from api.settings import ApiSettings
from weld.cli.as_api import as_api
from weld.store import audit, registers
from weld.store.audit import Trace
from weld.store.connect import Conn, pool, scoped
from weld.store.registers import LabelRow
from weld.store.vault import Vault


class AskedWronglyError(ValueError):
    """What was asked for cannot be printed; the message says why."""


@dataclass(frozen=True)
class Asked:
    """Whose plates, one of the three: an enterprise by its credit code, a division with all below it, or these plates."""

    enterprise: str | None = None
    division: str | None = None
    plates: Sequence[str] = ()


def run(asked: Asked, out: Path) -> int:
    """Print from the clone's own registers; 1 where there is nothing to print."""
    try:
        with as_api() as (address, vault):
            settings = ApiSettings()
            number = asyncio.run(draw(asked, out, address, vault, settings, datetime.now(UTC)))
    except (RuntimeError, ValueError, OSError, psycopg.OperationalError) as error:
        print(f"weldgate: {error}", file=sys.stderr)
        return 1
    print(f"{out}: {number} plates that lead to {settings.public_url}; print at 100 %", file=sys.stderr)
    return 0


async def draw(asked: Asked, out: Path, database_url: str, vault: Vault, settings: ApiSettings, now: datetime) -> int:
    """Write the file (`database_url` is that of the role api); how many plates are in it."""
    if out.suffix not in {".pdf", ".svg"}:
        raise AskedWronglyError("--out: a file that ends in .pdf or .svg")
    async with pool(database_url, "plates", size=1) as connections, scoped(connections, "platform") as conn:
        rows = await _rows(conn, asked)
        if out.suffix == ".svg" and len(rows) != 1:
            raise AskedWronglyError(f"an SVG holds one plate and these are {len(rows)}; take a .pdf")
        made = labels(rows, settings, vault)
        out.write_bytes(svg(made[0]).encode() if out.suffix == ".svg" else sheets(made, demo=settings.demo))
        await audit.append(conn, [Trace(now, "command:plates", "plates.printed", "plates", {"plates": len(rows)})])
    return len(rows)


async def _rows(conn: Conn, asked: Asked) -> list[LabelRow]:
    if sum(map(bool, (asked.enterprise, asked.division, asked.plates))) != 1:
        raise AskedWronglyError("give one of --enterprise, --division, --plate")
    enterprise = await registers.find_enterprise(conn, asked.enterprise) if asked.enterprise else None
    if asked.enterprise and enterprise is None:
        raise AskedWronglyError(f"no enterprise has the credit code {asked.enterprise}")
    rows = await registers.labels(
        conn,
        plates=asked.plates or None,
        enterprise=enterprise.id if enterprise else None,
        division=asked.division,
        limit=None,
    )
    missing = set(asked.plates) - {row.plate for row in rows}
    if missing or not rows:
        raise AskedWronglyError(
            f"no machine has the plate {', '.join(sorted(missing))}" if missing else "no machines there"
        )
    return rows
