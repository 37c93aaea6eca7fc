"""How far a chip's clock is off: officers see it with the machine, as far as anything is known."""

import pytest

from tests.api.test_live_map import get
from tests.api.town import Town


@pytest.mark.parametrize("clock_ms", [12_345, -2_000, 0, None])
async def test_a_machine_says_how_far_its_chips_clock_is_behind(town: Town, clock_ms: int | None) -> None:
    code, officer = await town.machine(), await town.officer()
    town.database.rows("UPDATE weld.chip_state SET clock_ms = %s", clock_ms)
    assert (await get(town, f"/machines/{code}", officer))["clock_ms"] == clock_ms


async def test_nothing_is_known_of_the_clock_of_a_chip_that_never_spoke(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    town.database.rows("DELETE FROM weld.chip_state")
    assert (await get(town, f"/machines/{code}", officer))["clock_ms"] is None
