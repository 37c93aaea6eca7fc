"""Which shard a chip belongs to where nobody says: a stable hash of its id; and which shards are one group.

A group is what a worker of ingest leases and reads. Refuses to be anything but stable: a shard is for life.
"""

import hashlib

from weld.core.ids import Shard


def shard_of(chip: str, shards: int) -> Shard:
    """One of `shards` shards (1 to 256), the same for ever."""
    number = int.from_bytes(hashlib.sha256(chip.encode("ascii")).digest()[:8], "big") % shards
    return shard_named(number)


def shard_named(number: int) -> Shard:
    """Two hex digits."""
    if not 0 <= number < 256:
        raise ValueError(f"there is no shard {number}: two hex digits name it")
    return Shard(f"{number:02x}")


def group_of(shard: str, groups: int) -> str:
    """The group of a shard, two hex digits: whoever holds a group holds all its shards."""
    return f"{int(shard, 16) % groups:02x}"


def grouped(shards: int, groups: int) -> dict[str, tuple[Shard, ...]]:
    """All groups with their shards."""
    found: dict[str, tuple[Shard, ...]] = {}
    for shard in map(shard_named, range(shards)):
        name = group_of(shard, groups)
        found[name] = (*found.get(name, ()), shard)
    return found
