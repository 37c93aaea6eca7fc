"""The phone in a welder's hand: scan, checks, the reported contact, the session, refusals, lost links; real chips answer."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from simulator.device import Device
from simulator.wire import Faults
from tests.pages import camera
from tests.pages.conftest import PHONE, Opens, serious_findings
from tests.pages.stage import EXPIRED, MACHINES, WRONG_ITEM, Stage

Phone = Callable[..., Page]


def button(page: Page, words: str) -> None:
    """Press the button that says this."""
    page.get_by_role("button", name=words).click()


def contact(device: Device) -> str | None:
    """What the contact of this machine is now."""
    return device.contact


def start(page: Page, plate: str) -> None:
    """From a plate's page to the order that starts its machine."""
    page.goto(f"/m/{plate}")
    button(page, "解锁开机")


def end(page: Page) -> None:
    button(page, "结束作业并上锁")
    expect(page.get_by_role("status").filter(has_text="已上锁，作业结束")).to_be_visible(timeout=40_000)


def test_a_plate_is_verified_by_anybody_and_tells_nothing_personal(opens: Opens, stage: Stage) -> None:
    stage.device(0)
    plate = stage.town.plate(0)
    page = opens(f"/m/{plate}", **PHONE)
    expect(page.get_by_role("status")).to_contain_text("现在没有人作业")
    expect(page.get_by_text(plate[-4:], exact=True).first).to_be_visible()
    body = page.locator("body").inner_text()
    assert not any(word in body for n in range(16) for word in (stage.person(n).name, stage.person(n).phone))


def test_a_code_that_we_did_not_print_is_said_to_be_false(opens: Opens, stage: Stage) -> None:
    page = opens(f"/m/{stage.town.plate(0)}?k=AAAAAAAA", **PHONE)
    expect(page.get_by_role("status")).to_contain_text("二维码不是我们印的")


def test_a_number_with_a_wrong_digit_is_refused_where_it_was_typed(opens: Opens, stage: Stage) -> None:
    right = stage.town.plate(0)
    page = opens("/", **PHONE)
    page.get_by_label("铭牌上的 17 位号码").fill(right[:-2] + "9" + right[-1])
    button(page, "查这台机器")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("铭牌上的 17 位号码").fill(f" {right[:6]} {right[6:].lower()} ")
    button(page, "查这台机器")
    page.wait_for_url(f"**/m/{right}*")


def test_the_camera_reads_a_tilted_noisy_plate_and_a_welder_starts_welds_and_ends(opens: Opens, stage: Stage) -> None:
    device, plate = stage.device(MACHINES - 1), stage.town.plate(MACHINES - 1)
    page = opens("/", **PHONE)
    button(page, "扫码开机")
    page.wait_for_url(f"**/m/{plate}*", timeout=30_000)
    button(page, "我是焊工，登录开机")
    page.wait_for_url(re.compile("/sign-in"))
    page.locator("input[type=tel]").fill(stage.person(0).phone)
    with page.expect_response("**/sign-in/codes") as asked:
        page.get_by_role("button", name=re.compile("验证码")).click()
    page.locator("input[autocomplete=one-time-code]").fill(stage.code_for(asked.value.json()["request"]))
    page.wait_for_url("**/session/*", timeout=30_000)
    assert contact(device) == "closed", "the page says unlocked, the contact does not"
    stage.start(device.weld(150, 6))
    expect(page.get_by_text("焊接中")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("停弧", exact=True).first).to_be_visible(timeout=30_000)
    end(page)
    assert contact(device) == "open"


def test_a_photo_of_the_plate_does_what_the_camera_does(opens: Opens, stage: Stage, tmp_path: Path) -> None:
    plate = stage.town.plate(1)
    file = camera.photo(f"{stage.url}/m/{plate}", tmp_path / "plate.png")
    page = opens("/scan", **PHONE, camera=False)
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_url(f"**/m/{plate}*", timeout=30_000)


def test_a_code_of_another_host_is_shown_and_not_followed(opens: Opens, stage: Stage, tmp_path: Path) -> None:
    file = camera.photo(f"https://wg.example/m/{stage.town.plate(1)}", tmp_path / "false.png")
    page = opens("/scan", **PHONE, camera=False)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("wg.example")).to_be_visible(timeout=30_000)
    assert "/m/" not in page.url


def test_an_expired_certificate_does_not_start_and_says_why_by_what_and_what_to_do(phone: Phone, stage: Stage) -> None:
    stage.device(4)
    page = phone(EXPIRED)
    start(page, stage.town.plate(4))
    expect(page.get_by_role("status")).to_contain_text("不能开机")
    expect(page.get_by_role("status")).to_contain_text("过期")
    expect(page.get_by_text("怎么办")).to_be_visible()
    expect(page.get_by_text("依据")).to_be_visible()
    expect(page.locator("body")).to_contain_text(re.compile("[0-9a-f]{8}-[0-9a-f]{4}|编号"))
    assert stage.device(4).contact == "open"


def test_a_certificate_for_other_work_does_not_start(phone: Phone, stage: Stage) -> None:
    stage.device(4)
    page = phone(WRONG_ITEM)
    start(page, stage.town.plate(4))
    expect(page.get_by_role("status")).to_contain_text("不能开机")


def test_a_machine_without_power_cannot_start_and_says_so(phone: Phone, stage: Stage) -> None:
    page = phone(1)
    start(page, stage.town.plate(19))
    expect(page.get_by_role("status")).to_contain_text("不能开机")


def test_presence_is_the_button_on_the_machine(phone: Phone, stage: Stage) -> None:
    device = stage.device(2)
    page = phone(2)
    start(page, stage.town.plate(2))
    expect(page.get_by_role("status")).to_contain_text("去按机身绿钮", timeout=20_000)
    assert contact(device) == "open"
    stage.act(device.press_button)
    page.wait_for_url("**/session/*", timeout=20_000)
    assert contact(device) == "closed"
    end(page)


