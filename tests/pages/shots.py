"""Pictures of every page from the running demo, for docs/screenshots/: `make demo` in one window, this in another.

Phone 390x844, console 1440x900, light and dark, Chinese and some in English. Acts through the demo page's own buttons. Run as
`python -m tests.pages.shots [FOLDER]`. Refuses to judge: people look at the pictures.
"""

import re
import shutil
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.settings import ApiSettings
from weld.cli.demo.accounts import Officer as Account
from weld.cli.demo.accounts import open_demo
from weld.core import totp

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
API, DEMO = "http://127.0.0.1:8700", "http://127.0.0.1:8720"
_COLOURS = 128
_LOADED_MS = 2500


class Camera:
    """Takes pictures into a folder, small enough to keep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        """One picture."""
        page.wait_for_timeout(300)
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        if picture.width == 2 * PHONE["viewport"]["width"]:  # type: ignore[index]
            picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)
        picture.quantize(_COLOURS).save(self.folder / f"{name}.png", optimize=True)
        print(name, flush=True)

    def take_both(self, page: Page, name: str) -> None:
        """In light and in dark; the page stays light."""
        self.take(page, f"{name}-light")
        page.emulate_media(color_scheme="dark")
        self.take(page, f"{name}-dark")
        page.emulate_media(color_scheme="light")


def open_page(browser: Browser, shape: dict[str, Any], theme: str, language: str) -> Page:
    """A fresh context's page, in one theme and language."""
    locale = "zh-CN" if language == "zh" else "en-GB"
    context = browser.new_context(base_url=API, locale=locale, timezone_id="Asia/Shanghai", color_scheme=theme, **shape)  # type: ignore[arg-type]
    return context.new_page()


