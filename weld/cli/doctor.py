"""What is well with an installation and what is not: facts judged, and for each what to do.

Pure: facts come in, findings go out. Refuses to mend anything, and to call well what it could not see.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from weld.store.checkup import Days, Facts
from weld.store.partitions import DAYS_AHEAD, DAYS_BACK, TABLES
from weld.store.retention import Retention

Level = Literal["good", "note", "warn", "bad", "unseen"]

_CLOCK_OFF_S = 2.0  # more, and processes are not ready
_DISK_LEFT = 0.15
_HOT_SHARE = 0.95
_DEAD_SHARE, _DEAD_ROWS = 0.2, 50_000
_ENOUGH_UPDATES = 1000
_SLOT_BYTES = 1 << 30
_OLDEST_POSTGRESQL = 160_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: how it stands, and what to do where it does not stand well."""

    name: str
    level: Level
    says: str
    do: str = ""

    def words(self) -> dict[str, Any]:
        """As --json prints it."""
        return asdict(self)


def database(facts: Facts, rules: Retention, now: datetime) -> list[Finding]:
    """Everything that the database told."""
    return [
        _engine(facts),
        _schema(facts),
        _roles(facts),
        *_settings(facts),
        _clock(facts, now),
        *(finding for days in facts.days for finding in _days(facts, days, rules, now.astimezone(UTC).date())),
        *_policies(facts),
        *_vacuum(facts),
        *_slots(facts),
    ]


def disk(free: int, total: int) -> Finding:
    """How much is left where the data is."""
    says = f"{free / 2**30:.0f} of {total / 2**30:.0f} GiB are free where the data is"
    if free / total >= _DISK_LEFT:
        return Finding("disk", "good", says)
    return Finding(
        "disk", "bad", says, "a full disk stops the database: make room, shorten retention, or move the data"
    )


def process(name: str, ready: Mapping[str, Any] | None) -> Finding:
    """What the door of a process said; None: nobody answered on this machine."""
    if ready is None:
        return Finding(name, "unseen", "no answer at its door on this machine: not started, or it runs elsewhere")
    if ready.get("ready"):
        return Finding(name, "good", "ready")
    wrong = [f"{check}: {reason}" for check, reason in (ready.get("checks") or {}).items() if reason != "ok"]
    return Finding(name, "bad", f"not ready: {'; '.join(wrong) or 'no reason given'}", f"see the log of {name}")


