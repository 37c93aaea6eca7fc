"""The definitions of arc-recordings/README.md once more, plainly, over whole lists: what the streaming sensor is compared with.

Written apart from simulator/sensor.py and sharing nothing with it but the numbers of the README.
"""

import itertools
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """What is true of a whole recording; times in ms from its first row."""

    arc_ms: int
    bursts: list[tuple[int, int, int]]  # from, to, arc_ms
    frozen: list[int]
    unknown_ms: int


def define(rows: list[tuple[int, float | None, float | None]], last_ms: int = 24) -> Told:
    times = [row[0] for row in rows]
    forward = [max(0, b - a) for a, b in itertools.pairwise(times)] + [last_ms]
    starts = [sum(forward[:i]) for i in range(len(rows))]
    lengths = [min(step, 100) if row[1] is not None else 0 for step, row in zip(forward, rows, strict=True)]

    seen = [i for i, row in enumerate(rows) if row[1] is not None]
    runs: list[list[int]] = []
    for i in seen:
        if runs and rows[runs[-1][0]][1:] == rows[i][1:]:
            runs[-1].append(i)
        else:
            runs.append([i])
    stuck = [run for run in runs if rows[run[0]][1] != 0 and sum(lengths[i] for i in run) > 1000]
    unknown = {i for run in stuck for i in run}

    bursts: list[tuple[int, int, int]] = []
    for i in seen:
        current = rows[i][1]
        if i in unknown or current is None or current < 15 or lengths[i] == 0:
            continue
        start, end = starts[i], starts[i] + lengths[i]
        if bursts and start - bursts[-1][1] <= 2000:
            first, _, burned = bursts[-1]
            bursts[-1] = (first, end, burned + lengths[i])
        else:
            bursts.append((start, end, lengths[i]))
    known_ms = sum(lengths[i] for i in seen if i not in unknown)
    return Told(sum(b[2] for b in bursts), bursts, [starts[run[0]] for run in stuck], sum(forward) - known_ms)
