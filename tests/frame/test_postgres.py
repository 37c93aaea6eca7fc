"""The embedded PostgreSQL, for real: who gets in, who shares, what a crash leaves, what goes away."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.structure.sources import ROOT
from weld.cli import homes
from weld.cli.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone below a folder of mode 0700, as pytest's own folders are; what belongs to it goes away at the end."""
    folder = tmp_path_factory.mktemp("private") / "clone"
    folder.mkdir()
    assert folder.parent.stat().st_mode & 0o077 == 0
    yield folder
    shutil.rmtree(homes.home_of(folder))


@pytest.fixture
def server(clone: Path) -> Iterator[EmbeddedPostgres]:
    """A throw-away server."""
    with EmbeddedPostgres(clone, throwaway=True) as running:
        yield running


def _ask(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def _is_gone(pid: int) -> bool:
    """Gone or dead and not yet collected by the system's first process."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def _wait_for(happens: Callable[[], bool], within_s: float = 20.0) -> bool:
    deadline = time.monotonic() + within_s
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happens()


def _another_process(clone: Path, code: str) -> "subprocess.Popen[str]":
    head = "import sys, time; from pathlib import Path; from weld.cli.postgres import EmbeddedPostgres"
    return subprocess.Popen(
        [sys.executable, "-c", f"{head}\nclone = Path(sys.argv[1])\n{textwrap.dedent(code)}", str(clone)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_it_runs_safely_for_an_unprivileged_user(server: EmbeddedPostgres) -> None:
    shown = {name: _ask(server.url, f"SHOW {name}")[0][0] for name in ("fsync", "synchronous_commit", "timezone")}
    assert shown == {"fsync": "on", "synchronous_commit": "on", "timezone": "UTC"}
    assert _ask(server.url, "SHOW listen_addresses") == [("",)]
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_trigrams_know_chinese_letters(server: EmbeddedPostgres) -> None:
    _ask(server.url, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    assert _ask(server.url, "SELECT similarity('郑州焊接设备厂', '郑州焊接设备') > 0.5") == [(True,)]


@pytest.mark.parametrize("word", ["", ":", ":wrong"])
def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres, word: str) -> None:
    assert _ask(server.url, "SELECT 1") == [(1,)]
    stranger = re.sub(r"postgres:[^@]+@", f"postgres{word}@", server.url)
    assert stranger != server.url
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(stranger)


def test_a_loopback_port_opens_only_on_request_and_asks_for_the_password(clone: Path) -> None:
    with EmbeddedPostgres(clone, throwaway=True, tcp_port=0) as server:
        assert _ask(server.tcp_url, "SHOW listen_addresses") == [("127.0.0.1",)]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.tcp_url.replace("@", "x@"))


def test_two_throw_aways_run_beside_one_another_and_leave_nothing(clone: Path) -> None:
    with EmbeddedPostgres(clone, throwaway=True) as one, EmbeddedPostgres(clone, throwaway=True) as other:
        _ask(one.url, "CREATE TABLE only_here (a int)")
        assert _ask(other.url, "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'") == [(0,)]
        pids = [one.pid, other.pid]
    assert all(pid is not None and _is_gone(pid) for pid in pids)
    assert list((homes.home_of(clone) / "throwaway").iterdir()) == []


def test_what_was_committed_survives_a_crash(server: EmbeddedPostgres) -> None:
    _ask(server.url, "CREATE TABLE kept (a int)")
    with psycopg.connect(server.url) as conn:
        conn.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    server.kill()
    assert server.pid is None
    server.start()
    assert _ask(server.url, "SELECT count(*) FROM kept") == [(1000,)]


def test_a_statement_with_a_phone_number_does_not_reach_the_log(server: EmbeddedPostgres) -> None:
    _ask(server.url, "CREATE TABLE worker (phone text PRIMARY KEY)")
    _ask(server.url, "INSERT INTO worker VALUES ('13812345678')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        _ask(server.url, "INSERT INTO worker VALUES ('13812345678')")
    log = server.log.read_text()
    assert "duplicate key" in log
    assert "13812345678" not in log


def test_all_starts_of_a_clone_share_one_server_and_the_last_one_stops_it(clone: Path) -> None:
    code = """
        server = EmbeddedPostgres(clone)
        server.start()
        print(server.pid, flush=True)
        sys.stdin.readline()
        server.stop()
    """
    others = [_another_process(clone, code) for _ in range(3)]
    with EmbeddedPostgres(clone) as ours:
        pids = {int(_line(process)) for process in others}
        assert pids == {ours.pid}
        for process in others:
            process.kill()
            process.communicate()
        assert _ask(ours.url, "SELECT 1") == [(1,)]
    assert all(map(_is_gone, pids))


def test_the_data_is_there_again_after_a_stop_and_the_address_is_private(clone: Path) -> None:
    with EmbeddedPostgres(clone) as server:
        _ask(server.url, "CREATE TABLE IF NOT EXISTS lasting (a int)")
    with EmbeddedPostgres(clone) as server:
        assert _ask(server.url, "SELECT count(*) FROM lasting") == [(0,)]
    assert (clone / ".weldgate").stat().st_mode & 0o777 == 0o700
    assert (clone / ".weldgate" / "postgres-main.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("throwaway", [True, False])
def test_a_server_does_not_outlive_a_killed_process(clone: Path, throwaway: bool) -> None:
    code = f"""
        server = EmbeddedPostgres(clone, throwaway={throwaway})
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """
    process = _another_process(clone, code)
    pid = int(_line(process))
    process.kill()
    process.communicate()
    assert _wait_for(lambda: _is_gone(pid))
    assert _wait_for(lambda: list((homes.home_of(clone) / "throwaway").iterdir()) == [])


def _kill_with_its_keeper(process: "subprocess.Popen[str]", pid: int) -> None:
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    for victim in (keeper, process.pid):
        os.kill(victim, signal.SIGKILL)
    process.communicate()
    assert _wait_for(lambda: _is_gone(keeper))  # until then its lock is held


def test_what_killed_keepers_leave_is_removed_by_the_next_start(clone: Path) -> None:
    code = """
        server = EmbeddedPostgres(clone, throwaway=True)
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """
    process = _another_process(clone, code)
    pid = int(_line(process))
    _kill_with_its_keeper(process, pid)
    with EmbeddedPostgres(clone, throwaway=True) as server:
        assert _wait_for(lambda: _is_gone(pid))
        assert [folder.name for folder in (homes.home_of(clone) / "throwaway").iterdir()] == [server.log.parent.name]


def test_a_start_after_a_killed_keeper_finds_the_data(clone: Path) -> None:
    code = """
        server = EmbeddedPostgres(clone)
        server.start()
        print(server.pid, flush=True)
        time.sleep(600)
    """
    process = _another_process(clone, code)
    pid = int(_line(process))
    _kill_with_its_keeper(process, pid)
    with EmbeddedPostgres(clone) as server:
        assert server.pid != pid
        assert _ask(server.url, "SELECT 1") == [(1,)]


def test_a_pid_file_that_names_another_process_is_not_believed(clone: Path) -> None:
    with EmbeddedPostgres(clone) as server:
        data = Path(str(_ask(server.url, "SHOW data_directory")[0][0]))
    user = data.owner()
    shutil.copy(data / "postmaster.opts", data / "postmaster.pid")
    (data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{data}\n0\n5432\n{data.parent}\n\n        0         0\nready\n"
    )
    shutil.chown(data / "postmaster.pid", user)
    with EmbeddedPostgres(clone) as server:
        assert _ask(server.url, "SELECT 1") == [(1,)]


def test_a_lost_password_is_renewed_and_the_data_stays(clone: Path) -> None:
    with EmbeddedPostgres(clone) as server:
        _ask(server.url, "CREATE TABLE IF NOT EXISTS lasting (a int)")
        before = server.url
    shutil.rmtree(clone / ".weldgate")
    with EmbeddedPostgres(clone) as server:
        assert server.url != before
        assert _ask(server.url, "SELECT count(*) FROM lasting") == [(0,)]


def test_a_password_that_does_not_fit_is_renewed(clone: Path) -> None:
    with EmbeddedPostgres(clone) as server:
        _ask(server.url, "ALTER ROLE postgres PASSWORD 'another'")
    with EmbeddedPostgres(clone) as server:
        assert _ask(server.url, "SELECT 1") == [(1,)]


def test_the_programs_are_copied_again_when_the_wheel_is_another(clone: Path) -> None:
    with EmbeddedPostgres(clone, throwaway=True):
        pass
    (copy,) = homes.home_of(clone).glob("postgres-*")
    copy.rename(copy.with_name("postgres-0.0.1"))
    with EmbeddedPostgres(clone, throwaway=True) as server:
        assert _ask(server.url, "SELECT 1") == [(1,)]
    assert list(homes.home_of(clone).glob("postgres-*")) == [copy]


def test_a_home_with_a_long_path_gets_a_short_socket(clone: Path) -> None:
    with EmbeddedPostgres(clone, "x" * 60, throwaway=True) as server:
        (folder,) = map(Path, str(_ask(server.url, "SHOW unix_socket_directories")[0][0]).split(","))
        assert len(str(folder / ".s.PGSQL.65535")) < 100
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder != server.log.parent
    assert not folder.exists()
