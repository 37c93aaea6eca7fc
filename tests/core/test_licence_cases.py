# ruff: noqa: E501 - a case is one line of the table
"""May this person weld this, here and on this day? Literal cases from the law and from domain.md 4.2, 5 and 8.

A row reads: name; who; which papers; which work; which day; every reason against it, none where it is allowed. The rules are
those in force on the day, from the shipped file: its second entry begins on 2026-12-01. Unless a row says otherwise the welder
is a man born on 1988-06-01, and the papers are those of the three functions below.
"""

from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple, get_args
from uuid import UUID

import pytest

from weld.core.age import Group
from weld.core.certificate import Certificate, Kind, Process, Registered, Then, Work, work_here
from weld.core.ids import Worker
from weld.core.licence import Ending, LicenceRules, Person, Question, Status, alerts, judge, recheck, reminder
from weld.store import access_rules

BOOK = access_rules.load()
FUSION, PRESSURE, BRAZING = "熔化焊接与热切割作业", "压力焊作业", "钎焊作业"
DAY = "2026-12-15"  # a Tuesday on which the second entry is in force


def on(text: str) -> date:
    return date.fromisoformat(text)


def welder(
    born: str | None = "1988-06-01",
    *,
    suspended: bool = False,
    group: Group | None = None,
    worked: str | None = None,
    tested: str | None = None,
) -> Person:
    return Person(
        Worker(UUID(int=7)),
        on(born) if born else None,
        suspended,
        group,
        last_work_on=on(worked) if worked else None,
        practical_test_on=on(tested) if tested else None,
    )


def paper(
    kind: Kind,
    category: str,
    item: str,
    spans: tuple[str, str],
    due: str | None,
    *,
    registered: Registered = "verified",
    clean: bool = False,
    checked: str | None = None,
    id: int = 1,  # noqa: A002 - reads best in the table
) -> Certificate:
    since, until = spans
    return Certificate(
        id=UUID(int=id),
        kind=kind,
        category=category,
        item=item,
        valid_from=on(since),
        valid_to=on(until),
        review_due=on(due) if due else None,
        registered=registered,
        clean_record=clean,
        checked_on=on(checked) if checked else None,
    )


def operation(
    since: str = "2024-05-10",
    until: str = "2030-05-09",
    due: str | None = "2027-05-09",
    item: str = FUSION,
    category: str = "焊接与热切割作业",
    **words: Any,
) -> Certificate:
    """(a) 特种作业操作证 of the emergency management: six years, re-examined every three."""
    return paper("operation", category, item, (since, until), due, **words)


def construction(
    since: str = "2025-03-01", until: str = "2027-02-28", item: str = "建筑焊工", **words: Any
) -> Certificate:
    """(b) 建筑施工特种作业操作资格证 of the housing ministry: two years, then extended."""
    return paper("construction", "建筑施工特种作业", item, (since, until), None, **words)


def equipment(
    since: str = "2024-01-01", until: str = "2027-12-31", item: str = "特种设备焊接作业", **words: Any
) -> Certificate:
    """(c) 特种设备作业人员证 of the market supervision: four years."""
    return paper("equipment", "特种设备作业人员", item, (since, until), None, **words)


class Row(NamedTuple):
    name: str
    who: Person
    papers: list[Certificate]
    work: Work
    day: str
    reasons: str = ""
    process: Process | None = None
    place: Work | None = None


ME = welder()
A, B, C = operation(), construction(), equipment()