def officer_in(page: Page, account: Account) -> None:
    """Sign in at a console; a code opens once, so the next one may have to be waited for."""
    for _ in range(4):
        code = totp.code(account.totp_secret, int(time.time()) // 30)
        body = {"login": account.login, "password": account.password, "code": code}
        if page.request.post("/api/v1/staff/sign-in", data=body, headers={"Origin": API}).ok:
            return
        time.sleep(31)
    raise RuntimeError("the demo's officer could not sign in: is `make demo` running?")


def worker_in(page: Page, phone: str, path: str) -> None:
    """Sign in on a phone; the code stands on the demo page."""
    page.goto(f"/sign-in?to={path.replace('/', '%2F')}")
    page.locator("input[type=tel]").fill(phone)
    page.get_by_role("button", name=re.compile("验证码|code", re.IGNORECASE)).click()
    page.locator("input[autocomplete=one-time-code]").wait_for()
    time.sleep(1.5)
    state = page.request.get(f"{DEMO}/state").json()
    page.locator("input[autocomplete=one-time-code]").fill(state["tables"]["codes"][0][0]["text"])
    page.wait_for_url(lambda url: "/sign-in" not in url)


def hand(page: Page, plate: str, act: str) -> None:
    """A hand at a machine to try."""
    told = page.request.post(f"{DEMO}/machines/{plate}/{act}", headers={"X-Weldgate-Demo": "page"})
    assert told.ok, told.text()


def phone_tour(browser: Browser, camera: Camera, plates: list[str]) -> None:
    """A welder's way, then a refusal."""
    page = open_page(browser, PHONE, "light", "zh")
    for name, path in (("home", "/"), ("verify", f"/m/{plates[0]}"), ("sign-in", "/sign-in")):
        page.goto(path)
        page.wait_for_timeout(800)
        camera.take_both(page, f"phone-{name}")
    worker_in(page, "19900000001", f"/start/{plates[2]}")
    page.wait_for_timeout(1500)
    if page.get_by_role("button", name="解锁开机").is_visible():  # else an earlier start is still live
        camera.take_both(page, "phone-ready")
        page.get_by_role("button", name="解锁开机").click()
    expect(page.get_by_role("status")).to_contain_text("绿钮", timeout=20_000)
    camera.take_both(page, "phone-button")
    hand(page, plates[2], "button")
    page.wait_for_url("**/session/*", timeout=20_000)
    for _ in range(2):
        hand(page, plates[2], "weld")
        page.wait_for_timeout(14_000)
    hand(page, plates[2], "weld")
    page.wait_for_timeout(7_000)
    camera.take_both(page, "phone-session")
    page.evaluate("localStorage.setItem('weldgate.language', 'en')")
    page.reload()
    page.wait_for_timeout(4_000)
    camera.take(page, "phone-session-en")
    page.evaluate("localStorage.setItem('weldgate.language', 'zh')")
    page.reload()
    page.wait_for_timeout(2_000)
    page.context.set_offline(True)
    expect(page.get_by_text("连接断开")).to_be_visible(timeout=40_000)
    camera.take_both(page, "phone-offline")
    page.context.set_offline(False)
    page.wait_for_timeout(12_000)
    page.get_by_role("button", name="结束作业并上锁").click()
    expect(page.get_by_text("已上锁，作业结束")).to_be_visible(timeout=40_000)
    camera.take_both(page, "phone-ended")
    page.goto("/me")
    page.wait_for_timeout(1_000)
    camera.take_both(page, "phone-me")
    refused = open_page(browser, PHONE, "light", "zh")
    worker_in(refused, "19900000002", f"/start/{plates[1]}")
    refused.get_by_role("button", name="解锁开机").click()
    expect(refused.get_by_role("status")).to_contain_text("不能开机", timeout=20_000)
    camera.take_both(refused, "phone-refused")


def console_tour(browser: Browser, camera: Camera, account: Account, plates: list[str]) -> None:
    """A duty officer's pages."""
    page = open_page(browser, DESKTOP, "light", "zh")
    officer_in(page, account)
    hand(page, plates[3], "bypass")
    page.wait_for_timeout(10_000)
    alert = page.request.get(f"/api/v1/alerts?plate={plates[3]}").json()["alerts"][0]["id"]
    busy = page.request.get("/api/v1/sessions?state=open").json()["sessions"][0]["plate"]
    worker = page.request.get("/api/v1/workers?standing=usable").json()["workers"][0]["id"]
    pages = {
        "map": "/console/", "alert": f"/console/alerts/{alert}", "machines": "/console/machines",
        "machine": f"/console/machines/{busy}", "sessions": "/console/sessions", "workers": "/console/workers",
        "worker": f"/console/workers/{worker}", "endpoints": "/console/endpoints", "deliveries": "/console/deliveries",
        "certificates": "/console/certificates", "enterprises": "/console/enterprises",
        "imports": "/console/imports", "divisions": "/console/divisions?code=4105",
        "quarantine": "/console/quarantine", "plates": "/console/plates", "help": "/console/help",
    }  # fmt: skip
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for name, path in pages.items():
            page.goto(path)
            page.wait_for_timeout(_LOADED_MS * (2 if name == "map" else 1))
            camera.take(page, f"console-{name}-{theme}")
    page.emulate_media(color_scheme="light")
    for name in ("map", "alert"):
        page.goto(f"{pages[name]}?lang=en")
        page.wait_for_timeout(2 * _LOADED_MS)
        camera.take(page, f"console-{name}-en")
    page.evaluate("localStorage.setItem('weldgate.language', 'zh')")
    page.context.clear_cookies()
    page.goto("/console/")
    page.wait_for_timeout(_LOADED_MS)
    camera.take_both(page, "console-sign-in")
    page.goto(DEMO)
    page.wait_for_timeout(_LOADED_MS)
    camera.take_both(page, "demo")


def main() -> None:
    """All of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs/screenshots"
    account = next(one for one in open_demo(ApiSettings(demo=True)).officers if one.login == "admin")
    tours: tuple[Callable[[Browser], None], ...] = (
        lambda browser: phone_tour(browser, Camera(folder), plates),
        lambda browser: console_tour(browser, Camera(folder), account, plates),
    )
    with sync_playwright() as driver:
        chromium = shutil.which("chromium") or "chromium"
        with driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser:
            asking = browser.new_page()
            plates = list(asking.request.get(f"{DEMO}/state").json()["machines"])
            for tour in tours:
                tour(browser)


if __name__ == "__main__":
    main()