def broker(address: str, reached: bool | None, dropped: float | None) -> list[Finding]:
    """Whether the broker can be reached, and what the gateway saw it drop; None: nobody could tell."""
    found = []
    if reached is None:
        found.append(Finding("broker", "unseen", "its address is not known here"))
    elif reached:
        found.append(Finding("broker", "good", f"{address} answers"))
    else:
        found.append(
            Finding("broker", "bad", f"{address} does not answer", "start it; chips keep what they cannot send")
        )
    if dropped is None:
        found.append(Finding("broker queues", "unseen", "the gateway, who counts dropped messages, was not asked"))
    elif dropped == 0:
        found.append(Finding("broker queues", "good", "nothing was dropped while the gateway watched"))
    else:
        todo = "a queue was full: is ingest up, the database quick? Chips repeat what was not stored"
        found.append(Finding("broker queues", "warn", f"{dropped:.0f} messages were dropped", todo))
    return found


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is bad."""
    return all(finding.level != "bad" for finding in findings)


def _engine(facts: Facts) -> Finding:
    engine = facts.engine
    name = f"PostgreSQL {engine.postgresql}"
    if facts.server.version_number < _OLDEST_POSTGRESQL:
        return Finding("engine", "bad", name, "16 is the least")
    if engine.timescaledb is None:
        says = f"{name}, day partitions by our own maintenance, no columnstore"
        if engine.offered is None:
            return Finding("engine", "good", says)
        todo = "have an administrator of the server run CREATE EXTENSION timescaledb here, then `weldgate migrate`"
        return Finding("engine", "note", f"{says}; it offers TimescaleDB {engine.offered}", todo)
    name = f"{name} with TimescaleDB {engine.timescaledb}"
    if engine.has_columnstore:
        return Finding(
            "engine", "good", f"{name}, community edition: hypertables, old days as columns by our maintenance"
        )
    says = f"{name}, Apache edition: hypertables, dropped by our maintenance; no columnstore"
    return Finding("engine", "note", says, "the community edition keeps old days in a fraction of the space")


def _schema(facts: Facts) -> Finding:
    found, wanted = facts.schema, facts.wanted
    if not found:
        return Finding("schema", "bad", "there is none yet", "`weldgate migrate`")
    missing = [number for number in wanted if number not in found]
    if missing:
        return Finding("schema", "bad", f"version {max(found)}, this program needs {max(wanted)}", "`weldgate migrate`")
    if len(found) > len(wanted):
        return Finding("schema", "bad", f"version {max(found)}, newer than this program", "update the program")
    edited = [number for number in wanted if found[number] != wanted[number]]
    if edited:
        todo = "restore the file as it was released"
        return Finding("schema", "bad", f"migration {edited[0]} was edited after it was applied", todo)
    return Finding("schema", "good", f"version {max(found)}")


def _roles(facts: Facts) -> Finding:
    missing = [role.name for role in facts.roles if role.is_missing]
    mighty = [role.name for role in facts.roles if role.is_mighty]
    if mighty:
        todo = f"ALTER ROLE {mighty[0]} NOSUPERUSER NOBYPASSRLS NOCREATEROLE: it sees past every scope"
        return Finding("roles", "bad", f"may do more than they should: {', '.join(mighty)}", todo)
    if missing:
        return Finding(
            "roles", "bad", f"missing: {', '.join(missing)}", "`weldgate prepare FOLDER --database` makes them"
        )
    return Finding("roles", "good", "all there, none with more than its own rights")


def _settings(facts: Facts) -> Iterator[Finding]:
    server = facts.server
    loses = [name for name in ("fsync", "full_page_writes", "autovacuum") if getattr(server, name) == "off"]
    if loses:
        todo = f"ALTER SYSTEM RESET {loses[0]}; SELECT pg_reload_conf()"
        yield Finding("settings", "bad", f"off: {', '.join(loses)}; data can be lost", todo)
    elif server.synchronous_commit == "off":
        says = "synchronous_commit is off: chips are told `stored` before it is"
        yield Finding("settings", "bad", says, "ALTER SYSTEM RESET synchronous_commit; SELECT pg_reload_conf()")
    else:
        yield Finding("settings", "good", f"nothing that loses data (synchronous_commit {server.synchronous_commit})")
    if server.data_checksums == "off":
        todo = "stop the server and run pg_checksums --enable; or initdb --data-checksums with the next major version"
        yield Finding("checksums", "note", "off: a page that a disk has spoiled is not noticed", todo)
    if server.ctype in {"C", "POSIX"}:
        todo = "dump, make the database anew with LC_CTYPE C.UTF-8, restore"
        yield Finding("letters", "bad", f"LC_CTYPE is {server.ctype}: searching for Chinese names finds nothing", todo)
    if server.calls_home not in {None, "off"}:
        todo = "timescaledb.telemetry_level = off in postgresql.conf"
        yield Finding("calls home", "warn", "TimescaleDB tells its maker about this server every day", todo)
    if server.is_standby:
        yield Finding("standby", "note", "this is a standby: processes that write need the primary")


def _clock(facts: Facts, now: datetime) -> Finding:
    off_s = (facts.server.clock - now).total_seconds()
    says = f"the database's clock is {round(off_s, 1) + 0.0:+.1f} s off this machine's"
    if abs(off_s) <= _CLOCK_OFF_S:
        return Finding("clock", "good", says)
    return Finding("clock", "bad", says, "processes are not ready with more than 2 s: run chrony on both")


def _days(facts: Facts, days: Days, rules: Retention, today: date) -> Iterator[Finding]:
    kept = [part for part in days.parts if part.state not in {"leaving", "left"}]
    how = "chunks" if days.is_hypertable else "day partitions"
    columns = sum(part.state == "columns" for part in kept)
    says = f"{len(kept)} {how}" + (f", {columns} of them as columns" if columns else "")
    if facts.engine.timescaledb and not days.is_hypertable and not days.has_policies:
        todo = "it works as it is; how to change it: docs/how-to/timescaledb.md, copied out and in"
        yield Finding(
            days.table,
            "note",
            f"{says}, not a hypertable: it held rows (or carried a view) when TimescaleDB came",
            todo,
        )
    wanted = {today + timedelta(days=n) for n in range(-DAYS_BACK, DAYS_AHEAD)}
    lacking = set() if days.is_hypertable else wanted - {part.day for part in kept}
    if lacking:
        says = f"{says}; {len(lacking)} of the days from {min(wanted)} to {max(wanted)} lack one"
        todo = "is `weldgate maintain` running? Messages of these days wait until it does"
        yield Finding(days.table, "bad", says, todo)
    overdue = _overdue(days, rules, today)
    if overdue:
        says = f"{overdue} days are past their retention and still there"
        todo = "is `weldgate maintain` running? A long reader (a dump, an export) keeps it from dropping: end it"
        yield Finding(days.table, "warn", says, todo)
    if not lacking and not overdue:
        oldest = f", the oldest {min(part.day for part in kept)}" if kept else ""
        yield Finding(days.table, "good", says + oldest)


def _overdue(days: Days, rules: Retention, today: date) -> int:
    if rules.tables[days.table].how == "keep":
        return 0
    # a day longer: maintenance runs once an hour, and around midnight nobody is late
    last = today - timedelta(days=rules.days(days.table) + 1)
    return sum(part.day < last for part in days.parts)


def _policies(facts: Facts) -> Iterator[Finding]:
    if facts.jobs:
        todo = "remove_retention_policy, remove_compression_policy: retention.toml is the one place that says what goes"
        yield Finding("policies", "warn", f"TimescaleDB works on our tables by itself: {', '.join(facts.jobs)}", todo)


def _vacuum(facts: Facts) -> Iterator[Finding]:
    state = next((table for table in facts.tables if table.name == "chip_state"), None)
    if state is not None and state.updates >= _ENOUGH_UPDATES:
        share = state.hot_updates / state.updates
        says = f"{share:.1%} of the updates of chip_state were HOT"
        todo = (
            "has somebody added an index to chip_state, or is a long transaction open (pg_stat_activity, xact_start)?"
        )
        yield Finding("hot", "good", says) if share >= _HOT_SHARE else Finding("hot", "warn", says, todo)
    dead = [
        table.name
        for table in facts.tables
        if table.dead_rows > _DEAD_ROWS and table.dead_rows > _DEAD_SHARE * table.rows and table.name not in TABLES
    ]
    if dead:
        todo = (
            "a transaction that is open for hours keeps vacuum from working, or autovacuum is too slow: VACUUM by hand"
        )
        yield Finding("vacuum", "warn", f"many dead rows: {', '.join(dead)}", todo)
    else:
        yield Finding("vacuum", "good", "no table is full of dead rows")


def _slots(facts: Facts) -> Iterator[Finding]:
    for slot in facts.slots:
        says = f"nobody reads {slot.slot_name}; {slot.kept_bytes / 2**20:.0f} MiB of the log are kept for it"
        level: Level = "bad" if slot.kept_bytes > _SLOT_BYTES else "warn"
        todo = f"bring its standby back, or pg_drop_replication_slot('{slot.slot_name}')"
        yield Finding("replication slot", level, says, todo)
