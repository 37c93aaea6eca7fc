"""Shards and their groups: each shard is in one group, and always in the same."""

from weld.core.shard import group_of, grouped


def test_a_group_is_the_shards_with_its_number_modulo_the_groups() -> None:
    assert [group_of(shard, 8) for shard in ("00", "07", "08", "3f", "ff")] == ["00", "07", "00", "07", "07"]


def test_every_shard_is_in_one_group() -> None:
    assert grouped(5, 2) == {"00": ("00", "02", "04"), "01": ("01", "03")}
    assert sorted(shard for shards in grouped(256, 24).values() for shard in shards) == [f"{n:02x}" for n in range(256)]
