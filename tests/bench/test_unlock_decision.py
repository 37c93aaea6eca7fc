"""The made-up table of the benchmark: every row is one that the import takes, and the same seed makes the same."""

from datetime import date

from bench.unlock_decision import rows
from weld.core import roster
from weld.core.roster import Entry, Heading


def test_every_row_is_valid_and_names_somebody_else() -> None:
    table = list(rows(20_000, 1))
    heading = roster.heading(table[0])
    assert isinstance(heading, Heading)
    entries = [roster.read(heading.cells(row), date(2026, 11, 22)) for row in table[1:]]
    people = [entry.person for entry in entries if isinstance(entry, Entry)]
    assert len({person.identity for person in people}) == len({person.phone for person in people}) == 20_000


def test_the_same_seed_makes_the_same_table() -> None:
    assert list(rows(50, 3)) == list(rows(50, 3)) != list(rows(50, 4))
