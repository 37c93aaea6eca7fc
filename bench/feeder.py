"""The publisher as a child process, told how far it may go. Refuses to measure; bench/round.py does."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from bench.publisher import PASSWORD, USER, Load
from weld.cli.mosquitto import Mosquitto


class Feeder:
    """`with Feeder(load, broker) as feeder: feeder.allow(5000)`; its words go on where they stopped, as long as it lives."""

    def __init__(self, load: Load, broker: Mosquitto) -> None:
        self.load = load
        self._broker = broker
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "bench.publisher", "--port", str(self._broker.platform.port)]
        for name, value in asdict(self.load).items():
            words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
        environment = os.environ | {PASSWORD: self._broker.password(USER)}
        self._process = subprocess.Popen(
            words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._hear()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        process = self._running
        process.communicate()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running.pid

    def allow(self, upto: int) -> None:
        """So many messages in all, as fast as the broker takes them."""
        self._say({"upto": upto})

    def pace(self, rate: float, upto: int | None = None) -> None:
        """So many a second from now on; 0 = none. With `upto` until there are so many in all."""
        self._say({"rate": rate} if upto is None else {"rate": rate, "upto": upto})

    def set_ahead(self, seconds: float) -> None:
        """What its chips believe of the time: so much later than it is."""
        self._say({"ahead_s": seconds})

    def report(self) -> dict[str, Any]:
        """What it has done so far: sent, acknowledged, seconds, cpu_s."""
        self._say({"report": 1})
        return self._hear()

    @property
    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the publisher was not started")
        return self._process

    def _say(self, words: dict[str, Any]) -> None:
        stdin = self._running.stdin
        assert stdin is not None  # noqa: S101  (a pipe was asked for)
        stdin.write(json.dumps(words) + "\n")
        stdin.flush()

    def _hear(self) -> dict[str, Any]:
        stdout = self._running.stdout
        assert stdout is not None  # noqa: S101  (a pipe was asked for)
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"the publisher ended with code {self._running.wait()}")
        heard: dict[str, Any] = json.loads(line)
        return heard
