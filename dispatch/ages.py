"""How far dispatch is behind: two ages, looked at every few seconds, also while the work itself stands still.

Refuses to change anything.
"""

import asyncio
from collections.abc import Callable

import structlog

from dispatch import counters
from weld.kit.wait import wait
from weld.store import dispatch as store
from weld.store.connect import TRANSIENT, Pool

log = structlog.get_logger()

LOOK_EVERY_S = 5.0


async def watch(connections: Pool, floor: Callable[[], str], stop: asyncio.Event) -> None:
    """Until `stop`. `floor` is the expander's: below it every fact has its deliveries."""
    while not stop.is_set():
        try:
            async with connections.connection() as conn:
                counters.OUTBOX_AGE_S.set(await store.oldest_fact_s(conn, floor()))
                counters.DELIVERY_AGE_S.set(await store.oldest_delivery_s(conn))
        except TRANSIENT as error:
            log.warning("ages_unknown", error=type(error).__name__)
        await wait(stop, LOOK_EVERY_S)
