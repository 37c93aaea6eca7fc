"""The registers at a screen: enterprises, welders, their certificates and what is done to them, expiry, divisions."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.clerks import clerk, identity_number
from tests.pages.conftest import serious_findings
from tests.pages.stage import EXPIRING, PASSWORD, Stage
from weld.cli.town import CREDIT_CODE, DIVISION

Desk = Callable[..., Page]
PAGES = ("/console/enterprises", "/console/workers", "/console/certificates", "/console/divisions?code=410502")


def enterprise_path(page: Page) -> str:
    """Where the town's own enterprise stands."""
    listed = page.request.get(f"/api/v1/enterprises?name={CREDIT_CODE}").json()["enterprises"]
    return f"/console/enterprises/{listed[0]['id']}"


def test_an_enterprise_is_entered_once_the_character_that_was_wrong_is_mended(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-enterprise"), "/console/enterprises")
    page.get_by_role("button", name="录入单位").click()
    dialog = page.get_by_role("dialog")
    code = dialog.get_by_label("统一社会信用代码")
    code.fill("91410502MA0000090X")
    dialog.get_by_label("名称").fill("样例二厂")
    dialog.get_by_label("地区").fill(DIVISION)
    expect(dialog).to_contain_text("文峰区")
    dialog.get_by_role("button", name="录入这家单位").click()
    expect(dialog).to_contain_text("位置 18 的校验码")
    expect(code).to_have_attribute("aria-invalid", "true")
    assert dialog.locator("p.fault .number b").inner_text() == "X"
    code.fill("91410502MA0000090M")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/console/enterprises/[0-9a-f-]{36}"))
    expect(page.get_by_role("heading", name="样例二厂")).to_be_visible()
    page.get_by_role("button", name="改名称或地区").click()
    dialog.get_by_label("名称").fill("样例二厂有限公司")
    dialog.get_by_role("button", name="保存修改").click()
    expect(page.get_by_role("heading", name="样例二厂有限公司")).to_be_visible()
    page.goto("/console/enterprises?name=二厂")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_an_enterprise_shows_its_machines_and_welders_and_gets_a_site(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-site"))
    page.goto(enterprise_path(page))
    expect(page.get_by_text(re.compile(r"文峰区，[\d,]+ 台机器，[\d,]+ 名焊工"))).to_be_visible()
    page.get_by_role("button", name="录入场所").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("场所名称").fill("一号工地")
    dialog.get_by_label("作业性质").select_option(label="建筑施工")
    dialog.get_by_label("纬度").fill("36.07")
    expect(dialog.get_by_role("button", name="录入这个场所")).to_be_disabled()
    dialog.get_by_label("经度").fill("114.35")
    dialog.get_by_role("button", name="录入这个场所").click()
    expect(page.get_by_role("row", name=re.compile("一号工地.*建筑施工"))).to_be_visible()
    page.get_by_role("link", name="看全部机器").click()
    page.wait_for_url(re.compile(r"/console/machines\?enterprise="))


def test_a_welder_is_entered_with_a_certificate_that_is_withdrawn_and_restored(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-welder"), "/console/workers")
    number = identity_number(900_501)
    page.get_by_role("button", name="录入焊工").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("身份证号").fill(number[:17] + ("0" if number[17] != "0" else "1"))
    for label, words in (("姓名", "王样例"), ("电话", "13900000501"), ("地区", DIVISION), ("单位", CREDIT_CODE)):
        dialog.get_by_label(label).fill(words)
    dialog.get_by_role("button", name="录入这名焊工").click()
    expect(dialog).to_contain_text("位置 18")
    dialog.get_by_label("身份证号").fill(number)
    dialog.get_by_role("button", name="录入这名焊工").click()
    page.wait_for_url(re.compile("/console/workers/[0-9a-f-]{36}"))
    expect(page.get_by_text("没有登记证件，开不了机")).to_be_visible()
    page.get_by_role("button", name="录入证件").click()
    dialog.get_by_label("持证人身份证号").fill(number)
    assert dialog.get_by_label("证号", exact=True).input_value() == f"T{number}"
    dialog.get_by_label("准操项目").fill("熔化焊接与热切割作业")
    dialog.get_by_label("有效期起").fill("2025-01-01")
    dialog.get_by_label("有效期止").fill("2030-12-31")
    dialog.get_by_role("textbox", name="发证机关").fill("河南省应急管理厅")
    dialog.get_by_role("button", name="录入这张证").click()
    expect(page.get_by_text("没有人核对过真假")).to_be_visible()
    page.get_by_role("button", name="处理和记录").click()
    for act, does, told in (("核对属实", "核对属实这 1 张证", "已核对属实"), ("撤销", "撤销这 1 张证", "已撤销。")):
        page.get_by_role("button", name=act, exact=True).click()
        sure = dialog.get_by_role("button", name=does)
        dialog.get_by_label("理由").fill("看过原件")
        if act == "撤销":
            expect(sure).to_be_disabled()
            dialog.get_by_label("依据").fill("某规定第三十条")
        sure.click()
        expect(page.get_by_text(told).first).to_be_visible()
    expect(page.get_by_text("依据：某规定第三十条。看过原件")).to_be_visible()
    expect(page.get_by_text("证现在不能用，开不了机")).to_be_visible()
    page.get_by_role("button", name="恢复", exact=True).click()
    dialog.get_by_label("理由").fill("复议")
    dialog.get_by_role("button", name="恢复这 1 张证").click()
    expect(page.get_by_text("证能用，到")).to_be_visible()
    assert number not in page.content()


def test_a_welder_is_suspended_and_brought_back(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-suspends"), "/console/workers?standing=usable")
    page.locator(".row-link").nth(3).click()
    page.get_by_role("button", name="暂停这个人开机").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("现场考核没过")
    dialog.get_by_role("button", name="暂停这 1 人").click()
    expect(page.get_by_text("已暂停：现场考核没过")).to_be_visible()
    page.get_by_role("button", name="恢复这个人开机").click()
    dialog.get_by_role("textbox").fill("补考过了")
    dialog.get_by_role("button", name="恢复这 1 人").click()
    expect(page.get_by_text("已暂停：现场考核没过")).to_be_hidden()


def prove(page: Page, stage: Stage, login: str, done: Locator) -> None:
    """Once more password and code, where the sign-in is a while ago; `done` is what comes otherwise."""
    proof = page.get_by_label("动态码")
    expect(proof.or_(done).first).to_be_visible()
    if proof.is_visible():
        page.get_by_label("密码").fill(PASSWORD)
        proof.fill(stage.totp_now(login))
        page.keyboard.press("Enter")


def test_a_persons_data_are_copied_and_then_erased_for_good(desk: Desk, stage: Stage) -> None:
    own, number = clerk(stage, "clerk-erases"), identity_number(900_950)
    page = desk(own, "/console/workers")
    page.get_by_role("button", name="录入焊工").click()
    dialog = page.get_by_role("dialog")
    for label, words in (("姓名", "样例离"), ("身份证号", number), ("电话", "13900000950"), ("地区", DIVISION)):
        dialog.get_by_label(label).fill(words)
    dialog.get_by_role("button", name="录入这名焊工").click()
    page.wait_for_url(re.compile("/console/workers/[0-9a-f-]{36}"))
    worker = page.url.rpartition("/")[2][:36]
    with page.expect_download() as coming:
        page.get_by_role("button", name="导出一份").click()
        prove(page, stage, own, page.get_by_text("已导出"))
    assert json.loads(Path(coming.value.path()).read_text("utf-8"))["person"]["identity_number"] == number
    page.get_by_role("button", name="删除个人资料").click()
    erase = dialog.get_by_role("button", name="永久删除")
    dialog.get_by_label("理由").fill("本人")
    expect(erase).to_be_disabled()
    dialog.get_by_label("理由").fill("本人申请，不再从业")
    erase.click()
    prove(page, stage, own, page.get_by_text("个人资料已永久删除"))
    expect(page.get_by_text("个人资料已永久删除")).to_be_visible()
    told = page.request.get(f"/api/v1/workers/{worker}")
    assert number[-4:] not in told.text()


def test_a_number_is_shown_for_a_reason_and_masked_again(desk: Desk, stage: Stage) -> None:
    own = clerk(stage, "clerk-reveals", scope=f"enterprise:{CREDIT_CODE}", role="enterprise_safety_officer")
    page = desk(own, "/console/workers?standing=expiring")
    page.locator(".row-link").first.click()
    phone = stage.person(EXPIRING).phone
    page.get_by_role("button", name="显示完整的电话").click()
    dialog = page.get_by_role("dialog", name="显示完整的电话")
    show = dialog.get_by_role("button", name="显示这 1 个号码")
    dialog.get_by_label("理由").fill("核对")
    expect(show).to_be_disabled()
    dialog.get_by_label("理由").fill("联系本人换证")
    show.click()
    prove(page, stage, own, page.get_by_text(phone))
    expect(page.get_by_text(phone)).to_be_visible()
    page.get_by_role("button", name="遮上电话").click()
    expect(page.get_by_text(phone)).to_be_hidden()


def test_tiles_of_expiry_lead_to_the_welders(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-expiry"), "/console/certificates")
    expect(page.get_by_text(re.compile(r"\d+ 张已过期或该复审没复审，60 天内还有 \d+ 张到期"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^30 天内")).click()
    page.wait_for_url(re.compile(r"/console/workers\?standing=expiring"))
    expect(page.locator("tbody tr").first).to_contain_text("60 天内到期")


def test_divisions_are_a_tree_that_is_searched_by_name_and_code(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-division"), f"/console/divisions?code={DIVISION}")
    expect(page.get_by_role("heading", name="文峰区")).to_be_visible()
    expect(page.get_by_role("img", name="文峰区的范围")).to_be_visible()
    expect(page.get_by_text("审图号")).to_be_visible()
    page.get_by_role("button", name=re.compile("收起安阳市")).click()
    expect(page.get_by_role("button", name=re.compile("展开安阳市"))).to_be_visible()
    for words in ("文峰", DIVISION):
        page.get_by_label("找区划").fill(words)
        expect(page.locator(".flat li")).to_have_count(1)
        expect(page.locator(".flat li")).to_contain_text("安阳市")
    page.get_by_label("找区划").fill("没有的地方")
    expect(page.get_by_text("没有这样的区划。")).to_be_visible()


def test_the_menu_holds_what_the_officer_may_do(desk: Desk, stage: Stage) -> None:
    own = clerk(stage, "clerk-own", scope=f"enterprise:{CREDIT_CODE}", role="enterprise_safety_officer")
    page = desk(own, "/console/workers?standing=usable")
    menu = page.get_by_role("navigation", name="各页")
    for word in ("单位", "证件", "导入", "区划"):
        expect(menu.get_by_role("link", name=word, exact=True)).to_be_visible()
    expect(menu.get_by_role("link", name="接收端")).to_be_hidden()
    page.locator(".row-link").first.click()
    expect(page.get_by_role("button", name="暂停这个人开机")).to_be_visible()
    page.get_by_role("button", name="处理和记录").first.click()
    expect(page.get_by_text("看记录已留痕")).to_be_visible()
    expect(page.get_by_role("button", name="撤销", exact=True)).to_be_hidden()
    page.goto("/console/enterprises")
    expect(page.get_by_role("heading", name="单位")).to_be_visible()
    expect(page.get_by_role("button", name="录入单位")).to_be_hidden()


@pytest.mark.parametrize(("theme", "language"), [("light", "zh"), ("dark", "en")])
def test_the_registers_stand_in_nobodys_way(desk: Desk, stage: Stage, theme: str, language: str) -> None:
    page = desk(clerk(stage, f"clerk-axe-{theme}"), f"/console/workers?lang={language}", color_scheme=theme)
    for path in (*PAGES, enterprise_path(page)):
        page.goto(path)
        page.wait_for_timeout(1200)
        assert serious_findings(page) == [], path


def test_the_registers_answer_to_a_narrow_window(desk: Desk, stage: Stage) -> None:
    page = desk(clerk(stage, "clerk-narrow"), viewport={"width": 390, "height": 844})
    for path in (*PAGES, enterprise_path(page)):
        page.goto(path)
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= 391, path
    page.goto("/console/workers")
    page.get_by_role("button", name="录入焊工").click()
    expect(page.get_by_role("dialog").get_by_label("身份证号")).to_be_in_viewport()
    assert (
        page.evaluate("document.querySelector('dialog').scrollWidth - document.querySelector('dialog').clientWidth")
        <= 0
    )
    assert serious_findings(page) == []
