"""The decision of the product: may this person start this machine now? One pure function, all reasons at once.

Everything it needs is looked up before and handed in; the same values give the same answer, so that any decision can be
run again over stored rows. Refuses to grant past the end of the certificate that it grants by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from weld.core.age import AgeRules, age_problem
from weld.core.catalogue import AlertCode
from weld.core.certificate import Certificate, CertificateRules, Work, last_day, problems
from weld.core.ids import Plate, Worker
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
_LAPSED: frozenset[ReasonCode] = frozenset({"certificate_expired", "review_overdue"})
_WITHDRAWN: frozenset[ReasonCode] = frozenset(
    {"certificate_revoked", "certificate_cancelled", "certificate_suspected_fake"}
)


# How far a certificate is from being usable, the nearest first: which of several bad ones the phone talks about.
_WEIGHT: tuple[ReasonCode, ...] = (
    "review_overdue",
    "certificate_expired",
    "certificate_not_yet_valid",
    "certificate_unverified",
    "certificate_suspended",
    "wrong_item",
    "wrong_domain",
    "certificate_cancelled",
    "certificate_revoked",
    "certificate_suspected_fake",
)
_NO_PAPERS: tuple[ReasonCode, ...] = ("no_certificate",)


class _Examined(NamedTuple):
    certificate: Certificate
    problems: tuple[ReasonCode, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The dated rules in force from `since` on; the version is stored with every decision."""

    version: int
    since: date
    longest_s: int
    click_within_s: dict[Presence, int]
    certificates: CertificateRules
    age: AgeRules


@dataclass(frozen=True, slots=True)
class Person:
    """Who scanned. `birth` is None where the register does not say."""

    id: Worker
    birth: date | None
    suspended: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """What was scanned, as the register and its chip's last words have it. `online` is None for a chip never heard."""

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


@dataclass(frozen=True, slots=True)
class Permit:
    """Yes: by which certificate, for how long, until when the contact must have clicked."""

    checks: tuple[Check, ...]
    rules_version: int
    certificate: UUID
    presence: Presence
    longest_s: int
    expires_at: datetime
    click_before: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """No: every reason, the heaviest first, and the alerts that this attempt raises."""

    checks: tuple[Check, ...]
    rules_version: int
    reasons: tuple[ReasonCode, ...]
    alerts: tuple[AlertCode, ...]


def decide(scan: Scan, rules: Rules) -> Permit | Refusal:
    """The permit, or every reason against it."""
    examined = _examined(scan, rules)
    papers = examined[0].problems if examined else _NO_PAPERS
    checks = (*_person_checks(scan, rules), *_paper_checks(papers), *_machine_checks(scan))
    if examined and all(check.passed for check in checks):
        return _permit(scan, examined[0].certificate, checks, rules)
    return Refusal(checks, rules.version, _all_reasons(checks, examined), _alerts(scan, examined))


def _person_checks(scan: Scan, rules: Rules) -> Iterator[Check]:
    yield _check("standing", "worker_suspended" if scan.person.suspended else None)
    yield _check("age", age_problem(scan.person.birth, scan.today, rules.age))


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


def _examined(scan: Scan, rules: Rules) -> list[_Examined]:
    """All certificates with what is wrong with each; the one to go by first."""
    work, papers = scan.machine.work, rules.certificates
    examined = [_Examined(held, problems(held, work, scan.today, papers)) for held in scan.certificates]

    def rank(one: _Examined) -> tuple[int, int, int, UUID]:
        heaviest = max((_WEIGHT.index(problem) for problem in one.problems), default=-1)
        return heaviest, len(one.problems), -last_day(one.certificate, papers).toordinal(), one.certificate.id

    return sorted(examined, key=rank)


def _all_reasons(checks: Sequence[Check], examined: Sequence[_Examined]) -> tuple[ReasonCode, ...]:
    """The papers' reasons before the others: they take the longest to put right (picture 03)."""
    reasons: list[ReasonCode] = []
    if not examined or examined[0].problems:
        reasons += [problem for one in examined for problem in one.problems] or _NO_PAPERS
    reasons += [check.reason for check in checks if check.reason is not None]
    return tuple(dict.fromkeys(reasons))


def _alerts(scan: Scan, examined: Sequence[_Examined]) -> tuple[AlertCode, ...]:
    """A01 without a usable certificate, A03 where one only lapsed, A09 where it is live on another machine."""
    alerts: list[AlertCode] = []
    if not examined or examined[0].problems:
        found = [set(one.problems) for one in examined]
        lapsed = any(wrong <= _LAPSED for wrong in found) and not any(wrong & _WITHDRAWN for wrong in found)
        alerts.append("A03" if lapsed else "A01")
    if scan.live_elsewhere:
        alerts.append("A09")
    return tuple(alerts)


def _permit(scan: Scan, best: Certificate, checks: tuple[Check, ...], rules: Rules) -> Permit:
    longest_s = min(_longest_s(scan.machine, rules), _seconds_left(scan, best, rules))
    return Permit(
        checks=checks,
        rules_version=rules.version,
        certificate=best.id,
        presence=scan.machine.presence,
        longest_s=longest_s,
        expires_at=scan.now + timedelta(seconds=longest_s),
        click_before=scan.now + timedelta(seconds=rules.click_within_s[scan.machine.presence]),
    )


def _longest_s(machine: Machine, rules: Rules) -> int:
    """The machine's own limit, else its division's, else the rules'."""
    return machine.longest_s or machine.division_longest_s or rules.longest_s


def _seconds_left(scan: Scan, certificate: Certificate, rules: Rules) -> int:
    """Until the end of the certificate's last day; at least 1, as that day is today or later."""
    days = (last_day(certificate, rules.certificates) - scan.today).days
    # min: a certificate without an end would overflow, and ten years are longer than any session.
    end = scan.tomorrow + timedelta(days=min(days, 3650))
    return max(1, int((end - scan.now).total_seconds()))
