"""A ground with filled registers and the product at work on it: `with Site.open(10_000) as site: site.course(load)`.

Refuses to measure; rounds and goals do.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.domain_path import heard_once
from bench.feeder import Feeder
from bench.ground import Ground
from bench.product import Product
from bench.publisher import Load
from bench.rounds import Course
from weld.store import load

SHARDS = 64


@dataclass(frozen=True, slots=True)
class Site:
    """One ground with its ingest workers, and as many machines as it was opened with."""

    ground: Ground
    product: Product
    chips: int
    exits: ExitStack

    @classmethod
    @contextmanager
    def open(cls, chips: int, *, groups: int = 8, commits: bool = False, workers: int = 1) -> "Iterator[Site]":
        """With `commits` the database notes when each row was committed."""
        with Ground.make("bench", shards=SHARDS, groups=groups) as ground, ExitStack() as exits:
            if commits:
                ground.track_commits()
            load.fill(ground.admin_url, 0, chips, shards=SHARDS, heard=heard_once())
            yield cls(ground, Product(ground, workers), chips, exits)

    def course(self, first_chip: int = 0, chips: int | None = None, samples: int | None = None) -> Course:
        """The words of some of its machines, against the product."""
        load = Load(chips or self.chips, first_chip=first_chip, shards=SHARDS, samples=samples)
        feeder = self.exits.enter_context(Feeder(load, self.ground.mosquitto))
        return Course(feeder, self.product.done, self.product.processes | {"publisher": feeder.pid})

    @property
    def owner_url(self) -> str:
        """Its database, as owner."""
        return self.ground.role_url("owner")
