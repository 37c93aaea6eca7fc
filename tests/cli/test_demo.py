"""What the demo refuses, what its city is made of, and how its day goes; without a server."""

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from api.settings import ApiSettings
from schemas import registers as shapes
from weld.cli.demo import leftovers, premises
from weld.cli.demo.accounts import NotADemoError, open_demo
from weld.cli.demo.city import City
from weld.cli.demo.day import Day, is_unplugged, on_shift
from weld.cli.demo.premises import Wanted
from weld.cli.seed_file import MODELS
from weld.core import identity, plate
from weld.core.roles import ROLES
from weld.kit.clock import ScaledClock
from weld.kit.door import PortTakenError

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("WELDGATE_", "PGHOST"))]:
        monkeypatch.delenv(name)


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
    words = (sys.executable, "-m", *words)
    return subprocess.run(words, env=kept | settings, capture_output=True, text=True, timeout=60, check=False)


# -- fixed accounts


def test_fixed_accounts_are_handed_out_in_a_demo_on_loopback() -> None:
    accounts = open_demo(ApiSettings(demo=True))
    assert [officer.login for officer in accounts.officers] == ["duty", "wenfeng", "admin"]
    for officer in accounts.officers:
        shapes.Officer.model_validate(officer.entry())
        assert set(officer.roles) <= set(ROLES)


def test_fixed_accounts_are_refused_without_the_variable() -> None:
    with pytest.raises(NotADemoError, match="WELDGATE_DEMO=1 is not set"):
        open_demo(ApiSettings())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "demo.example", ""])
def test_fixed_accounts_are_refused_where_others_can_reach_the_api(host: str) -> None:
    with pytest.raises(NotADemoError, match="WELDGATE_API_HOST"):
        open_demo(ApiSettings(demo=True, api_host=host))


def test_fixed_accounts_are_refused_where_others_are_told_the_address() -> None:
    with pytest.raises(NotADemoError, match="WELDGATE_PUBLIC_URL"):
        open_demo(ApiSettings(demo=True, public_url="https://welding.example"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.example/postgres",
        "postgresql://u:p@127.0.0.1,10.0.0.5/postgres",
        "postgresql://u:p@/postgres?host=10.0.0.5",
        "postgresql://u:p@localhost/postgres?hostaddr=10.0.0.5",
    ],
)
def test_fixed_accounts_are_refused_in_a_database_elsewhere(url: str) -> None:
    with pytest.raises(NotADemoError, match="WELDGATE_DATABASE_URL"):
        open_demo(ApiSettings(demo=True, database_url=url))


def test_fixed_accounts_are_refused_where_the_machine_s_own_word_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(NotADemoError, match="WELDGATE_DATABASE_URL"):
        open_demo(ApiSettings(demo=True, database_url="postgresql:///postgres"))


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@127.0.0.1/x", "postgresql://u@localhost/x", "postgresql:///x?host=/run/postgresql"]
)
def test_a_database_on_this_machine_will_do(url: str) -> None:
    assert open_demo(ApiSettings(demo=True, database_url=url))


def test_a_broker_elsewhere_is_refused() -> None:
    with pytest.raises(NotADemoError, match="WELDGATE_MQTT_URL"):
        open_demo(ApiSettings(demo=True, mqtt_url="mqtt://u:p@broker.example"))


def test_the_api_that_prints_masked_phones_starts_in_a_demo_only() -> None:
    refused = run("weld.cli.demo.api")
    assert refused.returncode == 1
    assert "WELDGATE_DEMO=1 is not set" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_command_refuses_an_api_that_others_can_reach(tmp_path: Path) -> None:
    words = ("weld.cli.main", "demo", "--free-ports", "--folder", str(tmp_path / "demo"))
    refused = run(*words, WELDGATE_API_HOST="0.0.0.0")
    assert refused.returncode == 1
    assert (
        refused.stderr == "weldgate: a demo must be reachable from this machine only: WELDGATE_API_HOST says 0.0.0.0\n"
    )
    assert not (tmp_path / "demo").exists()


# -- what is in the way


def test_a_busy_port_is_one_line_with_its_number_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"port {port} \(api\) is in use.*WELDGATE_API_PORT"):
            premises.look_at_ports(Wanted(), port)
        premises.look_at_ports(Wanted(free_ports=True), port)


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        premises.alone(tmp_path),
        pytest.raises(RuntimeError, match="the demo runs already"),
        premises.alone(tmp_path),
    ):
        pass


@pytest.mark.parametrize("machines", [0, 11, 20_001])
def test_a_city_has_a_size(machines: int) -> None:
    with pytest.raises(ValueError, match="from 12 to 20000"):
        premises.let_open_files(machines)


def test_without_a_running_demo_a_story_is_one_line(tmp_path: Path) -> None:
    asked = run("weld.cli.main", "demo", "--scenario", "bypass", "--folder", str(tmp_path))
    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr == "weldgate: no demo is running: start it with `make demo` or `weldgate demo`\n"


