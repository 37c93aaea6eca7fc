"""A welder's phones on his own page: which are known, one that is removed, and the end of all sign-ins."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.pages.conftest import serious_findings

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
    page = phone(11, "/me", viewport={"width": 320, "height": 640}, locale="en-GB")
    expect(page.get_by_role("heading", name="My phones")).to_be_visible()
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 321
