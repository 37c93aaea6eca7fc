"""A small world for dispatch: divisions, endpoints, alerts and facts in a real database, and the process that runs over it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from dispatch.main import Dispatcher
from dispatch.settings import DispatchSettings
from tests.database import Database
from weld.core import secret
from weld.kit.clock import SystemClock
from weld.store import fields
from weld.store.vault import Vault

VAULT = Vault("k1", {"k1": b"k" * 32}, b"i" * 32)
QUICK: dict[str, Any] = {
    "webhook_allow": "127.0.0.0/8",
    "dispatch_poll_s": 0.05,
    "retry_delays_s": (0.05, 0.05, 0.1),
    "webhook_timeout_s": 2.0,
}

_DIVISIONS = (("41", None, "41"), ("4105", "41", "41/4105"), ("410502", "4105", "41/4105/410502"))


def new_secret() -> str:
    return secret.webhook_secret(os.urandom(32))


class Scene:
    """What a test arranges and looks at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        for code, parent, path in _DIVISIONS:
            database.rows(
                "INSERT INTO weld.division (code, name_zh, name_en, parent, path) VALUES (%s, 'x', 'x', %s, %s)",
                code,
                parent,
                path,
            )

    def endpoint(
        self, url: str, key: str, *, division: str = "410502", codes: list[str] | None = None, state: str = "active"
    ) -> UUID:
        """A webhook endpoint."""
        name = uuid4()
        self.database.rows(
            "INSERT INTO weld.endpoint (id, name, url, secret_sealed, division, codes, state) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            name,
            str(name),
            url,
            VAULT.seal(fields.ENDPOINT_SECRET, name, key),
            division,
            codes,
            state,
        )
        return name

    def alert(
        self,
        code: str = "D01",
        *,
        division: str | None = "410502",
        evidence: dict[str, Any] | None = None,
        historical: bool = False,
        late_by_ms: int = 0,
    ) -> UUID:
        """An alert as ingest would have raised it."""
        name, now = uuid4(), datetime.now(UTC)
        self.database.rows(
            "INSERT INTO weld.alert (id, code, level, subject, episode, plate, chip, worker, division, since, last_at, "
            "historical, late_by_ms, evidence, raised_by, raised_at) VALUES "
            "(%s, %s, 1, '410502A000000001H', %s, '410502A000000001H', 'WG0000000001', %s, %s, %s, %s, %s, %s, %s, "
            "'ingest', %s)",
            name,
            code,
            str(name),
            uuid4(),
            division,
            now,
            now,
            historical,
            late_by_ms,
            json.dumps(evidence or {}),
            now,
        )
        return name

    def close(self, alert: UUID) -> None:
        """What an officer's closing does to the alert."""
        self.database.rows(
            "UPDATE weld.alert SET state = 'closed', closed_at = now(), closed_by = 'x', outcome = 'confirmed' "
            "WHERE id = %s",
            alert,
        )

    def announce(self, alert: UUID, fact: str = "alert.opened") -> None:
        """The outbox row, written as ingest writes it."""
        with psycopg.connect(self.database.url("ingest"), autocommit=True) as conn:
            self.announce_on(conn, alert, fact)

    def announce_on(self, conn: psycopg.Connection, alert: UUID, fact: str = "alert.opened") -> None:
        """The same inside a transaction of the test's own."""
        conn.execute(
            "INSERT INTO outbox (fact, subject, code, division, payload) "
            "SELECT %s, id, code, division, jsonb_build_object('alert', id) FROM alert WHERE id = %s",
            (fact, alert),
        )
        conn.execute("SELECT pg_notify('weld_outbox', '')")

    def deliveries(self, columns: str = "state, attempts") -> list[tuple[Any, ...]]:
        """What stands in the table, in the order of the outbox."""
        return self.database.rows(f"SELECT {columns} FROM weld.delivery ORDER BY outbox_id, endpoint")

    async def until(self, statement: str, wanted: object, seconds: float = 10.0) -> None:
        """Wait until a statement's only value is what the test expects."""
        found: object = None
        for _ in range(int(seconds / 0.05)):
            rows = await asyncio.to_thread(self.database.rows, statement)
            found = rows[0][0] if rows else None
            if found == wanted:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{statement}: {found!r} instead of {wanted!r}")

    async def until_delivered(self, count: int, seconds: float = 10.0) -> None:
        """Wait until so many deliveries are done."""
        await self.until("SELECT count(*) FROM weld.delivery WHERE state = 'delivered'", count, seconds)

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[Dispatcher]:
        """A dispatch process, stopped cleanly at the end."""
        stop = asyncio.Event()
        dispatcher = Dispatcher(
            DispatchSettings(**QUICK | settings), self.database.url("dispatch"), VAULT, SystemClock()
        )
        work = asyncio.create_task(dispatcher.run(stop))
        try:
            async with asyncio.timeout(10):
                await dispatcher.ready.wait()
            yield dispatcher
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await work
