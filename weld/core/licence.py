"""The licence: may this person weld this kind of work here and on this day? One pure function, every reason at once.

Three callers ask it: an unlock (access.py adds the machine), the re-check while a session runs, and the rules that raise
alerts. A reason carries its legal basis and its way out (reasons.py). Refuses to look anything up, and to make a finding
of what is unknown: a day of last work, a date of birth or a register's answer that nobody noted is no reason against anybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from weld.core import certificate as papers
from weld.core.age import AgeRules, Group, age_problem
from weld.core.certificate import Certificate, CertificateRules, Process, Then, Work, last_day, problems
from weld.core.ids import Worker
from weld.core.months import months_later
from weld.core.reasons import REASONS, Reason, ReasonCode

# The set of domain.md 4.2. The last three are said of a certificate before a certain person or work.
Status = Literal[papers.Status, "off_post", "wrong_item", "wrong_domain"]
# What the catalogue of the trade calls a finding of papers (domain.md section 8).
PaperAlert = Literal["A01", "A02", "A03", "A04", "A05", "A06", "A08"]
Ending = Literal["goes_on", "after_arc", "at_once"]

_LAPSED: frozenset[ReasonCode] = frozenset({"certificate_expired", "review_overdue"})
_WITHDRAWN: frozenset[ReasonCode] = frozenset(
    {"certificate_revoked", "certificate_cancelled", "certificate_suspected_fake"}
)
_AFTER_THE_PAPERS: Mapping[ReasonCode, PaperAlert] = {
    "certificate_revoked": "A04",
    "certificate_cancelled": "A04",
    "certificate_suspected_fake": "A05",
    "wrong_item": "A06",
    "wrong_domain": "A06",
}
_OF_THE_PERSON: Mapping[ReasonCode, PaperAlert] = {"under_age": "A08", "over_age": "A08", "off_post": "A08"}

# How far a certificate is from being usable, the nearest first, with the word for one in that state.
_WEIGHT: Mapping[ReasonCode, Status] = {
    "verification_stale": "unverified",
    "review_overdue": "review_overdue",
    "certificate_expired": "expired",
    "certificate_not_yet_valid": "not_yet_valid",
    "certificate_unverified": "unverified",
    "certificate_suspended": "suspended",
    "wrong_item": "wrong_item",
    "wrong_domain": "wrong_domain",
    "certificate_cancelled": "cancelled",
    "certificate_revoked": "revoked",
    "certificate_suspected_fake": "suspected_fake",
}
_HEAVIEST = tuple(_WEIGHT)
_NO_PAPERS: tuple[ReasonCode, ...] = ("no_certificate",)


@dataclass(frozen=True, slots=True)
class OffPost:
    """After so many months without this work a practical test comes first."""

    months: int
    then: Then


@dataclass(frozen=True, slots=True)
class MidSession:
    """What a reason does to a session that runs; whatever is in neither set lets it go on."""

    grace_s: int
    after_arc: frozenset[ReasonCode]
    at_once: frozenset[ReasonCode]


@dataclass(frozen=True, slots=True)
class LicenceRules:
    """The dated rules of people and papers in force from `since` on; the version is stored with every decision."""

    version: int
    since: date
    certificates: CertificateRules
    age: AgeRules
    off_post: OffPost
    mid_session: MidSession
    remind_days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Who wants to weld. None where the register does not say. `last_work_on` is the later of the last session here and what
    was declared; `practical_test_on` the last one passed."""

    id: Worker
    birth: date | None
    suspended: bool
    group: Group | None = None
    last_work_on: date | None = None
    practical_test_on: date | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question: this person with these papers, this work by this process, on this day of the division."""

    person: Person
    certificates: Sequence[Certificate]
    work: Work
    today: date
    process: Process | None = None


class Examined(NamedTuple):
    """One certificate, and everything that keeps it from this work; empty where it does."""

    certificate: Certificate
    problems: tuple[ReasonCode, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `examined` has the certificate to go by first; `person` what stands against the person, whatever the papers."""

    examined: tuple[Examined, ...]
    person: tuple[ReasonCode, ...]
    warnings: tuple[ReasonCode, ...]
    status: Status | None
    days_left: int | None

    @property
    def papers(self) -> tuple[ReasonCode, ...]:
        """What is wrong with the certificate to go by; empty where one allows the work."""
        return self.examined[0].problems if self.examined else _NO_PAPERS

    @property
    def reasons(self) -> tuple[ReasonCode, ...]:
        """All of them, of every certificate where none does; the papers' first, as they take longest to put right."""
        of_papers = self.papers and [problem for one in self.examined for problem in one.problems]
        return tuple(dict.fromkeys((*(of_papers or self.papers), *self.person)))

    @property
    def explained(self) -> tuple[Reason, ...]:
        """The reasons with their texts, ways out and legal basis."""
        return tuple(REASONS[code] for code in self.reasons)


