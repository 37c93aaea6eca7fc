"""How a worker stands by the certificates: the best of them counts."""

from datetime import date
from uuid import uuid4

import pytest

from weld.core.certificate import Certificate, CertificateRules, KindRules, Registered, Verification
from weld.core.standing import stands

TODAY = date(2026, 7, 1)
RULES = CertificateRules(
    kinds={
        "operation": KindRules(frozenset(), {}, valid_years=6, review_years=3),
        "construction": KindRules(frozenset(), {}, valid_years=2, review_years=None),
        "equipment": KindRules(frozenset(), {}, valid_years=4, review_years=None),
    },
    allows={
        "ordinary": frozenset({"operation"}),
        "building": frozenset({"operation"}),
        "special_equipment": frozenset(),
    },
    review_window_days=60,
    unknown_process="arc",
    verification=Verification(stale_after_days=30, then="ignore"),
)


def paper(until: str, *, registered: Registered = "verified", since: str = "2025-01-01") -> Certificate:
    return Certificate(
        uuid4(), "operation", "c", "i", date.fromisoformat(since), date.fromisoformat(until), None, registered
    )


@pytest.mark.parametrize(
    ("held", "standing", "last_day"),
    [
        ([], "none", None),
        ([paper("2027-01-01")], "usable", "2027-01-01"),
        ([paper("2026-08-31")], "usable", "2026-08-31"),
        ([paper("2026-08-30")], "expiring", "2026-08-30"),
        ([paper("2026-07-01")], "expiring", "2026-07-01"),
        ([paper("2026-06-30")], "expired", "2026-06-30"),
        (
            [paper("2028-12-31", since="2023-01-01")],
            "expired",
            "2026-01-01",
        ),  # re-examination was due after three years
        ([paper("2027-01-01", registered="revoked")], "unusable", "2027-01-01"),
        ([paper("2027-01-01", since="2026-07-02")], "unusable", "2027-01-01"),
        ([paper("2026-06-30", registered="unverified")], "unusable", "2026-06-30"),
    ],
)
def test_one_certificate(held: list[Certificate], standing: str, last_day: str | None) -> None:
    found = stands(held, TODAY, RULES)
    assert (found.standing, found.last_day and found.last_day.isoformat()) == (standing, last_day)


def test_the_best_of_several_counts_and_of_equals_the_longest() -> None:
    revoked, lapsed = paper("2027-06-01", registered="revoked"), paper("2026-05-01")
    short, long, longer = paper("2026-07-15"), paper("2026-12-01"), paper("2027-02-01")
    for held, standing, last_day in (
        ([revoked, lapsed], "expired", date(2026, 5, 1)),
        ([revoked, lapsed, short], "expiring", date(2026, 7, 15)),
        ([short, long, lapsed, longer, revoked], "usable", date(2027, 2, 1)),
    ):
        assert stands(held, TODAY, RULES) == (standing, last_day)
