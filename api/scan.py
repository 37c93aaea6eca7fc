"""Walk (b), our part of it: one scan becomes a grant with its ticket, or a stored refusal with its alerts.

Runs in the request's transaction with the platform's eyes, as the decision looks at machines and at other people's
permissions. Locks in the order worker, machine, grant, command, alert. Refuses to decide: weld.core.access does.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from api import licensee
from api.caller import Caller
from api.parts import new_id
from api.problems import RefusedError
from weld.core import identity, plate
from weld.core.access import Machine, Permit, Refusal, Scan, decide
from weld.core.catalogue import ALERTS
from weld.core.ids import Plate
from weld.core.reasons import ReasonCode
from weld.core.unlocking import LATE_WORD
from weld.store import access_rules, alerts, commands, grants, machines, pulse, signins, workers
from weld.store.machines import ScannedRow

_DECIDED = Counter("weldgate_unlocks_total", "Attempts to unlock by what became of them", ["outcome"])
_REFUSED = Counter("weldgate_unlock_refusals_total", "Reasons of refused attempts", ["reason"])


@dataclass(frozen=True, slots=True)
class Granted:
    """Yes, or yes already."""

    unlock: UUID
    fresh: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """No, and every reason."""

    reasons: tuple[ReasonCode, ...]


async def attempt(caller: Caller, worker: UUID, text: str) -> Granted | Denied:
    """Everything between the scan and the answer."""
    await _slow_down(caller, worker)
    code = identity.normal(text)
    if not plate.check(code):
        return Denied(("plate_check_failed",))  # not stored: what was typed may be anything, a phone number too
    await signins.look_as(caller.conn, "platform")
    await workers.hold(caller.conn, worker)
    if not await machines.hold(caller.conn, code):
        return await _deny(caller, worker, code, None, ("unknown_plate",))
    await tidy(caller, code)
    live = await grants.live(caller.conn, code)
    if live is not None and live[1] == worker:
        _DECIDED.labels("again").inc()
        return Granted(live[0], fresh=False)
    return await _decide(caller, worker, code)


async def tidy(caller: Caller, code: str) -> None:
    """Close what is overdue on a held machine, so that it is in nobody's way."""
    await grants.hold(caller.conn, code)
    await commands.hold(caller.conn, code)
    await commands.close_overdue(caller.conn, code, caller.now - LATE_WORD, caller.now)
    for ended in await grants.end_stale(caller.conn, code, caller.now):
        await pulse.hint(caller.conn, f"grant:{ended}")


async def _slow_down(caller: Caller, worker: UUID) -> None:
    recent = await grants.attempts(caller.conn, worker, caller.now - timedelta(minutes=1))
    if recent >= caller.parts.settings.api_attempts_per_minute:
        _DECIDED.labels("too_many").inc()
        raise RefusedError("too_many_attempts")


async def _decide(caller: Caller, worker: UUID, code: str) -> Granted | Denied:
    machine = await machines.scanned(caller.conn, code, caller.now)
    if machine is None:
        raise RefusedError("unknown_plate")
    elsewhere = await grants.elsewhere(caller.conn, worker, code, caller.now - LATE_WORD)
    scan = await _gather(caller, worker, machine, live_elsewhere=bool(elsewhere))
    decision = decide(scan, access_rules.in_force(caller.parts.rules, scan.today))
    if isinstance(decision, Permit):
        return await _grant(caller, worker, machine, decision)
    denied = await _deny(caller, worker, code, machine, decision.reasons)
    await _alert(caller, worker, machine, decision, elsewhere)
    return denied


async def _gather(caller: Caller, worker: UUID, machine: ScannedRow, *, live_elsewhere: bool) -> Scan:
    person = await licensee.person(caller.conn, caller.parts.vault, worker, machine.zone)
    if person is None:
        raise RefusedError("signed_out")
    return Scan(
        person=person,
        certificates=await licensee.certificates(caller.conn, worker, machine.zone),
        machine=_machine(machine),
        live_elsewhere=live_elsewhere,
        now=caller.now,
        today=machine.today,
        tomorrow=machine.tomorrow,
    )