# fmt: off
CASES = [
    # ---- Work Safety Law, Article 30: no work without the certificate
    Row("a sound certificate", ME, [A], "ordinary", DAY),
    Row("no certificate at all", ME, [], "ordinary", DAY, "no_certificate"),
    Row("nobody has checked it yet", ME, [operation(registered="unverified")], "ordinary", DAY, "certificate_unverified"),
    Row("the register has never heard of it", ME, [operation(registered="suspected_fake")], "ordinary", DAY, "certificate_suspected_fake"),
    Row("suspended by the local office", ME, [operation(registered="suspended")], "ordinary", DAY, "certificate_suspended"),
    Row("another one is sound, so the forged one does not matter here", ME, [operation(registered="suspected_fake", id=2), A], "ordinary", DAY),
    Row("two bad ones: both are said, the nearer one first", ME, [operation(registered="revoked", id=2), operation(until="2026-12-14")], "ordinary", DAY, "certificate_expired certificate_revoked"),
    Row("the person is suspended, whatever the papers", welder(suspended=True), [A], "ordinary", DAY, "worker_suspended"),
    Row("no papers and suspended: both", welder(suspended=True), [], "ordinary", DAY, "no_certificate worker_suspended"),
    # ---- Order 30, Articles 19, 21, 22, 26: the dates on the very day
    Row("the day before the first one", ME, [operation(since="2026-12-16", due=None)], "ordinary", DAY, "certificate_not_yet_valid"),
    Row("the first day", ME, [operation(since="2026-12-15", due=None)], "ordinary", DAY),
    Row("the last day", ME, [operation(until="2026-12-15")], "ordinary", DAY),
    Row("the day after the last one", ME, [operation(until="2026-12-14")], "ordinary", DAY, "certificate_expired"),
    Row("the day on which the re-examination is due", ME, [operation(due="2026-12-15")], "ordinary", DAY),
    Row("the day after it was due", ME, [operation(due="2026-12-14")], "ordinary", DAY, "review_overdue"),
    Row("sixty days before it is due", ME, [operation(due="2027-02-13")], "ordinary", DAY),
    Row("no due date in the register: three years by law, the last day", ME, [operation(since="2023-12-15", until="2029-12-14", due=None)], "ordinary", DAY),
    Row("no due date in the register: three years by law, the day after", ME, [operation(since="2023-12-14", until="2029-12-13", due=None)], "ordinary", DAY, "review_overdue"),
    Row("a register that says ten years is not believed beyond six", ME, [operation(since="2020-12-14", until="2030-12-13", due="2030-12-13")], "ordinary", DAY, "certificate_expired"),
    Row("issued on 29 February: three years end on the 28th", ME, [operation(since="2024-02-29", until="2030-02-28", due=None)], "ordinary", "2027-02-28"),
    Row("issued on 29 February: 1 March is too late", ME, [operation(since="2024-02-29", until="2030-02-28", due=None)], "ordinary", "2027-03-01", "review_overdue"),
    Row("expired and its re-examination missed as well: expired says it", ME, [operation(until="2026-12-14", due="2024-01-01")], "ordinary", DAY, "certificate_expired"),
    Row("overdue here, a fresh one there", ME, [operation(due="2026-12-01"), operation(since="2026-12-01", until="2032-11-30", due="2029-11-30", id=2)], "ordinary", DAY),
    # ---- Order 30, Article 21: ten clean years put the re-examination off to six
    Row("clean record, no due date: the fourth year", ME, [operation(since="2022-12-01", until="2028-11-30", due=None, clean=True)], "ordinary", DAY),
    Row("clean record beats a due date of three years", ME, [operation(since="2022-12-01", until="2028-11-30", due="2025-11-30", clean=True)], "ordinary", DAY),
    Row("the same without a clean record", ME, [operation(since="2022-12-01", until="2028-11-30", due="2025-11-30")], "ordinary", DAY, "review_overdue"),
    Row("a clean record does not outlive the certificate", ME, [operation(since="2020-12-14", until="2026-12-13", due=None, clean=True)], "ordinary", DAY, "certificate_expired"),
    Row("the first entry of rules knew no clean records", ME, [operation(since="2022-12-01", until="2028-11-30", due=None, clean=True)], "ordinary", "2026-11-30", "review_overdue"),
    Row("the second one does, from its very first day", ME, [operation(since="2022-12-01", until="2028-11-30", due=None, clean=True)], "ordinary", "2026-12-01"),
    # ---- Order 30, Articles 30 and 31: withdrawn, and withdrawn stays withdrawn
    Row("revoked", ME, [operation(registered="revoked")], "ordinary", DAY, "certificate_revoked"),
    Row("cancelled", ME, [operation(registered="cancelled")], "ordinary", DAY, "certificate_cancelled"),
    Row("revoked and run out since: both", ME, [operation(registered="revoked", until="2026-12-14")], "ordinary", DAY, "certificate_revoked certificate_expired"),
    Row("revoked, but a certificate of another ministry for this site is sound", ME, [operation(registered="revoked", id=2), B], "building", DAY),
    Row("revoked, and the other ministry's is good for sites only", ME, [operation(registered="revoked", id=2), B], "ordinary", DAY, "wrong_domain certificate_revoked"),
    # ---- Order 30, annex: one of three items a certificate, each for its own machines
    Row("fusion item, arc machine", ME, [A], "ordinary", DAY, process="arc"),
    Row("fusion item, plasma cutter", ME, [A], "ordinary", DAY, process="cutting"),
    Row("fusion item, spot welder", ME, [A], "ordinary", DAY, "wrong_item", process="resistance"),
    Row("fusion item, brazing set", ME, [A], "ordinary", DAY, "wrong_item", process="brazing"),
    Row("pressure item, spot welder", ME, [operation(item=PRESSURE)], "ordinary", DAY, process="resistance"),
    Row("pressure item, arc machine", ME, [operation(item=PRESSURE)], "ordinary", DAY, "wrong_item", process="arc"),
    Row("brazing item, brazing set", ME, [operation(item=BRAZING)], "ordinary", DAY, process="brazing"),
    Row("brazing item, plasma cutter", ME, [operation(item=BRAZING)], "ordinary", DAY, "wrong_item", process="cutting"),
    Row("two certificates, one for each", ME, [A, operation(item=PRESSURE, id=2)], "ordinary", DAY, process="resistance"),
    Row("nobody entered the process: an arc machine", ME, [operation(item=PRESSURE)], "ordinary", DAY, "wrong_item"),
    Row("an electrician's certificate", ME, [operation(item="低压电工作业", category="电工作业")], "ordinary", DAY, "wrong_item"),
    Row("the right item under the wrong category", ME, [operation(category="电工作业")], "ordinary", DAY, "wrong_item"),
    Row("pressure item and spot welder on the last day of the first entry", ME, [operation(item=PRESSURE)], "ordinary", "2026-11-30", "wrong_item", process="resistance"),
    Row("pressure item and spot welder on the first day of the second", ME, [operation(item=PRESSURE)], "ordinary", "2026-12-01", process="resistance"),
    Row("wrong item and overdue: both", ME, [operation(item=BRAZING, due="2026-12-14")], "ordinary", DAY, "review_overdue wrong_item"),
    # ---- the notice of 2025-04-17: (a) or (b) on sites, (a) elsewhere, (c) for special equipment
    Row("construction certificate on a building site", ME, [B], "building", DAY),
    Row("construction certificate off the site", ME, [B], "ordinary", DAY, "wrong_domain"),
    Row("operation certificate on a building site", ME, [A], "building", DAY),
    Row("the builder's machine stands in a shopping mall", ME, [B], "building", DAY, "wrong_domain", place="ordinary"),
    Row("the workshop's machine was taken to a building site", ME, [B], "ordinary", DAY, place="building"),
    Row("a scaffolder's construction certificate", ME, [construction(item="建筑架子工")], "building", DAY, "wrong_item"),
    Row("construction certificate on its last day", ME, [B], "building", "2027-02-28"),
    Row("construction certificate the day after", ME, [B], "building", "2027-03-01", "certificate_expired"),
    Row("construction certificate extended without the check after two years", ME, [construction(until="2029-02-28")], "building", "2027-03-02", "review_overdue"),
    Row("boiler work with an operation certificate", ME, [A], "special_equipment", DAY, "wrong_domain"),
    Row("boiler work with a construction certificate", ME, [B], "special_equipment", DAY, "wrong_domain"),
    Row("boiler work with the equipment certificate", ME, [C], "special_equipment", DAY),
    Row("a boiler on a building site is still a boiler", ME, [A, B], "special_equipment", DAY, "wrong_domain", place="building"),
    Row("ordinary work with the equipment certificate only", ME, [C], "ordinary", DAY, "wrong_domain"),
    Row("equipment certificate on its last day", ME, [C], "special_equipment", "2027-12-31"),
    Row("equipment certificate beyond four years", ME, [equipment(until="2029-12-31")], "special_equipment", "2028-01-02", "certificate_expired"),
    Row("all three kinds: each finds its own work", ME, [A, operation(item=PRESSURE, id=4), B, C], "special_equipment", DAY),
    # ---- Order 30, Article 32: six months off the post
    Row("worked yesterday", welder(worked="2026-12-14"), [A], "ordinary", DAY),
    Row("last work six months ago to the day", welder(worked="2026-06-15"), [A], "ordinary", DAY),
    Row("last work six months and a day ago", welder(worked="2026-06-14"), [A], "ordinary", DAY, "off_post"),
    Row("last work on 31 August: February ends the months", welder(worked="2026-08-31"), [A], "ordinary", "2027-02-28"),
    Row("last work on 31 August: 1 March is too late", welder(worked="2026-08-31"), [A], "ordinary", "2027-03-01", "off_post"),
    Row("away, but passed the practical test since", welder(worked="2025-01-10", tested="2026-12-01"), [A], "ordinary", DAY),
    Row("the practical test itself is too long ago", welder(worked="2024-01-10", tested="2026-06-14"), [A], "ordinary", DAY, "off_post"),
    Row("never seen here: unknown is no finding", welder(worked=None), [A], "ordinary", DAY),
    Row("away and run out: both", welder(worked="2025-01-10"), [operation(until="2026-12-14")], "ordinary", DAY, "certificate_expired off_post"),
    Row("the first entry did not judge absence", welder(worked="2025-01-10"), [A], "ordinary", "2026-11-30"),
    Row("the second does, from its very first day", welder(worked="2025-01-10"), [A], "ordinary", "2026-12-01", "off_post"),
    # ---- Order 30, Article 4, and the decision of 2024-09-13: ages to the day
    Row("eighteen tomorrow", welder("2008-12-16"), [A], "ordinary", DAY, "under_age"),
    Row("eighteen today", welder("2008-12-15"), [A], "ordinary", DAY),
    Row("born 1966-07-15, limit 60 and 5: the day itself", welder("1966-07-15"), [A], "ordinary", DAY),
    Row("born 1966-07-14, limit 60 and 5: the day after", welder("1966-07-14"), [A], "ordinary", DAY, "over_age"),
    Row("born 1964-12-31: sixty it stays, and it is over", welder("1964-12-31", group="men"), [A], "ordinary", "2025-04-17", "over_age"),
    Row("born 1965-04-17: a month more, the last day", welder("1965-04-17", group="men"), [A], "ordinary", "2025-05-17"),
    Row("born 1965-04-17: a month more, the day after", welder("1965-04-17", group="men"), [A], "ordinary", "2025-05-18", "over_age"),
    Row("a man born in September 1976 works to 63", welder("1976-09-01", group="men"), [operation(since="2036-09-01", until="2042-08-31", due=None)], "ordinary", "2039-09-01"),
    Row("a woman on a cadre's post: 55 and 6, the last day", welder("1971-12-15", group="women_55"), [operation(due="2029-05-09")], "ordinary", "2027-06-15"),
    Row("a woman on a cadre's post: 55 and 6, the day after", welder("1971-12-15", group="women_55"), [operation(due="2029-05-09")], "ordinary", "2027-06-16", "over_age"),
    Row("a woman on a worker's post: 50 and 7, the last day", welder("1976-02-15", group="women_50"), [A], "ordinary", "2026-09-15"),
    Row("a woman on a worker's post: 50 and 7, the day after", welder("1976-02-15", group="women_50"), [A], "ordinary", "2026-09-16", "over_age"),
    Row("which table is hers nobody knows: the men's", welder("1976-02-15"), [A], "ordinary", DAY),
    Row("no date of birth: no reason", welder(None), [A], "ordinary", DAY),
    Row("too old, suspended, away and unverified: everything in one visit", welder("1960-01-01", suspended=True, worked="2025-01-01"), [operation(registered="unverified")], "ordinary", DAY, "certificate_unverified worker_suspended over_age off_post"),
    # ---- the age of the register's answer: by rule a warning, never a reason in the shipped entries
    Row("checked thirty days ago", ME, [operation(checked="2026-11-15")], "ordinary", DAY),
    Row("checked a year ago: still opens", ME, [operation(checked="2025-12-15")], "ordinary", DAY),
]
# fmt: on


