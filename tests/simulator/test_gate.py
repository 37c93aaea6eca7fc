"""The boot gate and the clock: P1-P5, P16, P20."""

from msgspec.structs import replace

from schemas.chip import BootUp, ClockSet, Telemetry, TimeWanted
from simulator.flash import blank
from simulator.signals import Publish
from tests.simulator.bench import NOW_MS, PERMIT, SERVICE, Bench


def test_p6_the_state_goes_first_and_then_the_boot_message() -> None:
    bench = Bench()
    bench.connect()
    published = [output for output in bench.out if isinstance(output, Publish)]
    assert [output.leaf for output in published] == ["state", "up"]
    assert isinstance(bench.sent()[0], BootUp)
    assert (bench.presences()[0].boot, bench.presences()[0].connection) == (1, 1)


def test_p4_nothing_but_the_boot_message_goes_out_before_accepted() -> None:
    bench = Bench()
    bench.connect()
    bench.press()
    bench.wait(30_000)
    assert {type(message) for message in bench.sent()} == {BootUp}
    bench.accept()
    bench.wait(1000)
    assert len(bench.sent()) > len(bench.boot_messages())


def test_p4_the_same_boot_bytes_go_out_again_after_5_s_and_then_ever_later() -> None:
    bench = Bench()
    bench.connect()
    start = bench.up
    bench.wait(40_000)
    boots = [output.payload for output in bench.out if isinstance(output, Publish) and output.leaf == "up"]
    assert len(boots) == 4  # at once, after 5, 15 and 35 s
    assert len(set(boots)) == 1
    assert bench.up == start + 40_000


def test_p4_a_pending_chip_waits_and_asks_again_at_the_heartbeat() -> None:
    bench = Bench()
    bench.connect()
    bench.accept(status="pending", heartbeat_s=100)
    bench.forget()
    bench.wait(99_000)
    assert bench.sent() == []
    bench.wait(2_000)
    assert len(bench.boot_messages()) == 1
    bench.accept()
    bench.wait(1000)
    assert bench.telemetry()


def test_p4_a_rejected_chip_keeps_its_evidence() -> None:
    bench = Bench()
    bench.connect()
    bench.accept(status="rejected")
    bench.press()
    bench.wait(50_000)
    assert not bench.events()
    assert [entry.seq for entry in bench.chip.flash.ring.entries] == [
        1,
        2,
        3,
        4,
    ]  # boot, telemetry, the button, the clock


def test_p4_a_floor_raises_the_counter_and_what_waited_moves_along() -> None:
    bench = Bench()
    bench.connect()
    bench.press()
    bench.accept(status="rejected", boot_floor=41)
    assert bench.hung_up()  # its last will names the old boot
    bench.connect()
    assert bench.boot_messages()[-1].boot == 42
    assert bench.presences()[-1].boot == 42
    bench.accept()
    bench.wait(1000)
    later = [(message.boot, message.seq) for message in bench.sent() if not isinstance(message, BootUp)]
    assert later[:2] == [(42, 2), (42, 3)]
    assert bench.chip.flash.boot == 42


def test_p4_a_floor_below_is_ignored() -> None:
    bench = Bench(flash=replace(blank(100, b"x"), boot=50))
    bench.connect()
    bench.accept(boot_floor=50)
    assert bench.chip.flash.boot == 51
    assert not bench.hung_up()


def test_p4_a_reply_to_another_boot_is_ignored() -> None:
    bench = Bench()
    bench.connect()
    bench.accept(boot=7)
    assert bench.chip.gate.status == "knocking"


def test_p4_only_the_service_key_opens_the_gate() -> None:
    bench = Bench()
    bench.connect()
    bench.down(bench.boot_reply(), PERMIT)
    assert bench.chip.gate.status == "knocking"


def test_p2_seq_starts_at_1_in_each_boot_and_counts_up() -> None:
    bench = Bench().online()
    bench.press()
    bench.wait(1000)
    assert sorted({(message.boot, message.seq) for message in bench.sent()}) == [(1, seq) for seq in (1, 2, 3, 4)]
    bench.forget()
    bench.power_cut(off_ms=1000)
    bench.online()
    assert (bench.boot_messages()[0].boot, bench.boot_messages()[0].seq) == (2, 1)


