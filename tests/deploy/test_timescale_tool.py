"""tools/timescale: a server of one's own around a command, nothing left afterwards, and never half a folder that counts."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.structure.sources import ROOT

TOOL = ROOT / "tools/timescale"
CANNOT = 77


def cache() -> Path:
    told = os.environ.get("WELDGATE_TIMESCALE_CACHE")
    return Path(told or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weldgate/timescale")


def may_mount() -> bool:
    words = ["unshare", "--mount", "--pid", "--fork", "true"]
    return os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0


as_root = pytest.mark.skipif(not may_mount(), reason="only root may mount, and not in every container")
made = pytest.mark.skipif(
    not (may_mount() and list(cache().glob("trixie-*"))), reason="no TimescaleDB here yet: `make test-timescale`"
)


def tool(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key != "WELDGATE_TIMESCALE_URL"} | environment
    return subprocess.run([TOOL, *words], env=kept, capture_output=True, text=True, check=False, timeout=100)


def processes(mark: str) -> list[int]:
    """Whose command line has this word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def gone(mark: str) -> bool:
    until = time.monotonic() + 10
    while processes(mark) and time.monotonic() < until:
        time.sleep(0.05)
    return not processes(mark)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A cache of its own, where making takes as long as we like: its debootstrap is ours."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "cache").mkdir()
    yield {"WELDGATE_TIMESCALE_CACHE": str(tmp_path / "cache"), "PATH": f"{programs}:{os.environ['PATH']}"}
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def debootstrap(stage: dict[str, str], text: str) -> None:
    program = Path(stage["PATH"].split(":")[0]) / "debootstrap"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@made
def test_a_command_has_a_server_of_its_own_and_its_code_is_handed_on() -> None:
    done = tool("-c", "work_mem=7MB", "with", "sh", "-c", 'echo "$WELDGATE_TIMESCALE_URL"; exec sleep 0')
    assert done.returncode == 0, done.stderr
    url = done.stdout.strip()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    assert tool("with", "sh", "-c", "exit 5").returncode == 5
    assert str(cache()) not in Path("/proc/mounts").read_text()


@made
def test_two_servers_at_once_keep_their_data_apart_and_have_it_again_later(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    try:
        urls = [tool("-c", "work_mem=7MB", "start", str(folder)).stdout.strip() for folder in folders]
        assert urls[0] != urls[1]
        for number, url in enumerate(urls):
            with psycopg.connect(url, autocommit=True) as conn:
                assert conn.execute("SHOW work_mem").fetchall() == [("7MB",)]
                conn.execute(f"CREATE TABLE mine_{number} ()".encode())
                conn.execute("CREATE EXTENSION timescaledb")
        assert tool("start", str(folders[0])).stdout.strip() == urls[0]  # it runs already
        assert tool("stop", str(folders[0])).returncode == 0
        with psycopg.connect(tool("start", str(folders[0])).stdout.strip()) as conn:
            assert conn.execute("SELECT to_regclass('mine_0')::text, to_regclass('mine_1')::text").fetchall() == [
                ("mine_0", None)
            ]
    finally:
        for folder in folders:
            tool("stop", str(folder))
    assert gone(str(tmp_path))


@made
def test_a_server_ends_with_the_command_that_was_killed() -> None:
    started = subprocess.Popen(
        [TOOL, "with", "sh", "-c", 'echo "$WELDGATE_TIMESCALE_URL"; exec sleep 61'], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    url = started.stdout.readline().strip()
    psycopg.connect(url, connect_timeout=5).close()
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the server outlived what it was for")
    for pid in processes("sleep\x0061"):
        os.kill(pid, signal.SIGKILL)


@as_root
def test_a_making_that_was_killed_leaves_nothing_that_counts_and_nothing_mounted(stage: dict[str, str]) -> None:
    folder = Path(stage["WELDGATE_TIMESCALE_CACHE"])
    debootstrap(stage, 'mkdir -p "$5/proc"; mount -t proc proc "$5/proc"; touch "$5/half"; exec sleep 62')
    killed = subprocess.Popen([TOOL, "make"], env=os.environ | stage, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not list(folder.glob("making.*/half")) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(folder.glob("making.*/half"))
    killed.kill()
    killed.wait()
    assert gone("sleep\x0062")
    assert not list(folder.glob("trixie-*"))
    debootstrap(stage, "echo the mirror is away >&2; exit 1")
    again = tool("with", "true", **stage)
    assert again.returncode == CANNOT
    assert again.stderr.splitlines()[-1].startswith(
        "weldgate: what needs TimescaleDB is left out: it could not be made from apt's mirror"
    )
    assert [one.name for one in folder.iterdir() if one.is_dir()] == []


@as_root
def test_who_is_not_root_is_told_so_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    copy = Path(shutil.copy(TOOL, "/tmp/weldgate-test-timescale"))  # others may not enter the clone
    try:
        words = ["setpriv", "--reuid", "65534", "--clear-groups", str(copy), "with", "true"]
        done = subprocess.run(words, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    finally:
        copy.unlink()
    assert (done.returncode, done.stderr) == (
        CANNOT,
        "weldgate: what needs TimescaleDB is left out: only root can have one\n",
    )


def test_a_server_that_is_given_is_used_and_none_is_started() -> None:
    environment = os.environ | {"WELDGATE_TIMESCALE_URL": "postgresql://given"}
    words = [str(TOOL), "with", "sh", "-c", 'echo "$WELDGATE_TIMESCALE_URL"']
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "postgresql://given\n"