def rules_of(day: str) -> LicenceRules:
    return access_rules.in_force(BOOK, on(day))


def question(row: Row) -> Question:
    return Question(row.who, row.papers, work_here(row.work, row.place), on(row.day), row.process)


def test_there_are_enough_cases_and_no_two_of_one_name() -> None:
    assert len(CASES) >= 60
    assert len({row.name for row in CASES}) == len(CASES)


@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_the_licence_says_every_reason(row: Row) -> None:
    verdict = judge(question(row), rules_of(row.day))
    assert list(verdict.reasons) == row.reasons.split()


@pytest.mark.parametrize("row", CASES, ids=[row.name for row in CASES])
def test_every_reason_comes_with_its_legal_basis_and_its_way_out(row: Row) -> None:
    verdict = judge(question(row), rules_of(row.day))
    assert [reason.code for reason in verdict.explained] == row.reasons.split()
    assert all(reason.basis and reason.way_out for reason in verdict.explained)


def test_the_order_of_the_papers_does_not_matter() -> None:
    for row in CASES:
        turned = row._replace(papers=row.papers[::-1])
        assert judge(question(row), rules_of(row.day)) == judge(question(turned), rules_of(row.day))


# ---------------------------------------------------------------------------------------------------------------------
# One word for a licence: the set of domain.md 4.2

