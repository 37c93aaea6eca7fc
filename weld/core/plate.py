"""The code on a machine's plate: 6 digits of the division it was made for, a type letter, 9 digits, a check character.

The check is ISO 7064 MOD 37,36 over digits and letters. It finds every single changed character. Of two neighbours
changed round it misses exactly one pair of symbols in each of its 36 inner states, always symbols that stand next to one
another in the alphabet (digits: 1 in 180 such slips); a letter never changes places unseen, as its place is fixed.
The division digits are history: a machine that moves keeps its plate. Refuses to know which plates exist.

A printed plate carries the address of its page, and in it a mark: a few characters that only this installation can make of the
plate's number. It tells a plate that we printed from one that somebody made up; it is no secret and grants nothing.
"""

from weld.core.fault import Fault, shape_fault
from weld.core.ids import Plate

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET = DIGITS + LETTERS
# Crockford's base 32: no I L O U, which hands and eyes take for others.
_MARK_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MARK_CHARACTERS = 8
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


def fault(code: str) -> Fault | None:
    """Why this is no plate, or None where it is one."""
    wrong = shape_fault(code, _SHAPE)
    if wrong is None and not check(code):
        text = "character 17, the check, does not fit the other 16: one of them is wrong"
        return Fault("check", text, 17, "位置 17 的校验码与前 16 位不符：其中有一位错")
    return wrong


def check(text: str) -> bool:
    """True for a plate whose check character fits."""
    return shape_fault(text, _SHAPE) is None and check_character(text[:-1]) == text[-1]


def mark(keyed_hash: bytes) -> str:
    """The first 40 bits of a keyed hash of the plate, in 8 characters."""
    bits = int.from_bytes(keyed_hash[:5], "big")
    places = range(5 * (_MARK_CHARACTERS - 1), -1, -5)
    return "".join(_MARK_ALPHABET[bits >> place & 31] for place in places)


def url(public_url: str, plate: str, its_mark: str) -> str:
    """The address on a plate: what a phone opens that scans it."""
    return f"{public_url}/m/{plate}?k={its_mark}"


def groups(plate: str) -> tuple[str, str, str, str]:
    """How people read it: division, type, the serial's first digits, and the last four (the tail number, 尾号)."""
    return plate[:6], plate[6:7], plate[7:13], plate[13:]


def _state(body: str) -> int:
    state = 36
    for character in body:
        state = ((state + ALPHABET.index(character)) % 36 or 36) * 2 % 37
    return state
