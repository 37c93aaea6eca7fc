"""Pictures of the administrators' pages for docs/screenshots/, from a stage of its own: the demo has no such accounts.

Run as `python -m tests.pages.shots_authority [FOLDER]`. Refuses to judge: people look at the pictures.
"""

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.shots import DESKTOP, Camera
from tests.pages.stage import PASSWORD, Stage

_LOADED_MS = 1500
_DEPARTMENTS = (
    ("河南省应急管理厅", "emergency", "41", "0371-0000000", None),
    ("安阳市消防救援支队", "fire", "4105", "0372-0000119", ["B02", "D01", "E02"]),
    ("文峰区市场监管局", "market", "410502", "", ["A05", "D05"]),
)


def seated(browser: Browser, stage: Stage, login: str, language: str = "zh") -> Page:
    """A console whose administrator has signed in."""
    locale = "zh-CN" if language == "zh" else "en-GB"
    page = browser.new_context(base_url=stage.url, locale=locale, timezone_id="Asia/Shanghai", **DESKTOP).new_page()  # type: ignore[arg-type]
    body = {"login": login, "password": PASSWORD, "code": stage.totp_now(login)}
    told = page.request.post("/api/v1/staff/sign-in", data=body, headers={"Origin": stage.url})
    assert told.ok, told.text()
    return page


def write(page: Page, stage: Stage, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """An entry by the door that the pages use."""
    told = page.request.post(f"/api/v1{path}", data=body, headers={"Origin": stage.url})
    assert told.ok, told.text()
    found: dict[str, Any] = told.json()
    return found


def show(page: Page, camera: Camera, path: str, name: str, *, dark: bool = False) -> None:
    """One page, loaded, in light and where asked in dark."""
    page.goto(path)
    page.wait_for_timeout(_LOADED_MS)
    if dark:
        camera.take_both(page, name)
    else:
        camera.take(page, f"{name}-light")


def tour(browser: Browser, stage: Stage, camera: Camera) -> None:
    """The three administrators one after the other, and the owner of a new account."""
    page = seated(browser, stage, "system0")
    for name, kind, division, contact, codes in _DEPARTMENTS:
        words = {"name": name, "kind": kind, "division": division, "contact": contact, "codes": codes}
        write(page, stage, "/departments", words)
    made = write(page, stage, "/officers", {"login": "li.si", "name": "李样例"})
    show(page, camera, "/console/departments", "console-departments")
    show(page, camera, "/console/roles", "console-roles")
    show(page, camera, "/console/security", "console-security")
    other = browser.new_context(base_url=stage.url, locale="zh-CN", timezone_id="Asia/Shanghai", **DESKTOP).new_page()  # type: ignore[arg-type]
    show(other, camera, "/console/enrol#" + made["enrolment_secret"], "console-enrol")
    page = seated(browser, stage, "security0")
    officer = made["officer"]["id"]
    write(page, stage, f"/officers/{officer}/roles", {"role": "inspector", "scope": "division:4105"})
    key = {"name": "安阳市应急平台", "scope": "division:4105", "rights": ["alerts:read", "machines:read"]}
    write(page, stage, "/keys", {**key, "expires_at": (datetime.now(UTC) + timedelta(days=200)).isoformat()})
    show(page, camera, f"/console/officers/{officer}", "console-officer")
    show(page, camera, "/console/keys", "console-keys", dark=True)
    show(seated(browser, stage, "audit0"), camera, "/console/audit", "console-audit", dark=True)
    page = seated(browser, stage, "system1", "en")
    page.goto("/console/officers")
    page.wait_for_timeout(31_000)  # until the sign-in is no proof any more
    camera.take(page, "console-officers-en")
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("Login", exact=True).fill("wang.wu")
    page.get_by_label("Name", exact=True).fill("王样例")
    page.get_by_role("button", name="Make this account").click()
    page.wait_for_timeout(_LOADED_MS)
    camera.take(page, "console-proof-en")


def main() -> None:
    """All of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs/screenshots"
    with Stage() as stage, sync_playwright() as driver:
        chromium = shutil.which("chromium") or "chromium"
        with driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser:
            tour(browser, stage, Camera(folder))


if __name__ == "__main__":
    main()
