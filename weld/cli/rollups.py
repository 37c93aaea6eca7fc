"""`weldgate rollups rebuild`: the sums counted again from stored rows, beside everything that runs.

Connects as owner; the clone's own store is started where it does not run. Refuses to judge: weld.store.recount compares.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg

from weld.cli.stack import Stack
from weld.kit.clock import SystemClock
from weld.store import audit, partitions, recount, retention, setup
from weld.store.audit import Trace
from weld.store.recount import Asked, Difference
from weld.store.retention import Retention

SAME, DIFFERENT, FAILED = 0, 1, 2
_PROGRESS_EVERY_S = 2.0
# So many differences are told one by one, the others are counted.
_TOLD = 50


class Wanted(NamedTuple):
    """What was asked for."""

    since: date | None
    until: date | None
    plate: str | None
    check: bool
    as_json: bool


class Found(NamedTuple):
    """What came of it, as --json prints it: rows that differed, by table."""

    since: str
    until: str
    differing: dict[str, int]
    mended: bool


def rebuild(wanted: Wanted) -> int:
    """0: all is right (now); 1: with `check` something differs; 2: it could not be done, and why."""
    try:
        with _owner_url() as url:
            found = count(url, wanted, SystemClock().now())
    except (RuntimeError, ValueError, OSError, psycopg.Error, retention.RetentionError) as error:
        _say(f"the rollups were not counted to the end: {error}")
        return FAILED
    if wanted.as_json:
        print(json.dumps(found._asdict()))
    differing = sum(found.differing.values())
    _say(f"{differing} rows differ" if wanted.check else f"{differing} rows differed and are right now")
    return DIFFERENT if wanted.check and differing else SAME


def count(url: str, wanted: Wanted, now: datetime) -> Found:
    """Count again, and mend unless only a check was asked for."""
    with psycopg.connect(url, autocommit=True, application_name="weldgate rollups") as conn, recount.alone(conn):
        rules = retention.in_force(retention.load(_rules_file()), now.date())
        asked = _days(conn, wanted, rules, now)
        hours_since = _hours_since(rules, now)
        if not wanted.check:
            partitions.ensure(conn, max(asked.since, hours_since) - timedelta(days=1), asked.until + timedelta(days=1))
        differing: Counter[str] = Counter()
        said_at = time.monotonic()
        for step in recount.compare(conn, asked, hours_since, mend=not wanted.check):
            _tell(step.differences, sum(differing.values()))
            differing.update(one.level for one in step.differences)
            if time.monotonic() - said_at > _PROGRESS_EVERY_S:
                said_at = time.monotonic()
                _say(f"counted up to {step.done}: {sum(differing.values())} rows differ")
        found = Found(str(asked.since), str(asked.until), dict(differing), not wanted.check)
        if not wanted.check:
            trace = Trace(now, "command:rollups", "rollups.rebuilt", wanted.plate or "all", found._asdict())
            audit.append_now(conn, trace)
    return found


def _days(conn: psycopg.Connection, wanted: Wanted, rules: Retention, now: datetime) -> Asked:
    whole = recount.whole_since(conn, rules, now)
    since = wanted.since or whole
    if since < whole:
        _say(f"telemetry is whole from {whole} on: days before stay as they are")
    asked = Asked(max(since, whole), wanted.until or now.date() + timedelta(days=1), wanted.plate)
    if asked.until < asked.since:
        raise ValueError(f"no days from {asked.since} to {asked.until}")
    return asked


def _hours_since(rules: Retention, now: datetime) -> date:
    kept = rules.tables["machine_hour"].days
    return date(2020, 1, 1) if kept is None else now.date() - timedelta(days=kept - 2)


def _rules_file() -> Path | None:
    told = os.environ.get("WELDGATE_RETENTION")
    return Path(told) if told else None


def _tell(differences: list[Difference], before: int) -> None:
    for one in differences[: max(0, _TOLD - before)]:
        words = ", ".join(f"{name} {a:g} instead of {b:g}" for name, (a, b) in one.words().items())
        _say(f"{one.level} {one.key} {one.at}: {words or 'belongs to no division'}")


@contextmanager
def _owner_url() -> Iterator[str]:
    """The server of WELDGATE_DATABASE_URL as it is, or the clone's own store."""
    told, given = os.environ.get("WELDGATE_PROCESS_DATABASE_URL"), os.environ.get("WELDGATE_DATABASE_URL")
    if told:
        yield told
        return
    with Stack.main(prepares=not given, needs_broker=False) as stack:
        yield setup.database_url(given, stack.database) if given else stack.role_url("owner")


def _say(line: str) -> None:
    print(f"weldgate: {line}", file=sys.stderr, flush=True)
