"""The console of a duty officer: sign-in, the map that moves, an alert from the arc to its closing, keyboard, languages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.conftest import DESKTOP, Opens, serious_findings
from tests.pages.stage import PASSWORD, Stage

Desk = Callable[..., Page]
PAGES = (
    "/console/", "/console/alerts", "/console/machines", "/console/sessions", "/console/workers", "/console/endpoints",
    "/console/deliveries", "/console/quarantine", "/console/plates", "/console/help", "/console/nothing-here",
)  # fmt: skip


def alert_row(page: Page, plate: str) -> Locator:
    """The row of the alert about this machine."""
    return page.locator("article.row").filter(has_text=f"尾号 {plate[-4:]}")


def bypass(stage: Stage, number: int, seconds: float = 6) -> str:
    """Somebody welds past the chip of this machine; its plate."""
    stage.start(stage.device(number).bypass_weld(160, seconds))
    return stage.town.plate(number)


def drawn(page: Page) -> Any:
    """What the map has drawn."""
    expect(page.locator("canvas.maplibregl-canvas")).to_be_visible(timeout=30_000)
    return page.locator("canvas.maplibregl-canvas")


def test_an_officer_signs_in_and_comes_back_to_the_page_that_was_wanted(opens: Opens, stage: Stage) -> None:
    page = opens("/console/machines?look=locked", **DESKTOP)
    page.wait_for_url(re.compile("/console/sign-in"))
    for label, words in (("账号", "officer0"), ("密码", "not the password"), ("动态码", stage.totp_now("officer0"))):
        page.get_by_label(label).fill(words)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("动态码").fill(stage.totp_now("officer0"))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile(r"/console/machines\?look=locked"))
    cookie = next(one for one in page.context.cookies() if one["name"] == "wg_staff")
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Strict"


def test_the_map_is_drawn_without_a_word_to_anybody_else(desk: Desk) -> None:
    page = desk("officer1")
    drawn(page)
    expect(page.get_by_text("审图号")).to_be_visible()
    page.wait_for_timeout(2000)
    png = page.locator("canvas.maplibregl-canvas").screenshot()
    assert len(png) > 15_000, "the map is blank"


def test_a_bypass_arrives_without_a_reload_is_signed_for_and_closed_and_the_team_is_told(
    desk: Desk, stage: Stage
) -> None:
    stage.device(10)
    page = desk("officer2")
    expect(page.get_by_text("实时")).to_be_visible()
    plate = bypass(stage, 10)
    row = alert_row(page, plate)
    expect(row).to_contain_text("机器上锁，却有", timeout=30_000)
    row.get_by_role("button", name="签收").click()
    expect(row).to_contain_text("已签收")
    row.get_by_role("link").first.click()
    page.wait_for_url(re.compile("/console/alerts/[0-9a-f-]{36}"))
    expect(page.get_by_role("heading", name=re.compile("机器上锁，却有"))).to_be_visible()
    expect(page.get_by_text("电流（安）与继电器")).to_be_visible()
    expect(page.get_by_text("文峰区执法队")).to_be_visible()
    page.get_by_role("button", name=re.compile("^销号")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("销号不能撤回")
    dialog.get_by_label("属实").check()
    dialog.get_by_role("textbox").fill("到场查看，接线已恢复")
    dialog.get_by_role("button", name="按属实销号").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("已销号").first).to_be_visible()
    hooks = [hook.body for hook in stage.hooks.received if hook.body["data"].get("plate") == plate]
    assert {hook["type"] for hook in hooks} >= {"alert.opened"}


def test_two_officers_see_who_was_first(desk: Desk, stage: Stage) -> None:
    stage.device(11)
    one, other = desk("officer3", "/console/alerts"), desk("officer4", "/console/alerts")
    plate = bypass(stage, 11)
    for page in (one, other):
        expect(alert_row(page, plate)).to_be_visible(timeout=30_000)
    alert_row(one, plate).get_by_role("button", name="签收").click()
    expect(alert_row(other, plate)).to_be_hidden(timeout=15_000)  # it no longer waits for anybody
    other.get_by_role("button", name=re.compile("全部未办结")).click()
    expect(alert_row(other, plate)).to_contain_text("已签收")


def test_the_desk_works_by_keyboard_only(desk: Desk, stage: Stage) -> None:
    stage.device(12)
    page = desk("officer5")
    plate = bypass(stage, 12)
    expect(alert_row(page, plate)).to_be_visible(timeout=30_000)
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url(re.compile("/console/alerts"))
    expect(alert_row(page, plate)).to_be_visible()
    for _ in range(40):
        if alert_row(page, plate).get_attribute("aria-current") == "true":
            break
        page.keyboard.press("j")
        page.wait_for_timeout(150)
    page.keyboard.press("a")
    expect(alert_row(page, plate)).to_contain_text("已签收")
    page.keyboard.press("/")
    page.keyboard.type(plate[-4:])
    expect(page.get_by_role("option").first).to_contain_text(plate[-4:])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/console/machines/{plate}"))
    page.keyboard.press("?")
    expect(page.get_by_text("哪里都能用")).to_be_visible()


def test_a_lost_stream_is_said_and_the_picture_is_right_again_afterwards(desk: Desk, stage: Stage) -> None:
    stage.device(13)
    page = desk("officer6")
    expect(page.get_by_text("实时")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("连接断开，画面停在")).to_be_visible(timeout=40_000)
    plate = bypass(stage, 13)
    page.wait_for_timeout(3000)
    page.context.set_offline(False)
    expect(page.get_by_text("连接断开，画面停在")).to_be_hidden(timeout=40_000)
    expect(alert_row(page, plate)).to_be_visible(timeout=30_000)


def test_a_machine_shows_its_session_its_gap_and_its_late_data(desk: Desk, phone: Desk, stage: Stage) -> None:
    device, plate = stage.device(14), stage.town.plate(14)
    hand = phone(8, f"/start/{plate}")
    hand.get_by_role("button", name="解锁开机").click()
    hand.wait_for_url("**/session/*", timeout=30_000)
    stage.run(device.weld(140, 4))
    stage.act(device.start_outage, 20)
    stage.run(device.weld(150, 6))
    page = desk("officer7", f"/console/machines/{plate}")
    expect(page.get_by_text(f"尾号 {plate[-4:]}").first).to_be_visible()
    expect(page.get_by_text(re.compile("焊接中|已解锁|停弧|没通电")).first).to_be_visible()
    stage.run(device.wait_all_stored(60))
    page.reload()
    expect(page.get_by_text("补传").first).to_be_visible()
    expect(
        page.get_by_role("link", name=re.compile("样")).or_(page.get_by_text(re.compile(r"样\*+"))).first
    ).to_be_visible()


def test_a_machine_is_locked_from_afar_and_the_dialog_says_what_will_not_happen(desk: Desk, stage: Stage) -> None:
    stage.device(15)
    plate = stage.town.plate(15)
    page = desk("officer8", f"/console/machines/{plate}")
    page.get_by_role("button", name="停用").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("封签破了")
    dialog.get_by_role("button", name=re.compile("停用")).last.click()
    expect(page.get_by_text("已停用").first).to_be_visible(timeout=20_000)


def test_workers_are_masked_everywhere(desk: Desk, stage: Stage) -> None:
    page = desk("officer9", "/console/workers")
    expect(page.get_by_text(re.compile(r"样\*+")).first).to_be_visible()
    page.goto("/console/workers?standing=expiring")  # of the stage's own; other tests enter others
    page.locator(".row-link").first.click()
    page.wait_for_url(re.compile("/console/workers/[0-9a-f-]{36}"))
    expect(page.get_by_text(re.compile("熔化焊接|压力焊")).first).to_be_visible()
    body = page.locator("body").inner_text()
    for number in range(16):
        person = stage.person(number)
        assert not any(word in body for word in (person.name, person.phone, person.identity))


def test_plates_come_as_pdf_and_svg_and_a_stranger_gets_none(desk: Desk, stage: Stage) -> None:
    page = desk("officer10", "/console/plates")
    plate = stage.town.plate(0)
    pdf = page.request.get(f"/api/v1/machines/{plate}/plate.pdf")
    assert pdf.body().startswith(b"%PDF")
    svg = page.request.get(f"/api/v1/machines/{plate}/plate.svg")
    assert "svg" in svg.headers["content-type"]
    page.context.clear_cookies()
    assert page.request.get(f"/api/v1/machines/{plate}/plate.pdf").status == 401


def test_the_second_language_and_the_dark_stay_over_a_reload(desk: Desk) -> None:
    page = desk("officer11", "/console/machines?lang=en")
    expect(page.get_by_role("link", name="Machines", exact=False).first).to_be_visible()
    page.evaluate("localStorage.setItem('weldgate.theme', 'dark')")
    page.goto("/console/machines")
    expect(page.get_by_role("link", name="Machines", exact=False).first).to_be_visible()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_signing_out_ends_it_for_the_next_one_at_this_desk(desk: Desk) -> None:
    page = desk("officer12", "/console/machines")
    page.get_by_role("button", name="我的菜单").click()
    page.get_by_text("退出登录").click()
    page.wait_for_url(re.compile("/console/sign-in"))
    page.goto("/console/machines")
    page.wait_for_url(re.compile("/console/sign-in"))


@pytest.mark.parametrize(("theme", "login"), [("light", "officer13"), ("dark", "officer14")])
def test_nothing_serious_stands_in_the_way_of_those_who_see_or_hear_differently(
    desk: Desk, stage: Stage, theme: str, login: str
) -> None:
    page = desk(login, color_scheme=theme)
    for path in (*PAGES, f"/console/machines/{stage.town.plate(0)}"):
        page.goto(path)
        page.wait_for_timeout(1500)
        assert serious_findings(page) == [], path


def test_every_page_answers_to_a_narrow_window(desk: Desk) -> None:
    page = desk("officer15", viewport={"width": 390, "height": 844})
    for path in PAGES:
        page.goto(path)
        page.wait_for_timeout(600)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 391, f"{path} is {wide} wide"
