"""Personal data in free text, and what forbids to erase a person. The numbers are published samples or invented."""

from datetime import UTC, datetime, timedelta

import pytest

from weld.core.personal import Ties, erase_faults, holds_number, reason_fault
from weld.kit.log import REFUSED, refuse_personal_numbers

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NUMBERS = (
    "11010519491231002X",
    "T11010519491231002x",
    "13812345678",
    "8613812345678",
    "１３８１２３４５６７８",
    "电话13812345678找他",
)
OTHERS = ("410502A00000001XX", "1763812345678", "公函〔2026〕15号", "400-123-4567", "2026-11-22 12:00")


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_found_as_the_log_finds_it(text: str) -> None:
    assert holds_number(text)
    assert refuse_personal_numbers(None, "", {"x": text}) == {"x": REFUSED}


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_personal_number_is_left_alone(text: str) -> None:
    assert not holds_number(text)
    assert refuse_personal_numbers(None, "", {"x": text}) == {"x": text}


@pytest.mark.parametrize("text", ["138 1234 5678", "138-1234-5678", "110105 19491231 002X"])
def test_a_number_that_was_written_in_parts_is_one(text: str) -> None:
    assert holds_number(text)


def test_a_reason_is_good_without_numbers_and_without_the_person() -> None:
    assert reason_fault("事故调查，公函〔2026〕15号", ["王样例", "13812345678"]) is None
    for reason, code in (("查王样例的事", "person"), ("打13812345678", "number"), ("打138 1234 5678", "number")):
        fault = reason_fault(reason, ["王样例"])
        assert fault is not None
        assert fault.code == code
        assert "王样例" not in fault.text + fault.zh
        assert "138" not in fault.text + fault.zh


@pytest.mark.parametrize(
    ("ties", "codes"),
    [
        (Ties(0, 0, 0, None), []),
        (Ties(1, 0, 0, None), ["session"]),
        (Ties(0, 1, 0, None), ["grant"]),
        (Ties(0, 0, 2, None), ["alert"]),
        (Ties(0, 0, 0, NOW - timedelta(days=730)), []),
        (Ties(0, 0, 0, NOW - timedelta(days=730) + timedelta(seconds=1)), ["law"]),
        (Ties(1, 1, 1, NOW), ["session", "grant", "alert", "law"]),
    ],
)
def test_everything_that_forbids_to_erase_is_said(ties: Ties, codes: list[str]) -> None:
    faults = erase_faults(ties, NOW, 730)
    assert [fault.code for fault in faults] == codes
    assert all(fault.text and fault.zh for fault in faults)
