"""What a machine looks like: offline is no alarm, tampering outlasts everything, the store's words mean what the rule says."""

from itertools import product
from typing import Any, get_args

import pytest

from schemas import chip, desk
from weld.core import look as looks
from weld.core.look import CODES, LOOKS, REPORTED, Look, look

Words = dict[str, Any]
IDLE: Words = {"online": True, "reported": "locked", "blocked": False, "codes": ()}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, "locked"),
        ({"reported": None}, "locked"),
        *(({"reported": state}, state) for state in get_args(chip.State) if state != "blocked"),
        ({"reported": "blocked"}, "locked"),  # an order locked it; the next licensed scan opens it
        ({"online": False}, "unplugged"),
        ({"online": False, "reported": None}, "unplugged"),
        ({"online": False, "reported": "arcing"}, "unplugged"),
        ({"online": False, "reported": "faulted"}, "unplugged"),
        ({"online": False, "codes": ("D06",)}, "silent"),
        ({"online": False, "codes": ("D06",), "blocked": True}, "silent"),
        ({"codes": ("D06",)}, "locked"),
        ({"blocked": True}, "blocked"),
        ({"blocked": True, "reported": "armed"}, "blocked"),
        ({"blocked": True, "online": False}, "blocked"),
        ({"reported": "blocked", "online": False}, "unplugged"),
        ({"blocked": True, "reported": "arcing"}, "arcing"),
        ({"blocked": True, "reported": "unlocked"}, "unlocked"),
        ({"blocked": True, "reported": "faulted"}, "faulted"),
        ({"codes": ("D01",)}, "tampered"),
        ({"codes": ("D05",), "online": False}, "tampered"),
        ({"codes": ("D01", "D06"), "online": False, "blocked": True}, "tampered"),
        ({"codes": ("D01",), "reported": "arcing"}, "tampered"),
        ({"reported": "tampered", "online": False}, "tampered"),
        ({"codes": ("E02", "B02", "A01")}, "locked"),
    ],
)
def test_the_look_of_a_machine(changed: Words, found: Look) -> None:
    assert look(**(IDLE | changed)) == found


def test_every_word_of_the_store_means_one_look_and_every_look_has_words() -> None:
    told = [word for one in LOOKS for word in looks.words(one)]
    assert len(told) == len(set(told)) == 2 * 9 * 2 * 8
    assert all(looks.words(one) for one in LOOKS)


def test_a_word_of_the_store_is_read_as_what_it_says() -> None:
    for online, reported, blocked, codes in product(
        (True, False), REPORTED, (True, False), ((), ("D01",), ("D05", "D06"))
    ):
        word = f"{'on' if online else 'off'} {reported or '-'} {'blocked' if blocked else '-'} {','.join(codes) or '-'}"
        assert looks.of(word) == look(online=online, reported=reported, blocked=blocked, codes=codes), word


def test_the_looks_and_the_states_are_those_of_the_wire() -> None:
    assert get_args(desk.Look) == LOOKS
    assert set(REPORTED) - {None} == set(get_args(chip.State))
    assert CODES == ("D01", "D05", "D06")
