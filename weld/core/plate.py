"""The code on a machine's plate: 6 digits of the division it was made for, a type letter, 9 digits, a check character.

The check is ISO 7064 MOD 37,36 over digits and letters. It finds every single changed character. Of two neighbours
changed round it misses exactly one pair of symbols in each of its 36 inner states, always symbols that stand next to one
another in the alphabet (digits: 1 in 180 such slips); a letter never changes places unseen, as its place is fixed.
The division digits are history: a machine that moves keeps its plate. Refuses to know which plates exist.
"""

from weld.core.fault import Fault, shape_fault
from weld.core.ids import Plate

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET = DIGITS + LETTERS
_SHAPE = (DIGITS,) * 6 + (LETTERS,) + (DIGITS,) * 9 + (ALPHABET,)


def make(division: str, kind: str, serial: int) -> Plate:
    """The plate of this serial number; ValueError where a part does not fit its place."""
    body = f"{division}{kind}{serial:09d}"
    fault = shape_fault(body, _SHAPE[:-1])
    if fault is not None:
        raise ValueError(f"no plate from division {division!r}, type {kind!r}, serial {serial}: {fault.text}")
    return Plate(body + check_character(body))


def check_character(body: str) -> str:
    """ISO 7064 MOD 37,36: the character that makes the whole string valid."""
    return ALPHABET[(1 - _state(body)) % 36]


def fault(text: str) -> Fault | None:
    """Why this is no plate, or None where it is one."""
    wrong = shape_fault(text, _SHAPE)
    if wrong is None and not check(text):
        return Fault("check", "character 17, the check, does not fit the other 16: one of them is wrong", 17)
    return wrong


def check(text: str) -> bool:
    """True for a plate whose check character fits."""
    return shape_fault(text, _SHAPE) is None and check_character(text[:-1]) == text[-1]


def _state(body: str) -> int:
    state = 36
    for character in body:
        state = ((state + ALPHABET.index(character)) % 36 or 36) * 2 % 37
    return state
