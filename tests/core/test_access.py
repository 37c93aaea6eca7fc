"""Who may start a machine: literal cases, then what holds for every case."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.certificates import CONSTRUCTION, EQUIPMENT, OPERATION, RULES, TODAY
from weld.core.access import Machine, Permit, Refusal, Scan, decide
from weld.core.age import Group
from weld.core.certificate import Certificate, Process, Registered, Work, last_day, problems, work_here
from weld.core.ids import Plate, Worker
from weld.core.licence import Person

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)  # 09:30 in Anyang
TOMORROW = datetime(2026, 11, 23, tzinfo=ZoneInfo("Asia/Shanghai"))

WELDER = Person(Worker(UUID(int=7)), date(1988, 6, 1), suspended=False)
MACHINE = Machine(
    plate=Plate("410506A0003021745"),
    work="ordinary",
    presence="none",
    longest_s=None,
    division_longest_s=None,
    chipped=True,
    blocked=False,
    online=True,
    reported="locked",
    locking=False,
    in_use=False,
)
SCAN = Scan(WELDER, (OPERATION,), MACHINE, live_elsewhere=False, now=NOW, today=TODAY, tomorrow=TOMORROW)


def refused(scan: Scan) -> Refusal:
    answer = decide(scan, RULES)
    assert isinstance(answer, Refusal)
    return answer


def permitted(scan: Scan) -> Permit:
    answer = decide(scan, RULES)
    assert isinstance(answer, Permit)
    return answer


def with_machine(**changes: Any) -> Scan:
    return replace(SCAN, machine=replace(MACHINE, **changes))


def with_papers(*certificates: Certificate) -> Scan:
    return replace(SCAN, certificates=certificates)


def test_a_licensed_worker_may_start_a_free_machine() -> None:
    permit = permitted(SCAN)
    assert permit.certificate == OPERATION.id
    assert (permit.longest_s, permit.expires_at) == (14400, NOW + timedelta(hours=4))
    assert permit.click_before == NOW + timedelta(seconds=30)
    assert all(check.passed for check in permit.checks)
    assert [check.name for check in permit.checks] == [
        *("standing", "age", "certificate", "review", "one_machine", "chipped", "in_service", "safe", "online", "free")
    ]


def test_a_button_gets_time_to_be_pressed() -> None:
    assert permitted(with_machine(presence="button")).click_before == NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("machine", "division", "expected"), [(600, 900, 600), (None, 900, 900), (None, None, 14400), (86400, 900, 86400)]
)
def test_the_longest_session_is_the_machines_else_the_divisions_else_four_hours(
    machine: int | None, division: int | None, expected: int
) -> None:
    scan = replace(with_machine(longest_s=machine, division_longest_s=division), tomorrow=TOMORROW + timedelta(days=9))
    assert permitted(scan).longest_s == expected


def test_a_permit_ends_with_the_last_day_of_the_certificate() -> None:
    last = replace(OPERATION, valid_to=TODAY, review_due=TODAY)
    late = replace(with_papers(last), now=datetime(2026, 11, 22, 23, 30, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert permitted(late).longest_s == 1800


def test_a_machine_that_an_order_locked_may_be_started_again_by_the_next_licensed_scan() -> None:
    assert permitted(with_machine(reported="blocked")).certificate


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chipped": False, "online": None}, "machine_not_chipped"),
        ({"online": False}, "machine_offline"),
        ({"online": None}, "machine_offline"),
        ({"in_use": True}, "machine_in_use"),
        ({"locking": True}, "machine_locking"),
        ({"blocked": True}, "machine_blocked"),
        ({"reported": "maintenance"}, "machine_blocked"),
        ({"reported": "faulted"}, "machine_unsafe"),
        ({"reported": "tampered"}, "machine_unsafe"),
    ],
)
def test_a_machine_that_cannot_serve_says_why_and_raises_nothing(changes: dict[str, Any], reason: str) -> None:
    answer = refused(with_machine(**changes))
    assert answer.reasons == (reason,)
    assert answer.alerts == ()


@pytest.mark.parametrize(
    ("papers", "reasons", "alerts"),
    [
        ((), ("no_certificate",), ("A01",)),
        ((replace(OPERATION, registered="unverified"),), ("certificate_unverified",), ("A01",)),
        ((replace(OPERATION, registered="revoked"),), ("certificate_revoked",), ("A01", "A04")),
        ((replace(OPERATION, registered="cancelled"),), ("certificate_cancelled",), ("A01", "A04")),
        ((replace(OPERATION, registered="suspended"),), ("certificate_suspended",), ("A01",)),
        ((replace(OPERATION, registered="suspected_fake"),), ("certificate_suspected_fake",), ("A01", "A05")),
        ((replace(OPERATION, valid_to=date(2026, 10, 31)),), ("certificate_expired",), ("A03",)),
        ((replace(OPERATION, review_due=date(2026, 11, 21)),), ("review_overdue",), ("A03",)),
        ((replace(OPERATION, valid_from=date(2026, 11, 23)),), ("certificate_not_yet_valid",), ("A01",)),
        ((CONSTRUCTION,), ("wrong_domain",), ("A01", "A06")),
        ((replace(OPERATION, item="钎焊作业"),), ("wrong_item",), ("A01", "A06")),
        # lapsed once, and another one that was taken away: no longer a mere lapse
        (
            (replace(OPERATION, valid_to=date(2026, 1, 1)), replace(OPERATION, id=UUID(int=9), registered="revoked")),
            ("certificate_expired", "certificate_revoked"),
            ("A01", "A04"),
        ),
        # a lapsed one of the right kind beside a good one of another kind is a lapse
        (
            (replace(OPERATION, valid_to=date(2026, 10, 31)), EQUIPMENT),
            ("certificate_expired", "wrong_domain"),
            ("A03", "A06"),
        ),
    ],
)
def test_papers_that_do_not_do_raise_an_alert(
    papers: tuple[Certificate, ...], reasons: tuple[str, ...], alerts: tuple[str, ...]
) -> None:
    answer = refused(with_papers(*papers))
    assert answer.reasons == reasons
    assert answer.alerts == alerts


def test_a_machine_is_judged_by_its_process_and_by_the_place_where_it_stands() -> None:
    assert refused(with_machine(process="resistance")).reasons == ("wrong_item",)
    assert refused(replace(with_machine(work="building", place="ordinary"), certificates=(CONSTRUCTION,))).reasons == (
        "wrong_domain",
    )
    assert permitted(replace(with_machine(place="building"), certificates=(CONSTRUCTION,)))


def test_six_months_off_the_post_are_a_reason_and_a_notice() -> None:
    away = replace(SCAN, person=replace(WELDER, last_work_on=TODAY - timedelta(days=200)))
    answer = refused(away)
    assert (answer.reasons, answer.alerts) == (("off_post",), ("A08",))
    assert [check.name for check in answer.checks if not check.passed] == ["standing"]


def test_an_old_answer_of_the_register_is_said_beside_the_permit() -> None:
    old = replace(OPERATION, checked_on=TODAY - timedelta(days=31))
    assert permitted(with_papers(old)).warnings == ("verification_stale",)
    assert permitted(SCAN).warnings == ()


def test_a_permit_by_a_licence_that_soon_ends_raises_a_notice_of_its_step() -> None:
    soon = permitted(with_papers(replace(OPERATION, review_due=TODAY + timedelta(days=45))))
    assert (soon.alerts, soon.reminder) == (("A02",), (TODAY + timedelta(days=45), 60, 45))
    assert (permitted(SCAN).alerts, permitted(SCAN).reminder) == ((), None)


def test_one_good_certificate_among_bad_ones_is_enough() -> None:
    bad = replace(OPERATION, id=UUID(int=9), registered="revoked")
    assert permitted(with_papers(bad, EQUIPMENT, OPERATION)).certificate == OPERATION.id


def test_of_two_good_certificates_the_one_that_lasts_longer_is_used() -> None:
    newer = replace(OPERATION, id=UUID(int=9), review_due=date(2028, 1, 1))
    assert permitted(with_papers(OPERATION, newer)).certificate == newer.id


def test_a_certificate_that_is_live_elsewhere_raises_a09() -> None:
    answer = refused(replace(SCAN, live_elsewhere=True))
    assert (answer.reasons, answer.alerts) == (("certificate_in_use_elsewhere",), ("A09",))


def test_who_is_suspended_may_not_start_whatever_the_papers() -> None:
    answer = refused(replace(SCAN, person=replace(WELDER, suspended=True)))
    assert (answer.reasons, answer.alerts) == (("worker_suspended",), ())


def test_everything_that_is_wrong_is_said_in_one_visit() -> None:
    worst = Scan(
        replace(WELDER, suspended=True, birth=date(2012, 1, 1)),
        (),
        replace(MACHINE, blocked=True, online=False, reported="tampered", in_use=True),
        live_elsewhere=True,
        now=NOW,
        today=TODAY,
        tomorrow=TOMORROW,
    )
    answer = refused(worst)
    assert answer.reasons == (
        "no_certificate",
        "worker_suspended",
        "under_age",
        "certificate_in_use_elsewhere",
        "machine_blocked",
        "machine_unsafe",
        "machine_offline",
        "machine_in_use",
    )
    assert answer.alerts == ("A01", "A08", "A09")


# ---------------------------------------------------------------------------------------------------------------------
# What holds for every scan

days = st.dates(date(2018, 1, 1), date(2034, 1, 1))
certificates = st.builds(
    Certificate,
    id=st.uuids(),
    kind=st.sampled_from(["operation", "construction", "equipment"]),
    category=st.sampled_from(["焊接与热切割作业", "电工作业"]),
    item=st.sampled_from(["熔化焊接与热切割作业", "钎焊作业", "建筑焊工", "特种设备焊接作业"]),
    valid_from=days,
    valid_to=days,
    review_due=st.none() | days,
    registered=st.sampled_from(get_args(Registered)),
    clean_record=st.booleans(),
    checked_on=st.none() | days,
)
machines = st.builds(
    Machine,
    plate=st.just(MACHINE.plate),
    work=st.sampled_from(get_args(Work)),
    presence=st.sampled_from(["none", "button"]),
    longest_s=st.none() | st.integers(60, 86400),
    division_longest_s=st.none() | st.integers(60, 86400),
    chipped=st.booleans(),
    blocked=st.booleans(),
    online=st.none() | st.booleans(),
    reported=st.none() | st.sampled_from(["locked", "unlocked", "blocked", "faulted", "tampered", "maintenance"]),
    locking=st.booleans(),
    in_use=st.booleans(),
    process=st.none() | st.sampled_from(get_args(Process)),
    place=st.none() | st.sampled_from(get_args(Work)),
)
people = st.builds(
    Person,
    id=st.just(WELDER.id),
    birth=st.none() | st.dates(date(1950, 1, 1), date(2015, 1, 1)),
    suspended=st.booleans(),
    group=st.none() | st.sampled_from(get_args(Group)),
    last_work_on=st.none() | days,
    practical_test_on=st.none() | days,
)
# Mostly sound parts, or random scans would hardly ever be granted and the properties below would say little.
scans = st.builds(
    Scan,
    person=st.just(WELDER) | people,
    certificates=st.just((OPERATION,)) | st.lists(certificates | st.just(CONSTRUCTION), max_size=3).map(tuple),
    machine=st.just(MACHINE) | machines,
    live_elsewhere=st.sampled_from([False, False, True]),
    now=st.just(NOW),
    today=st.just(TODAY),
    tomorrow=st.just(TOMORROW),
)


@given(scans)
def test_nobody_is_let_in_when_a_check_failed_and_nobody_refused_when_all_passed(scan: Scan) -> None:
    answer = decide(scan, RULES)
    assert isinstance(answer, Permit) == all(check.passed for check in answer.checks)


@given(scans)
def test_a_refusal_names_the_reason_of_every_failed_check(scan: Scan) -> None:
    answer = decide(scan, RULES)
    failed = {check.reason for check in answer.checks if not check.passed}
    assert failed <= set(answer.reasons if isinstance(answer, Refusal) else ())
    assert all((check.reason is None) == check.passed for check in answer.checks)


@given(scans)
def test_a_permit_rests_on_a_certificate_without_problems_and_ends_with_it(scan: Scan) -> None:
    answer = decide(scan, RULES)
    if isinstance(answer, Permit):
        used = next(held for held in scan.certificates if held.id == answer.certificate)
        machine = scan.machine
        work = work_here(machine.work, machine.place)
        assert problems(used, work, scan.today, RULES.certificates, machine.process) == ()
        end = scan.tomorrow + timedelta(days=(last_day(used, RULES.certificates) - scan.today).days)
        assert scan.now < answer.expires_at <= end
        assert answer.longest_s <= 86400


@given(scans, certificates)
def test_one_more_certificate_never_takes_a_permit_away(scan: Scan, another: Certificate) -> None:
    more = replace(scan, certificates=(*scan.certificates, another))
    if isinstance(decide(scan, RULES), Permit):
        assert isinstance(decide(more, RULES), Permit)


@given(scans, st.sampled_from(["blocked", "locking", "in_use"]))
def test_one_more_obstacle_never_opens_a_machine_and_drops_no_reason(scan: Scan, obstacle: str) -> None:
    before = decide(scan, RULES)
    worse: dict[str, Any] = {obstacle: True}
    after = decide(replace(scan, machine=replace(scan.machine, **worse)), RULES)
    assert isinstance(after, Refusal)
    kept = set(before.reasons) if isinstance(before, Refusal) else set()
    # a machine in use needs not be told that it is being locked as well
    assert kept - {"machine_locking"} <= set(after.reasons)


@given(scans)
def test_the_order_of_the_certificates_does_not_matter(scan: Scan) -> None:
    turned = replace(scan, certificates=tuple(reversed(scan.certificates)))
    assert decide(scan, RULES) == decide(turned, RULES)


@given(scans)
def test_an_alert_is_raised_for_papers_or_for_a_second_machine_and_for_nothing_else(scan: Scan) -> None:
    answer = decide(scan, RULES)
    alerts = answer.alerts if isinstance(answer, Refusal) else ()
    papers = [check for check in answer.checks if check.name in {"certificate", "review"} and not check.passed]
    assert bool({"A01", "A03"} & set(alerts)) == bool(papers)
    assert ("A09" in alerts) == scan.live_elsewhere