def test_a_story_that_does_not_exist_is_answered_with_those_that_do() -> None:
    asked = run("weld.cli.main", "demo", "--scenario", "flood")
    assert asked.returncode == 2
    assert "expired, bypass, overrun, clone, offline" in asked.stderr


def test_only_a_process_that_says_that_it_is_ours_is_ended(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    address = f"{tmp_path}/run/ingest.address"
    ours = subprocess.Popen(["sleep", "60"], env={"WELDGATE_ADDRESS_FILE": address})
    other = subprocess.Popen(["sleep", "60"], env={"WELDGATE_ADDRESS_FILE": "/elsewhere/run/ingest.address"})
    try:
        for name, process in (("ingest", ours), ("gateway", other)):
            (tmp_path / "run" / f"{name}.pid").write_text(str(process.pid))
            _wait_for_environment(process.pid)
        leftovers.end(tmp_path)
        assert ours.wait(5) == -signal.SIGTERM
        assert other.poll() is None
        assert list((tmp_path / "run").glob("*.pid")) == []
    finally:
        ours.kill()
        other.kill()
        ours.wait()
        other.wait()


def _wait_for_environment(pid: int) -> None:
    """A process has its own environment only after it has begun to run its program."""
    until = time.monotonic() + 5
    while b"WELDGATE_ADDRESS_FILE" not in Path(f"/proc/{pid}/environ").read_bytes() and time.monotonic() < until:
        time.sleep(0.01)


# -- the city


def test_every_entry_of_the_city_has_the_right_shape() -> None:
    for part, entries in City(300, TODAY).seed().items():
        for entry in entries:
            MODELS[part][1].model_validate(entry)


def test_every_number_in_the_city_has_its_right_check_and_stands_once() -> None:
    city = City(300, TODAY)
    for worker in city.workers:
        assert identity.identity_fault(worker.identity, TODAY) is None
        assert identity.phone_fault(worker.phone) is None
        paper = city.certificate(worker)
        if paper is not None:
            assert identity.certificate_fault(paper["kind"], paper["number"], worker.identity) is None
    assert all(identity.credit_fault(one.credit_code) is None for one in city.enterprises)
    assert all(plate.check(one.plate) for one in city.machines)
    for numbers in (
        [one.identity for one in city.workers],
        [one.phone for one in city.workers],
        [one.credit_code for one in city.enterprises],
        [one.plate for one in city.machines],
    ):
        assert len(set(numbers)) == len(numbers)


def test_everybody_in_the_city_is_visibly_invented() -> None:
    city = City(300, TODAY)
    assert all("样例" in one.name for one in city.enterprises)
    assert all("样" in one.name and one.phone.startswith("199") for one in city.workers)


def test_a_larger_city_contains_the_smaller_one() -> None:
    small, large = City(40, TODAY), City(400, TODAY)
    assert large.machines[:40] == small.machines
    assert set(small.workers) <= set(large.workers)


def test_the_papers_of_the_city_are_mostly_good_and_some_are_not() -> None:
    papers = [worker.papers for worker in City(300, TODAY).workers]
    assert papers.count("good") > 0.75 * len(papers)
    assert {"expiring", "expired", "overdue", "wrong_item", "fake", "none"} <= set(papers)


def test_those_who_work_today_have_good_papers_for_their_machine() -> None:
    for crew in City(300, TODAY).crews:
        for shift in crew.shifts:
            assert (shift.worker.papers, shift.worker.work) == ("good", crew.machine.work)


@pytest.mark.parametrize(("machines", "at_least", "at_most"), [(12, 1, 4), (300, 60, 130), (5000, 300, 450)])
def test_a_large_city_is_mostly_idle(machines: int, at_least: int, at_most: int) -> None:
    assert at_least <= len(City(machines, TODAY).crews) <= at_most


# -- the day


def test_the_plan_begins_at_half_past_seven_and_runs_as_fast_as_told() -> None:
    passed = 0.0
    clock = ScaledClock(real=lambda: passed)
    day = Day(clock, 60.0, clock.monotonic())
    assert day.shown == "07:30"
    passed = 60.0
    assert day.shown == "08:30"
    assert day.real_s(30, least_s=1) == 30
    assert day.real_s(30, least_s=45) == 45


def test_the_dead_of_night_is_skipped() -> None:
    passed = 0.0
    clock = ScaledClock(real=lambda: passed)
    day = Day(clock, 60.0, clock.monotonic())
    passed = 15.6 * 60
    assert day.shown == "06:06"


def test_a_crew_that_pulls_the_plug_does_so_between_its_shifts_only() -> None:
    crew = next(crew for crew in City(300, TODAY).crews if crew.unplugs and len(crew.shifts) == 2)
    first, second = crew.shifts
    assert on_shift(crew, first.since_h) == first
    assert not is_unplugged(crew, first.since_h)
    assert is_unplugged(crew, second.until_h + 1)
    assert not is_unplugged(crew, second.since_h + 0.1)
