"""Detection: which words show an arc that nobody licensed, and what is one episode."""

from uuid import UUID

import pytest

from tests.core.stories import TICKET, moment, samples
from weld.core import catalogue, detect, session
from weld.core import fold as folding
from weld.core.detect import Lateness, Licence
from weld.core.fold import Fold, Found, Terms
from weld.core.said import ArcBegan, Bypassed, Closed, Opened, Said

ONE = UUID(int=1)


def codes(*words: Said, terms: dict[UUID, Terms] | None = None, late: Lateness | None = None) -> list[tuple[str, str]]:
    fold = Fold()
    found: list[tuple[str, str]] = []
    for word in words:
        fold, facts = folding.step(fold, word, late or Lateness("live"), terms or {})
        found += [(fact.finding.code, fact.episode.name) for fact in facts if isinstance(fact, Found)]
    return found


def test_d01_current_while_the_contact_reads_open_is_one_episode() -> None:
    began = moment(1, 1, 1_000)
    words = (
        Bypassed(began, began.at_ms, 170.0),
        ArcBegan(moment(1, 2, 1_000), began.at_ms, "open", None, 170.0),
        samples(moment(1, 3, 11_000), arc_ms=9_000, contact="open"),
        samples(moment(1, 4, 71_000), arc_ms=9_000, contact="open"),
    )
    assert codes(*words) == [("D01", "1:1")] * 4


def test_e02_an_arc_without_a_session_and_the_contact_closed_or_unknown() -> None:
    assert codes(samples(moment(1, 1, 10_000), arc_ms=1, contact="closed")) == [("E02", "1:1")]
    assert codes(samples(moment(1, 1, 10_000), arc_ms=1, contact=None)) == [("E02", "1:1")]


def test_e02_a_session_under_a_ticket_that_is_not_ours_licenses_nothing() -> None:
    words = (Closed(moment(1, 1, 0), ONE, TICKET), samples(moment(1, 2, 10_000), arc_ms=5_000, session=ONE))
    assert codes(*words) == [("E02", "1:2")]


def test_an_arc_inside_a_licensed_session_is_nothing_to_tell() -> None:
    words = (
        Closed(moment(1, 1, 0), ONE, TICKET),
        ArcBegan(moment(1, 2, 5_000), moment(1, 2, 5_000).at_ms, "closed", ONE, 180.0),
        samples(moment(1, 3, 10_000), arc_ms=5_000, session=ONE),
        samples(moment(1, 4, 12_000), arc_ms=1_000, session=ONE, contact="open"),
        Opened(moment(1, 5, 12_000), ONE, "worker"),
        samples(moment(1, 6, 22_000), contact="open"),
    )
    assert codes(*words, terms={TICKET: Terms(2_000_000_000_000, 14_400)}) == []


def test_b02_an_arc_after_the_ticket_s_end_counts_from_that_end() -> None:
    closed = Closed(moment(1, 1, 0), ONE, TICKET)
    terms = {TICKET: Terms(closed.when.at_ms + 15_000, 14_400)}
    before = samples(moment(1, 2, 10_000), arc_ms=9_000, session=ONE)
    grazing = samples(moment(1, 3, 16_000), span_ms=6_000, arc_ms=6_000, session=ONE)
    after = samples(moment(1, 4, 26_000), arc_ms=9_000, session=ONE)
    assert codes(closed, before, grazing, after, terms=terms) == [("B02", "1:4")]


def test_half_an_hour_without_current_ends_an_episode() -> None:
    early = samples(moment(1, 1, 10_000), arc_ms=9_000, contact="open")
    near = samples(moment(1, 2, 10_000 + detect.QUIET_MS), arc_ms=9_000, contact="open")
    far = samples(moment(1, 3, 60_000 + 2 * detect.QUIET_MS), arc_ms=9_000, contact="open")
    assert codes(early, near, far) == [("D01", "1:1"), ("D01", "1:1"), ("D01", "1:3")]


@pytest.mark.parametrize(
    ("late", "pages"),
    [
        (Lateness("live"), True),
        (Lateness("chip", 0), False),
        (Lateness("ours", 10 * 60_000), True),
        (Lateness("ours", 10 * 60_000 + 1), False),
    ],
)
def test_late_data_pages_nobody_unless_the_lateness_is_ours_and_short(late: Lateness, pages: bool) -> None:
    assert late.pages is pages


def test_what_counts_as_late() -> None:
    def kind(*, says: bool, synced: bool, age_ms: int) -> str:
        return detect.lateness(says_late=says, synced=synced, at_ms=0, received_ms=age_ms).kind

    assert kind(says=True, synced=True, age_ms=0) == "chip"
    assert kind(says=False, synced=True, age_ms=120_000) == "live"
    assert kind(says=False, synced=True, age_ms=120_001) == "ours"
    assert kind(says=False, synced=False, age_ms=900_000) == "live"


def test_a_historical_episode_that_goes_on_live_is_raised_once_more_as_live() -> None:
    finding = detect.judge(samples(moment(1, 1, 10_000), arc_ms=9_000, contact="open"), None)[0]
    quiet, raised = detect.join(None, finding, pages=False)
    assert raised
    assert not quiet.paged
    live, again = detect.join(quiet, finding, pages=True)
    assert again
    assert live.paged
    assert detect.join(live, finding, pages=True)[1] is False


def test_d06_is_heavy_use_and_then_a_week_of_silence() -> None:
    week = 7 * 86_400_000
    assert detect.silent(last_heard_ms=0, arc_ms_30d=3_600_000, watermark_ms=week)
    assert not detect.silent(last_heard_ms=0, arc_ms_30d=3_599_999, watermark_ms=week)
    assert not detect.silent(last_heard_ms=0, arc_ms_30d=3_600_000, watermark_ms=week - 1)


def test_every_rule_s_code_is_in_the_catalogue_in_both_languages() -> None:
    for code in detect.FAMILIES:
        kind = catalogue.ALERTS[code]
        assert kind.zh
        assert kind.en


def test_a_licence_ends_at_the_ticket_s_expiry_or_after_the_longest_session() -> None:
    assert session.ticket_end_ms(0, expires_ms=50_000, longest_s=60) == 50_000
    assert session.ticket_end_ms(0, expires_ms=70_000, longest_s=60) == 60_000
    assert Licence(ONE, authorised=False, ends_ms=None).ends_ms is None
