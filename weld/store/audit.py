"""The audit: who did what to what, appended in the transaction that did it. Refuses personal data: ids only."""

from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from weld.store.connect import Conn
from weld.store.queries import query


async def record(conn: Conn, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Who did what to what; ids only, never personal data."""
    words = {"at": at, "actor": actor, "action": action, "subject": subject, "detail": Jsonb(detail)}
    await conn.execute(query("audit_insert"), words)
