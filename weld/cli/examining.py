"""Looking at an installation for `weldgate doctor`, wherever it can be reached from here; what could not be seen is said.

Changes nothing: no schema is made and no process started; the clone's own store is started for the look where it does not run.
Refuses to guess: a door that does not answer is unseen, not down.
"""

import json
import os
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from weld.cli import doctor as judging
from weld.cli.doctor import Finding
from weld.cli.maintain import MaintainSettings
from weld.cli.stack import CLONE, PROCESSES, BrokerAddress, Stack
from weld.kit.settings import PORTS
from weld.store import checkup, retention, setup

_WITHIN_S = 3.0
_DROPPED = "weldgate_broker_dropped_total "


@dataclass(frozen=True, slots=True)
class Place:
    """Which database, the folder of its data where that is on this machine, and the broker where it is known."""

    url: str
    data: Path | None
    broker: BrokerAddress | None


def run(*, as_json: bool) -> int:
    """Print every finding; 1 where one is bad."""
    findings = list(examine())
    well = judging.is_well(findings)
    if as_json:
        print(json.dumps({"well": well, "findings": [finding.words() for finding in findings]}))
    else:
        _print(findings)
    return 0 if well else 1


def examine() -> Iterator[Finding]:
    """Every finding, the database first."""
    try:
        with _place() as place:
            yield from _of_the_store(place)
            yield from judging.broker(*_broker(place.broker))
    except (RuntimeError, ValueError, OSError, psycopg.Error) as error:
        yield Finding(
            "database",
            "bad",
            " ".join(str(error).split()),
            "is it running, and was `weldgate migrate` run? WELDGATE_DATABASE_URL, WELDGATE_DATABASE",
        )
    for name in PROCESSES:
        yield judging.process(name, _ready(_door(name)))


def _of_the_store(place: Place) -> Iterator[Finding]:
    try:
        rules = retention.in_force(retention.load(MaintainSettings().retention), datetime.now(UTC).date())
    except retention.RetentionError as error:
        yield Finding(
            "retention", "bad", str(error), "mend the file that WELDGATE_RETENTION names; until then nothing goes"
        )
        rules = retention.in_force(retention.load(), datetime.now(UTC).date())
    with psycopg.connect(place.url, autocommit=True, application_name="weldgate doctor", connect_timeout=5) as conn:
        facts = checkup.look(conn)
    yield from judging.database(facts, rules, datetime.now(UTC))
    if place.data is None:
        yield Finding(
            "disk", "unseen", f"the data ({facts.server.bytes / 2**30:.1f} GiB) is not on this machine's disks"
        )
    else:
        usage = shutil.disk_usage(place.data)
        yield judging.disk(usage.free, usage.total)


@contextmanager
def _place() -> Iterator[Place]:
    """Where a process is told to look, the server of WELDGATE_DATABASE_URL as it is, or the clone's own store."""
    told, given = os.environ.get("WELDGATE_PROCESS_DATABASE_URL"), os.environ.get("WELDGATE_DATABASE_URL")
    at = os.environ.get("WELDGATE_PROCESS_MQTT_URL") or os.environ.get("WELDGATE_MQTT_URL")
    broker = BrokerAddress.parse(at) if at else None
    if told:
        yield Place(told, None, broker)
        return
    if given:
        yield Place(setup.database_url(given, os.environ.get("WELDGATE_DATABASE", "weldgate")), None, broker)
        return
    if not (CLONE / ".weldgate" / "secrets").exists():
        raise RuntimeError("nothing was set up here yet")
    with Stack.main(prepares=False, needs_broker=False) as stack:
        own = BrokerAddress("127.0.0.1", PORTS["mqtt_platform"])
        yield Place(stack.role_url("owner"), stack.postgres.log.parent, broker or own)


def _broker(there: BrokerAddress | None) -> tuple[str, bool | None, float | None]:
    if there is None:
        return "", None, _dropped()
    try:
        socket.create_connection((there.host, there.port), _WITHIN_S).close()
    except OSError:
        return f"{there.host}:{there.port}", False, _dropped()
    return f"{there.host}:{there.port}", True, _dropped()


def _dropped() -> float | None:
    """What the gateway counted."""
    said = _get(PORTS["gateway"], "metrics")
    lines = [] if said is None else [line for line in said.splitlines() if line.startswith(_DROPPED)]
    return float(lines[0].split()[1]) if lines else None


def _door(name: str) -> int:
    return PORTS[name] + (10 if name == "api" else 0)  # its number in the table is that of its public port


def _ready(port: int) -> dict[str, Any] | None:
    said = _get(port, "ready")
    try:
        found = None if said is None else json.loads(said)
    except ValueError:  # somebody else listens there
        return None
    return found if isinstance(found, dict) else None


def _get(port: int, path: str) -> str | None:
    address = f"http://127.0.0.1:{port}/{path}"
    try:
        with urllib.request.urlopen(address, timeout=_WITHIN_S) as answer:
            return str(answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as refusal:  # not ready is an answer, too
        return refusal.read().decode(errors="replace")
    except (urllib.error.URLError, OSError):
        return None


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{finding.level:6} {finding.name:{width}}  {finding.says}")
        if finding.do:
            print(f"{'':6} {'':{width}}  -> {finding.do}")
    sys.stdout.flush()
