"""A welder's phones on his own page: which are known, one that is removed, and the end of all sign-ins."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import PHONE, serious_findings
from tests.pages.stage import Stage

Hand = Callable[..., Page]
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"


def test_a_phone_is_removed_from_another_and_all_are_signed_out(phone: Hand) -> None:
    old = phone(12, "/me", user_agent=ANDROID)
    new = phone(12, "/me", user_agent=IPHONE)
    expect(new.get_by_text("iPhone · Safari")).to_be_visible()
    assert serious_findings(new) == []
    row = new.get_by_role("listitem").filter(has_text="安卓 · Chrome")
    expect(row).not_to_contain_text("就是这部")
    row.get_by_role("button", name="移除").click()
    expect(row.get_by_role("status")).to_contain_text("移除 安卓 · Chrome？它马上退出登录")
    row.get_by_role("button", name="先不").click()
    row.get_by_role("button", name="移除").click()
    row.get_by_role("button", name="移除这部手机").click()
    expect(row).to_have_count(0)
    assert old.request.get("/api/v1/me").status == 401
    new.get_by_role("button", name="在所有手机上退出").click()
    expect(new.get_by_text("包括这部，都要重新登录")).to_be_visible()
    assert serious_findings(new) == []
    new.get_by_role("button", name="全部退出").click()
    new.wait_for_url(lambda url: not url.endswith("/me"))
    assert new.request.get("/api/v1/me").status == 401


def test_the_page_fits_a_small_phone_with_large_letters(phone: Hand) -> None:
    page = phone(11, "/me", viewport={"width": 320, "height": 640})
    page.goto("/me?lang=en")
    expect(page.get_by_role("heading", name="My phones")).to_be_visible()
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 321


def signed_in(browser: Browser, stage: Stage, said: str) -> Page:
    """The phone of worker 4 that calls itself this."""
    words = {**PHONE, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", "user_agent": said}
    page = browser.new_context(base_url=stage.url, **words).new_page()  # type: ignore[arg-type]
    page.goto("/sign-in?to=%2Fme")
    page.locator("input[type=tel]").fill(stage.person(4).phone)
    with page.expect_response("**/sign-in/codes") as asked:
        page.get_by_role("button", name=re.compile("验证码")).click()
    page.locator("input[autocomplete=one-time-code]").fill(stage.code_for(asked.value.json()["request"]))
    page.wait_for_url("**/me")
    return page


def test_a_new_phone_waits_until_the_old_one_allows_it(browser: Browser) -> None:
    with Stage(settings={"api_device_wait_s": "3600"}) as patient:
        old = signed_in(browser, patient, ANDROID)
        new = signed_in(browser, patient, IPHONE)
        expect(new.get_by_role("status").first).to_contain_text("这是新手机")
        old.reload()
        expect(old.get_by_text("有 1 部新手机登录了你的账号")).to_be_visible()
        row = old.get_by_role("listitem").filter(has_text="iPhone")
        expect(row).to_contain_text("前开不了机")
        row.get_by_role("button", name="是我的，现在就能用").click()
        expect(row.get_by_role("status")).to_contain_text("允许后它马上能开机")
        row.get_by_role("button", name="是我的，允许").click()
        expect(row).to_contain_text("能用")
        expect(old.get_by_text("部新手机登录了你的账号")).to_have_count(0)
        new.reload()
        expect(new.get_by_role("listitem").filter(has_text="就是这部")).to_contain_text("能用")
        old.context.close()
        new.context.close()