def _machine(row: ScannedRow) -> Machine:
    return Machine(
        plate=Plate(row.plate),
        work=row.work,
        presence=row.presence,
        longest_s=row.longest_s,
        division_longest_s=row.division_longest_s,
        chipped=row.chip is not None,
        blocked=row.blocked,
        online=row.online,
        reported=row.reported,
        locking=row.locking,
        in_use=row.in_use,
        process=row.process,
        place=row.place,
    )


async def _grant(caller: Caller, worker: UUID, machine: ScannedRow, permit: Permit) -> Granted:
    """The permission, and the ticket that the gateway will sign."""
    chip = machine.chip or ""
    row = grants.GrantRow(
        id=new_id(caller.now),
        worker=worker,
        plate=machine.plate,
        chip=chip,
        division=machine.division,
        enterprise=machine.enterprise,
        certificate=permit.certificate,
        checks=[asdict(check) for check in permit.checks],
        rules_version=permit.rules_version,
        presence=permit.presence,
        created_at=caller.now,
        expires_at=permit.expires_at,
        longest_s=permit.longest_s,
        warnings=list(permit.warnings),
    )
    await grants.insert(caller.conn, row)
    await commands.supersede(caller.conn, machine.plate, "unlock", caller.now)
    await commands.give(caller.conn, _ticket(caller, row, machine.counter or 0, permit))
    await _tell(caller, row, permit)
    caller.leave_trace("unlock.granted", machine.plate, {"unlock": str(row.id)})
    _DECIDED.labels("granted").inc()
    return Granted(row.id, fresh=True)


async def _tell(caller: Caller, grant: grants.GrantRow, permit: Permit) -> None:
    """What a start raises although it was granted: a licence that soon ends, once a step; and what the rules only warn of."""
    for code in permit.alerts:
        evidence: dict[str, Any] = {"unlock": str(grant.id), "reasons": grant.warnings}
        row = alerts.AttemptRow(
            id=new_id(caller.now),
            code=code,
            level=ALERTS[code].level,
            plate=grant.plate,
            episode=f"attempt:{grant.id}",
            worker=grant.worker,
            division=grant.division,
            enterprise=grant.enterprise,
            at=caller.now,
            evidence=evidence,
        )
        if code != "A02":
            await alerts.raise_attempt(caller.conn, row)
        elif permit.reminder is not None:
            last, days, left = permit.reminder
            evidence |= {"certificate": str(grant.certificate), "last_day": last.isoformat(), "days_left": left}
            await alerts.raise_notice(caller.conn, row._replace(episode=f"{last}:{days}"), str(grant.certificate))


def _ticket(caller: Caller, grant: grants.GrantRow, counter: int, permit: Permit) -> commands.CommandRow:
    return commands.CommandRow(
        id=new_id(caller.now),
        kind="ticket",
        chip=grant.chip,
        plate=grant.plate,
        grant_id=grant.id,
        session=None,
        level=4,
        grace_s=60,
        counter=counter,
        by="worker",
        actor=caller.actor,
        why="unlock",
        created_at=caller.now,
        expires_at=permit.click_before,
    )


async def _deny(
    caller: Caller, worker: UUID, code: str, machine: ScannedRow | None, reasons: tuple[ReasonCode, ...]
) -> Denied:
    """A refusal is stored under the request's number, which the phone shows."""
    division, enterprise = (machine.division, machine.enterprise) if machine else (None, None)
    row = grants.RefusalRow(caller.request_id, worker, code, division, enterprise, list(reasons), caller.now)
    await grants.refuse(caller.conn, row)
    caller.leave_trace("unlock.refused", code, {"refusal": str(row.id), "reasons": list(reasons)})
    _DECIDED.labels("refused").inc()
    for reason in reasons:
        _REFUSED.labels(reason).inc()
    return Denied(reasons)


async def _alert(caller: Caller, worker: UUID, machine: ScannedRow, refusal: Refusal, elsewhere: list[str]) -> None:
    for code in refusal.alerts:
        evidence = {"refusal": str(caller.request_id), "reasons": list(refusal.reasons), "live_on": elsewhere}
        row = alerts.AttemptRow(
            id=new_id(caller.now),
            code=code,
            level=ALERTS[code].level,
            plate=machine.plate,
            episode=f"attempt:{caller.request_id}",
            worker=worker,
            division=machine.division,
            enterprise=machine.enterprise,
            at=caller.now,
            evidence=evidence,
        )
        await alerts.raise_attempt(caller.conn, row)
