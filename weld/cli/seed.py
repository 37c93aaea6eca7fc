"""`weldgate seed FILE`: fill the registers from a file, through the functions that the API uses.

Everything is checked and everything that is wrong is said at once; then all of it is entered in one transaction, or
nothing; each entry that changed something stands in the audit. Secrets that are made here are shown once and stored as hash or
sealed. Refuses to go around the API's checks.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from api.registers import PUTS, Desk, Entered, Kind, RegisterError, told
from schemas import registers as shapes
from weld.cli.seed_file import Entry, read
from weld.store import audit
from weld.store.audit import Trace
from weld.store.connect import Conn, pool, scoped
from weld.store.registers import Outcome
from weld.store.vault import Vault

_PROGRESS_EVERY = 1000
_OUTCOMES: tuple[Outcome, ...] = ("created", "updated", "unchanged")


class SeedError(Exception):
    """The file was refused and nothing was entered; `faults` holds a line for each thing to correct."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__(f"{path}: {len(faults)} to correct, nothing was entered")
        self.faults = faults


class MadeSecret(NamedTuple):
    """What was made for an entry, to be handed to its owner; a TOTP secret for officers only."""

    kind: Kind
    name: str
    secret: str | None
    totp_secret: str | None


@dataclass
class Summary:
    """What became of the entries of each kind, the secrets that were made, and what the audit is told."""

    counts: dict[Kind, Counter[Outcome]] = field(default_factory=dict)
    secrets: list[MadeSecret] = field(default_factory=list, repr=False)
    traces: list[Trace] = field(default_factory=list, repr=False)

    def add(self, entry: Entry, entered: Entered, now: datetime) -> None:
        """Count one entry, keep its secret, and have the audit told."""
        kind = entry.kind
        self.counts.setdefault(kind, Counter())[entered.outcome] += 1
        if entered.outcome != "unchanged":
            self.traces.append(Trace(now, "command:seed", *told(kind, entry.shape, entered)))
        if entered.secret is not None or entered.totp_secret is not None:
            self.secrets.append(MadeSecret(kind, entered.name, entered.secret, entered.totp_secret))

    def table(self) -> str:
        """One line a kind."""
        head = f"{'':<14}" + "".join(f"{outcome:>11}" for outcome in _OUTCOMES)
        rows = [
            f"{kind.replace('_', ' '):<14}" + "".join(f"{count[outcome]:>11}" for outcome in _OUTCOMES)
            for kind, count in self.counts.items()
        ]
        return "\n".join([head, *rows])


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def seed(
    path: Path,
    database_url: str,
    vault: Vault,
    *,
    now: datetime,
    shards: int = 64,
    say: Callable[[str], None] = _to_stderr,
) -> Summary:
    """Enter a whole file (`database_url` is that of the role api); SeedError with every fault where it has any."""
    found = read(path)
    say(f"{path}: {len(found.entries)} entries read")
    desk = Desk(vault, now, shards)
    async with pool(database_url, "seed", size=1) as connections, scoped(connections, "platform") as conn:
        summary, faults = await _enter_all(conn, desk, _in_order(found.entries), found.failed, say)
        if found.faults or faults:
            raise SeedError(path, found.faults + faults)  # rolls back
        await audit.append(conn, summary.traces)
    return summary


async def _enter_all(
    conn: Conn, desk: Desk, entries: list[Entry], failed: set[tuple[Kind, str]], say: Callable[[str], None]
) -> tuple[Summary, list[str]]:
    summary = Summary()
    faults: list[str] = []
    for number, entry in enumerate(entries, start=1):
        try:
            summary.add(entry, await PUTS[entry.kind](conn, desk, entry.shape), desk.now)
        except RegisterError as error:
            # What points to an entry that is wrong itself needs no line of its own.
            own = [problem for problem in error.problems if problem.refers not in failed]
            faults.extend(f"{entry.place}: {problem.field}: {problem.text}" for problem in own)
            failed.add((entry.kind, entry.key))
        if number % _PROGRESS_EVERY == 0:
            say(f"{number} of {len(entries)} entered")
    return summary, faults


def _in_order(entries: list[Entry]) -> list[Entry]:
    """Kinds in the order in which they point to one another, parents before their divisions."""
    kinds = list(PUTS)
    depths = _depths(entries)
    return sorted(entries, key=lambda entry: (kinds.index(entry.kind), depths.get(entry.key, 0)))


def _depths(entries: list[Entry]) -> dict[str, int]:
    parents = {entry.shape.code: entry.shape.parent for entry in entries if isinstance(entry.shape, shapes.Division)}

    def depth(code: str | None, seen: frozenset[str] = frozenset()) -> int:
        if code is None or code not in parents or code in seen:  # a circle: its members are refused one by one
            return 0
        return 1 + depth(parents[code], seen | {code})

    return {code: depth(code) for code in parents}
