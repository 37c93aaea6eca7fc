"""The goals of ingest and what was measured for each, in the words of the issue: floor = must, aim = where we want to be."""

from dataclasses import dataclass
from statistics import median
from typing import Any

FLOORS_AND_AIMS: dict[str, tuple[Any, Any]] = {
    "G1": (0.45, 0.80),
    "G3": (10, 4),
    "G4": (2.5, 5),
    "G5": (500, 100),
    "G7": (300, 150),
    "G8": ({"mb_per_million": 1000, "growth_10k_to_1m": 0.20}, {"mb_per_million": 500, "growth_10k_to_1m": 0.05}),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One goal's value, and what explains it."""

    goal: str
    value: Any
    details: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        floor, aim = FLOORS_AND_AIMS.get(self.goal, (None, None))
        told = {"value": self.value, "floor": floor, "aim": aim}
        return (told if floor is not None else {"value": self.value}) | self.details


def middle(values: list[float]) -> float:
    """The median, short enough to read."""
    return round(median(values), 3)
