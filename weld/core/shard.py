"""Which shard a chip belongs to where nobody says: a stable hash of its id. Refuses to be anything but stable: it is for life."""

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
