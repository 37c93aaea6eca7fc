"""A recording of a power source as readings: `t_s,current_a,voltage_v`, one row a measurement.

Holds the readings on a timeline rebuilt from the forward steps of `t_s`, from 0 at the first row. A missing or garbled value
is unknown; a row whose time cannot be read has no place and is only counted. Refuses to guess at another header.
"""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from simulator.seen import Reading

HEADER = ("t_s", "current_a", "voltage_v")
LAST_ROW_MS = 24  # the last row has no next one: arc-recordings/README.md


class BadRecording(Exception):
    """A file that is not a recording; the message names the line."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Readings from 0 ms on, and how many rows had no readable time."""

    readings: tuple[Reading, ...]
    placeless: int = 0

    @property
    def duration_ms(self) -> int:
        return self.readings[-1].up_ms + LAST_ROW_MS


def read_recording(path: Path) -> Recording:
    """The recording in this file; BadRecording with the line number where it is none."""
    return parse_recording(path.read_text(encoding="utf-8-sig", errors="replace"))


def parse_recording(text: str) -> Recording:
    """The recording in this text; BadRecording with the line number where it is none."""
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    rows = [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    if not rows:
        raise BadRecording("line 1: the file is empty, expected the header t_s,current_a,voltage_v")
    _check_header(*rows[0])
    readings, placeless, before_s, elapsed_s = [], 0, math.inf, 0.0
    for _, cells in rows[1:]:
        at_s, current_a, voltage_v = ([_number(cell) for cell in cells[:3]] + [None] * 3)[:3]
        if at_s is None:
            placeless += 1
            continue
        elapsed_s += max(0.0, at_s - before_s)
        before_s = at_s
        readings.append(Reading(round(elapsed_s * 1000), current_a, voltage_v))
    if not readings:
        raise BadRecording(f"line {rows[-1][0]}: no row with a readable t_s after the header")
    return Recording(tuple(readings), placeless)


def _check_header(line: int, cells: list[str]) -> None:
    found = tuple(cell.strip().lower() for cell in cells[:3])
    if found != HEADER:
        raise BadRecording(f"line {line}: expected the header t_s,current_a,voltage_v, found {','.join(cells)[:80]!r}")


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