def test_p5_a_heartbeat_comes_on_silence_only() -> None:
    bench = Bench().online()
    bench.wait(200_000)
    bench.press()
    bench.forget()
    bench.wait(299_000)
    assert bench.telemetry() == []
    bench.wait(2_000)
    assert len(bench.telemetry()) == 1


def test_p5_the_heartbeat_is_the_one_of_the_boot_reply() -> None:
    bench = Bench()
    bench.connect()
    bench.accept(heartbeat_s=60)
    bench.wait(1000)
    bench.forget()
    bench.wait(60_000)
    assert len(bench.telemetry()) == 1


def test_p16_the_boot_reply_sets_the_clock_and_says_so() -> None:
    bench = Bench().online()
    (event,) = bench.events(ClockSet)
    assert (event.by, event.jump_ms) == ("boot_reply", None)
    assert bench.telemetry()[0].at == NOW_MS + bench.telemetry()[0].up
    assert bench.telemetry()[0].clock == "synced"


def test_p16_times_are_null_while_the_clock_is_unset() -> None:
    bench = Bench()
    bench.connect()
    boot = bench.boot_messages()[0]
    assert (boot.at, boot.clock) == (None, "unset")


def test_p16_a_reply_that_took_too_long_opens_the_gate_but_sets_no_clock() -> None:
    bench = Bench()
    bench.connect()
    asked = bench.up
    bench.wait(10_001)
    bench.accept(up=asked)
    assert bench.chip.gate.status == "accepted"
    assert bench.chip.wall.at(bench.up) is None
    assert bench.events(TimeWanted)
    bench.down(bench.time(), SERVICE)
    assert bench.chip.wall.at(bench.up) == bench.wall_ms


def test_p16_a_time_is_taken_as_true_in_the_middle_of_its_way() -> None:
    bench = Bench().online()
    asked = bench.up
    bench.wait(1000)
    bench.down(bench.time(up=asked, at=bench.wall_ms - 500), SERVICE)
    assert bench.chip.wall.at(bench.up) == bench.wall_ms


def test_p16_a_large_jump_is_an_event_and_a_small_one_is_not() -> None:
    bench = Bench().online()
    bench.down(bench.time(at=bench.wall_ms + 60_000), SERVICE)
    assert len(bench.events(ClockSet)) == 1
    bench.down(bench.time(at=bench.wall_ms + 600_000), SERVICE)
    assert [event.jump_ms for event in bench.events(ClockSet)] == [None, 540_000]


def test_p16_the_clock_ages_from_synced_to_drifting_and_asks_for_the_time() -> None:
    bench = Bench().online()
    bench.wait(24 * 3600 * 1000 + 1000)
    assert bench.events(TimeWanted)
    assert bench.sent()[-1].clock == "drifting"


def test_p16_a_clock_that_kept_time_without_power_is_drifting_until_confirmed() -> None:
    bench = Bench().online()
    bench.power_cut(off_ms=5000)
    assert bench.chip.wall.quality(0) == "drifting"
    assert bench.chip.wall.at(0) == bench.wall_ms


def test_p16_the_permit_key_cannot_set_the_clock() -> None:
    bench = Bench().online()
    bench.down(bench.time(at=bench.wall_ms - 10**9), PERMIT)
    assert bench.chip.wall.at(bench.up) == bench.wall_ms


def test_p20_the_chip_reports_the_configuration_that_it_runs() -> None:
    bench = Bench().online()
    assert [presence.config_version for presence in bench.presences()] == [0, 3]
    bench.power_cut(off_ms=1000)
    bench.connect()
    assert bench.boot_messages()[-1].config_version == 3


def test_p3_a_message_that_waited_is_late_and_keeps_its_own_time() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.lose_link()
    bench.press()
    pressed, at = bench.up, bench.wall_ms
    bench.wait(60_000)
    bench.overlook()
    bench.regain_link()
    bench.wait(5000)
    late = [message for message in bench.sent() if message.up == pressed and not isinstance(message, Telemetry)]
    assert [(message.at, message.late) for message in late] == [(at, True)]


def test_p3_a_message_that_waited_a_moment_is_not_late() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.lose_link()
    bench.press()
    bench.overlook()
    bench.regain_link()
    assert bench.sent()
    assert not any(message.late for message in bench.sent())
