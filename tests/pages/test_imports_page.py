"""An import at a screen: brought, looked at, entered, watched over a break, stopped; its errors mended and brought again."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.pages.clerks import clerk, identity_number, row, table
from tests.pages.conftest import serious_findings
from tests.pages.stage import Stage

Desk = Callable[..., Page]
ENTER = re.compile(r"^录入 [\d,]+ 行$")


def bring(page: Page, file: dict[str, Any]) -> None:
    """Choose a file and wait until it is read."""
    page.goto("/console/imports")
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.wait_for_url(re.compile("/console/imports/[0-9a-f-]{36}"))
    expect(page.get_by_text(re.compile("^读完"))).to_be_visible(timeout=60_000)


def test_a_table_is_looked_at_entered_and_its_errors_come_back_mended(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-import"), "/console/imports")
    wrong = identity_number(103)
    wrong = wrong[:17] + ("0" if wrong[17] != "0" else "1")
    bring(page, table(row(101), row(102), row(103, identity=wrong, number="", kind=""), row(104, phone="138")))
    expect(page.get_by_text("读完 4 行：会新增 2，修改 0，没变 0，有错 2。")).to_be_visible()
    expect(page.get_by_text("这些列没有用到：备注")).to_be_visible()
    first = page.get_by_role("region", name=re.compile("前 4 行"))
    expect(first.locator("td.wrong").first).to_contain_text("*")
    expect(page.get_by_role("row", name=re.compile("身份证号.*位置 18"))).to_be_visible()
    assert wrong not in page.content()
    page.get_by_role("button", name=ENTER).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("有错的 2 行不录入")
    dialog.get_by_role("button", name="录入这 2 行").click()
    expect(page.get_by_text("录完了：新增 2，修改 0，没变 0，有错没录 2。")).to_be_visible(timeout=60_000)
    with page.expect_download() as told:
        page.get_by_role("link", name=re.compile("下载有错的 2 行")).click()
    lines = list(csv.reader(io.StringIO(Path(told.value.path()).read_text(encoding="utf-8-sig"))))
    assert len(lines) == 3
    assert lines[1][1].endswith(wrong)
    lines[1][1], lines[2][2] = identity_number(103), "13800000104"
    lines[1][5], lines[1][6] = "特种作业操作证", f"T{identity_number(103)}"
    again = io.StringIO()
    csv.writer(again).writerows(lines)
    bring(page, {"name": "mended.csv", "mimeType": "text/csv", "buffer": again.getvalue().encode("utf-8-sig")})
    expect(page.get_by_text("读完 2 行：会新增 2，修改 0，没变 0，有错 0。")).to_be_visible()
    page.get_by_role("button", name="不录入，丢掉这次").click()
    dialog.get_by_role("button", name="丢掉这次导入").click()
    expect(page.get_by_text("已停止，一行也没录入。")).to_be_visible()
    page.get_by_role("link", name="看全部导入").click()
    expect(page.locator("tbody tr").first).to_contain_text("已停止")
    expect(page.locator("tbody tr").nth(1)).to_contain_text("已录完")


def test_a_long_import_goes_on_over_a_break_and_is_stopped(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-long"), "/console/imports")
    bring(page, table(*(row(number % 1000, item=f"项目{number}") for number in range(6000))))
    page.get_by_role("button", name=ENTER).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("录入这")).click()
    expect(page.get_by_role("progressbar", name="正在录入")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("导入在平台上照常进行")).to_be_visible(timeout=20_000)
    page.context.set_offline(False)
    expect(page.get_by_text("导入在平台上照常进行")).to_be_hidden(timeout=20_000)
    stop = page.get_by_role("button", name="停止录入")
    done = page.get_by_text(re.compile("^录完了"))
    expect(stop.or_(done).first).to_be_visible()
    if stop.is_visible():
        stop.click()
        page.get_by_role("dialog").get_by_role("button", name="停止这次录入").click()
        expect(page.get_by_text(re.compile("^已停止，做到第|^录完了")).first).to_be_visible(timeout=60_000)


def test_what_is_no_table_is_refused_before_it_leaves(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-refused"), "/console/imports")
    for name, words in (("roster.xls", "只收 .csv 和 .xlsx"), ("empty.csv", "这个文件是空的")):
        data = b"" if name == "empty.csv" else b"x"
        page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
        expect(page.locator(".bring").get_by_role("alert")).to_contain_text(words)
    page.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": "甲,乙\n1,2\n".encode()}
    )
    page.wait_for_url(re.compile("/console/imports/[0-9a-f-]{36}"))
    expect(page.get_by_text(re.compile("^原因："))).to_be_visible(timeout=30_000)
    with page.expect_download() as told:
        page.goto("/console/imports")
        page.get_by_role("link", name="Excel 模板").click()
    assert told.value.suggested_filename == "weldgate-workers.xlsx"


def test_imports_at_phone_width_and_for_those_who_see_or_hear_differently(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-slim"), viewport={"width": 390, "height": 844}, color_scheme="dark")
    bring(page, table(row(201), row(202, phone="1")))
    for path in (page.url, "/console/imports"):
        page.goto(path)
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 391, path
        assert serious_findings(page) == [], path
