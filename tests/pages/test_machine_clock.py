"""A chip's clock that is off by seconds stands in the machine's record; what the network alone explains does not."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.pages.stage import Stage
from weld.store import chips
from weld.store.binary import micros
from weld.store.chips import StateRow
from weld.store.connect import connect

NUMBER = 22  # nobody else plugs it in
SILENT = (None,) * 9  # from `state` to `accuracy_m` of a StateRow: it said something, but not how it is


async def behind(stage: Stage, clock_ms: int) -> None:
    """What ingest writes of a chip whose clock is so far behind."""
    async with await connect(stage.stack.role_url("ingest"), "test") as conn:
        await chips.prepare(conn)
        async with conn.transaction():
            (chip,) = await chips.named(conn, [stage.town.chip(NUMBER)])
            now = micros(int(datetime.now(UTC).timestamp() * 1000))
            row = (chip.chip_no, chip.chip, chip.shard, 1, 1, 1, now, now, False, *SILENT, 0, 0, 0, clock_ms, None)
            await chips.put_states(conn, [StateRow._make(row)])


@pytest.mark.parametrize(
    ("login", "clock_ms", "zh", "en"),
    [
        ("officer19", 12_345, "慢 12.3 秒", "12.3 s behind"),
        ("officer20", -2_000, "快 2 秒", "2 s ahead"),
        ("officer21", 1_999, None, None),
    ],
)
def test_the_record_names_a_clock_that_is_off_by_two_seconds_or_more(
    desk: Callable[..., Page], stage: Stage, login: str, clock_ms: int, zh: str | None, en: str | None
) -> None:
    stage.run(behind(stage, clock_ms))
    page = desk(login, f"/console/machines/{stage.town.plate(NUMBER)}")
    facts = page.locator(".facts")
    expect(facts).to_contain_text(stage.town.chip(NUMBER))
    if zh is None or en is None:
        expect(facts).not_to_contain_text("芯片时钟")
        return
    expect(facts).to_contain_text(f"芯片时钟{zh}")
    page.goto(f"{page.url}?lang=en")
    expect(facts).to_contain_text(f"Chip clock{en}")
