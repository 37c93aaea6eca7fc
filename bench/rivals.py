"""What the product is measured against: the broker's own fan-in to one C subscriber, and the pipeline that paho-mqtt gives.

Each is one process that counts what it has finished in a shared file. Refuses a broker of the product's: theirs is one of their
own with the same configuration, for the product's sessions would keep whatever is published while it is not its turn.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.counter import Counter
from bench.paho_pipeline import DATABASE, PASSWORD
from weld.cli.mosquitto import Mosquitto

_SOURCE = Path(__file__).with_name("fan_in.c")


class Rival:
    """A process that subscribes to everything: `with fan_in(...) as rival: rival.done()`."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], counter: Path) -> None:
        self._words = words
        self._environment = {**os.environ, **environment}
        self._counter = Counter(counter)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._words, env=self._environment, stdout=subprocess.PIPE, text=True)
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101  (a pipe was asked for)
        if stdout.readline() != "subscribed\n":
            raise RuntimeError(f"{self._words[0]} did not subscribe: it ended with code {self._process.wait()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        """Its process."""
        if self._process is None:
            raise RuntimeError("it was not started")
        return self._process.pid

    def done(self) -> int:
        """Messages that it has finished since its first start."""
        return self._counter.value


def fan_in(broker: Mosquitto, folder: Path) -> Rival:
    """The C subscriber, compiled now."""
    program = _compiled(folder)
    words = [str(program), broker.platform.host, str(broker.platform.port), str(folder / "fan_in.count")]
    who = {"FAN_IN_USER": "ingest", "FAN_IN_PASSWORD": broker.password("ingest")}
    return Rival(words, who, folder / "fan_in.count")


def paho_pipeline(broker: Mosquitto, database_url: str, folder: Path) -> Rival:
    """The paho pipeline, into the tables of the product's database."""
    counter = folder / "paho.count"
    words = [sys.executable, "-m", "bench.paho_pipeline", str(broker.platform.port), str(counter)]
    return Rival(words, {PASSWORD: broker.password("ingest"), DATABASE: database_url}, counter)


def _compiled(folder: Path) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler: run `make setup` or `apt-get install gcc libc6-dev`")
    program = folder / "fan_in"
    if not program.exists():
        subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)
    return program
