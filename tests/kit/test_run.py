"""A process from its first line to its last, with real signals."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.structure.sources import ROOT

_HEAD = """
import asyncio, sys, time
from weld.kit import log
from weld.kit.run import run
log.configure("test", json=True)
async def polite(stop):
    print("up", flush=True)
    await stop.wait()
    print("batch finished", flush=True)
async def stubborn(stop):
    print("up", flush=True)
    try:
        await asyncio.sleep(3600)
    finally:
        print("cleaned up", flush=True)
async def blocked(stop):
    print("up", flush=True)
    while True:
        time.sleep(0.01)
async def failing(stop):
    raise ValueError("broken")
async def short(stop):
    pass
"""


def _start(call: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", f"{_HEAD}\nsys.exit({call})"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _up(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def _end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_work_finish(number: signal.Signals) -> None:
    process = _start("run(polite)")
    _up(process)
    process.send_signal(number)
    assert _end(process)[:2] == (0, "batch finished\n")


def test_work_that_ends_by_itself_ends_the_process() -> None:
    assert _end(_start("run(short, short)"))[0] == 0


def test_a_failure_ends_everything_with_a_code_and_a_log_line() -> None:
    code, out, err = _end(_start("run(stubborn, failing)"))
    assert code == 1
    assert "cleaned up" in out
    assert '"event": "process_failed"' in err
    assert "broken" in err


def test_what_does_not_stop_in_time_is_cancelled() -> None:
    process = _start("run(stubborn, stop_within_s=0.2)")
    _up(process)
    process.terminate()
    code, out, err = _end(process)
    assert code == 1
    assert "cleaned up" in out
    assert "stop_took_too_long" in err


def test_a_loop_that_hangs_does_not_hold_up_the_end() -> None:
    process = _start("run(blocked, stop_within_s=0.1)")
    _up(process)
    process.terminate()
    code, _, err = _end(process)
    assert code == 1
    assert "stop_hangs" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("work", ["stubborn", "blocked"])
def test_a_second_signal_ends_it_at_once(work: str, number: signal.Signals, code: int) -> None:
    process = _start(f"run({work})")
    _up(process)
    process.terminate()
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(number)
    assert _end(process)[0] == code
    assert time.monotonic() - began < 2
