"""Who may do what, at the console: fresh proof, enrolment, one's own sign-ins, accounts, roles, departments, keys, audit."""

import re
import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import DESKTOP, PHONE, Opens, serious_findings
from tests.pages.stage import PASSWORD, Stage

Desk = Callable[..., Page]
OWN = "kettle under the bridge"
NARROW = {"viewport": PHONE["viewport"]}


def prove(page: Page, stage: Stage, login: str, password: str = PASSWORD) -> None:
    """Password and the next code into the dialog."""
    dialog = page.get_by_role("dialog", name="再确认是你本人")
    dialog.get_by_label("密码").fill(password)
    dialog.get_by_label("动态码").fill(stage.totp_then(login, 30))
    dialog.get_by_role("button", name="确认并继续").click()


def done(page: Page, stage: Stage, login: str, name: str, then: str) -> None:
    """Press what is dangerous, prove where the sign-in is too old for it, and see what comes of it."""
    page.get_by_role("button", name=name).click()
    proof, after = page.get_by_role("dialog", name="再确认是你本人"), page.get_by_text(then).first
    expect(proof.or_(after).last).to_be_visible()
    if proof.is_visible():
        prove(page, stage, login)
    expect(after).to_be_visible()


def account(page: Page, stage: Stage, login: str, name: str) -> dict[str, Any]:
    """An account, made by the system administrator at this screen."""
    body = {"login": login, "name": name}
    told = page.request.post("/api/v1/officers", data=body, headers={"Origin": stage.url})
    assert told.ok, told.text()
    made: dict[str, Any] = told.json()
    return made


def choose_division(page: Page, words: str) -> None:
    """As a hand at the keyboard chooses it."""
    field = page.get_by_role("combobox", name="行政区划")
    field.press_sequentially(words)
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")


