"""`weldgate vault rotate|reseal`: another key for personal fields, and everything sealed anew with it.

Between the two the api and dispatch are started again, as each reads its keys once. The index key never changes. Refuses to
remove a key.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import UUID

import psycopg

from weld.cli import homes
from weld.cli.as_api import as_api
from weld.cli.stack import CLONE
from weld.kit.clock import SystemClock
from weld.store import audit, resealing
from weld.store.audit import Trace
from weld.store.connect import Pool, pool, scoped
from weld.store.resealing import KINDS, Kind
from weld.store.vault import Vault, VaultError

_SCOPE = "platform"
_TOLD_EVERY = 5_000


def rotate(folder: Path | None = None) -> int:
    """Add a key and make it the current one; 1 where that cannot be."""
    try:
        vault = Vault.rotate(folder or _folder())
    except (VaultError, OSError) as error:
        print(f"weldgate: {error}", file=sys.stderr)
        return 1
    print(vault)
    text = (
        "start api and dispatch again now (until then they cannot open what others seal), then `weldgate vault reseal`"
    )
    print(text, file=sys.stderr)
    return 0


def reseal() -> int:
    """Seal everything anew that another key sealed; 1 where something does not open."""
    try:
        with as_api() as (url, vault):
            done = asyncio.run(seal_all(url, vault))
    except (VaultError, RuntimeError, OSError, psycopg.Error) as error:
        # what a database says of a value stays unsaid
        print(f"weldgate: {type(error).__name__ if isinstance(error, psycopg.Error) else error}", file=sys.stderr)
        return 1
    print(json.dumps(done))
    return 0


async def seal_all(url: str, vault: Vault) -> dict[str, int]:
    """How many rows of each table were sealed anew (`url` is that of the role api)."""
    async with pool(url, "reseal", size=2) as connections:
        done = {kind.table: await _seal(connections, vault, kind) for kind in KINDS}
        async with scoped(connections, _SCOPE) as conn:
            words = {"key": vault.current, "rows": done}
            await audit.append(conn, [Trace(SystemClock().now(), "command:vault", "vault.resealed", "vault", words)])
    return done


async def _seal(connections: Pool, vault: Vault, kind: Kind) -> int:
    after: UUID | None = resealing.FIRST
    seen = changed = 0
    while after is not None:
        async with scoped(connections, _SCOPE) as conn:
            after, rows, some = await resealing.page(conn, vault, kind, after)
        if (seen + rows) // _TOLD_EVERY > seen // _TOLD_EVERY:
            print(f"{kind.table}: {seen + rows} rows looked at, {changed + some} sealed anew", file=sys.stderr)
        seen, changed = seen + rows, changed + some
    return changed


def _folder() -> Path:
    told = os.environ.get("WELDGATE_VAULT")
    return Path(told) if told else homes.private_folder(CLONE) / "secrets" / "vault"
