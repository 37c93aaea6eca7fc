"""Who gets which fact."""

from uuid import UUID

import pytest

from weld.core.routing import Endpoint, Fact, State, recipients


def an_endpoint(path: str, codes: set[str] | None = None, state: State = "active") -> Endpoint:
    return Endpoint(UUID(int=1), path, None if codes is None else frozenset(codes), state)


def gets(endpoint: Endpoint, code: str | None = "D01", path: str | None = "41/4105/410502") -> bool:
    return recipients(Fact(code, path), [endpoint]) == [endpoint.id]


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("41/4105/410502", True),
        ("41/4105", True),
        ("41", True),
        ("41/4105/410502/410502001", False),
        ("41/4105/410503", False),
        ("41/4105/41050", False),
        ("4", False),
        ("42", False),
    ],
)
def test_a_fact_goes_to_its_division_and_all_above(path: str, verdict: bool) -> None:
    assert gets(an_endpoint(path)) is verdict


def test_only_the_chosen_codes_are_sent() -> None:
    assert gets(an_endpoint("41", {"D01", "E02"}))
    assert not gets(an_endpoint("41", {"E02"}))
    assert not gets(an_endpoint("41", {"E02"}), code=None)


def test_a_paused_endpoint_queues_and_a_disabled_one_gets_nothing() -> None:
    assert gets(an_endpoint("41", state="paused"))
    assert not gets(an_endpoint("41", state="disabled"))


def test_a_fact_without_a_place_goes_to_the_top() -> None:
    assert gets(an_endpoint("41"), path=None)
    assert not gets(an_endpoint("41/4105"), path=None)