def test_a_dangerous_act_asks_for_a_fresh_proof_and_the_new_owner_enrols(
    desk: Desk, opens: Opens, stage: Stage
) -> None:
    page = desk("system0")
    page.wait_for_url("**/console/officers")
    page.wait_for_timeout(31_000)  # a sign-in is a proof itself, as long as it is fresh
    page.get_by_role("button", name="建账号").click()
    page.get_by_label("账号", exact=True).fill("li.si")
    page.get_by_label("姓名").fill("李样例")
    page.get_by_role("button", name="建这个账号").click()
    expect(page.get_by_label("密码")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("这一步要再确认是你本人")
    page.get_by_role("button", name="建这个账号").click()
    prove(page, stage, "system0", "not the password")
    expect(page.get_by_role("dialog", name="再确认是你本人").get_by_role("alert")).to_be_visible()
    assert serious_findings(page) == []
    prove(page, stage, "system0")
    expect(page.get_by_role("dialog", name="把链接交给 李样例")).to_be_visible(timeout=45_000)
    link = page.get_by_label("开通链接").input_value()
    page.get_by_role("button", name="已交出").click()
    expect(page.get_by_role("row").filter(has_text="li.si")).to_contain_text("等本人开通")
    enrol(opens("/console/enrol#" + link.split("#")[1], **DESKTOP))


def enrol(page: Page) -> None:
    """What the owner does with the link: second factor, a weak password, a good one, the first sign-in."""
    expect(page.get_by_text("李样例，你的账号是 li.si")).to_be_visible()
    assert page.url.endswith("/console/enrol")
    expect(page.get_by_role("img", name="给验证器扫的二维码")).to_be_visible()
    factor = pyotp.TOTP(page.locator(".key").inner_text().replace(" ", ""))
    assert serious_findings(page) == []
    for password, words in (("password1234", "太容易被猜到"), (OWN, "开通了")):
        page.get_by_label("设密码").fill(password)
        page.get_by_label("再输一遍密码").fill(password)
        page.get_by_label("验证器现在显示的").fill(factor.now())
        page.get_by_role("button", name="开通").click()
        expect(page.get_by_text(words)).to_be_visible()
    page.get_by_role("link", name="去登录").click()
    page.get_by_label("账号").fill("li.si")
    page.get_by_label("密码").fill(OWN)
    page.get_by_label("动态码").fill(factor.at(int(time.time()) + 30))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/console/security")  # without a role there is no other page
    expect(page.get_by_text("就是这里")).to_be_visible()


def test_a_link_that_was_used_or_cut_off_says_so(opens: Opens) -> None:
    page = opens("/console/enrol#wge_" + "a" * 43, **NARROW)
    expect(page.get_by_role("alert")).to_contain_text("这个链接打不开")
    page.get_by_label("开通链接").fill("wge_short")
    page.get_by_role("button", name="打开").click()
    expect(page.get_by_text("链接不完整")).to_be_visible()
    assert serious_findings(page) == []


def test_a_role_is_granted_over_a_division_and_taken_back_and_the_three_stay_apart(desk: Desk, stage: Stage) -> None:
    officer = account(desk("system1", "/console/officers"), stage, "wang.wu", "王样例")["officer"]["id"]
    page = desk("security0", f"/console/officers/{officer}")
    page.get_by_role("button", name="授角色").click()
    page.get_by_label("角色", exact=True).select_option("inspector")
    choose_division(page, "文峰")
    done(page, stage, "security0", "授这个角色", "河南省 安阳市 文峰区（410502）")
    expect(page.get_by_text("检查员").first).to_be_visible()
    page.get_by_role("button", name="授角色").click()
    page.get_by_label("角色", exact=True).select_option("audit_administrator")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("三员不能兼业务角色")
    expect(page.get_by_role("button", name="授这个角色")).to_be_disabled()
    page.get_by_label("角色", exact=True).select_option("duty_officer")
    expect(page.get_by_text("范围和现有角色一样")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="收回 检查员").click()
    expect(page.get_by_role("dialog")).to_contain_text("从下一次操作起，王样例 不能再做这个角色的事")
    page.get_by_role("button", name="收回这个角色").click()
    expect(page.get_by_text("没有角色。点“授角色”。")).to_be_visible()


def test_an_account_is_closed_opened_and_reset_and_each_says_what_happens(desk: Desk, stage: Stage) -> None:
    page = desk("system2", "/console/officers")
    officer = account(page, stage, "zhao.liu", "赵样例")["officer"]["id"]
    page.goto(f"/console/officers/{officer}")
    page.get_by_role("button", name="停用账号").click()
    expect(page.get_by_role("dialog")).to_contain_text("角色和密码都留着")
    page.get_by_role("button", name="停用这个账号").click()
    expect(page.get_by_text("已停用", exact=True)).to_be_visible()
    page.get_by_role("button", name="启用账号").click()
    page.get_by_role("button", name="启用这个账号").click()
    page.get_by_role("button", name="重置密码和动态码").click()
    expect(page.get_by_role("dialog")).to_contain_text("所有角色收回")
    done(page, stage, "system2", "重置这个账号", "链接只显示这一次")
    page.keyboard.press("Escape")
    page.goto("/console/officers")
    page.get_by_role("link", name="系统2").click()
    expect(page.get_by_text("不能停用或重置自己")).to_be_visible()


def test_a_department_is_added_changed_and_removed(desk: Desk) -> None:
    page = desk("system3", "/console/departments")
    page.get_by_role("button", name="添加部门").click()
    page.get_by_role("button", name="添加这个部门").click()
    expect(page.get_by_text("选区划")).to_be_visible()
    page.get_by_label("名称").fill("文峰区消防救援大队")
    page.get_by_label("类别").select_option("fire")
    choose_division(page, "文峰")
    page.get_by_label("管哪些告警").fill("B99 D01")
    page.get_by_role("button", name="添加这个部门").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("没有这些告警代码：B99")
    page.get_by_label("管哪些告警").fill("b02, D01")
    page.get_by_role("button", name="添加这个部门").click()
    row = page.get_by_role("row").filter(has_text="文峰区消防救援大队")
    expect(row).to_contain_text("B02 D01")
    row.get_by_role("button", name="改").click()
    page.get_by_label("联系方式").fill("0372-0000119")
    page.get_by_role("button", name="保存").click()
    expect(row).to_contain_text("0372-0000119")
    row.get_by_role("button", name="删除").click()
    page.get_by_role("button", name="删除这个部门").click()
    expect(row).to_have_count(0)


def test_a_key_is_shown_once_and_revoked_for_good(desk: Desk, stage: Stage) -> None:
    page = desk("security1", "/console/keys")
    page.get_by_role("button", name="发新密钥").click()
    page.get_by_label("名称").fill("安阳市应急平台")
    choose_division(page, "安阳")
    page.get_by_label("看告警").check()
    done(page, stage, "security1", "发这个密钥", "密钥只显示这一次")
    secret = page.get_by_label("密钥", exact=True).input_value()
    told = page.request.get("/api/v1/alerts", headers={"Authorization": f"Bearer {secret}", "Cookie": ""})
    assert told.ok, told.text()
    page.get_by_role("button", name="已存好").click()
    row = page.get_by_role("row").filter(has_text="安阳市应急平台")
    expect(row).to_contain_text("看告警")
    assert secret not in page.content()
    row.get_by_role("button", name="吊销").click()
    expect(page.get_by_role("dialog")).to_contain_text("吊销不能撤回")
    page.get_by_role("button", name="吊销这个密钥").click()
    expect(row).to_contain_text(re.compile("吊销$|吊销 *\\w*"))
    expect(row.get_by_role("button")).to_have_count(0)


def test_the_audit_is_searched_by_what_stands_in_a_row(desk: Desk) -> None:
    page = desk("audit0")
    page.wait_for_url("**/console/audit")
    page.get_by_role("button", name="登录控制台").first.click()
    page.wait_for_url(re.compile(r"action=staff\.signed_in"))
    expect(page.get_by_role("row").nth(1)).to_contain_text("登录控制台")
    page.get_by_role("textbox", name="从").fill("2031-01-01")
    page.get_by_role("textbox", name="从").press("Enter")
    expect(page.get_by_text("这些条件下没有记录。")).to_be_visible()
    page.get_by_role("link", name="清除筛选").click()
    expect(page.get_by_role("button", name="再取一些")).to_be_visible()
    page.get_by_role("button", name="再取一些").click()
    expect(page.locator("tbody tr")).to_have_count(100)


def test_ones_own_sign_ins_are_seen_and_ended(desk: Desk, stage: Stage) -> None:
    other = desk("security7", "/console/keys")
    mine = other.request.get("/api/v1/staff/sign-ins").json()["sign_ins"]
    assert len(mine) == 1
    page = desk("officer22", "/console/security")
    context = page.context.browser.new_context(base_url=stage.url) if page.context.browser else None
    assert context is not None
    body = {"login": "officer22", "password": PASSWORD, "code": stage.totp_then("officer22", 30)}
    assert context.request.post("/api/v1/staff/sign-in", data=body, headers={"Origin": stage.url}).ok
    page.reload()
    expect(page.get_by_role("row")).to_have_count(3)
    row = page.get_by_role("row").filter(has_not_text="就是这里").nth(1)
    row.get_by_role("button", name="退出").click()
    page.get_by_role("button", name="退出这一处").click()
    expect(page.get_by_role("row")).to_have_count(2)
    assert context.request.get("/api/v1/staff/me").status == 401
    context.close()
    page.get_by_role("button", name="全部退出").first.click()
    page.get_by_role("dialog").get_by_role("button", name="全部退出").click()
    page.wait_for_url("**/console/sign-in")
    assert other.request.get("/api/v1/staff/me").ok, "somebody else's sign-in ended"


def test_the_menu_holds_what_one_may_do_and_no_more(desk: Desk) -> None:
    pages = {
        "officer23": ["地图", "告警", "机器", "作业", "焊工"],
        "system6": ["账号", "部门"],
        "security6": ["账号", "接入密钥"],
        "audit6": ["审计"],
    }
    for login, names in pages.items():
        page = desk(login, "/console/help")
        rail = page.get_by_role("navigation", name="各页")
        expect(rail.get_by_role("link").first).to_be_visible()
        found = [one.split("\n")[0] for one in rail.get_by_role("link").all_inner_texts()]
        assert found[: len(names)] == names
        assert ("账号" in found) == (login in {"system6", "security6"})
        assert ("审计" in found) == (login == "audit6")
    page.goto("/console/officers")
    expect(page.get_by_text("你没有看这一页的权限")).to_be_visible()


@pytest.mark.parametrize(
    ("shape", "n"), [({**DESKTOP, "color_scheme": "light"}, 3), ({**NARROW, "color_scheme": "dark"}, 4)]
)
def test_nothing_serious_stands_in_the_way_on_any_of_them(desk: Desk, shape: dict[str, Any], n: int) -> None:
    seen: dict[str, dict[str, str | None]] = {
        f"system{n + 1}": {"/console/officers": "建账号", "/console/departments": "添加部门", "/console/roles": None},
        f"security{n}": {"/console/keys": "发新密钥", "/console/security": None},
        f"audit{n}": {"/console/audit": None},
    }
    for login, paths in seen.items():
        page = desk(login, **shape)
        for path, button in paths.items():
            page.goto(path)
            page.wait_for_timeout(1000)
            assert serious_findings(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= shape["viewport"]["width"] + 1, path
            if button is not None:
                page.get_by_role("button", name=button).click()
                assert serious_findings(page) == [], f"{path}: {button}"
