"""Every refusal speaks both languages and shows a way out."""

from typing import get_args

import pytest

from schemas import reasons as wire
from weld.core.law import Words
from weld.core.reasons import REASONS, Reason, ReasonCode


def test_the_wire_knows_the_same_codes() -> None:
    assert get_args(wire.ReasonCode) == get_args(ReasonCode)


def test_every_code_has_its_texts_and_no_text_lacks_a_code() -> None:
    assert set(REASONS) == set(get_args(ReasonCode))


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_a_refusal_has_text_and_way_out_in_both_languages(reason: Reason) -> None:
    for words in (reason.text, reason.way_out, *([reason.basis] if reason.basis else [])):
        assert any("一" <= character <= "鿿" for character in words.zh)
        assert words.en.isascii()
        assert any(character.isalpha() for character in words.en)


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_a_refusal_fits_two_lines_of_a_phone_and_stays_calm(reason: Reason) -> None:
    for words in (reason.text, reason.way_out):
        assert len(words.zh) <= 36
        assert not set("！!") & set(words.zh + words.en)
        assert not any(loud in words.zh for loud in ("严禁", "必须", "违法", "您", "用户"))


def test_refusals_for_lack_of_a_certificate_name_the_law() -> None:
    codes: tuple[ReasonCode, ...] = (
        "no_certificate",
        "certificate_expired",
        "review_overdue",
        "wrong_domain",
        "under_age",
        "over_age",
    )
    assert all(REASONS[code].basis for code in codes)


def test_words_come_in_the_language_asked_for() -> None:
    words = Words("没找到。", "Not found.")
    assert (words.in_language("zh"), words.in_language("en")) == ("没找到。", "Not found.")