STATUSES: list[tuple[Status | None, Person, list[Certificate], Work]] = [
    (None, ME, [], "ordinary"),
    ("unverified", ME, [operation(registered="unverified")], "ordinary"),
    ("valid", ME, [operation(due="2027-02-14")], "ordinary"),  # 61 days
    ("review_due", ME, [operation(due="2027-02-13")], "ordinary"),  # 60 days
    ("review_due", ME, [operation(due="2026-12-15")], "ordinary"),
    ("review_overdue", ME, [operation(due="2026-12-14")], "ordinary"),
    ("expired", ME, [operation(until="2026-12-14")], "ordinary"),
    ("not_yet_valid", ME, [operation(since="2026-12-16", due=None)], "ordinary"),
    ("revoked", ME, [operation(registered="revoked")], "ordinary"),
    ("cancelled", ME, [operation(registered="cancelled")], "ordinary"),
    ("suspended", ME, [operation(registered="suspended")], "ordinary"),
    ("suspected_fake", ME, [operation(registered="suspected_fake")], "ordinary"),
    ("off_post", welder(worked="2026-06-14"), [A], "ordinary"),
    ("wrong_item", ME, [operation(item=BRAZING)], "ordinary"),
    ("wrong_domain", ME, [B], "ordinary"),
    ("revoked", welder(worked="2026-06-14"), [operation(registered="revoked")], "ordinary"),
    ("valid", ME, [operation(registered="revoked", id=2), A], "ordinary"),
]


