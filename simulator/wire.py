"""What a bad line does to the evidence of one chip: loses, doubles, reorders; by share, or the next so many for certain.

Sits between the chip and its link, so the chip believes that it has published. Seeded randomness.
"""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """Shares of one; `drop_next` messages vanish for certain."""

    loss: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    drop_next: int = 0


class Wire:
    """The line of one chip. `held` waits for a later message to overtake it."""

    def __init__(self, dice: random.Random, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.lost = 0
        self._dice = dice
        self._held: list[bytes] = []

    def carry(self, payload: bytes) -> list[bytes]:
        """What comes out at the other end now."""
        if self._drops():
            self.lost += 1
            return []
        faults = self.faults
        if not (faults.double or faults.reorder or self._held):
            return [payload]
        copies = [payload, payload] if self._dice.random() < faults.double else [payload]
        if not self._held and self._dice.random() < faults.reorder:
            self._held = copies
            return []
        overtaken, self._held = self._held, []
        return [*copies, *overtaken]

    def cut(self) -> None:
        """The connection is gone, and with it what was under way."""
        self.lost += len(self._held)
        self._held = []

    def _drops(self) -> bool:
        if self.faults.drop_next > 0:
            self.faults.drop_next -= 1
            return True
        return self.faults.loss > 0 and self._dice.random() < self.faults.loss
