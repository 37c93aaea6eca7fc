"""One stage and one browser for all tests of screens; a fresh context a test, from which nothing may leave the machine."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.pages import camera
from tests.pages.stage import MACHINES, PASSWORD, Stage

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
_WHERE = Path(__file__).parent
AXE = _WHERE.parents[1] / "web/node_modules/axe-core/axe.min.js"
_FLAGS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
# Somebody who says no when the page asks for the camera.
_NO_CAMERA = """if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia =
    () => Promise.reject(new DOMException('no', 'NotAllowedError'))"""
Opens = Callable[..., Page]

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one test process: the stage is heavy."""
    for item in items:
        if _WHERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("pages"))
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The stack, its town and its chips."""
    with Stage() as open_stage:
        yield open_stage


# By module, not by session: the driver keeps an event loop running in this thread as long as it lives, and the tests that
# come after ours in this process want one of their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise RuntimeError("no chromium: run tools/setup --browser")
    return found


@pytest.fixture(scope="module")
def browser(
    playwright: Playwright, chromium: str, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """The browser, whose camera sees the plate of the last machine."""
    plate = stage.town.plate(MACHINES - 1)
    film = camera.film(f"{stage.url}/m/{plate}", tmp_path_factory.mktemp("camera") / "plate.mjpeg")
    flags = [*_FLAGS, f"--use-file-for-fake-video-capture={film}"]
    with playwright.chromium.launch(executable_path=chromium, args=flags) as open_browser:
        yield open_browser


class Guard:
    """Hears every request of a context: none may leave the machine; and every error of its scripts."""

    def __init__(self, context: BrowserContext) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        context.on("request", self._request)
        context.on("page", self._page)

    def _request(self, request: Any) -> None:
        there = urlsplit(request.url)
        if there.scheme in {"http", "https", "ws", "wss"} and there.hostname not in {"127.0.0.1", "localhost"}:
            self.outside.append(request.url)

    def _page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)

    def _console(self, message: Any) -> None:
        # a refused call is the browser's own line; what scripts say themselves, and the policy's breaches, count
        if message.type == "error" and not re.search(r"Failed to load resource|net::ERR_", message.text):
            self.errors.append(message.text)


@pytest.fixture
def opens(browser: Browser, stage: Stage) -> Iterator[Opens]:
    """`opens("/console/", **DESKTOP)`: a page of a context of its own; at the end nothing has left the machine or failed."""
    contexts: list[tuple[BrowserContext, Guard]] = []

    def open_one(path: str, *, camera: bool = True, **words: Any) -> Page:
        context = browser.new_context(
            base_url=stage.url, permissions=["camera"], **{"locale": "zh-CN", "timezone_id": "Asia/Shanghai", **words}
        )
        contexts.append((context, Guard(context)))
        if not camera:
            context.add_init_script(_NO_CAMERA)
        page = context.new_page()
        page.goto(path)
        return page

    yield open_one
    told = [(guard.outside, guard.errors) for _, guard in contexts]
    for context, _ in contexts:
        context.close()
    assert all(outside == [] and errors == [] for outside, errors in told), told


@pytest.fixture
def desk(opens: Opens, stage: Stage) -> Callable[..., Page]:
    """`desk("officer3", "/console/alerts")`: a console whose officer has signed in."""

    def sign_in(login: str, path: str = "/console/", **words: Any) -> Page:
        page = opens("/console/sign-in", **{**DESKTOP, **words})
        told = page.request.post(
            "/api/v1/staff/sign-in",
            data={"login": login, "password": PASSWORD, "code": stage.totp_now(login)},
            headers={"Origin": stage.url},
        )
        assert told.ok, told.text()
        page.goto(path)
        return page

    return sign_in


@pytest.fixture
def phone(opens: Opens, stage: Stage) -> Callable[..., Page]:
    """`phone(3, "/me")`: the phone of worker 3, signed in."""

    def sign_in(worker: int, path: str = "/", **words: Any) -> Page:
        page = opens(f"/sign-in?to={quote(path, safe='')}", **{**PHONE, **words})
        page.locator("input[type=tel]").fill(stage.person(worker).phone)
        with page.expect_response("**/sign-in/codes") as asked:
            page.get_by_role("button", name=re.compile("验证码")).click()
        page.locator("input[autocomplete=one-time-code]").fill(stage.code_for(asked.value.json()["request"]))
        page.wait_for_url(lambda url: urlsplit(url).path == path)
        return page

    return sign_in


def serious_findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical on this page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    told = page.evaluate("async () => await axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in told["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
