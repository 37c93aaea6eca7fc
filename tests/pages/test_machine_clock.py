"""A chip's clock that is off by seconds stands in the machine's record; what the network alone explains does not."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.pages.stage import Stage
from weld.store.connect import connect

NUMBER = 22  # nobody else plugs it in


async def behind(stage: Stage, clock_ms: int) -> None:
    """What ingest writes of a chip whose clock is so far behind."""
    async with await connect(stage.stack.role_url("ingest"), "test") as conn:
        await conn.execute(
            "INSERT INTO chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, at, clock_ms, fold) "
            "SELECT chip_no, chip, shard, 1, 1, 1, now(), now(), %(clock_ms)s, '{}' FROM chip WHERE chip = %(chip)s "
            "ON CONFLICT (chip_no) DO UPDATE SET clock_ms = excluded.clock_ms",
            {"chip": stage.town.chip(NUMBER), "clock_ms": clock_ms},
        )
        await conn.commit()


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
