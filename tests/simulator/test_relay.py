"""The relay, sessions and power: P1, P7, P10, P11, P22, architecture.md 4.5."""

import itertools

from schemas.chip import (
    ArcEnded,
    ArcStarted,
    CurrentWhileOpen,
    MainsLost,
    RelayClosed,
    RelayOpened,
    SelfTestFailed,
    SensorFrozen,
    Telemetry,
)
from simulator.identity import Settings
from simulator.signals import ContactRead, Mains
from tests.simulator.bench import SERVICE, Bench


def opened(bench: Bench) -> list[str]:
    return [event.reason for event in bench.events(RelayOpened)]


def test_power_up_is_open() -> None:
    assert Bench().coil is False


def test_loss_of_the_link_never_opens_it() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.lose_link()
    bench.wait(20 * 60_000)
    assert bench.contact == "closed"


def test_p11_the_ticket_ends_a_quiet_session_at_once() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=600)
    start = bench.up - 30
    bench.still(600_000 - 31 + start - bench.up + 30)
    assert bench.contact == "closed"
    bench.wait(1)
    assert (bench.contact, opened(bench)) == ("open", ["ticket_end"])


def test_p11_the_end_is_the_earlier_of_expiry_and_longest_session() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=1800, exp=bench.wall_ms // 1000 + 60)
    bench.still(59_000)
    assert bench.contact == "closed"
    bench.wait(1_000)
    assert opened(bench) == ["ticket_end"]


def test_p11_an_arc_at_the_end_may_finish() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=10)
    bench.weld(20_000)
    assert bench.contact == "closed"
    bench.still(2_100)
    assert opened(bench) == ["ticket_end"]


def test_p11_an_arc_at_the_end_is_cut_after_60_s() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=10)
    bench.weld(69_900)
    assert bench.contact == "closed"
    bench.weld(200)
    assert opened(bench) == ["ticket_end"]


def test_p11_a_frozen_sensor_is_no_arc_and_delays_nothing() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=10)
    for _ in range(500):
        bench.read(180, 25)
    assert opened(bench) == ["ticket_end"]
    assert len(bench.events(SensorFrozen)) == 1


def test_p11_a_session_without_arc_ends_after_30_minutes() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=86_400, exp=bench.wall_ms // 1000 + 86_400)
    bench.weld(5_000)
    bench.still(1000)
    bench.wait(30 * 60_000 - 1200)
    assert bench.contact == "closed"
    bench.wait(1200)
    assert opened(bench) == ["idle"]


def test_p11_a_clock_that_jumps_moves_no_end() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=600)
    bench.jump_clock(-(10**8))
    bench.still(601_000)
    assert opened(bench) == ["ticket_end"]


def test_p10_level_1_opens_at_once_in_the_middle_of_an_arc() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.weld(5_000)
    order = bench.command(level=1, by="authority")
    bench.down(order)
    assert bench.contact == "open"
    bench.still(1000)
    assert opened(bench) == ["authority"]
    assert [result.outcome for result in bench.results() if result.command == order.id] == ["done"]


def test_p10_other_levels_wait_for_the_end_of_the_arc() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.weld(5_000)
    order = bench.command(level=2, by="rule")
    bench.down(order)
    bench.weld(10_000)
    assert bench.contact == "closed"
    bench.still(3_000)
    assert opened(bench) == ["rule"]
    assert [result.outcome for result in bench.results() if result.command == order.id] == ["waiting", "done"]


def test_p10_other_levels_cut_the_arc_after_the_grace() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.weld(1_000)
    bench.down(bench.command(level=3, grace_s=20))
    bench.weld(19_900)
    assert bench.contact == "closed"
    bench.weld(200)
    assert bench.contact == "open"


def test_p10_a_quiet_session_ends_at_once_at_any_level() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.down(bench.command(level=4))
    assert bench.contact == "open"


