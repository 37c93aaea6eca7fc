"""How a worker stands today: the best that the certificates allow, and until when.

The rules are those of certificate.py, handed in. Refuses to judge a person: a suspension and an age are other questions.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, NamedTuple

from weld.core.certificate import USABLE, Certificate, CertificateRules, Status, last_day, status

Standing = Literal["usable", "expiring", "expired", "unusable", "none"]

# As long as it takes to book a re-examination and to pass it.
EXPIRING = timedelta(days=60)

_LAPSED: frozenset[Status] = frozenset({"expired", "review_overdue"})
_BEST_FIRST: tuple[Standing, ...] = ("usable", "expiring", "expired", "unusable")


class Stands(NamedTuple):
    """A standing, and the last day of the certificate that carries it; None without certificates."""

    standing: Standing
    last_day: date | None


def stands(held: Iterable[Certificate], day: date, rules: CertificateRules) -> Stands:
    """The best standing of these certificates; of equals the one that lasts longest."""
    each = [(standing(one, day, rules), last_day(one, rules)) for one in held]
    if not each:
        return Stands("none", None)
    best = min(each, key=lambda one: (_BEST_FIRST.index(one[0]), -one[1].toordinal()))
    return Stands(*best)


def standing(one: Certificate, day: date, rules: CertificateRules) -> Standing:
    """How a single certificate stands."""
    known = status(one, day, rules)
    if known in USABLE:
        return "expiring" if last_day(one, rules) - day <= EXPIRING else "usable"
    return "expired" if known in _LAPSED else "unusable"
