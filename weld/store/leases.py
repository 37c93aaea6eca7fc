"""Leases: which worker folds which shard, by the database's clock. An epoch fences the work of an old owner.

Refuses to know MQTT: the broker fences the connection, this fences the work.
"""

from collections.abc import Mapping, Sequence

from weld.store.connect import Conn
from weld.store.queries import query


async def make(conn: Conn, shards: Sequence[str]) -> None:
    """Make sure that a row exists for each shard."""
    await conn.execute(query("lease_make"), {"shards": list(shards)})


async def acquire(conn: Conn, owner: str, shards: Sequence[str], most: int, seconds: float) -> dict[str, int]:
    """Take up to `most` free shards of these; each with its new epoch. Waits for the old owner's running batch."""
    words = {"owner": owner, "shards": list(shards), "most": most, "seconds": seconds}
    rows = await (await conn.execute(query("lease_acquire"), words)).fetchall()
    return dict(rows)


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


async def owners(conn: Conn) -> int:
    """How many workers hold a shard now."""
    row = await (await conn.execute(query("lease_owners"))).fetchone()
    return int(row[0]) if row else 0
