"""Identity numbers, credit codes, certificate numbers, phones and masks. The numbers are published samples or invented."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core import identity
from weld.core.mask import mask_identity, mask_name, mask_phone

TODAY = date(2026, 1, 1)
SAMPLE = "11010519491231002X"  # the standard's own sample

dates = st.dates(date(1900, 1, 1), TODAY)
numbers = st.builds(lambda born, order: with_check(f"410502{born:%Y%m%d}{order:03d}"), dates, st.integers(0, 999))
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
organisations = st.text(CREDIT, min_size=8, max_size=8)


def with_check(first_17: str) -> str:
    return first_17 + identity.identity_check(first_17)


def test_the_samples_of_the_standards_pass() -> None:
    assert identity.identity_fault(SAMPLE, TODAY) is None
    assert identity.birth_date(SAMPLE) == date(1949, 12, 31)
    assert identity.credit_fault("91350100M000100Y43") is None
    assert identity.credit_fault("9144030071526726XG") is None


@given(numbers, st.integers(0, 17), st.sampled_from("0123456789XxA１ "))
def test_every_single_changed_character_of_an_identity_number_is_found(number: str, place: int, other: str) -> None:
    changed = number[:place] + other + number[place + 1 :]
    assert (identity.identity_fault(changed, TODAY) is None) == (changed == number)


@given(numbers, st.integers(0, 17), st.characters())
def test_a_character_that_has_no_place_there_is_named(number: str, place: int, other: str) -> None:
    if other in ("0123456789X" if place == 17 else "0123456789"):
        return
    wrong = identity.identity_fault(number[:place] + other + number[place + 1 :], TODAY)
    assert wrong is not None
    assert (wrong.code, wrong.position) == ("character", place + 1)
    assert f"位置 {place + 1} " in wrong.words.zh


@given(numbers, st.integers(0, 16))
def test_two_neighbours_of_an_identity_number_that_changed_places_are_found(number: str, place: int) -> None:
    changed = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert (identity.identity_fault(changed, TODAY) is None) == (changed == number)


def credit(organisation: str, before: str = "91410500") -> str:
    first = before + organisation + identity.organisation_check(organisation)
    return first + identity.credit_check(first)


@given(organisations, st.integers(0, 17), st.sampled_from(CREDIT + "IOSVZ"))
def test_every_single_changed_character_of_a_credit_code_is_found(body: str, place: int, other: str) -> None:
    code = credit(body)
    changed = code[:place] + other + code[place + 1 :]
    assert (identity.credit_fault(changed) is None) == (changed == code)


@given(organisations, st.integers(8, 16), st.sampled_from(CREDIT))
def test_where_both_checks_of_a_credit_code_fail_the_slip_is_in_the_organisation_code(
    body: str, place: int, other: str
) -> None:
    code = credit(body)
    wrong = identity.credit_fault(code[:place] + other + code[place + 1 :])
    assert wrong is None or wrong.code == "check"
    assert wrong is None or wrong.position == 18 or "9 to 17" in wrong.text


@pytest.mark.parametrize(
    ("code", "fault", "position"),
    [
        ("91350100M000100Y4", "length", None),
        ("9135O100M000100Y43", "character", 5),  # letters that look like digits are no part of it
        ("91350100M000100Y44", "check", 18),
        ("92350100M000100Y43", "check", 18),
        ("91350100M000200Y43", "check", 17),  # both checks: between 9 and 17
        ("91350100M000100Y5" + identity.credit_check("91350100M000100Y5"), "organisation", 17),
    ],
)
def test_a_wrong_credit_code_says_which_character(code: str, fault: str, position: int | None) -> None:
    wrong = identity.credit_fault(code)
    assert wrong is not None
    assert (wrong.code, wrong.position) == (fault, position)
    assert position is None or f"位置 {position}" in wrong.words.zh
    assert code not in wrong.words.zh + wrong.words.en


@pytest.mark.parametrize(("first_8", "check"), [("M000100Y", "4"), ("71526726", "X"), ("00000000", "0")])
def test_an_organisation_code_has_a_check_of_its_own(first_8: str, check: str) -> None:
    assert identity.organisation_check(first_8) == check


def test_digits_that_were_never_a_division_are_a_warning_and_no_fault() -> None:
    divisions = {"110105", "410502", "410500"}
    odd = with_check("41059919900101001")
    assert identity.identity_fault(odd, TODAY) is None
    warning = identity.identity_warning(odd, divisions)
    assert warning is not None
    assert (warning.code, warning.position, warning.words.zh) == (
        "division_unknown",
        1,
        "位置 1–6 不是有过的区划代码",
    )
    assert identity.identity_warning(SAMPLE, divisions) is None
    assert identity.identity_warning(with_check("91115619860723401"), divisions) is None
    assert identity.credit_warning(credit("MA000000"), divisions) is None
    assert identity.credit_warning(credit("MA000000", "91100000"), divisions) is None
    strange = identity.credit_warning(credit("MA000000", "91419900"), divisions)
    assert strange is not None
    assert (strange.position, strange.text) == (3, "characters 3 to 8 are no division that ever was")


@pytest.mark.parametrize(
    ("number", "code", "position"),
    [
        ("", "length", None),
        (SAMPLE[:17], "length", None),
        ("1101051949123100X2", "character", 17),
        ("11010519491231002x", "character", 18),
        (with_check("00010519491231002"), "division", 1),
        (with_check("11010519490230002"), "birth_date", 13),  # 30 February
        (with_check("11010519491331002"), "birth_date", 11),
        (with_check("11010519490031002"), "birth_date", 11),
        (with_check("11010518991231002"), "birth_date", 7),
        (with_check("11010520270102002"), "birth_date", 7),
        (with_check("11010520260102002"), "birth_date", 7),  # tomorrow
        ("110105194912310020", "check", 18),
    ],
)
def test_a_wrong_identity_number_says_which_character(number: str, code: str, position: int | None) -> None:
    wrong = identity.identity_fault(number, TODAY)
    assert wrong is not None
    assert (wrong.code, wrong.position) == (code, position)
    assert number == "" or number not in wrong.words.en + wrong.words.zh
    assert position is None or f"位置 {position}" in wrong.words.zh


def test_who_is_born_today_has_a_sound_number() -> None:
    assert identity.identity_fault(with_check("41050220260101001"), TODAY) is None


def test_a_foreigner_with_permanent_residence_has_an_identity_number_too() -> None:
    assert identity.identity_fault(with_check("91115619860723401"), TODAY) is None


def test_an_operation_certificate_carries_its_holders_identity_number() -> None:
    assert identity.certificate_fault("operation", f"T{SAMPLE}", SAMPLE) is None
    other = identity.certificate_fault("operation", f"T{with_check('11010519491231003')}", SAMPLE)
    assert other is not None
    assert (other.code, other.position) == ("holder", 18)
    assert identity.certificate_fault("operation", SAMPLE, SAMPLE) is not None
    assert identity.certificate_fault("construction", "豫A042026000001", SAMPLE) is None
    assert identity.certificate_fault("construction", "1", SAMPLE) is not None


@pytest.mark.parametrize("text", ["13900000001", "+86 139-0000-0001", "0086 13900000001", "１３９００００ ０００1"])
def test_a_phone_number_is_the_same_however_it_is_written(text: str) -> None:
    phone = identity.normal_phone(text)
    assert phone == "13900000001"
    assert identity.phone_fault(phone) is None


@pytest.mark.parametrize("text", ["", "12900000001", "1390000000", "139000000011", "1390000000a"])
def test_another_number_is_no_mobile_phone(text: str) -> None:
    assert identity.phone_fault(identity.normal_phone(text)) is not None


def test_masks_leave_enough_to_recognise_and_not_enough_to_learn() -> None:
    assert [mask_name(name) for name in ("", "张", "张三", "欧阳娜娜")] == ["*", "*", "张*", "欧***"]
    assert mask_phone("13900001234") == "139****1234"
    assert mask_identity(SAMPLE) == "110***********002X"
    assert mask_phone("1234567") == "*******"
