"""Personal data in full: who was shown which number, all that is kept about one person, and its end.

Written by api only. What a person's erasure takes away is one function of the database, which looks at the scope itself. Refuses
to open a sealed field: whoever shows one opens it with the vault, and says so in the audit.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.rows import dict_row

from weld.core.personal import Ties
from weld.store import fields
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.vault import Vault

RevealField = Literal["identity_number", "phone"]
Kept = Mapping[str, Any]

# Above any person's working life; a list that is longer is cut, and whoever reads it is told.
MOST: Final = 50_000

_KEPT: Final = {
    "person": "kept_worker",
    "certificates": "kept_certificates",
    "certificate_acts": "kept_certificate_changes",
    "sessions": "kept_sessions",
    "unlocks": "kept_unlocks",
    "refusals": "kept_refusals",
    "alerts": "kept_alerts",
    "devices": "kept_devices",
    "sign_ins": "kept_sign_ins",
    "consents": "consent_list",
    "reveals": "reveal_list",
    "guest_places": "kept_guest_places",
}


async def reveals(conn: Conn, officer: UUID, since: datetime) -> int:
    """How often this officer was shown a number since then; until the transaction ends nobody else shows him one."""
    words = {"officer": officer, "since": since}
    await conn.execute(query("reveal_lock"), words)
    row = await (await conn.execute(query("reveals_of"), words)).fetchone()
    return int(row[0]) if row else 0


async def add_reveal(conn: Conn, officer: UUID, worker: UUID, field: RevealField, reason: str, at: datetime) -> None:
    """He is shown one more."""
    words = {"officer": officer, "worker": worker, "field": field, "reason": reason, "at": at}
    await conn.execute(query("reveal_add"), words)


async def is_own(conn: Conn, worker: UUID) -> bool:
    """Whether a worker belongs to the caller's scope; who is only a guest there does not."""
    row = await (await conn.execute(query("worker_own"), {"worker": worker})).fetchone()
    return bool(row and row[0])


async def ties(conn: Conn, worker: UUID) -> Ties | None:
    """What may keep a person's data from being erased; None where there is nobody such."""
    row = await (await conn.execute(query("worker_ties"), {"worker": worker})).fetchone()
    return None if row is None else Ties(*row)


async def erase(conn: Conn, worker: UUID, at: datetime, words: Sequence[str]) -> bool:
    """A person's data go for good; False where there is nobody such, or he works right now."""
    row = await (
        await conn.execute(query("worker_erase"), {"worker": worker, "at": at, "words": list(words)})
    ).fetchone()
    return bool(row and row[0])


async def forget_rows(conn: Conn, vault: Vault, numbers: Collection[str]) -> int:
    """Take rows with one of these numbers out of what is left of imports; how many. Sees the imports of the caller's eyes."""
    gone = 0
    found = await (await conn.execute(query("import_chunks_left"))).fetchall()
    for number, chunk, sealed in found:
        field = f"{fields.IMPORT_ROWS}.{chunk}"
        rows = json.loads(vault.open(field, number, sealed))
        rest = [row for row in rows if not any(word in cell for cell in row[1] for word in numbers)]
        if len(rest) < len(rows):
            gone += len(rows) - len(rest)
            fresh = vault.seal(field, number, json.dumps(rest, ensure_ascii=False)) if rest else None
            await conn.execute(query("import_chunk_reseal"), {"id": number, "number": chunk, "sealed": fresh})
    return gone


async def agree(conn: Conn, worker: UUID, version: date, at: datetime) -> None:
    """A worker agrees to a version of the text."""
    await conn.execute(query("consent_add"), {"worker": worker, "version": version, "at": at})


async def agreed(conn: Conn, worker: UUID) -> list[tuple[date, datetime]]:
    """Which versions a worker agreed to, and when."""
    return [
        (row[0], row[1]) for row in await (await conn.execute(query("consent_list"), {"worker": worker})).fetchall()
    ]


async def kept(conn: Conn, worker: UUID) -> dict[str, list[Kept]]:
    """All rows about a person, as far as the caller's eyes see, by what they are; numbers and name are sealed."""
    found: dict[str, list[Kept]] = {}
    async with conn.cursor(row_factory=dict_row) as cursor:
        for what, name in _KEPT.items():
            await cursor.execute(query(name), {"worker": worker, "limit": MOST})
            found[what] = list(await cursor.fetchall())
    return found
