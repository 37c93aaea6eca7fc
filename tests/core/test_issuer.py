"""What a register's answer means, when it may stand in for another, and when a round of them is not to be believed."""

from datetime import UTC, datetime, timedelta

import pytest

from weld.core.certificate import Registered
from weld.core.issuer import Answer, Said, is_plausible, read, settled, usable

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize("said", ["valid", "revoked", "cancelled", "suspended"])
def test_an_answer_of_the_agreed_shape_is_read(said: str) -> None:
    assert read({"found": True, "status": said, "url": "http://wg.example/qr"}, AT) == Answer(said, AT)  # type: ignore[arg-type]
    assert read({"found": False}, AT) == Answer(None, AT)


@pytest.mark.parametrize(
    "body",
    [
        *(
            None,
            [],
            "valid",
            5,
            {},
            {"found": True},
            {"found": True, "status": "good"},
            {"found": 1, "status": "valid"},
        ),
        *({"found": 0}, {"found": None}, {"status": "valid"}, {"found": True, "status": ["valid"]}),
    ],
)
def test_anything_else_is_no_answer(body: object) -> None:
    assert read(body, AT) is None


@pytest.mark.parametrize(
    ("state", "said", "after"),
    [
        ("unverified", "valid", "verified"),
        ("verified", "valid", "verified"),
        ("suspended", "valid", "suspended"),  # a person withdrew it: a person restores it
        ("suspected_fake", "valid", "suspected_fake"),
        ("revoked", "valid", "revoked"),
        ("verified", "revoked", "revoked"),
        ("suspended", "cancelled", "cancelled"),
        ("verified", "suspended", "suspended"),
        ("suspected_fake", "suspended", "suspected_fake"),
        ("verified", None, "suspected_fake"),
        ("unverified", None, "suspected_fake"),
        ("revoked", None, "revoked"),
    ],
)
def test_what_follows_from_an_answer(state: Registered, said: Said | None, after: Registered) -> None:
    assert settled(state, Answer(said, AT)) == after


def test_a_kept_answer_stands_in_for_a_day() -> None:
    assert usable(Answer("valid", AT), AT + DAY, DAY)
    assert not usable(Answer("valid", AT), AT + DAY + timedelta(seconds=1), DAY)
    assert not usable(Answer("valid", AT + DAY), AT, DAY)  # from the future: a clock was wrong
    assert not usable(None, AT, DAY)


def test_a_register_that_suddenly_knows_hardly_anybody_is_not_believed() -> None:
    held, not_held = Answer("valid", AT), Answer(None, AT)
    assert is_plausible([not_held])
    assert is_plausible([not_held] * 3)
    assert not is_plausible([not_held] * 4)
    assert is_plausible([held, held, not_held, not_held])
    assert not is_plausible([held, not_held, not_held, not_held])
    assert is_plausible([])
