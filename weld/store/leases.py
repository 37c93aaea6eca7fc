"""Leases: which worker folds which group of shards, by the database's clock. An epoch fences the work of an old owner.

Beside each lease its owner notes how many chips it counts online, so that all workers judge one picture. Refuses to know MQTT:
the broker fences the connection, this fences the work.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from weld.core.outage import Count
from weld.store.connect import Conn
from weld.store.queries import query


async def make(conn: Conn, owner: str, names: Sequence[str]) -> bool:
    """Make sure that a row exists for each of all groups. False while leases run of another division of the shards: in that a
    shard of ours may belong to a group that somebody holds."""
    words = {"groups": len(names), "names": list(names)}
    async with conn.transaction():
        await conn.execute(query("lease_dividing"))
        row = await (await conn.execute(query("lease_divided_otherwise"), words)).fetchone()
        running = row[0] if row else None
        if running:
            return False
        if running is not None:  # it is over, but a sleeper may still be in it
            await evict(conn, owner)
        before = await (await conn.execute(query("lease_divide"), words)).fetchone()
        await conn.execute(query("lease_make"), words | {"epoch": before[0] if before else 0})
    return True


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


async def acquire(
    conn: Conn, owner: str, groups: int, wanted: Sequence[str], most: int, seconds: float
) -> dict[str, int]:
    """Take up to `most` free ones of these of all `groups`; each with its new epoch. One with the old owner's batch in it is not
    free yet."""
    words = {"owner": owner, "groups": groups, "names": list(wanted), "most": most, "seconds": seconds}
    rows = await (await conn.execute(query("lease_acquire"), words)).fetchall()
    return dict(rows)


async def evict(conn: Conn, owner: str) -> int:
    """End the batches that other owners left standing when their time was over; how many."""
    return (await conn.execute(query("lease_evict"), {"owner": owner})).rowcount


async def renew(
    conn: Conn, owner: str, epochs: Mapping[str, int], drained: Mapping[str, bool], seconds: float
) -> set[str]:
    """Keep these groups; returns those that are still ours."""
    words = {
        "owner": owner,
        "names": list(epochs),
        "epochs": list(epochs.values()),
        "drained": [drained.get(name, False) for name in epochs],
        "seconds": seconds,
    }
    rows = await (await conn.execute(query("lease_renew"), words)).fetchall()
    return {row[0] for row in rows}


async def release(conn: Conn, epochs: Mapping[str, int]) -> None:
    """Hand groups back."""
    await conn.execute(query("lease_release"), {"names": list(epochs), "epochs": list(epochs.values())})


async def hold(conn: Conn, epochs: Mapping[str, int]) -> set[str]:
    """Inside a batch's transaction: which of these groups are still ours, locked until it ends."""
    words = {"names": list(epochs), "epochs": list(epochs.values())}
    rows = await (await conn.execute(query("lease_hold"), words)).fetchall()
    return {row[0] for row in rows}


async def count(conn: Conn, counts: Mapping[str, Count]) -> None:
    """Note for groups of ours what their chips do now."""
    words = {
        "names": list(counts),
        "chips": [one.chips for one in counts.values()],
        "online": [one.online for one in counts.values()],
        "era": [one.era for one in counts.values()],
    }
    await conn.execute(query("lease_count"), words)


async def counts(conn: Conn, seconds: float) -> dict[str, Count]:
    """What the owners of all groups counted within these seconds."""
    rows = await (await conn.execute(query("lease_counts"), {"seconds": seconds})).fetchall()
    return {name: Count(chips, online, era) for name, chips, online, era in rows}
