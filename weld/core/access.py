"""The decision of the product: may this person start this machine now? One pure function, all reasons at once.

Person and papers are judged by licence.py, which others ask too; here the machine and the moment are added. Everything it
needs is looked up before and handed in; the same values give the same answer, so that any decision can be run again over
stored rows. Refuses to grant past the end of the certificate that it grants by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from weld.core import licence
from weld.core.catalogue import ALERTS, AlertCode
from weld.core.certificate import Certificate, Process, Work, last_day, work_here
from weld.core.ids import Plate
from weld.core.licence import LicenceRules, Person, Question, Verdict
from weld.core.reasons import ReasonCode

Presence = Literal["none", "button"]
CheckName = Literal[
    "standing", "age", "certificate", "review", "one_machine", "chipped", "in_service", "safe", "online", "free"
]

# States that a chip reports in which nobody may start the machine (P7).
_UNSAFE = frozenset({"faulted", "tampered"})
# Not `blocked`: a chip says that after every lock until a ticket is accepted (P7), so refusing then would be for ever. Who wants
# a machine out of use blocks it in the register.
_OUT_OF_SERVICE = frozenset({"maintenance"})


@dataclass(frozen=True, slots=True)
class Rules(LicenceRules):
    """The dated rules of an unlock: those of people and papers, and how long what was granted lasts."""

    longest_s: int
    click_within_s: dict[Presence, int]


@dataclass(frozen=True, slots=True)
class Machine:
    """What was scanned, as the register and its chip's last words have it. `online` is None for a chip never heard, `process`
    where nobody entered it; `place` is the kind of work of the place where it stands, None where no place is known."""

    plate: Plate
    work: Work
    presence: Presence
    longest_s: int | None
    division_longest_s: int | None
    chipped: bool
    blocked: bool
    online: bool | None
    reported: str | None
    locking: bool
    in_use: bool
    process: Process | None = None
    place: Work | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """One attempt: person, papers, machine, time. `today` and `tomorrow` (its first moment) are the division's own."""

    person: Person
    certificates: Sequence[Certificate]
    machine: Machine
    live_elsewhere: bool
    now: datetime
    today: date
    tomorrow: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list on the phone. A failed check says why."""

    name: CheckName
    passed: bool
    reason: ReasonCode | None


class Reminder(NamedTuple):
    """The licence ends soon: its last day, the step of the reminders that was reached, and how many days are left."""

    last_day: date
    days: int
    left: int


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes: by which certificate, for how long, until when the contact must have clicked; what to say beside it, and the alerts
    that it raises all the same."""

    checks: tuple[Check, ...]
    rules_version: int
    certificate: UUID
    presence: Presence
    longest_s: int
    expires_at: datetime
    click_before: datetime
    warnings: tuple[ReasonCode, ...]
    alerts: tuple[AlertCode, ...]
    reminder: Reminder | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """No: every reason, the heaviest first, and the alerts that this attempt raises."""

    checks: tuple[Check, ...]
    rules_version: int
    reasons: tuple[ReasonCode, ...]
    alerts: tuple[AlertCode, ...]


def decide(scan: Scan, rules: Rules) -> Permit | Refusal:
    """The permit, or every reason against it."""
    machine = scan.machine
    asked = Question(
        scan.person, scan.certificates, work_here(machine.work, machine.place), scan.today, machine.process
    )
    verdict = licence.judge(asked, rules)
    checks = (*_person_checks(verdict.person), *_paper_checks(verdict.papers), *_machine_checks(scan))
    if all(check.passed for check in checks):
        return _permit(scan, verdict, checks, rules)
    of_machine = [check.reason for check in checks if check.reason is not None]
    reasons = tuple(dict.fromkeys((*verdict.reasons, *of_machine)))
    return Refusal(checks, rules.version, reasons, _alerts(scan, verdict, rules))


def _person_checks(person: Sequence[ReasonCode]) -> Iterator[Check]:
    """Age is a line of its own; whatever else stands against a person is the other."""
    ages: tuple[ReasonCode, ...] = ("under_age", "over_age")
    yield _check("standing", next((reason for reason in person if reason not in ages), None))
    yield _check("age", next((reason for reason in person if reason in ages), None))


def _paper_checks(papers: tuple[ReasonCode, ...]) -> Iterator[Check]:
    """The certificate, and its re-examination once nothing else is wrong with it."""
    other = [reason for reason in papers if reason != "review_overdue"]
    yield _check("certificate", other[0] if other else None)
    if not other:
        yield _check("review", "review_overdue" if papers else None)


def _machine_checks(scan: Scan) -> Iterator[Check]:
    machine = scan.machine
    yield _check("one_machine", "certificate_in_use_elsewhere" if scan.live_elsewhere else None)
    yield _check("chipped", None if machine.chipped else "machine_not_chipped")
    out_of_service = machine.blocked or machine.reported in _OUT_OF_SERVICE
    yield _check("in_service", "machine_blocked" if out_of_service else None)
    yield _check("safe", "machine_unsafe" if machine.reported in _UNSAFE else None)
    if machine.chipped:  # whether nothing is online is no question
        yield _check("online", None if machine.online else "machine_offline")
    yield _check("free", "machine_in_use" if machine.in_use else "machine_locking" if machine.locking else None)


def _check(name: CheckName, reason: ReasonCode | None) -> Check:
    return Check(name, reason is None, reason)


def _alerts(scan: Scan, verdict: Verdict, rules: Rules) -> tuple[AlertCode, ...]:
    """What the licence raises, as far as the catalogue has it, and A09 where it is live on another machine."""
    found = {*licence.alerts(verdict, rules), *(("A09",) if scan.live_elsewhere else ())}
    return tuple(code for code in ALERTS if code in found)


def _permit(scan: Scan, verdict: Verdict, checks: tuple[Check, ...], rules: Rules) -> Permit:
    best = verdict.examined[0].certificate
    longest_s = min(_longest_s(scan.machine, rules), _seconds_left(scan, best, rules))
    return Permit(
        checks=checks,
        rules_version=rules.version,
        certificate=best.id,
        presence=scan.machine.presence,
        longest_s=longest_s,
        expires_at=scan.now + timedelta(seconds=longest_s),
        click_before=scan.now + timedelta(seconds=rules.click_within_s[scan.machine.presence]),
        warnings=verdict.warnings,
        alerts=_alerts(scan, verdict, rules),
        reminder=_reminder(verdict, best, rules),
    )


def _reminder(verdict: Verdict, certificate: Certificate, rules: Rules) -> Reminder | None:
    days = licence.reminder(verdict, rules)
    if days is None or verdict.days_left is None:
        return None
    return Reminder(last_day(certificate, rules.certificates), days, verdict.days_left)


def _longest_s(machine: Machine, rules: Rules) -> int:
    """The machine's own limit, else its division's, else the rules'."""
    return machine.longest_s or machine.division_longest_s or rules.longest_s


def _seconds_left(scan: Scan, certificate: Certificate, rules: Rules) -> int:
    """Until the end of the certificate's last day; at least 1, as that day is today or later."""
    days = (last_day(certificate, rules.certificates) - scan.today).days
    # min: a certificate without an end would overflow, and ten years are longer than any session.
    end = scan.tomorrow + timedelta(days=min(days, 3650))
    return max(1, int((end - scan.now).total_seconds()))