@pytest.mark.parametrize(("status", "who", "held", "work"), STATUSES)
def test_one_word_says_how_the_licence_stands(
    status: Status | None, who: Person, held: list[Certificate], work: Work
) -> None:
    assert judge(Question(who, held, work, on(DAY)), rules_of(DAY)).status == status


def test_every_status_of_the_set_is_shown_above() -> None:
    assert {status for status, *_ in STATUSES} == set(_words(Status)) | {None}


def _words(literal: Any) -> tuple[str, ...]:
    return get_args(literal)


# ---------------------------------------------------------------------------------------------------------------------
# While a session runs: goes on, ends after the arc (60 s), ends at once


class Change(NamedTuple):
    name: str
    who: Person
    papers: list[Certificate]
    ending: Ending
    day: str = DAY
    work: Work = "ordinary"


# fmt: off
CHANGES = [
    Change("nothing has changed", ME, [A], "goes_on"),
    Change("the last day is not over", ME, [operation(until="2026-12-15")], "goes_on"),
    Change("it ran out at midnight", ME, [operation(until="2026-12-14")], "after_arc"),
    Change("the re-examination was due yesterday", ME, [operation(due="2026-12-14")], "after_arc"),
    Change("revoked in the middle of a session", ME, [operation(registered="revoked")], "after_arc"),
    Change("cancelled in the middle of a session", ME, [operation(registered="cancelled")], "after_arc"),
    Change("suspended in the middle of a session", ME, [operation(registered="suspended")], "after_arc"),
    Change("the re-verification found nobody", ME, [operation(registered="unverified")], "after_arc"),
    Change("the re-verification found a forgery", ME, [operation(registered="suspected_fake")], "at_once"),
    Change("the register holds none any more", ME, [], "after_arc"),
    Change("the person was suspended", welder(suspended=True), [A], "after_arc"),
    Change("suspended person and forged card: the heavier counts", welder(suspended=True), [operation(registered="suspected_fake")], "at_once"),
    Change("revoked, and another one that does", ME, [operation(registered="revoked", id=2), A], "goes_on"),
    Change("ran out, and an old forgery beside it: the nearer one counts", ME, [operation(until="2026-12-14"), operation(registered="suspected_fake", id=2)], "after_arc"),
    Change("the item was corrected to brazing", ME, [operation(item=BRAZING)], "after_arc"),
    Change("the machine was carried off the building site", ME, [B], "after_arc"),
    Change("too old since midnight", welder("1966-07-14"), [A], "goes_on"),
    Change("corrected to seventeen", welder("2009-06-01"), [A], "after_arc"),
    Change("six months since the last entry, yet working", welder(worked="2026-06-14"), [A], "goes_on"),
    Change("the register has not answered for a year", ME, [operation(checked="2025-12-15")], "goes_on"),
    Change("revoked on the last day of the first entry, which ended no session", ME, [operation(registered="revoked")], "goes_on", "2026-11-30"),
    Change("revoked on the first day of the second", ME, [operation(registered="revoked")], "after_arc", "2026-12-01"),
]
# fmt: on