def test_p22_a_late_lock_is_obeyed() -> None:
    bench = Bench().online()
    bench.unlock()
    order = bench.command(action="lock", exp=bench.wall_ms // 1000 + 5)
    bench.wait(60_000)
    bench.down(order)
    assert bench.contact == "open"


def test_p22_a_repeated_order_ends_no_second_session() -> None:
    bench = Bench().online()
    bench.unlock()
    order = bench.command()
    bench.down(order)
    bench.unlock()
    bench.down(order)
    assert bench.contact == "closed"
    assert [result.outcome for result in bench.results() if result.command == order.id] == ["done", "done"]


def test_p22_an_end_for_another_session_is_refused() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.down(bench.command(session="00000000-0000-7000-8000-000000000bad"))
    assert bench.contact == "closed"
    assert bench.results()[-1].reason == "no_such_session"


def test_p10_the_service_key_cannot_end_a_session() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.down(bench.command(), SERVICE)
    assert bench.contact == "closed"


def test_p7_a_lock_blocks_until_the_next_good_ticket() -> None:
    bench = Bench().online()
    bench.down(bench.command(action="lock", floor=9))
    assert bench.telemetry()[-1].state == "blocked"
    bench.unlock(counter=8)
    assert bench.coil is False
    bench.unlock(counter=9)
    assert bench.telemetry()[-1].state == "unlocked"


def test_p10_a_lock_drops_an_armed_ticket() -> None:
    bench = Bench().online()
    bench.unlock(presence="button")
    bench.down(bench.command(action="lock"))
    bench.press()
    assert bench.coil is False


def test_p11_a_short_power_loss_goes_on_with_the_same_session() -> None:
    bench = Bench().online()
    bench.unlock()
    (first,) = bench.events(RelayClosed)
    bench.wait(20_000)
    bench.power_cut(off_ms=60_000)
    bench.wait(100)
    assert bench.contact == "closed"
    bench.online()
    bench.wait(1000)
    assert [(event.session, event.resumed) for event in bench.events(RelayClosed)] == [
        (first.session, False),
        (first.session, True),
    ]
    assert not opened(bench)


def test_p11_a_long_power_loss_ends_the_session() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.power_cut(off_ms=5 * 60_000 + 1)
    bench.online()
    bench.wait(1000)
    assert (bench.coil, opened(bench)) == (False, ["resume_expired"])


def test_p11_a_session_does_not_outlive_its_ticket_through_a_power_loss() -> None:
    bench = Bench().online()
    bench.unlock(longest_s=100)
    bench.wait(60_000)
    bench.power_cut(off_ms=30_000)
    bench.still(9_900)
    assert bench.contact == "closed"
    bench.wait(200)
    assert bench.contact == "open"


def test_p11_without_a_clock_the_session_waits_for_the_time() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.power_cut(off_ms=60_000, rtc=False)
    bench.wait(5_000)
    assert bench.coil is False
    bench.online()
    assert bench.contact == "closed"


def test_p11_without_any_time_the_session_ends_when_the_limit_has_passed() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.power_cut(off_ms=60_000, rtc=False)
    bench.lose_link()
    bench.wait(5 * 60_000)
    bench.regain_link()
    bench.accept()
    bench.wait(1000)
    assert (bench.coil, opened(bench)) == (False, ["resume_expired"])


def test_p11_an_ended_session_is_not_resumed_when_power_fails_before_the_contact_has_opened() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.stuck = True
    bench.down(bench.command(level=1, by="authority"))
    bench.stuck = False
    bench.power_cut(off_ms=1000)
    bench.online()
    bench.wait(1000)
    assert (bench.coil, opened(bench)) == (False, ["authority"])


def test_p11_an_end_reaches_a_session_that_waits_for_power() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.power_cut(off_ms=1000, rtc=False)
    bench.connect()
    bench.down(bench.command(by="authority"))
    bench.accept()
    bench.wait(1000)
    assert (bench.coil, opened(bench)) == (False, ["authority"])


def test_p11_mains_that_come_back_in_time_resume_the_session() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.give(Mains(bench.up, present=False))
    bench.contact = "open"
    bench.stuck = True  # the contactor has no power to follow
    bench.give(ContactRead(bench.up, "open"))
    bench.wait(30_000)
    bench.stuck = False
    bench.give(Mains(bench.up, present=True))
    assert bench.contact == "closed"
    assert bench.events(MainsLost)
    assert opened(bench) == ["power_loss"]
    assert [event.resumed for event in bench.events(RelayClosed)] == [False, True]


def test_p7_a_contact_that_stays_closed_is_a_fault_and_refuses_tickets() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.stuck = True
    bench.down(bench.command())
    bench.wait(2_000)
    assert bench.events(SelfTestFailed)
    assert bench.telemetry()[-1].state == "faulted"
    assert not opened(bench)
    bench.stuck = False
    bench.wait(10)
    assert opened(bench) == ["worker"]


def test_p7_a_contact_that_opens_by_itself_ends_the_session() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.stuck = True
    bench.contact = "open"
    bench.give(ContactRead(bench.up, "open"))
    assert (bench.coil, opened(bench)) == (False, ["fault"])


def test_bypass_is_told_as_current_while_open() -> None:
    bench = Bench().online()
    bench.weld(1000)
    (started,) = bench.events(ArcStarted)
    assert (started.contact, started.session) == ("open", None)
    assert len(bench.events(CurrentWhileOpen)) == 1
    assert bench.telemetry()[-1].state == "tampered"
    bench.still(3000)
    assert bench.telemetry()[-1].state == "locked"
    assert len(bench.events(ArcEnded)) == 1


def test_bypass_that_goes_on_after_the_session_is_told_once() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.weld(3_000)
    bench.down(bench.command(level=1))
    bench.weld(3_000)
    bench.still(3_000)
    assert [event.contact for event in bench.events(ArcStarted)] == ["closed", "open"]
    assert len(bench.events(CurrentWhileOpen)) == 1


def test_the_last_current_of_a_session_is_no_bypass() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.weld(3_000)
    bench.down(bench.command(level=1))
    bench.read(180.0)  # the current decays while the contact opens
    bench.read(90.0)
    bench.still(5_000)
    assert not bench.events(CurrentWhileOpen)


def test_an_arc_in_a_session_names_it() -> None:
    bench = Bench().online()
    bench.unlock()
    session = bench.events(RelayClosed)[0].session
    bench.weld(1_000)
    bench.still(3_000)
    (started,), (ended,) = bench.events(ArcStarted), bench.events(ArcEnded)
    assert (started.contact, started.session, ended.session) == ("closed", session, session)


def test_the_messages_of_a_session_come_in_its_order_and_cover_it_without_a_hole() -> None:
    bench = Bench().online()
    bench.still(12_345)
    bench.unlock()
    bench.still(1_234)
    bench.weld(25_000)
    bench.down(bench.command(level=1))
    bench.still(1_000)
    messages = bench.sent()
    closed_up, opened_up = (
        next(m.up for m in messages if getattr(m, "event", None) in bench.events(kind))
        for kind in (RelayClosed, RelayOpened)
    )
    told = [m for m in messages if isinstance(m, Telemetry) and m.current_a]
    edges = [(m.from_up, m.from_up + m.step_ms * len(m.current_a)) for m in told]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    assert closed_up in [edge[0] for edge in edges]
    assert opened_up in [edge[1] for edge in edges]
    last = [m for m in told if m.from_up + m.step_ms * len(m.current_a) == opened_up][-1]
    assert last.seq < next(m.seq for m in messages if getattr(m, "event", None) in bench.events(RelayOpened))
    in_session = sum(sum(ms or 0 for ms in m.arc_ms) for m in told if closed_up <= m.from_up < opened_up)
    assert 24_950 <= in_session <= 25_020  # the last reading stands while the contact opens


def test_telemetry_comes_every_10_s_while_unlocked() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.still(100)
    bench.forget()
    bench.wait(60_000)
    assert len(bench.telemetry()) == 6
    assert all(message.step_ms == 1000 and len(message.current_a) == 10 for message in bench.telemetry())


def test_a_silent_sensor_is_unknown_and_not_zero() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.wait(20_000)
    assert bench.telemetry()[-1].current_a == [None] * 10
    assert bench.telemetry()[-1].arc_ms == [None] * 10


def test_idle_hours_are_few_and_short_messages() -> None:
    bench = Bench(Settings(heartbeat_s=3600)).online()
    bench.accept(heartbeat_s=3600)
    bench.still(100)
    bench.forget()
    bench.wait(3_600_000)
    assert len(bench.telemetry()) <= 3
    assert sum(message.step_ms * len(message.current_a) for message in bench.telemetry()) >= 3_600_000


def test_energy_is_counted_and_survives() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.weld(60_000)
    bench.still(3_000)
    told = bench.telemetry()[-1].energy_wh
    assert told is not None
    assert abs(told - 181 * 24 * 60 / 3600) < 2
    bench.power_cut(off_ms=1000)
    assert bench.chip.flash.energy_wh > 70
