"""Everything that is sealed for long, sealed anew with the current key: page by page, each in a transaction of its own.

What somebody changes meanwhile is sealed with the current key anyway and is left alone. Files of imports are not touched: they
are gone after their retention. Refuses to skip a value that does not open: the key of it must not go.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from weld.store import fields
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.vault import Vault

FIRST: Final = UUID(int=0)


class Kind(NamedTuple):
    """A table: which column is sealed as which field, the query of a page and that of a change."""

    table: str
    sealed: Mapping[str, str]
    page: str
    change: str


KINDS: Final = (
    Kind(
        "worker",
        {
            "name_sealed": fields.WORKER_NAME,
            "identity_sealed": fields.WORKER_IDENTITY,
            "phone_sealed": fields.WORKER_PHONE,
        },
        "reseal_workers",
        "reseal_worker",
    ),
    Kind("certificate", {"number_sealed": fields.CERTIFICATE_NUMBER}, "reseal_certificates", "reseal_certificate"),
    Kind("endpoint", {"secret_sealed": fields.ENDPOINT_SECRET}, "reseal_endpoints", "reseal_endpoint"),
    Kind("officer", {"totp_sealed": fields.OFFICER_TOTP}, "reseal_officers", "reseal_officer"),
)


class Done(NamedTuple):
    """A page: the last row of it (None: there is none), how many rows it had and how many were sealed anew."""

    last: UUID | None
    seen: int
    changed: int


async def page(conn: Conn, vault: Vault, kind: Kind, after: UUID, limit: int = 500) -> Done:
    """The rows after one."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(query(kind.page), {"after": after, "limit": limit})).fetchall()
        old = [row for row in rows if not all(vault.is_current(kind.sealed[name], row[name]) for name in kind.sealed)]
        changed = 0
        for row in old:
            changed += (await cursor.execute(query(kind.change), _anew(vault, kind, row))).rowcount
    return Done(rows[-1]["id"] if rows else None, len(rows), changed)


def _anew(vault: Vault, kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
    fresh = {
        name: vault.seal(field, row["id"], vault.open(field, row["id"], row[name]))
        for name, field in kind.sealed.items()
    }
    return {"id": row["id"]} | fresh | {f"old_{name}": row[name] for name in kind.sealed}
