"""Leases: which worker folds which shard, by the database's clock. An epoch fences the work of an old owner.

Beside each lease its owner notes how many chips it counts online, so that all workers judge one picture. Refuses to know MQTT:
the broker fences the connection, this fences the work.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from weld.core.outage import Count
from weld.store.connect import Conn
from weld.store.queries import query


async def make(conn: Conn, shards: Sequence[str]) -> None:
    """Make sure that a row exists for each shard."""
    await conn.execute(query("lease_make"), {"shards": list(shards)})


async def attend(conn: Conn, owner: str, seconds: float) -> int:
    """Say that this worker lives; how many do, itself among them. Who says nothing for `seconds` does not."""
    words = {"owner": owner, "seconds": seconds}
    row = await (await conn.execute(query("lease_attend"), words)).fetchone()
    return int(row[0]) if row else 1


async def clock(conn: Conn) -> datetime:
    """The database's time, which everybody goes by."""
    row = await (await conn.execute(query("lease_clock"))).fetchone()
    assert row is not None  # noqa: S101  (it has one row)
    return cast("datetime", row[0])


async def leave(conn: Conn, owner: str) -> None:
    """This worker takes part no more."""
    await conn.execute(query("lease_leave"), {"owner": owner})


async def acquire(conn: Conn, owner: str, shards: Sequence[str], most: int, seconds: float) -> dict[str, int]:
    """Take up to `most` free shards of these; each with its new epoch. One with the old owner's batch in it is not free yet."""
    words = {"owner": owner, "shards": list(shards), "most": most, "seconds": seconds}
    rows = await (await conn.execute(query("lease_acquire"), words)).fetchall()
    return dict(rows)


async def evict(conn: Conn, owner: str, shards: Sequence[str]) -> int:
    """End the batches that other owners of these shards left standing when their time was over; how many."""
    return (await conn.execute(query("lease_evict"), {"owner": owner, "shards": list(shards)})).rowcount


async def renew(
    conn: Conn, owner: str, epochs: Mapping[str, int], drained: Mapping[str, bool], seconds: float
) -> set[str]:
    """Keep these shards; returns those that are still ours."""
    shards = list(epochs)
    words = {
        "owner": owner,
        "shards": shards,
        "epochs": [epochs[shard] for shard in shards],
        "drained": [drained.get(shard, False) for shard in shards],
        "seconds": seconds,
    }
    rows = await (await conn.execute(query("lease_renew"), words)).fetchall()
    return {row[0] for row in rows}


async def release(conn: Conn, epochs: Mapping[str, int]) -> None:
    """Hand shards back."""
    await conn.execute(query("lease_release"), {"shards": list(epochs), "epochs": list(epochs.values())})


async def hold(conn: Conn, epochs: Mapping[str, int]) -> set[str]:
    """Inside a batch's transaction: which of these shards are still ours, locked until it ends."""
    words = {"shards": list(epochs), "epochs": list(epochs.values())}
    rows = await (await conn.execute(query("lease_hold"), words)).fetchall()
    return {row[0] for row in rows}


async def count(conn: Conn, counts: Mapping[str, Count]) -> None:
    """Note for shards of ours what their chips do now."""
    words = {
        "shards": list(counts),
        "chips": [one.chips for one in counts.values()],
        "online": [one.online for one in counts.values()],
        "era": [one.era for one in counts.values()],
    }
    await conn.execute(query("lease_count"), words)


async def counts(conn: Conn, seconds: float) -> dict[str, Count]:
    """What the owners of all shards counted within these seconds."""
    rows = await (await conn.execute(query("lease_counts"), {"seconds": seconds})).fetchall()
    return {shard: Count(chips, online, era) for shard, chips, online, era in rows}
