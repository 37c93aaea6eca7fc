"""How far dispatch is behind is seen at its door, also while the work stands still."""

import asyncio

import psycopg
import pytest
from prometheus_client import Gauge

from dispatch import ages, counters
from tests.dispatch.scene import Scene, new_secret
from weld.store import dispatch as store
from weld.store.connect import connect


async def test_the_age_of_a_fact_grows_while_nobody_expands(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ages, "LOOK_EVERY_S", 0.1)
    with psycopg.connect(scene.database.url("dispatch")) as holder:
        async with scene.running():
            await asyncio.to_thread(
                holder.execute, "SELECT pg_advisory_xact_lock(hashtext('weldgate dispatch expand'))"
            )
            await asyncio.to_thread(scene.announce, scene.alert())
            first = await _age(counters.OUTBOX_AGE_S, above=0.1)
            assert await _age(counters.OUTBOX_AGE_S, above=first) > first
            holder.rollback()
            await _age(counters.OUTBOX_AGE_S, below=0.01)


async def test_the_age_of_a_delivery_is_that_of_the_one_due_longest(scene: Scene) -> None:
    waiting = scene.endpoint("http://127.0.0.1:1/", new_secret())
    paused = scene.endpoint("http://127.0.0.1:1/", new_secret(), state="paused")
    async with await connect(scene.database.url("dispatch"), "test") as conn:
        assert await store.oldest_delivery_s(conn) == 0
        for number, (endpoint, due_s) in enumerate([(waiting, 20), (waiting, 90), (waiting, -60), (paused, 500)]):
            scene.database.rows(
                "INSERT INTO weld.delivery (id, endpoint, outbox_id, fact, subject, payload, next_at) VALUES "
                "(gen_random_uuid(), %s, %s, 'alert.opened', gen_random_uuid(), '{}', now() - make_interval(secs => %s))",
                endpoint,
                number,
                due_s,
            )
        assert 90 <= await store.oldest_delivery_s(conn) < 95
        scene.database.rows("UPDATE weld.delivery SET leased_until = now() + interval '1 min' WHERE outbox_id = 1")
        assert 20 <= await store.oldest_delivery_s(conn) < 25
        scene.database.rows("INSERT INTO weld.endpoint_health (endpoint, failures) VALUES (%s, 1)", waiting)
        assert await store.oldest_delivery_s(conn) == 0


async def _age(gauge: Gauge, above: float = -1.0, below: float = 1e9) -> float:
    """The gauge, once it lies between these."""
    async with asyncio.timeout(15):
        while not above < (value := gauge._value.get()) < below:
            await asyncio.sleep(0.05)
    return float(value)
