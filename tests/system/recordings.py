"""Recordings with the traits of real ones, made here: short losses, ignition spikes, gaps, and registers that stand still."""

import random
from dataclasses import dataclass, field
from pathlib import Path

Row = tuple[float, float | None, float | None]


@dataclass
class Recorder:
    """Writes rows every 24 ms, as the power source did."""

    dice: random.Random
    t_s: float = 0.0
    rows: list[Row] = field(default_factory=list)

    def rest(self, seconds: float, voltage_v: float = 0.0) -> None:
        for _ in range(int(seconds / 0.024)):
            self._row(0.0, voltage_v)

    def weld(self, seconds: float) -> None:
        left = int(seconds / 0.024)
        self._row(round(self.dice.uniform(300, 420), 1), 18.0)  # ignition
        while left > 0:
            if self.dice.random() < 0.01:  # the arc is lost for a moment
                lost = self.dice.randint(2, 40)
                for _ in range(lost):
                    self._row(round(self.dice.uniform(0, 6), 1), round(self.dice.uniform(30, 62), 1))
                left -= lost
            self._row(round(max(20.0, self.dice.gauss(170, 25)), 1), round(self.dice.gauss(24, 2), 1))
            left -= 1

    def freeze(self, seconds: float) -> None:
        for _ in range(int(seconds / 0.024)):
            self._row(148.0, 21.5)

    def gap(self, seconds: float) -> None:
        self.t_s += seconds

    def write(self, file: Path) -> Path:
        """As a CSV of the kind that replay reads."""
        lines = [f"{t:.3f},{'' if a is None else a},{'' if v is None else v}" for t, a, v in self.rows]
        file.write_text("t_s,current_a,voltage_v\n" + "\n".join(lines) + "\n")
        return file

    def definition_rows(self) -> list[tuple[int, float | None, float | None]]:
        """As the plain definition reads them."""
        return [(round(t * 1000), a, v) for t, a, v in self.rows]

    def _row(self, current_a: float, voltage_v: float) -> None:
        self.rows.append((self.t_s, current_a, voltage_v))
        self.t_s += 0.024


def unsteady(seed: int) -> Recorder:
    """Three bursts with pauses, losses, gaps inside and outside of arcs."""
    made = Recorder(random.Random(seed))
    made.rest(5, 62.0)
    made.weld(6)
    made.gap(1.4)
    made.weld(3)
    made.rest(6)
    made.weld(5)
    made.gap(4)
    made.weld(2)
    made.rest(4)
    return made


def frozen(seed: int) -> Recorder:
    """A register that holds an old pair at standstill, a weld, and one that freezes in the middle of it."""
    made = Recorder(random.Random(seed))
    made.freeze(8)
    made.rest(3)
    made.weld(5)
    made.freeze(4)
    made.weld(3)
    made.rest(3)
    return made