@pytest.mark.parametrize("change", CHANGES, ids=[change.name for change in CHANGES])
def test_a_re_check_says_what_becomes_of_the_session(change: Change) -> None:
    found = recheck(Question(change.who, change.papers, change.work, on(change.day)), rules_of(change.day))
    assert (found.ending, found.grace_s) == (change.ending, 60 if change.ending == "after_arc" else 0)
    assert found.ending == "goes_on" or found.verdict.reasons


# ---------------------------------------------------------------------------------------------------------------------
# What rules make of it: the catalogue's codes, reminders, warnings


@pytest.mark.parametrize(
    ("who", "held", "codes"),
    [
        (ME, [A], ""),
        (ME, [], "A01"),
        (ME, [operation(registered="unverified")], "A01"),
        (ME, [operation(until="2026-12-14")], "A03"),
        (ME, [operation(due="2026-12-14")], "A03"),
        (ME, [operation(registered="revoked")], "A01 A04"),
        (ME, [operation(registered="cancelled")], "A01 A04"),
        (ME, [operation(registered="suspected_fake")], "A01 A05"),
        (ME, [operation(item=BRAZING)], "A01 A06"),
        (ME, [B], "A01 A06"),
        (ME, [operation(until="2026-12-14"), operation(registered="revoked", id=2)], "A01 A04"),
        (ME, [operation(registered="revoked", id=2), A], ""),  # another one does
        (ME, [operation(due="2027-03-15")], "A02"),  # 90 days
        (ME, [operation(due="2027-03-16")], ""),  # 91 days
        (welder("2008-12-16"), [A], "A08"),
        (welder("1960-01-01"), [A], "A08"),
        (welder(worked="2026-06-14"), [A], "A08"),
        (welder(worked="2026-06-14"), [], "A01 A08"),
        (welder(suspended=True), [A], ""),
    ],
)
def test_findings_have_the_names_of_the_catalogue(who: Person, held: list[Certificate], codes: str) -> None:
    verdict = judge(Question(who, held, "ordinary", on(DAY)), rules_of(DAY))
    assert list(alerts(verdict, rules_of(DAY))) == codes.split()


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-12-14", None),  # over
        ("2026-12-15", 7),  # today
        ("2026-12-22", 7),
        ("2026-12-23", 30),
        ("2027-01-14", 30),
        ("2027-01-15", 60),
        ("2027-02-13", 60),
        ("2027-02-14", 90),
        ("2027-03-15", 90),
        ("2027-03-16", None),  # time enough
    ],
)
def test_reminders_come_ninety_sixty_thirty_and_seven_days_before_the_last_day(last: str, expected: int | None) -> None:
    verdict = judge(Question(ME, [operation(due=last)], "ordinary", on(DAY)), rules_of(DAY))
    assert reminder(verdict, rules_of(DAY)) == expected


def ruled(then: Then) -> LicenceRules:
    """The second entry with everything that is no certainty treated like this."""
    rules = rules_of(DAY)
    verification = replace(rules.certificates.verification, then=then)
    return replace(
        rules,
        certificates=replace(rules.certificates, verification=verification),
        off_post=replace(rules.off_post, then=then),
    )


@pytest.mark.parametrize(
    ("then", "reasons", "warnings"),
    [
        ("ignore", "", ""),
        ("warn", "", "verification_stale off_post"),
        ("refuse", "verification_stale off_post", ""),
    ],
)
def test_a_rule_decides_whether_a_finding_is_said_or_stops_the_work(then: Then, reasons: str, warnings: str) -> None:
    old = operation(checked="2026-11-14")  # 31 days
    verdict = judge(Question(welder(worked="2026-06-14"), [old], "ordinary", on(DAY)), ruled(then))
    assert (list(verdict.reasons), list(verdict.warnings)) == (reasons.split(), warnings.split())


def test_where_an_old_answer_refuses_a_fresh_certificate_is_gone_by() -> None:
    old, fresh = operation(checked="2026-11-14"), operation(due="2027-01-01", checked="2026-12-14", id=2)
    verdict = judge(Question(ME, [old, fresh], "ordinary", on(DAY)), ruled("refuse"))
    assert (verdict.reasons, verdict.examined[0].certificate) == ((), fresh)
