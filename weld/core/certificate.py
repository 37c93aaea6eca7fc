"""Welding certificates of the three kinds: how one stands on a day, and what keeps it from allowing a kind of work.

The numbers (years, windows, items by process, which kind allows which work) are dated rules that are handed in: the law
moves. Refuses to ask anybody: what the register said, and when, is in the certificate.

The kinds (domain.md 4.2): (a) operation 特种作业操作证, emergency management; (b) construction 建筑施工特种作业操作资格证,
housing ministry, "building and municipal works only"; (c) equipment 特种设备作业人员证, market supervision. The notice of
2025-04-17 accepts (a) or (b) for welding that is not special equipment and requires (c) for special equipment. As (b) ends
at the fence of the building site by its own rule, we read: ordinary (a), building sites (a) or (b), special equipment (c).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from weld.core.months import months_later
from weld.core.reasons import ReasonCode

Kind = Literal["operation", "construction", "equipment"]
Work = Literal["ordinary", "building", "special_equipment"]
# How a machine joins or parts: by fusion (arc, cutting by arc or plasma), under pressure (resistance), with a solder (brazing).
Process = Literal["arc", "cutting", "resistance", "brazing"]
# What a rule does with a finding that is no certainty: nothing, say it, or say no.
Then = Literal["ignore", "warn", "refuse"]
Registered = Literal["unverified", "verified", "revoked", "cancelled", "suspended", "suspected_fake"]
Status = Literal[
    "valid",
    "review_due",
    "not_yet_valid",
    "review_overdue",
    "expired",
    "unverified",
    "revoked",
    "cancelled",
    "suspended",
    "suspected_fake",
]

USABLE: frozenset[Status] = frozenset({"valid", "review_due"})

_WHY_NOT: Mapping[Status, ReasonCode] = {
    "not_yet_valid": "certificate_not_yet_valid",
    "review_overdue": "review_overdue",
    "expired": "certificate_expired",
    "unverified": "certificate_unverified",
    "revoked": "certificate_revoked",
    "cancelled": "certificate_cancelled",
    "suspended": "certificate_suspended",
    "suspected_fake": "certificate_suspected_fake",
}


@dataclass(frozen=True, slots=True)
class KindRules:
    """What the law asks of one kind. No categories or no items allow any; a process without items allows none; None of years
    sets no limit. `clean_review_years` are the years of who has a clean record of ten."""

    categories: frozenset[str]
    items: Mapping[Process, frozenset[str]]
    valid_years: int | None
    review_years: int | None
    clean_review_years: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How old the register's answer may be, and what follows when it is older."""

    stale_after_days: int
    then: Then


@dataclass(frozen=True, slots=True)
class CertificateRules:
    """The rules of all kinds in force on a day."""

    kinds: Mapping[Kind, KindRules]
    allows: Mapping[Work, frozenset[Kind]]
    review_window_days: int
    unknown_process: Process
    verification: Verification


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate as the register holds it. `clean_record`: ten years without a fault, and the issuer agreed to the longer
    term. `checked_on` is the day of the register's last answer; None where nobody noted it."""

    id: UUID
    kind: Kind
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    registered: Registered
    clean_record: bool = False
    checked_on: date | None = None


def work_here(machine: Work, place: Work | None) -> Work:
    """The kind of work of this machine where it stands: special equipment stays that everywhere, else the place decides."""
    if place is None or machine == "special_equipment":
        return machine
    return place


def status(certificate: Certificate, day: date, rules: CertificateRules) -> Status:
    """How the certificate stands on this day: what the register says of it first, then its dates."""
    if certificate.registered != "verified":
        return certificate.registered
    return status_by_date(certificate, day, rules)


def status_by_date(certificate: Certificate, day: date, rules: CertificateRules) -> Status:
    """How it stands by its dates alone. The last day itself is still good (A03: date < today)."""
    if day < certificate.valid_from:
        return "not_yet_valid"
    if day > _expires(certificate, rules):
        return "expired"
    if day > last_day(certificate, rules):
        return "review_overdue"
    window = timedelta(days=rules.review_window_days)
    return "review_due" if last_day(certificate, rules) - day <= window else "valid"


def last_day(certificate: Certificate, rules: CertificateRules) -> date:
    """The last day on which it can be used as it is now: its end or the day its re-examination is due."""
    return min(_expires(certificate, rules), _review_due(certificate, rules))


def problems(
    certificate: Certificate, work: Work, day: date, rules: CertificateRules, process: Process | None = None
) -> tuple[ReasonCode, ...]:
    """Everything that keeps this certificate from allowing this work on this day; empty where it does."""
    found: list[ReasonCode] = []
    if certificate.registered != "verified":
        found.append(_WHY_NOT[certificate.registered])
    by_date = status_by_date(certificate, day, rules)
    if by_date not in USABLE:
        found.append(_WHY_NOT[by_date])
    if rules.verification.then == "refuse" and is_stale(certificate, day, rules):
        found.append("verification_stale")
    if certificate.kind not in rules.allows[work]:
        found.append("wrong_domain")
    if not _right_item(certificate, rules.kinds[certificate.kind], process or rules.unknown_process):
        found.append("wrong_item")
    return tuple(found)


def is_stale(certificate: Certificate, day: date, rules: CertificateRules) -> bool:
    """The register's yes is older than it may be. A no stays a no, and an unknown day is no finding."""
    if certificate.registered != "verified" or certificate.checked_on is None:
        return False
    return (day - certificate.checked_on).days > rules.verification.stale_after_days


def _expires(certificate: Certificate, rules: CertificateRules) -> date:
    years = rules.kinds[certificate.kind].valid_years
    return min(certificate.valid_to, _years_later(certificate.valid_from, years))


def _review_due(certificate: Certificate, rules: CertificateRules) -> date:
    """As registered; where the register gives no date, the first one that the law sets. A clean record moves it out."""
    kind = rules.kinds[certificate.kind]
    due = certificate.review_due or _years_later(certificate.valid_from, kind.review_years)
    if certificate.clean_record and kind.clean_review_years is not None:
        return max(due, _years_later(certificate.valid_from, kind.clean_review_years))
    return due


def _right_item(certificate: Certificate, rules: KindRules, process: Process) -> bool:
    category_fits = not rules.categories or certificate.category in rules.categories
    return category_fits and (not rules.items or certificate.item in rules.items.get(process, frozenset()))


def _years_later(day: date, years: int | None) -> date:
    return date.max if years is None else months_later(day, years * 12)
