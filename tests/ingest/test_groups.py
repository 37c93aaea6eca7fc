"""Groups of shards: spread over the lanes of a worker, and never held in two divisions at once."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ingest import lane
from ingest.worker import Worker
from tests.database import Database
from tests.ingest.conftest import Talker, connected, enrol, starting, telemetry_of, two, until, working
from weld.cli.mosquitto import Mosquitto
from weld.store import leases


def duplicates() -> float | None:
    return REGISTRY.get_sample_value("weldgate_ingest_messages_total", {"fate": "duplicate"})


async def test_the_groups_of_a_worker_are_spread_over_its_lanes(database: Database, broker: Mosquitto) -> None:
    def busy(worker: Worker) -> list[int]:
        return sorted(group.lane for group in worker.groups.values())

    words: dict[str, Any] = {"shards": 8, "groups": 8, "lanes": 2, "lease_s": 1.2}
    async with starting(database, broker, **words) as first:
        await until(lambda: busy(first) == [0, 0, 0, 0, 1, 1, 1, 1])
        async with starting(database, broker, **words) as second:
            await until(lambda: busy(first) == busy(second) == [0, 0, 1, 1])


@pytest.mark.parametrize("noticed", [True, False])
async def test_what_is_left_in_the_lane_that_a_group_was_in_before_is_not_folded_there(
    database: Database, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, noticed: bool
) -> None:
    """Whether or not the lane notices that the connection is gone by which it came."""
    if not noticed:
        monkeypatch.setattr(lane, "_reachable", list)
    chip, before = enrol(database), duplicates()
    async with (
        working(database, broker, shards=3, groups=3, lanes=2) as worker,
        Talker.connected(broker, chip) as talker,
    ):
        await talker.boots()
        await until(lambda: talker.stored_upto() == 1)
        async with worker.lanes[0].busy:
            for _ in range(5):
                await talker.publish(talker.samples())
            await asyncio.sleep(0.2)
            words = "owner = 'another', epoch = epoch + 1, expires_at = '-infinity'"
            database.rows(f"UPDATE weld.lease SET {words} WHERE shard_group < '02'")  # now 02 is alone, in lane 0
            await until(lambda: len(worker.groups) == 3 and worker.groups["00"].lane == 1)
            await until(lambda: talker.stored_upto() == 6)
        await talker.publish(talker.samples())
        await until(lambda: talker.stored_upto() == 7)
    assert telemetry_of(database) == [(1, seq) for seq in range(1, 8)]
    assert duplicates() == before  # only the new lane placed them


# -- another number of groups


async def test_another_number_of_groups_waits_until_nobody_has_the_old_ones(
    database: Database, broker: Mosquitto
) -> None:
    chip = enrol(database, shard="02")
    async with Talker.connected(broker, chip, shard="02") as talker:
        async with starting(database, broker, shards=4, groups=4) as old:
            await until(lambda: len(old.groups) == 4 and connected(old))
            await talker.boots()
            await until(lambda: talker.stored_upto() == 1)
            async with starting(database, broker, shards=4, groups=2, lease_s=1) as new:
                await asyncio.sleep(1)
                assert (len(old.groups), len(new.groups), new.ready.is_set()) == (4, 0, False)
        async with working(database, broker, shards=4, groups=2) as new:
            await talker.publish(talker.samples())
            await until(lambda: talker.stored_upto() == 2)  # its session is of shard 02, too
            assert new.ready.is_set()
            assert sorted(new.holdings.epochs.items()) == [("00", 2), ("01", 2)]


async def test_an_owner_of_an_old_group_is_fenced_once_the_shards_are_divided_otherwise(database: Database) -> None:
    async with two(database) as (one, other):
        assert await leases.make(one, "one", ["00", "01", "02"])
        old = await leases.acquire(one, "one", 3, ["00", "02"], 2, 0.05)
        assert not await leases.make(other, "two", ["00", "01"])
        await asyncio.sleep(0.1)
        async with one.transaction():
            assert await leases.hold(one, {"02": old["02"]}) == {"02"}
            dividing = asyncio.create_task(leases.make(other, "two", ["00", "01"]))
            await asyncio.sleep(0.2)
            assert not dividing.done()
        assert await dividing
        assert await leases.acquire(other, "two", 2, ["00"], 1, 5) == {"00": old["00"] + 1}
        assert await leases.renew(one, "one", old, {}, 5) == set()
        assert await leases.acquire(one, "one", 3, ["00", "01", "02"], 3, 5) == {}
        async with one.transaction():
            assert await leases.hold(one, old) == set()
