"""What the demo says while it starts and runs: a line a step with its time, a line a story; to stderr, both languages.

Refuses stdout: that is for the addresses, once.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from weld.cli.demo.stories import PLOTS, Told

_STEPS = {
    "database": "数据库 / database",
    "broker": "消息服务器 / broker",
    "city": "登记 / registers",
    "processes": "进程 / processes",
    "machines": "焊机上线 / machines online",
}


@contextmanager
def step(name: str) -> Iterator[None]:
    """One step of the start, with the time that it took."""
    began = time.monotonic()
    _write(f"weldgate: {_STEPS[name]} …")
    try:
        yield
    except BaseException:
        _write("\n")
        raise
    _write(f" {time.monotonic() - began:.1f} s\n")


def within(words: str) -> None:
    """How far a long step is."""
    _write(f" {words};")


def say(line: str) -> None:
    """One line."""
    _write(f"weldgate: {line}\n")


def tell(told: Told) -> None:
    """A story begins."""
    plot = PLOTS[told.name]
    say(f"{told.at} 尾号 {told.machine.tail} {plot.zh} / {plot.en}")


def _write(words: str) -> None:
    print(words, end="", file=sys.stderr, flush=True)
