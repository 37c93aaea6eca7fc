"""How heavy and how smooth the console's live map is: bytes of script, time to a useful map, frames a second while it is moved.

Run against anything that is up: `python -m tests.pages.measure_map http://127.0.0.1:8700 LOGIN PASSWORD TOTP_SECRET`. The same is
measured with an empty snapshot, so that the frame rate stands beside that of the bare base map. Refuses to judge: it prints.
"""

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyotp
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, sync_playwright

DESKTOP = ViewportSize(width=1440, height=900)
USEFUL = "weldgate-map-useful"
LOADS = 3
ROUNDS = 3
MOVED_S = 6
_LONGEST_S = 60
_FRAMES = """() => {
  const at = []; window.frames_at = at
  const step = (now) => { at.push(now); if (window.frames_at === at) requestAnimationFrame(step) }
  requestAnimationFrame(step)
}"""


def main() -> None:
    """Print what was measured as JSON."""
    given = _arguments()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        full = _signed_in(browser, given)
        bare = browser.new_context(base_url=given.url, viewport=DESKTOP, storage_state=full.storage_state())
        bare.route("**/api/v1/map", _emptied)
        bare.route("**/api/v1/live?*", _silent)
        told = {"machines": _machines(full), **_loads(full), **_rounds(full, bare)}
    print(json.dumps(told, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="measure the live map")
    for name in ("url", "login", "password", "totp_secret"):
        parser.add_argument(name)
    return parser.parse_args()


def _signed_in(browser: Browser, given: argparse.Namespace) -> BrowserContext:
    context = browser.new_context(base_url=given.url, viewport=DESKTOP, locale="zh-CN", timezone_id="Asia/Shanghai")
    code = pyotp.TOTP(given.totp_secret).now()
    body = {"login": given.login, "password": given.password, "code": code}
    answer = context.request.post("/api/v1/staff/sign-in", data=body, headers={"Origin": given.url})
    if not answer.ok:
        raise SystemExit(f"not signed in: {answer.text()}")
    return context


def _machines(context: BrowserContext) -> int:
    return len(context.request.get("/api/v1/map").json()["machines"]["plate"])


def _rounds(full: BrowserContext, bare: BrowserContext) -> dict[str, Any]:
    """In turns, because whatever else this computer does should fall on both."""
    turns = [(_moved(full), _moved(bare)) for _ in range(ROUNDS)]
    rates = [statistics.median(one[side]["frames_a_second"] for one in turns) for side in (0, 1)]
    return {
        "moved": [one for one, _ in turns],
        "base_map_alone_moved": [one for _, one in turns],
        "frames_a_second": {
            "with_machines": rates[0],
            "base_map_alone": rates[1],
            "share": round(rates[0] / rates[1], 2),
        },
    }


def _loads(context: BrowserContext) -> dict[str, Any]:
    """The first load fetches everything, later ones find the hashed files in the cache."""
    page = context.new_page()
    first = _useful(page)
    sizes = _bytes(page)
    again = [_useful(page) for _ in range(LOADS)]
    page.close()
    return {"bytes": sizes, "useful_ms": {"first": first, "again": statistics.median(again)}}


def _useful(page: Page) -> int:
    """Milliseconds from the navigation to base map and machines drawn."""
    page.goto("/console/")
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        found: list[float] = page.evaluate(f"performance.getEntriesByName('{USEFUL}').map(one => one.startTime)")
        if found:
            return round(found[0])
        time.sleep(0.05)
    raise SystemExit("the map was never useful")


def _bytes(page: Page) -> dict[str, int]:
    """What came over the wire, by kind; compressed where it was served so."""
    rows = page.evaluate(
        "performance.getEntriesByType('resource').map(one => [new URL(one.name).pathname, one.encodedBodySize])"
    )
    sizes = {"script": 0, "style": 0, "base_map": 0, "snapshot": 0}
    for path, size in rows:
        sizes |= {kind: sizes[kind] + size for kind in _kinds(path)}
    return sizes


def _kinds(path: str) -> list[str]:
    ends = {"script": path.endswith(".js"), "style": path.endswith(".css"), "base_map": path.startswith("/map/")}
    return [kind for kind, fits in {**ends, "snapshot": path == "/api/v1/map"}.items() if fits]


def _moved(context: BrowserContext) -> dict[str, float]:
    """Frames while a hand drags the map about and turns the wheel."""
    page = context.new_page()
    _useful(page)
    page.evaluate(_FRAMES)
    until, way = time.monotonic() + MOVED_S, 1
    while time.monotonic() < until:
        _drag(page, 160 * way)
        page.mouse.wheel(0, 240 * way)
        way = -way
    frames: list[float] = page.evaluate("() => { const at = window.frames_at; window.frames_at = null; return at }")
    page.close()
    return _rate(frames)


def _drag(page: Page, by: int) -> None:
    x, y = 520, 480
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y + by / 3, steps=8)
    page.mouse.up()


def _rate(frames: Sequence[float]) -> dict[str, float]:
    gaps = sorted(after - before for before, after in pairwise(frames))
    seconds = (frames[-1] - frames[0]) / 1000
    return {
        "seconds": round(seconds, 1),
        "frames_a_second": round(len(gaps) / seconds, 1),
        "median_ms": round(statistics.median(gaps), 1),
        "p95_ms": round(gaps[int(len(gaps) * 0.95)], 1),
        "worst_ms": round(gaps[-1], 1),
    }


def _emptied(route: Route) -> None:
    told = route.fetch().json()
    empty: dict[str, list[Any]] = {name: [] for name in told["machines"]}
    route.fulfill(json={**told, "machines": empty, "alerts": []})


def _silent(route: Route) -> None:
    route.fulfill(headers={"Content-Type": "text/event-stream"}, body="retry: 3600000\n\n")


if __name__ == "__main__":
    main()
