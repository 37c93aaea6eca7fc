"""The sending end: leases due deliveries, makes the attempts side by side, records what came of each.

A lease is a promise for a while: whoever dies leaves the delivery to the next, under the same id. Refuses to hold up one
endpoint for another: each has its room. Refuses to keep anything that an endpoint answered, beyond its status.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from dispatch import counters
from dispatch.post import Courier, Message
from dispatch.settings import DispatchSettings
from weld.core import retry
from weld.core.retry import Again, Answer, Dead, Delivered, Gone, Standing, Verdict
from weld.kit.clock import Clock
from weld.kit.wait import wait
from weld.store import dispatch as store
from weld.store import fields
from weld.store.connect import TRANSIENT, Conn, Pool
from weld.store.dispatch import LeasedRow
from weld.store.vault import Vault, VaultError

log = structlog.get_logger()

_GIVE_BACK_WITHIN_S = 1.5
_RECORD_AGAIN_S = 0.5


class Deliverer:
    """Makes attempts until it is told to stop."""

    def __init__(self, settings: DispatchSettings, pool: Pool, vault: Vault, courier: Courier, clock: Clock) -> None:
        self._settings = settings
        self._policy = settings.policy
        self._pool = pool
        self._vault = vault
        self._courier = courier
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self.wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Lease and send until `stop`; then finish what is under way."""
        while not stop.is_set():
            self.wake.clear()
            if not await self._lease(stop):
                await wait(self.wake, self._settings.dispatch_poll_s)
        await self._finish()

    async def _lease(self, stop: asyncio.Event) -> bool:
        """True where there may be more at once."""
        free = self._settings.webhooks_at_once - len(self._under_way)
        if free <= 0:
            return False
        try:
            rows = await self._leased(free)
        except TRANSIENT as error:
            log.warning("lease_failed", error=type(error).__name__)
            await wait(stop, _RECORD_AGAIN_S)
            return False
        for row in rows:
            task = asyncio.create_task(self._attempt(row))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        counters.IN_FLIGHT.set(len(self._under_way))
        return bool(rows)

    async def _leased(self, limit: int) -> list[LeasedRow]:
        async with self._pool.connection() as conn, conn.transaction():
            await store.guard(conn, "lease")
            return await store.lease(
                conn,
                limit=limit,
                per_endpoint=self._settings.webhooks_per_endpoint,
                one_at_a_time_after=self._policy.one_at_a_time_after,
                lease_s=self._settings.delivery_lease_s,
            )

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        counters.IN_FLIGHT.set(len(self._under_way))
        self.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attempt_lost", error=type(error).__name__, exc_info=error)

    async def _finish(self) -> None:
        """What is sent is recorded; what does not end in time goes back, to be sent again under the same id."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=self._settings.webhook_finish_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_GIVE_BACK_WITHIN_S)

    async def _attempt(self, row: LeasedRow) -> None:
        # a task of its own: all that is logged from here on belongs to this attempt
        structlog.contextvars.bind_contextvars(delivery=str(row.id), endpoint=str(row.endpoint), number=row.attempts)
        begun = self._clock.monotonic()
        try:
            answer = await self._post(row)
        except asyncio.CancelledError:
            await self._record(row, Answer(None, "stopped"), Again(0.0, 0.0), self._ms_since(begun))
            raise
        latency_ms = self._ms_since(begun)
        counters.ATTEMPT_MS.observe(latency_ms)
        standing = Standing(row.attempts, row.age_s, row.failing_s)
        verdict = retry.judge(self._policy, standing, answer, random.random())  # noqa: S311 - jitter is no secret
        await self._record(row, answer, verdict, latency_ms)

    async def _post(self, row: LeasedRow) -> Answer:
        try:
            secret = self._vault.open(fields.ENDPOINT_SECRET, row.endpoint, row.secret_sealed)
            return await self._courier.post(row.url, Message(str(row.id), row.payload, secret))
        except VaultError as error:
            log.error("endpoint_secret_unreadable", error=str(error))
            return Answer(None, "secret")
        except Exception:  # one delivery that we cannot handle must not end the others
            log.exception("attempt_failed")
            return Answer(None, "internal")

    async def _record(self, row: LeasedRow, answer: Answer, verdict: Verdict, latency_ms: int) -> None:
        result = "stopped" if answer.error == "stopped" else type(verdict).__name__.lower()
        counters.DELIVERIES.labels(result).inc()
        log.info(
            "webhook_attempt",
            status=answer.status,
            error=answer.error,
            result=result,
            latency_ms=latency_ms,
        )

        async def write(conn: Conn) -> None:
            await store.add_attempt(conn, row.id, row.attempts, latency_ms, answer.status, answer.error)
            await _apply(conn, row, verdict, counts=answer.error != "stopped")

        await self._insist(write)

    async def _insist(self, write: Callable[[Conn], Awaitable[None]]) -> None:
        """The database may be away for a moment. After the lease's end another process sends it again: then we let go."""
        until = self._clock.monotonic() + self._settings.delivery_lease_s
        while True:
            try:
                async with self._pool.connection() as conn, conn.transaction():
                    return await write(conn)
            except TRANSIENT as error:
                if self._clock.monotonic() >= until:
                    log.warning("attempt_not_recorded", error=type(error).__name__)
                    return None
                await self._clock.sleep(_RECORD_AGAIN_S)

    def _ms_since(self, begun: float) -> int:
        return int((self._clock.monotonic() - begun) * 1000)


async def _apply(conn: Conn, row: LeasedRow, verdict: Verdict, *, counts: bool) -> None:
    """What the verdict means for the delivery and for its endpoint's health."""
    match verdict:
        case Delivered():
            await store.mark_delivered(conn, row.id)
            await store.endpoint_recovered(conn, row.endpoint)
        case Again(delay_s, hold_s):
            await store.postpone(conn, row.id, row.attempts, delay_s)
            if counts:
                await store.endpoint_failed(conn, row.endpoint, hold_s)
        case Dead(hold_s):
            await store.give_up(conn, row.id, row.attempts)
            await store.endpoint_failed(conn, row.endpoint, hold_s)
        case Gone():
            await store.give_up(conn, row.id, row.attempts)
            await store.endpoint_gone(conn, row.endpoint)
