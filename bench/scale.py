"""How much a run of the benchmark does: whole, or quick for a test of its shape. Refuses results: it holds numbers only."""

from dataclasses import dataclass
from typing import NamedTuple


class Turns(NamedTuple):
    """So many rounds of each contender, one contender after the other."""

    rounds: int
    warm_s: float
    lasting_s: float


_SHORT = Turns(9, 1.5, 5.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Rounds, seconds and machines. `sizes` are the known machines of G8: its growth is from the second to the last."""

    rounds: int = 3
    warm_s: float = 3.0
    round_s: float = 12.0
    chips: int = 1000  # as many as connections in the design's measurements; G8 has the other sizes
    workers: int = 2  # of ingest, on the two cores that the goals are for
    group: int = 1000  # of chips whose words have 1 or 10 samples
    domain_messages: int = 200_000
    paced_s: float = 24.0
    outage_s: float = 60.0
    outage_rate: int = 20_000
    sizes: tuple[int, ...] = (1000, 10_000, 100_000, 1_000_000)
    short: Turns = _SHORT  # of G8: contenders that follow each other closely meet the same machine

    @property
    def long(self) -> Turns:
        """Rounds as everywhere else."""
        return Turns(self.rounds, self.warm_s, self.round_s)


WHOLE = Scale()
QUICK = Scale(
    rounds=1,
    warm_s=0.3,
    round_s=1.0,
    chips=500,
    group=100,
    domain_messages=10_000,
    paced_s=4.0,
    outage_s=2.0,
    outage_rate=1000,
    sizes=(100, 200, 400),
    short=Turns(1, 0.3, 1.0),
)
