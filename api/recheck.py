"""Work that runs is judged again when papers or a standing change, and after midnight: it goes on, or the machine locks.

The same look-ups and the same pure decision as a scan; a lock goes the way of every lock, by the command of the machine.
Locks rows in the order worker, machine, grant, command, alert. One order stands for a permission, however often it is looked at
and by however many processes: a harder one takes the place of a softer one that is not carried out yet. Refuses to be stopped by
one worker whose look fails: the others are looked at, and that one comes again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from prometheus_client import Counter

from api import licensee
from api.parts import Parts, new_id
from weld.core import licence
from weld.core.access import Rules
from weld.core.catalogue import ALERTS
from weld.core.certificate import work_here
from weld.core.licence import Question, Recheck
from weld.core.unlocking import LATE_WORD
from weld.store import access_rules, alerts, audit, commands, grants, machines, pulse, rechecks, workers
from weld.store.audit import Trace
from weld.store.commands import CommandCollisionError, CommandRow
from weld.store.connect import FAILURES, Conn, scoped
from weld.store.machines import ScannedRow
from weld.store.rechecks import RecheckRow, RunningRow
from weld.store.vault import VaultError

log = structlog.get_logger()

_RECHECKED = Counter("weldgate_rechecks_total", "Running sessions judged again, by what became of them", ["ending"])
_FAILED = (*FAILURES, CommandCollisionError, VaultError)
_ACTOR = "rule:licence"


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one worker, in one transaction."""

    conn: Conn
    parts: Parts
    now: datetime
    worker: UUID
    traces: list[Trace] = field(default_factory=list)


class _Running(NamedTuple):
    """A permission that runs, its machine, and the rules of the day."""

    grant: RunningRow
    machine: ScannedRow
    rules: Rules


async def turn(parts: Parts) -> int:
    """Everybody whose papers changed, and everybody who works past midnight; how many were looked at."""
    after, looked = 0, 0
    while (following := await _next(parts, after)) is not None:
        after, looked = following, looked + 1
    async with scoped(parts.pool, "platform") as conn:
        late = await rechecks.past_midnight(conn, parts.clock.now())
    for worker in late:
        try:
            async with scoped(parts.pool, "platform") as conn:
                await _look(_Look(conn, parts, parts.clock.now(), worker))
        except _FAILED as error:
            log.warning("recheck_failed", worker=str(worker), error=type(error).__name__)
    return looked + len(late)


async def _next(parts: Parts, after: int) -> int | None:
    """Look at the next worker of the queue; the place in it, or None at its end. Who fails stays in it for the next turn."""
    place = None
    try:
        async with scoped(parts.pool, "platform") as conn:
            taken = await rechecks.take(conn, after)
            if taken is None:
                return None
            place, worker = taken
            await _look(_Look(conn, parts, parts.clock.now(), worker))
    except _FAILED as error:
        if place is None:
            raise
        log.warning("recheck_failed", place=place, error=type(error).__name__)
    return place


async def _look(look: _Look) -> None:
    await workers.hold(look.conn, look.worker)
    for grant in await rechecks.running(look.conn, look.worker, look.now - LATE_WORD):
        await machines.hold(look.conn, grant.plate)
        await grants.hold(look.conn, grant.plate)
        await commands.hold(look.conn, grant.plate)
        machine = await machines.scanned(look.conn, grant.plate, look.now)
        # It may have ended before we held it: an order would then lock whoever comes next.
        held = grant.id in {one.id for one in await rechecks.running(look.conn, look.worker, look.now - LATE_WORD)}
        if machine is not None and held:
            rules = access_rules.in_force(look.parts.rules, machine.today)
            await _judge(look, _Running(grant, machine, rules))
    await audit.append(look.conn, look.traces)


async def _judge(look: _Look, running: _Running) -> None:
    machine = running.machine
    person = await licensee.person(look.conn, look.parts.vault, look.worker, machine.zone)
    if person is None:
        return
    held = await licensee.certificates(look.conn, look.worker, machine.zone)
    asked = Question(person, held, work_here(machine.work, machine.place), machine.today, machine.process)
    found = licence.recheck(asked, running.rules)
    await rechecks.seen(look.conn, running.grant.id, machine.today)
    _RECHECKED.labels(found.ending).inc()
    if found.verdict.reasons and not await rechecks.known(look.conn, running.grant.id, found.ending):
        await _end(look, running, found)


async def _end(look: _Look, running: _Running, found: Recheck) -> None:
    """Order what has to be ordered, and put it on record."""
    grant = running.grant
    codes = licence.alerts(found.verdict, running.rules)
    reason = found.verdict.papers or found.verdict.person
    command = None
    if found.ending != "goes_on":
        command = await _lock(look, grant, found, why=codes[0] if codes else reason[0])
    reasons: list[str] = list(found.verdict.reasons)
    row = RecheckRow(grant.id, found.ending, look.now, reasons, running.rules.version, command)
    await rechecks.record(look.conn, row)
    words = {"unlock": str(grant.id), "ending": found.ending, "reasons": reasons}
    look.traces.append(Trace(look.now, _ACTOR, "licence.rechecked", grant.plate, words))
    await _alert(look, running, found, codes)
    await pulse.hint(look.conn, f"grant:{grant.id}")
    if grant.session is not None:
        await pulse.hint(look.conn, f"session:{grant.session}")


async def _lock(look: _Look, grant: RunningRow, found: Recheck, *, why: str) -> UUID:
    """The order that carries it out: a new one, a lock as hard that is under way, or the one that has locked already."""
    level = 1 if found.ending == "at_once" else 2
    before = await rechecks.ordered(look.conn, grant.id, level)
    if before is not None:
        return before
    live = await commands.live(look.conn, grant.plate)
    if live is not None and live.kind == "lock" and live.level <= level:
        return live.id
    await commands.supersede(look.conn, grant.plate, "lock", look.now)
    await grants.end_unclicked(look.conn, grant.plate, "locked", look.now)
    order = CommandRow(
        id=new_id(look.now),
        kind="lock",
        chip=grant.chip,
        plate=grant.plate,
        grant_id=None,
        session=grant.session,
        level=level,
        grace_s=found.grace_s,
        counter=await commands.raise_counter(look.conn, grant.chip),
        by="rule",
        actor=_ACTOR,
        why=why,
        created_at=look.now,
        expires_at=look.now + timedelta(seconds=look.parts.settings.api_lock_lasts_s),
    )
    await commands.give(look.conn, order)
    return order.id


async def _alert(look: _Look, running: _Running, found: Recheck, codes: Sequence[str]) -> None:
    grant, machine = running.grant, running.machine
    evidence = {"unlock": str(grant.id), "ending": found.ending, "reasons": list(found.verdict.reasons)}
    for kind in (kind for code, kind in ALERTS.items() if code in codes and code != "A02"):
        row = alerts.AttemptRow(
            id=new_id(look.now),
            code=kind.code,
            level=kind.level,
            plate=grant.plate,
            episode=f"recheck:{grant.id}:{found.ending}",
            worker=look.worker,
            division=machine.division,
            enterprise=machine.enterprise,
            at=look.now,
            evidence=evidence,
        )
        await alerts.raise_attempt(look.conn, row)
