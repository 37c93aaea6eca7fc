"""`weldgate demo` as a newcomer meets it: started, looked at through its public doors, disturbed, stopped, started again.

A database server of its own, free ports and a folder of its own: it runs beside a real demo and leaves nothing behind.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from weld.cli.postgres import EmbeddedPostgres
from weld.cli.stack import CLONE

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("demo")]
MARK = {"X-Weldgate-Demo": "test"}


@dataclass
class Running:
    """A running demo, and who looks at it."""

    process: subprocess.Popen[str]
    folder: Path
    environment: dict[str, str]
    output: Path

    @property
    def page(self) -> str:
        return str(json.loads((self.folder / "running.json").read_text())["page"])

    @property
    def api(self) -> str:
        return (self.folder / "run" / "api.address").read_text().split()[1]

    def state(self, language: str = "zh") -> dict[str, Any]:
        told: dict[str, Any] = httpx.get(f"{self.page}/state?lang={language}").json()
        return told

    def officer(self, path: str, **query: str) -> Any:
        key = json.loads((self.folder / "secrets" / "demo.json").read_text())["key"]
        answer = httpx.get(f"{self.api}/api/v1{path}", params=query, headers={"Authorization": f"Bearer {key}"})
        return answer.raise_for_status().json()

    def token(self, phone: str) -> str:
        """A worker signs in, and reads his code on the page."""
        asked = httpx.post(f"{self.api}/api/v1/sign-in/codes", json={"phone": phone}).json()["request"]
        masked = f"{phone[:3]}****{phone[-4:]}"

        def code() -> str | None:
            rows = self.state()["tables"]["codes"]
            return next((row[0]["text"] for row in rows if row[1]["text"] == masked), None)

        words = {"request": asked, "code": until(code, 10, "no code on the page")}
        return str(httpx.post(f"{self.api}/api/v1/sign-in", json=words).raise_for_status().json()["token"])

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, "-m", "weld.cli.main", *words, "--folder", str(self.folder))
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def stop(self) -> int:
        """Ctrl-C, as a terminal sends it to this process alone: its children are in sessions of their own."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def said(self) -> str:
        return self.output.read_text()


def until(true: Callable[[], Any], seconds: float, otherwise: str) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError(otherwise)


def start(folder: Path, environment: dict[str, str]) -> Running:
    output = folder.parent / "output"
    words = [sys.executable, "-m", "weld.cli.main", "demo", "--free-ports", "--folder", str(folder)]
    with output.open("w") as out:
        process = subprocess.Popen(
            [*words, "--machines", "40", "--speed", "60"], env=environment, stdout=out, stderr=out, text=True
        )
    running = Running(process, folder, environment, output)
    until(lambda: "Ctrl-C stops" in running.said() or process.poll() is not None, 120, f"not ready:\n{running.said()}")
    assert process.poll() is None, running.said()
    return running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
    with EmbeddedPostgres(CLONE, "demotest", throwaway=True) as server:
        yield tmp_path_factory.mktemp("demo") / "demo", kept | {"WELDGATE_DATABASE_URL": server.url}


@pytest.fixture(scope="module")
def demo(world: tuple[Path, dict[str, str]]) -> Iterator[Running]:
    running = start(*world)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_it_prints_addresses_accounts_and_what_to_try(demo: Running) -> None:
    said = demo.said()
    for words in (f"{demo.api}/console/", demo.page, "duty", "demo-anyang-2026", "19900000001", "1. ", "2. ", "3. "):
        assert words in said
    assert "Traceback" not in said


def test_people_are_at_work(demo: Running) -> None:
    found = until(lambda: demo.officer("/sessions", state="open")["sessions"], 60, "nobody came to work")
    assert found[0]["authorised"] is True
    machines = demo.officer("/machines", limit="200")["machines"]
    assert len(machines) == 40
    assert sum(machine["online"] is True for machine in machines) > 30
    assert "台" in demo.state()["texts"]["now"]


def test_a_story_on_demand_becomes_an_alert_and_two_webhooks(demo: Running) -> None:
    told = demo.command("demo", "--scenario", "bypass")
    assert told.returncode == 0, told.stderr
    plate = told.stdout.split("/machines/")[1].strip()
    alerts = until(lambda: demo.officer("/alerts", plate=plate)["alerts"], 30, "the bypass raised no alert")
    assert [alert["code"] for alert in alerts] == ["D01"]
    hooks = until(lambda: demo.state("en")["tables"]["hooks"], 30, "no webhook arrived")
    assert {row[3]["text"] for row in hooks} >= {plate[-4:]}
    assert demo.state()["texts"]["refused"] == "0"


def test_officers_sign_in_with_what_the_page_shows(demo: Running) -> None:
    words = {"login": "duty", "password": "demo-anyang-2026", "code": demo.state()["texts"]["totp-duty"]}
    answer = httpx.post(f"{demo.api}/api/v1/staff/sign-in", json=words)
    assert answer.status_code == 200, answer.text
    assert answer.json()["login"] == "duty"