def test_a_double_tap_is_one_start(phone: Phone, stage: Stage) -> None:
    stage.device(5)
    page = phone(3, f"/start/{stage.town.plate(5)}")
    asked: list[str] = []
    page.on(
        "request",
        lambda one: (
            asked.append(one.headers.get("idempotency-key", "")) if one.url.endswith("/api/v1/unlocks") else None
        ),
    )
    page.get_by_role("button", name="解锁开机").dblclick()
    page.wait_for_url("**/session/*", timeout=20_000)
    assert len(set(asked)) == 1
    sessions = page.request.get("/api/v1/me/sessions").json()["sessions"]
    assert len(sessions) == 1
    end(page)


def test_a_reload_and_the_back_button_find_the_session_again(phone: Phone, stage: Stage) -> None:
    stage.device(6)
    page = phone(4)
    start(page, stage.town.plate(6))
    page.wait_for_url("**/session/*", timeout=20_000)
    page.reload()
    expect(page.get_by_role("button", name="结束作业并上锁")).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("作业中")).to_be_visible()
    page.get_by_text("回去").click()
    page.wait_for_url("**/session/*")
    page.go_back()
    expect(page.get_by_text("作业中")).to_be_visible()
    page.goto("/")
    page.get_by_text("回去").click()
    end(page)


def test_without_a_link_the_page_keeps_the_dial_and_says_when_it_was_last_told(phone: Phone, stage: Stage) -> None:
    stage.device(7)
    page = phone(5)
    start(page, stage.town.plate(7))
    page.wait_for_url("**/session/*", timeout=20_000)
    page.context.set_offline(True)
    expect(page.get_by_text("连接断开")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="结束作业并上锁")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("连接断开")).to_be_hidden(timeout=30_000)
    end(page)


def test_a_reload_without_a_link_shows_the_session_as_it_was_known(phone: Phone, stage: Stage) -> None:
    stage.device(16)
    page = phone(9)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    start(page, stage.town.plate(16))
    page.wait_for_url("**/session/*", timeout=20_000)
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("button", name="结束作业并上锁")).to_be_visible(timeout=20_000)
    page.context.set_offline(False)
    expect(page.get_by_text("连接断开")).to_be_hidden(timeout=30_000)
    end(page)


def test_a_press_that_could_not_be_sent_starts_nothing_when_the_link_comes_back_later(
    phone: Phone, stage: Stage
) -> None:
    device = stage.device(17)
    page = phone(10, f"/start/{stage.town.plate(17)}")
    expect(page.get_by_role("button", name="解锁开机")).to_be_visible()
    page.clock.install()
    page.context.set_offline(True)
    button(page, "解锁开机")
    expect(page.get_by_role("status")).to_contain_text("没网", timeout=20_000)
    page.clock.fast_forward("02:00")
    expect(page.get_by_role("status")).to_contain_text("没发出去，没开机", timeout=20_000)
    page.context.set_offline(False)
    page.clock.run_for(10_000)
    assert page.request.get("/api/v1/me/sessions").json()["sessions"] == []
    assert contact(device) == "open"


def test_a_machine_whose_word_is_lost_is_sent_and_not_yet_confirmed(phone: Phone, stage: Stage) -> None:
    device = stage.device(9)
    page = phone(6, f"/start/{stage.town.plate(9)}")
    expect(page.get_by_role("button", name="解锁开机")).to_be_visible()
    stage.act(device.disturb, Faults(loss=1.0))
    button(page, "解锁开机")
    expect(page.get_by_role("status")).to_contain_text("已发出，还没确认", timeout=20_000)
    stage.act(device.disturb, Faults())
    page.wait_for_url("**/session/*", timeout=60_000)
    assert contact(device) == "closed"
    end(page)


def test_my_page_shows_certificates_and_history_masked(phone: Phone, stage: Stage) -> None:
    page = phone(13, "/me")
    expect(page.get_by_text("焊接作业证")).to_be_visible()
    body = page.locator("body").inner_text()
    assert not any(word in body for word in (stage.person(13).name, stage.person(13).phone, stage.person(13).identity))


def test_the_second_language_says_the_same(opens: Opens, stage: Stage) -> None:
    page = opens(f"/m/{stage.town.plate(0)}?lang=en", **{**PHONE, "locale": "en-GB"})
    expect(page.get_by_text("Compare with the plate first")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    assert not re.search("[一-龥]{4,}", re.sub("焊码通测试台|示例焊机厂", "", page.locator("main").inner_text()))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_those_who_see_or_hear_differently(
    phone: Phone, stage: Stage, theme: str
) -> None:
    page = phone(7, "/", color_scheme=theme)
    for path in ("/", "/scan", f"/m/{stage.town.plate(0)}", f"/start/{stage.town.plate(0)}", "/me", "/nothing-here"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert serious_findings(page) == [], path


def test_the_phone_asks_once_about_personal_data_and_nothing_waits_for_the_answer(phone: Phone) -> None:
    page = phone(12, "/")
    asked = page.get_by_role("region", name="你的个人信息怎么用")
    expect(asked).to_be_visible()
    asked.get_by_text("看全文").click()
    expect(asked.get_by_text("我们怎样使用你的个人信息")).to_be_visible()
    assert serious_findings(page) == []
    button(page, "以后再说")
    expect(asked).to_have_count(0)
    page.evaluate("sessionStorage.clear()")
    page.reload()
    button(page, "看过了，同意")
    expect(asked).to_have_count(0)
    page.goto("/me")
    expect(page.get_by_text("焊接作业证")).to_be_visible()
    expect(asked).to_have_count(0)
