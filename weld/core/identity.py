"""Numbers that name people and companies: identity numbers (GB 11643), credit codes (GB 32100), certificates, phones.

Says what is wrong and which character it is. Refuses to say whether a number was ever issued: only the register knows.
"""

import unicodedata
from datetime import date

from weld.core.certificate import Kind
from weld.core.fault import Fault, shape_fault

_DIGITS = "0123456789"
_IDENTITY_SHAPE = (_DIGITS,) * 17 + (_DIGITS + "X",)
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
# GB/T 2260: provinces, and 81-83 for residents of Hong Kong, Macau and Taiwan. 9 opens a foreigner's permanent residence.
_PROVINCES = frozenset((*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66)))
_PROVINCES_AND_MORE = _PROVINCES | {71, 81, 82, 83} | frozenset(range(90, 100))

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I O S V Z, which look like digits
_CREDIT_SHAPE = (_CREDIT_ALPHABET,) * 2 + (_DIGITS,) * 6 + (_CREDIT_ALPHABET,) * 10
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


def normal(text: str) -> str:
    """How a number is compared and stored: full-width forms folded, capitals, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def identity_fault(number: str, today: date) -> Fault | None:
    """Why this is no identity number (already `normal`), or None."""
    wrong = shape_fault(number, _IDENTITY_SHAPE)
    if wrong is not None:
        return wrong
    if int(number[:2]) not in _PROVINCES_AND_MORE:
        return Fault("division", "characters 1 and 2 are no province", 1)
    born = birth_date(number)
    if born is None or not date(1900, 1, 1) <= born <= today:
        return Fault("birth_date", "characters 7 to 14 are no date of birth", 7)
    if number[17] != identity_check(number[:17]):
        return Fault("check", "character 18, the check, does not fit the other 17: one of them is wrong", 18)
    return None


def identity_check(first_17: str) -> str:
    """GB 11643 (ISO 7064 MOD 11-2): the check character of the first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _IDENTITY_WEIGHTS, strict=True))
    return _IDENTITY_CHECKS[total % 11]


def birth_date(number: str) -> date | None:
    """The date of birth in an identity number; None where these digits are no date."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def credit_fault(code: str) -> Fault | None:
    """Why this is no unified social credit code (already `normal`), or None."""
    wrong = shape_fault(code, _CREDIT_SHAPE)
    if wrong is None and code[17] != credit_check(code[:17]):
        return Fault("check", "character 18, the check, does not fit the other 17: one of them is wrong", 18)
    return wrong


def credit_check(first_17: str) -> str:
    """GB 32100: the check character of the first 17."""
    values = (_CREDIT_ALPHABET.index(character) for character in first_17)
    total = sum(value * weight for value, weight in zip(values, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def certificate_fault(kind: Kind, number: str, identity: str) -> Fault | None:
    """Why this cannot be the number of this person's certificate, or None.

    Only the operation certificate of the emergency management has a rule: T and the holder's identity number.
    """
    if not 4 <= len(number) <= 40:
        return Fault("length", "a certificate number has 4 to 40 characters")
    if kind != "operation":
        return None
    if not number.startswith("T") or len(number) != 19:
        return Fault("shape", "an operation certificate's number is T and the 18 characters of the identity number", 1)
    for position, (found, wanted) in enumerate(zip(number[1:], identity, strict=True), start=2):
        if found != wanted:
            return Fault("holder", f"character {position} differs from the holder's identity number", position)
    return None


def normal_phone(text: str) -> str:
    """A mobile number as it is stored: 11 digits, without +86, spaces and hyphens."""
    digits = normal(text).replace("-", "")
    for prefix in ("+86", "0086"):
        digits = digits.removeprefix(prefix)
    return digits


def phone_fault(phone: str) -> Fault | None:
    """Why this is no mobile number of the mainland (already `normal_phone`), or None."""
    return shape_fault(phone, ("1", "3456789", *(_DIGITS,) * 9))
