"""The plate code: what its check character finds, and what it cannot find."""

from base64 import b32encode
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.core import plate

plates = st.builds(
    plate.make,
    st.text(plate.DIGITS, min_size=6, max_size=6),
    st.sampled_from(plate.LETTERS),
    st.integers(0, 999_999_999),
)


def test_the_check_character_is_that_of_iso_7064() -> None:
    assert plate.check_character("A12425GABC1234002") == "M"  # the sample of another user of MOD 37,36: IFPI's GRid


@given(plates)
def test_a_made_plate_is_valid_and_has_17_characters(code: str) -> None:
    assert plate.fault(code) is None
    assert plate.check(code)
    assert len(code) == 17


@given(plates, st.integers(0, 16), st.sampled_from(plate.ALPHABET))
def test_every_single_changed_character_is_found(code: str, place: int, other: str) -> None:
    changed = code[:place] + other + code[place + 1 :]
    assert plate.check(changed) == (changed == code)


@given(plates, st.integers(0, 15))
def test_two_neighbours_that_changed_places_are_found_unless_they_stand_together_in_the_alphabet(
    code: str, place: int
) -> None:
    left, right = code[place], code[place + 1]
    changed = code[:place] + right + left + code[place + 2 :]
    apart = abs(plate.ALPHABET.index(left) - plate.ALPHABET.index(right))
    if left != right and apart != 1:
        assert not plate.check(changed)


def test_of_all_pairs_of_neighbours_the_check_misses_one_in_each_of_its_36_states() -> None:
    def step(state: int, symbol: int) -> int:
        return ((state + symbol) % 36 or 36) * 2 % 37

    missed = [
        (state, left, right)
        for state in range(1, 37)
        for left, right in combinations(range(36), 2)
        if step(step(state, left), right) == step(step(state, right), left)
    ]
    assert sorted(state for state, _, _ in missed) == list(range(1, 37))
    assert {right - left for _, left, right in missed} == {1, 35}


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "length", None),
        ("410502A00000000", "length", None),
        ("41O502A0000000013", "character", 3),
        ("4105020000000000A", "character", 7),
        ("410502A00000000１3", "character", 16),
        ("410502a0000000013", "character", 7),
        ("410502A0000000013", "check", 17),
    ],
)
def test_a_code_of_another_shape_says_where(text: str, code: str, position: int | None) -> None:
    wrong = plate.fault(text)
    assert wrong is not None
    assert (wrong.code, wrong.position) == (code, position)


@pytest.mark.parametrize(
    ("division", "kind", "serial"),
    [("4105", "A", 1), ("410502", "a", 1), ("410502", "AB", 1), ("410502", "A", 10**9), ("410502", "A", -1)],
)
def test_parts_that_do_not_fit_make_no_plate(division: str, kind: str, serial: int) -> None:
    with pytest.raises(ValueError, match="no plate from"):
        plate.make(division, kind, serial)


def test_a_mark_is_the_first_40_bits_in_letters_and_digits_that_are_not_mistaken() -> None:
    assert plate.mark(bytes(32)) == "00000000"
    assert plate.mark(b"\xff" * 32) == "ZZZZZZZZ"
    assert plate.mark(bytes([0x00, 0x44, 0x32, 0x14, 0xC7]) + bytes(27)) == "01234567"


@given(st.binary(min_size=5, max_size=32))
def test_a_mark_is_base_32_in_the_alphabet_of_crockford(keyed_hash: bytes) -> None:
    crockford = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert plate.mark(keyed_hash) == b32encode(keyed_hash[:5]).translate(crockford).decode()


def test_the_address_on_a_plate_and_how_people_read_its_number() -> None:
    code = plate.make("410502", "A", 1)
    assert plate.url("https://wg.example", code, "AB12CD34") == f"https://wg.example/m/{code}?k=AB12CD34"
    assert plate.groups(code) == ("410502", "A", "000000", "001H")