@dataclass(frozen=True, slots=True)
class Recheck:
    """What becomes of a session that runs. `grace_s`: how long an arc may still burn before the contact opens."""

    ending: Ending
    grace_s: int
    verdict: Verdict


def judge(asked: Question, rules: LicenceRules) -> Verdict:
    """May this person weld this, on this day? Yes where the verdict has no reasons."""
    examined = tuple(_examined(asked, rules.certificates))
    person = tuple(_against_the_person(asked, rules))
    days_left = (last_day(examined[0].certificate, rules.certificates) - asked.today).days if examined else None
    return Verdict(
        examined, person, tuple(_warnings(asked, examined, rules)), _status(asked, examined, person, rules), days_left
    )


def recheck(asked: Question, rules: LicenceRules) -> Recheck:
    """The same question while a session runs. Any certificate that does carries it on; of a bad one only the nearest counts, or
    an old forged card would cut the arc of somebody whose card ran out at midnight."""
    verdict, policy = judge(asked, rules), rules.mid_session
    decisive = {*verdict.papers, *verdict.person}
    if decisive & policy.at_once:
        return Recheck("at_once", 0, verdict)
    if decisive & policy.after_arc:
        return Recheck("after_arc", policy.grace_s, verdict)
    return Recheck("goes_on", 0, verdict)


def alerts(verdict: Verdict, rules: LicenceRules) -> tuple[PaperAlert, ...]:
    """What the catalogue calls it: A01 without a usable certificate or A03 where one only lapsed, with A04 to A06 for what else
    is wrong with the papers; A08 age and long absence; A02 a licence that soon ends."""
    found: list[PaperAlert] = []
    if verdict.papers:
        wrong = [set(one.problems) for one in verdict.examined]
        lapsed = any(one <= _LAPSED for one in wrong) and not any(one & _WITHDRAWN for one in wrong)
        found.append("A03" if lapsed else "A01")
        found += [_AFTER_THE_PAPERS[reason] for reason in verdict.reasons if reason in _AFTER_THE_PAPERS]
    elif reminder(verdict, rules) is not None:
        found.append("A02")
    said = (*verdict.person, *verdict.warnings)
    found += [_OF_THE_PERSON[reason] for reason in said if reason in _OF_THE_PERSON]
    return tuple(dict.fromkeys(found))


def reminder(verdict: Verdict, rules: LicenceRules) -> int | None:
    """Which of the reminders before the last day a usable licence has reached: the smallest number of days that still covers
    what is left; None while there is time, and where nothing is usable."""
    left = verdict.days_left
    if left is None or verdict.papers:
        return None
    return min((days for days in rules.remind_days if left <= days), default=None)


def _examined(asked: Question, rules: CertificateRules) -> list[Examined]:
    """All certificates with what is wrong with each; the one to go by first."""
    found = [
        Examined(held, problems(held, asked.work, asked.today, rules, asked.process)) for held in asked.certificates
    ]

    def rank(one: Examined) -> tuple[int, int, int, UUID]:
        heaviest = max((_HEAVIEST.index(problem) for problem in one.problems), default=-1)
        return heaviest, len(one.problems), -last_day(one.certificate, rules).toordinal(), one.certificate.id

    return sorted(found, key=rank)


def _against_the_person(asked: Question, rules: LicenceRules) -> Iterator[ReasonCode]:
    if asked.person.suspended:
        yield "worker_suspended"
    age = age_problem(asked.person.birth, asked.today, rules.age, asked.person.group)
    if age is not None:
        yield age
    if rules.off_post.then == "refuse" and is_off_post(asked.person, asked.today, rules.off_post):
        yield "off_post"


def _warnings(asked: Question, examined: Sequence[Examined], rules: LicenceRules) -> Iterator[ReasonCode]:
    """What is said beside the answer: only where the rule says `warn`, and of papers only those that one goes by."""
    stale = examined and papers.is_stale(examined[0].certificate, asked.today, rules.certificates)
    if stale and rules.certificates.verification.then == "warn":
        yield "verification_stale"
    if rules.off_post.then == "warn" and is_off_post(asked.person, asked.today, rules.off_post):
        yield "off_post"


def is_off_post(person: Person, day: date, rules: OffPost) -> bool:
    """Away from the work for that long, with no practical test since. The months begin with the day after the last work and end
    with a whole day (Civil Code, Articles 201 and 203): who worked on 10 June may still start on 10 December, not on the 11th."""
    known = [at for at in (person.last_work_on, person.practical_test_on) if at is not None]
    return bool(known) and day > months_later(max(known), rules.months)


def _status(
    asked: Question, examined: Sequence[Examined], person: Sequence[ReasonCode], rules: LicenceRules
) -> Status | None:
    """One word for the licence; None without papers. What is wrong with the certificate is said before an absence."""
    if not examined:
        return None
    best = examined[0]
    if best.problems:
        return _WEIGHT[max(best.problems, key=_HEAVIEST.index)]
    return "off_post" if "off_post" in person else papers.status(best.certificate, asked.today, rules.certificates)