@pytest.mark.parametrize(
    ("number", "machine", "reason"),
    [
        (1, 0, None),
        (2, 0, "certificate_expired"),
        (3, 1, "wrong_item"),
        (4, 1, None),
        (5, 2, "wrong_domain"),
        (5, 3, None),
        (6, 4, None),
        (7, 5, "no_certificate"),
    ],
)
def test_each_worker_gets_what_the_page_promises(demo: Running, number: int, machine: int, reason: str | None) -> None:
    plate = list(demo.state()["machines"])[machine]
    headers = {"Authorization": f"Bearer {demo.token(f'1990000000{number}')}", "Idempotency-Key": f"{number}-{machine}"}
    answer = httpx.post(f"{demo.api}/api/v1/unlocks", json={"plate": plate}, headers=headers)
    if reason is None:
        assert answer.status_code == 201, answer.text
        until(lambda: demo.state()["machines"][plate]["state"] == "unlocked", 20, "the contact did not click")
    else:
        assert reason in [one["code"] for one in answer.json()["reasons"]]


def test_hands_move_a_machine_to_try_and_no_other(demo: Running) -> None:
    plate = list(demo.state()["machines"])[-1]
    assert httpx.post(f"{demo.page}/machines/{plate}/unplug", headers=MARK).status_code == 200
    until(lambda: demo.state()["machines"][plate]["state"] == "off", 10, "the plug is still in")
    assert httpx.post(f"{demo.page}/machines/{plate}/plug", headers=MARK).status_code == 200
    until(lambda: demo.state()["machines"][plate]["state"] == "locked", 20, "it did not come back")
    other = next(
        one["plate"] for one in demo.officer("/machines")["machines"] if one["plate"] not in demo.state()["machines"]
    )
    assert httpx.post(f"{demo.page}/machines/{other}/unplug", headers=MARK).status_code == 404
    assert httpx.get(f"{demo.page}/machines/{other}.svg").status_code == 404


def test_the_page_refuses_other_names_and_other_pages(demo: Running) -> None:
    assert httpx.get(demo.page, headers={"Host": "demo.example"}).status_code == 400
    plate = next(iter(demo.state()["machines"]))
    assert httpx.post(f"{demo.page}/machines/{plate}/unplug").status_code == 404
    assert httpx.post(f"{demo.page}/stories/bypass").status_code == 404
    page = httpx.get(f"{demo.page}/?lang=en")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
    assert " style=" not in page.text


def test_the_api_says_that_it_is_a_demo(demo: Running) -> None:
    told = httpx.get(f"{demo.api}/api/v1/installation").json()
    assert told["demo"] is True
    assert told["public_url"] == demo.api


def test_a_process_that_dies_is_started_again(demo: Running) -> None:
    file, api = demo.folder / "run" / "api.pid", demo.api
    before = int(file.read_text())
    os.kill(before, signal.SIGKILL)
    until(lambda: int(file.read_text()) != before, 10, "nobody noticed")
    until(lambda: _answers(f"{api}/api/v1/installation"), 30, "the api did not come back")
    assert "api ended with code -9" in demo.said()
    asked = httpx.post(f"{api}/api/v1/sign-in/codes", json={"phone": "19900000002"})
    assert asked.status_code == 202
    found = until(lambda: demo.state()["tables"]["codes"], 10, "the codes of the new api are not read")
    assert found[0][1]["text"] == "199****0002"


def test_while_it_runs_neither_a_second_one_nor_a_reset_is_possible(demo: Running) -> None:
    for words in (("demo", "--free-ports"), ("demo-reset", "--yes")):
        refused = demo.command(*words)
        assert refused.returncode == 1
        assert refused.stderr == "weldgate: the demo runs already: stop it first (Ctrl-C where it was started)\n"
    assert demo.state()["machines"]


def test_ctrl_c_stops_it_and_a_second_start_finds_everything(demo: Running, world: tuple[Path, dict[str, str]]) -> None:
    until(lambda: demo.officer("/sessions", state="open")["sessions"], 60, "nobody is at work")
    children = [int(file.read_text()) for file in (demo.folder / "run").glob("*.pid")]
    assert demo.stop() == 0, demo.said()
    assert "the data stays" in demo.said()
    assert "Traceback" not in demo.said()
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert not (demo.folder / "running.json").exists()

    again = start(*world)
    try:
        assert "entered" not in again.said()
        until(lambda: again.officer("/alerts")["alerts"], 20, f"the alerts of the run before are gone:\n{again.said()}")
        left = until(lambda: _closed_by_the_chip(again), 40, "sessions of the run before were never closed")
        assert left[0]["closed_at"] is not None
    finally:
        assert again.stop() == 0


def test_a_reset_removes_its_database_and_its_folder(demo: Running, world: tuple[Path, dict[str, str]]) -> None:
    assert demo.process.poll() is not None
    assert demo.command("demo-reset", "--yes").returncode == 0
    assert not demo.folder.exists()
    with psycopg.connect(world[1]["WELDGATE_DATABASE_URL"]) as conn:
        assert conn.execute("SELECT 1 FROM pg_database WHERE datname LIKE 'weldgate_demo%'").fetchone() is None


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def _closed_by_the_chip(running: Running) -> list[dict[str, Any]]:
    found = running.officer("/sessions", state="closed", limit="200")["sessions"]
    return [one for one in found if one["end_reason"] == "resume_expired"]
