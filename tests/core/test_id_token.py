"""What an ID token must say; a claim that is missing does not fit."""

from datetime import UTC, datetime
from typing import Any

import pytest

from weld.core.id_token import Expected, fault, subject_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
EXPECTED = Expected("https://sso.example", "weldgate", "n-1")
GOOD: dict[str, Any] = {
    "iss": "https://sso.example",
    "aud": "weldgate",
    "sub": "person-1",
    "nonce": "n-1",
    "iat": AT,
    "exp": AT + 300,
}


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["weldgate"]},
        {"aud": ["weldgate", "other"], "azp": "weldgate"},
        {"exp": AT - 29},
        {"iat": AT + 29},
        {"iat": AT - 600},
        {"sub": "x" * 255},
        {"name": "anything else"},
    ],
)
def test_what_is_said_to_us_now_fits(claims: dict[str, Any]) -> None:
    assert fault(GOOD | claims, EXPECTED, NOW) is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"iss": "https://sso.example/"}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {"weldgate": 1}}, "audience"),
        ({"aud": ["weldgate", "other"]}, "party"),
        ({"azp": "other"}, "party"),
        ({"exp": AT - 30}, "expired"),
        ({"exp": str(AT + 300)}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": float("nan")}, "expired"),
        ({"exp": float("inf")}, "expired"),
        ({"iat": AT + 31}, "issued"),
        ({"iat": AT - 601}, "issued"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 1}, "subject"),
        ({"sub": "x" * 256}, "subject"),
    ],
)
def test_whatever_does_not_fit_is_named(claims: dict[str, Any], name: str) -> None:
    assert fault(GOOD | claims, EXPECTED, NOW) == name


@pytest.mark.parametrize("name", GOOD)
def test_a_claim_that_is_missing_does_not_fit(name: str) -> None:
    assert fault({other: value for other, value in GOOD.items() if other != name}, EXPECTED, NOW) is not None


def test_who_it_is_about() -> None:
    assert (subject_of(GOOD), subject_of({})) == ("person-1", None)
