"""Facts become deliveries: each new row of the outbox once, one delivery per endpoint that wants it.

A crash anywhere is harmless: a fact and its deliveries are one transaction, and both are unique. A row that commits late
with a lower id is not missed: what was read is remembered by transaction number, below the snapshot's xmin, never by id.
Refuses to send anything.
"""

import os
from collections.abc import Sequence
from uuid import UUID

import structlog

from dispatch import body, counters
from weld.core.ids import uuid7
from weld.core.routing import Endpoint, Fact, recipients
from weld.kit.clock import Clock
from weld.store import dispatch as store
from weld.store.connect import Conn
from weld.store.dispatch import FactRow, RouteRow

log = structlog.get_logger()

_BATCH = 200


class Expander:
    """Keeps what was read; a new one reads the whole outbox once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._floor = "0"
        self._broken: set[int] = set()

    @property
    def floor(self) -> str:
        """Below this transaction number every fact has its deliveries."""
        return self._floor

    async def expand(self, conn: Conn) -> int:
        """One batch; the number of facts in it. 0: everything that has committed until now has its deliveries."""
        async with conn.transaction():
            await store.guard(conn, "expand")
            # Before the facts are read: the later snapshot then sees all that these transactions wrote.
            ended = await store.xmin(conn)
            facts = await store.new_facts(conn, self._floor, sorted(self._broken), _BATCH)
            routes = [_endpoint(row) for row in await store.routes(conn)] if facts else []
            for fact in facts:
                await self._expand(conn, fact, routes)
        if not facts:
            self._floor = ended
        return len(facts)

    async def _expand(self, conn: Conn, fact: FactRow, routes: Sequence[Endpoint]) -> None:
        payload = await self._payload(conn, fact)
        if payload is not None:
            for endpoint in recipients(Fact(fact.code, fact.path), routes):
                await store.add_delivery(conn, self._new_id(), endpoint, fact, payload)
        if fact.id not in self._broken:
            await store.mark_expanded(conn, fact.id)

    async def _payload(self, conn: Conn, fact: FactRow) -> str | None:
        alert = await store.told_alert(conn, fact.subject)
        if alert is None or alert.historical:
            # What we learnt of late pages nobody (architecture 4.3); nor does what is no longer there.
            counters.FACTS.labels("historical" if alert else "no_alert").inc()
            return None
        try:
            text = body.build(fact, alert)
        except ValueError:
            # Our bug. It must not hold up the others, nor be forgotten: the next start tries it again.
            log.exception("fact_without_body", outbox=fact.id, fact=fact.fact, alert=str(fact.subject))
            counters.FACTS.labels("broken").inc()
            self._broken.add(fact.id)
            return None
        counters.FACTS.labels("expanded").inc()
        return text

    def _new_id(self) -> UUID:
        return uuid7(self._clock.now(), os.urandom(10))


def _endpoint(row: RouteRow) -> Endpoint:
    return Endpoint(row.id, row.path, None if row.codes is None else frozenset(row.codes), row.state)
