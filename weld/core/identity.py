"""Numbers that name people and companies: identity numbers (GB 11643), credit codes (GB 32100, with the organisation code of
GB 11714 inside), certificates, phones.

Says what is wrong and which character it is. Refuses to say whether a number was ever issued: only the register knows.
"""

import unicodedata
from collections.abc import Container
from datetime import date

from weld.core.certificate import Kind
from weld.core.division import PROVINCES
from weld.core.fault import Fault, shape_fault

_DIGITS = "0123456789"
_IDENTITY_SHAPE = (_DIGITS,) * 17 + (_DIGITS + "X",)
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
# Provinces, and 81-83 for residents of Hong Kong, Macau and Taiwan. 9 opens a foreigner's permanent residence.
_PROVINCES_AND_MORE = PROVINCES | {"83"} | {str(number) for number in range(90, 100)}

_CHECK_18 = Fault(
    "check",
    "character 18, the check, does not fit the other 17: one of them is wrong",
    18,
    "位置 18 的校验码与前 17 位不符：其中有一位错",
)

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I O S V Z, which look like digits
_CREDIT_SHAPE = (_CREDIT_ALPHABET,) * 2 + (_DIGITS,) * 6 + (_CREDIT_ALPHABET,) * 10
_CREDIT_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0123456789X"


def normal(text: str) -> str:
    """How a number is compared and stored: full-width forms folded, capitals, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def identity_fault(number: str, today: date) -> Fault | None:
    """Why this is no identity number (already `normal`), or None."""
    wrong = shape_fault(number, _IDENTITY_SHAPE)
    if wrong is not None:
        return wrong
    if number[:2] not in _PROVINCES_AND_MORE:
        return Fault("division", "characters 1 and 2 are no province", 1, "位置 1–2 不是省级代码")
    wrong = _birth_fault(number, today)
    if wrong is None and number[17] != identity_check(number[:17]):
        return _CHECK_18
    return wrong


def identity_warning(number: str, divisions: Container[str]) -> Fault | None:
    """What is odd in a sound identity number: its first six digits were never a county. `divisions` holds abolished codes too.

    Foreigners with permanent residence (9...) carry other digits there.
    """
    return None if number.startswith("9") else _division_warning(number, 1, divisions)


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
    if wrong is not None:
        return wrong
    whole, organisation = code[17] == credit_check(code[:17]), code[16] == organisation_check(code[8:16])
    if whole and organisation:
        return None
    if whole:
        text = "character 17, the check of the organisation code, does not fit characters 9 to 16"
        return Fault("organisation", text, 17, "位置 17 是组织机构代码的校验码，与位置 9–16 不符")
    if organisation:
        return _CHECK_18
    text = "characters 17 and 18, the two checks, do not fit: one of the characters 9 to 17 is wrong"
    return Fault("check", text, 17, "位置 17、18 两个校验码都不符：位置 9–17 中有一位错")


def credit_warning(code: str, divisions: Container[str]) -> Fault | None:
    """What is odd in a sound credit code: characters 3 to 8 were never a division. The national registry writes 100000."""
    return None if code[2:8] == "100000" else _division_warning(code, 3, divisions)


def organisation_check(first_8: str) -> str:
    """GB 11714: the check character of the first 8 of an organisation code, which a credit code holds in places 9 to 17."""
    total = sum(int(sign, 36) * weight for sign, weight in zip(first_8, _ORGANISATION_WEIGHTS, strict=True))
    return _ORGANISATION_CHECKS[-total % 11]


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
        return Fault("length", "a certificate number has 4 to 40 characters", zh="证号应有 4 到 40 位")
    if kind != "operation":
        return None
    if not number.startswith("T") or len(number) != 19:
        text = "an operation certificate's number is T and the 18 characters of the identity number"
        return Fault("shape", text, 1, "特种作业操作证的证号是 T 加 18 位身份证号")
    for position, (found, wanted) in enumerate(zip(number[1:], identity, strict=True), start=2):
        if found != wanted:
            text = f"character {position} differs from the holder's identity number"
            return Fault("holder", text, position, f"位置 {position} 与持证人的身份证号不同")
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


def _birth_fault(number: str, today: date) -> Fault | None:
    year, month, born = int(number[6:10]), int(number[10:12]), birth_date(number)
    if not 1900 <= year <= today.year:
        return Fault("birth_date", "characters 7 to 10 are no year of birth", 7, "位置 7–10 不是出生年份")
    if not 1 <= month <= 12:
        return Fault("birth_date", "characters 11 and 12 are no month", 11, "位置 11–12 不是月份")
    if born is None:
        return Fault("birth_date", "characters 13 and 14 are no day of that month", 13, "位置 13–14 不是那个月的日子")
    if born > today:
        text = "the date of birth, characters 7 to 14, is still to come"
        return Fault("birth_date", text, 7, "位置 7–14 的出生日期还没到")
    return None


def _division_warning(text: str, first: int, divisions: Container[str]) -> Fault | None:
    """Six digits from the place `first` on that were never a division."""
    if text[first - 1 : first + 5] in divisions:
        return None
    last = first + 5
    text = f"characters {first} to {last} are no division that ever was"
    return Fault("division_unknown", text, first, f"位置 {first}–{last} 不是有过的区划代码")
