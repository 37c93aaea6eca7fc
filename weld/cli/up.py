"""Everything together in the foreground: servers, then each process as a child of its own.

A child that dies is started again, with growing waits. Ctrl-C or SIGTERM stops all; the data stays. Refuses to run twice: the
ports are fixed.
"""

import signal
import socket
import sys
import threading
import time

import psycopg

from weld.cli.stack import PROCESSES, Child, Stack
from weld.kit.settings import PORTS

_LONGEST_WAIT_S = 30.0


def run() -> int:
    """Until Ctrl-C; 0 after a clean stop, 1 when something could not be started."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        _look_before()
        with Stack.main() as stack:
            for name in PROCESSES:
                _say(f"starting {name}")
                stack.start(name).wait_ready()
            _say(f"ready: {stack.children['api'].address} (Ctrl-C stops)")
            _watch(stack, stop)
            _say("stopping")
    except (RuntimeError, ValueError, psycopg.OperationalError) as error:
        _say(str(error))
        return 1
    return 0


def _look_before() -> None:
    """RuntimeError where another `weldgate up`, or a demo, runs already, before it is disturbed."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORTS["ingest"])) == 0:
            raise RuntimeError("`weldgate up` or `weldgate demo` (or an ingest alone) runs already: stop it first")


def _watch(stack: Stack, stop: threading.Event) -> None:
    waits: dict[str, float] = {}
    while not stop.wait(0.5):
        for name, child in list(stack.children.items()):
            if child.process.poll() is not None:
                _again(stack, name, child, waits)


def _again(stack: Stack, name: str, child: Child, waits: dict[str, float]) -> None:
    wait_s = waits.get(name, 0.5)
    waits[name] = min(wait_s * 2, _LONGEST_WAIT_S)
    _say(f"{name} ended with code {child.process.returncode}; starting it again in {wait_s:.0f} s")
    time.sleep(wait_s)
    stack.start(name)


def _say(line: str) -> None:
    print(f"weldgate: {line}", file=sys.stderr, flush=True)
