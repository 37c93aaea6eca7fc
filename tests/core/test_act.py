"""What may be done with a certificate in which state, and what an undo goes back to; how soon one ends."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import get_args

import pytest

from tests.core.certificates import OPERATION, RULES, TODAY
from weld.core.act import Act, entered, leads_to
from weld.core.certificate import Registered, last_day
from weld.core.expiry import bucket

CERTIFICATES = RULES.certificates


@pytest.mark.parametrize(
    ("act", "state", "before", "after"),
    [
        ("verify", "unverified", None, "verified"),
        ("verify", "suspected_fake", None, "verified"),
        ("suspend", "verified", None, "suspended"),
        ("revoke", "suspended", "verified", "revoked"),
        ("cancel", "verified", None, "cancelled"),
        ("suspect", "verified", None, "suspected_fake"),
        ("restore", "revoked", "suspended", "suspended"),
        ("restore", "suspended", "verified", "verified"),
        ("restore", "revoked", None, "unverified"),  # entered as revoked: nobody has looked at it here
        ("verify", "revoked", "verified", None),
        ("verify", "cancelled", None, None),
        ("verify", "suspended", None, None),
        ("suspend", "suspended", None, None),
        ("suspend", "revoked", None, None),
        ("restore", "verified", "unverified", None),
    ],
)
def test_where_an_act_leads(act: Act, state: Registered, before: Registered | None, after: Registered | None) -> None:
    assert leads_to(act, state, before) == after


def test_what_was_withdrawn_becomes_good_by_restoring_it_only() -> None:
    acts: tuple[Act, ...] = get_args(Act)
    withdrawn: tuple[Registered, ...] = ("revoked", "cancelled", "suspended")
    good = {act for act, state in product(acts, withdrawn) if leads_to(act, state, "verified") == "verified"}
    assert good == {"restore"}


@pytest.mark.parametrize(
    ("left", "name"),
    [
        (0, "within_30"),
        (30, "within_30"),
        (31, "within_60"),
        (60, "within_60"),
        (61, "within_90"),
        (90, "within_90"),
        (91, "later"),
        (-1, "review_overdue"),
    ],
)
def test_the_bucket_of_a_certificate_goes_by_its_last_day(left: int, name: str) -> None:
    held = replace(OPERATION, review_due=TODAY + timedelta(days=left))
    assert last_day(held, CERTIFICATES) == TODAY + timedelta(days=left)
    assert bucket(held, TODAY, CERTIFICATES) == name


def test_what_is_over_is_expired_and_what_is_not_in_force_is_nothing_to_renew() -> None:
    assert bucket(OPERATION, date(2030, 5, 10), CERTIFICATES) == "expired"
    assert bucket(replace(OPERATION, registered="revoked"), date(2030, 5, 10), CERTIFICATES) == "not_in_force"
    assert bucket(replace(OPERATION, registered="unverified"), TODAY, CERTIFICATES) == "not_in_force"


@pytest.mark.parametrize(
    ("state", "claimed", "after"),
    [
        ("revoked", "verified", "revoked"),
        ("cancelled", "unverified", "cancelled"),
        ("suspended", "verified", "suspended"),
        ("suspected_fake", "verified", "suspected_fake"),
        ("suspended", "revoked", "revoked"),
        ("verified", "revoked", "revoked"),
        ("unverified", "verified", "verified"),
        ("verified", "unverified", "unverified"),
    ],
)
def test_what_was_withdrawn_does_not_become_good_by_entering_it_again(
    state: Registered, claimed: Registered, after: Registered
) -> None:
    assert entered(state, claimed) == after
