"""Many chips gone at once (O01): the one alert that is about no machine, as a duty officer sees it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import DESKTOP, PHONE, serious_findings
from tests.pages.stage import Stage
from weld.core.outage import Count
from weld.store import outages
from weld.store.connect import connect

Desk = Callable[..., Page]
FITS = "one => one.scrollHeight <= one.clientHeight && one.scrollWidth <= one.clientWidth"


@pytest.fixture
def outage(stage: Stage) -> Iterator[UUID]:
    """A whole outage as ingest tells of it, over when the test is."""
    now = datetime.now(UTC)
    row = outages.OutageRow(uuid4(), 1, now - timedelta(minutes=8), Count(1300, 1240), Count(1300, 310))

    async def begin() -> None:
        async with await connect(stage.stack.role_url("ingest"), "test") as conn, conn.transaction():
            assert await outages.raise_alert(conn, row, now)

    stage.run(begin())
    yield row.id
    stage.run(over(stage, row.id))


async def over(stage: Stage, outage: UUID) -> None:
    """The chips are back, as ingest tells of it; a second time it is nothing."""
    async with await connect(stage.stack.role_url("ingest"), "test") as conn, conn.transaction():
        await outages.close(conn, outage, datetime.now(UTC))


@pytest.mark.parametrize(("login", "shape"), [("officer16", DESKTOP), ("officer17", PHONE)])
def test_the_alert_of_a_whole_outage_speaks_of_no_machine(
    desk: Desk, outage: UUID, login: str, shape: dict[str, Any]
) -> None:
    page = desk(login, "/console/alerts", **shape)
    row = page.locator("article.row").filter(has_text="台同时失联")
    expect(row).to_contain_text("930 台同时失联，在线从 1,240 台降到 310 台。", timeout=30_000)
    expect(row).not_to_contain_text("尾号")
    row.locator(".sentence").click()  # on a desk only the chosen row shows its sentence whole
    expect(page).to_have_url(re.compile(str(outage)))
    if shape is DESKTOP:
        expect(page.locator("article.row.selected")).to_contain_text("930 台同时失联")
        assert row.locator(".sentence").evaluate(FITS)
    detail, side = page.locator("article.detail"), page.locator("aside.side")
    expect(detail.get_by_role("heading", level=1)).to_contain_text("930 台同时失联")
    expect(detail.locator(".why")).to_contain_text("疑似运营商或供电故障")
    expect(detail.locator(".evidence tbody tr")).to_contain_text(
        ["在线 1,240 台，装了芯片的共 1,300 台", "在线只剩 310 台", "平台生成告警"]
    )
    expect(side).to_contain_text("这是整个平台的事，不是哪一台机器")
    expect(side.get_by_role("listitem").filter(has_text="先打电话问运营商和供电")).to_be_visible()
    for other in ("芯片原文", "订这一类", "没有位置", "没人扫码", "远程上锁"):  # of machines
        expect(page.locator(".pane")).not_to_contain_text(other)
    assert [re.sub(r"\s+\w$", "", one) for one in detail.get_by_role("button").all_inner_texts()] == [
        "签收",
        "销号",
        "误报",
    ]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious_findings(page) == []


def test_an_outage_is_signed_for_and_when_it_is_over_the_record_says_so(desk: Desk, stage: Stage, outage: UUID) -> None:
    page = desk("officer18", f"/console/alerts/{outage}")
    detail = page.locator("article.detail")
    expect(detail.locator(".record")).to_contain_text("平台生成告警")
    page.keyboard.press("l")  # there is nothing to lock
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("a")
    expect(detail.locator(".record")).to_contain_text("值班18 签收")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_attribute("placeholder", re.compile("运营商"))
    page.keyboard.press("Escape")
    stage.run(over(stage, outage))
    expect(detail.locator(".record")).to_contain_text("大部分又在线了，平台自己关闭", timeout=30_000)
    expect(detail.locator(".acts").get_by_role("button")).to_have_count(0)
