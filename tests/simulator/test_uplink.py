"""The way up and the ring: P6, P13, P14, P15."""

import itertools

from schemas.chip import BufferOverflow, Button, Event, Telemetry
from schemas.decode import decode_presence
from schemas.signed import Stored
from simulator import chip as chips
from simulator.identity import Settings
from simulator.signals import Connected, Dial, LinkLost, Publish, Tick
from tests.simulator.bench import NAME, PERMIT, Bench

QUICK = Settings(capacity=20)


def keys(bench: Bench) -> list[tuple[int, int]]:
    return [output.key for output in bench.out if isinstance(output, Publish) and output.key]


def payloads(bench: Bench) -> dict[tuple[int, int], set[bytes]]:
    found: dict[tuple[int, int], set[bytes]] = {}
    for output in bench.out:
        if isinstance(output, Publish) and output.key:
            found.setdefault(output.key, set()).add(output.payload)
    return found


def test_p13_only_stored_frees() -> None:
    bench = Bench().online()
    bench.wait(1000)
    assert len(bench.chip.flash.ring.entries) == 3
    bench.stored(2)
    assert [entry.seq for entry in bench.chip.flash.ring.entries] == [3]


def test_p13_stored_for_another_boot_frees_nothing_of_this_one() -> None:
    bench = Bench().online()
    bench.stored(99, boot=7)
    assert len(bench.chip.flash.ring.entries) == 3


def test_p13_stored_by_the_permit_key_frees_nothing() -> None:
    bench = Bench().online()
    bench.down(Stored(aud=NAME, boot=1, upto=99), PERMIT)
    assert len(bench.chip.flash.ring.entries) >= 3


def test_p13_what_is_not_confirmed_goes_out_again_as_the_same_bytes_after_60_s() -> None:
    bench = Bench().online()
    bench.wait(59_000)
    assert len(keys(bench)) == 3
    bench.wait(17_000)
    assert sorted(keys(bench)) == [(1, 1), (1, 1), (1, 2), (1, 2), (1, 3), (1, 3)]
    assert all(len(each) == 1 for each in payloads(bench).values())


def test_p13_the_waits_double_and_never_end() -> None:
    bench = Bench().online()
    bench.wait(4 * 3600 * 1000)
    times = keys(bench).count((1, 1))
    assert 6 <= times <= 12


def test_p13_after_a_reconnect_all_that_is_unconfirmed_goes_out_again() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.stored(1)
    bench.lose_link()
    bench.overlook()
    bench.regain_link()
    bench.wait(1000)
    assert keys(bench) == [(1, 2), (1, 3)]


def test_p13_evidence_survives_a_reboot_as_the_same_bytes() -> None:
    bench = Bench().online()
    bench.wait(1000)
    before = payloads(bench)[1, 3]
    bench.power_cut(off_ms=1000)
    bench.overlook()
    bench.online()
    bench.wait(1000)
    assert payloads(bench)[1, 3] == before
    assert keys(bench)[0] == (2, 1)


def test_p13_what_was_never_sent_before_a_reboot_is_late_and_keeps_its_boot() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.lose_link()
    bench.press()
    pressed = bench.wall_ms
    bench.power_cut(off_ms=1000)
    bench.overlook()
    bench.online()
    bench.wait(2000)
    (button,) = [
        message for message in bench.sent() if isinstance(message, Event) and isinstance(message.event, Button)
    ]
    assert (button.boot, button.at, button.late) == (1, pressed, True)


def test_p6_live_words_overtake_the_backlog_which_is_paced_and_in_order() -> None:
    bench = Bench(Settings(backlog_per_s=10)).online()
    bench.stored(3)
    bench.lose_link()
    for _ in range(30):
        bench.press()
        bench.wait(1000)
    bench.wait(20_000)
    bench.overlook()
    bench.regain_link()
    bench.wait(500)
    bench.press()
    live = bench.chip.seq
    bench.wait(500)
    sent = [seq for _, seq in keys(bench)]
    assert len(sent) <= 12
    assert live in sent
    backlog = [seq for seq in sent if seq != live]
    assert backlog == sorted(backlog)
    bench.wait(5_000)
    assert len(keys(bench)) >= 31


def test_p14_an_overflow_forgets_the_oldest_telemetry_first_and_declares_it() -> None:
    bench = Bench(QUICK).online()
    bench.stored(3)
    bench.lose_link()
    bench.press()
    for _ in range(40):
        bench.wait(300_000)  # one heartbeat each
    assert len(bench.chip.flash.ring.entries) == 20
    assert bench.chip.flash.ring.entries[0].seq == 4  # the button outlives the telemetry
    bench.overlook()
    bench.regain_link()
    bench.wait(10_000)
    (lost,) = bench.events(BufferOverflow)
    assert (lost.lost_boot, lost.lost_from) == (1, 5)
    kept = {seq for _, seq in keys(bench)}
    assert kept | set(range(lost.lost_from, lost.lost_to + 1)) >= set(range(4, bench.chip.seq + 1))


def test_p14_a_declaration_that_is_forgotten_itself_is_declared_again() -> None:
    bench = Bench(QUICK).online()
    bench.lose_link()
    for _ in range(60):
        bench.press()
    bench.regain_link()
    bench.wait(1000)
    bench.lose_link()
    for _ in range(60):
        bench.press()
    bench.regain_link()
    bench.wait(20_000)
    gone = set()
    for event in bench.events(BufferOverflow):
        gone |= set(range(event.lost_from, event.lost_to + 1))
    here = {entry.seq for entry in bench.chip.flash.ring.entries}
    assert here | gone >= set(range(1, bench.chip.seq + 1))


def test_p14_a_resend_is_answered_from_the_ring() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.overlook()
    bench.resend(1, 2, 3)
    bench.wait(1000)
    assert keys(bench) == [(1, 2), (1, 3)]


def test_p14_a_resend_of_what_is_gone_is_answered_with_its_loss() -> None:
    bench = Bench().online()
    bench.press()
    bench.wait(1000)
    bench.stored(3)
    bench.overlook()
    bench.resend(1, 1, 4)
    bench.wait(1000)
    (lost,) = bench.events(BufferOverflow)
    assert (lost.lost_boot, lost.lost_from, lost.lost_to) == (1, 1, 3)
    assert (1, 4) in keys(bench)


def test_p14_a_resend_asked_twice_declares_once() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.stored(3)
    for _ in range(5):
        bench.resend(1, 1, 3)
        bench.wait(1000)
    assert (
        len(
            {
                event.seq
                for event in bench.sent()
                if isinstance(event, Event) and isinstance(event.event, BufferOverflow)
            }
        )
        == 1
    )


def test_p14_nobody_can_ask_for_what_was_never_said() -> None:
    bench = Bench().online()
    bench.wait(1000)
    bench.resend(1, 2, 2**53 - 1)
    bench.resend(2, 1, 5)
    bench.wait(1000)
    assert not bench.events(BufferOverflow)


def dials(bench: Bench, count: int, *, kicked: bool) -> list[int]:
    """The times between dials when every connection fails, or is kicked right after it was accepted."""
    times: list[int] = []
    while len(times) < count:
        seen = len([output for output in bench.out if isinstance(output, Dial)])
        bench.wait(100)
        if len([output for output in bench.out if isinstance(output, Dial)]) > seen:
            times.append(bench.up)
            if kicked:
                bench.give(Connected(bench.up))
            bench.give(LinkLost(bench.up))
    return [after - before for before, after in itertools.pairwise(times)]


def test_p15_reconnects_back_off_doubling() -> None:
    bench = Bench()
    bench.give(LinkLost(bench.up))
    waits = dials(bench, 8, kicked=False)
    assert waits[-1] > 10 * waits[0]
    assert waits[-1] <= 300_000


def test_p15_a_connection_that_is_accepted_and_kicked_backs_off_too() -> None:
    bench = Bench()
    bench.connect()
    bench.give(LinkLost(bench.up))
    waits = dials(bench, 8, kicked=True)
    assert waits[-1] > 10 * waits[0]


def test_p15_two_chips_do_not_come_back_at_the_same_moment() -> None:
    one, other = Bench(), Bench()
    other.chip = chips.power_up(other.identity, other.settings, other.flash, b"another seed", "power", None)
    for bench in (one, other):
        bench.give(Tick(0))
        bench.connect()
        bench.give(LinkLost(bench.up))
    assert one.chip.uplink.dial_up != other.chip.uplink.dial_up  # type: ignore[union-attr]


def test_p6_the_last_will_says_offline_for_the_same_boot_and_connection() -> None:
    bench = Bench().online()
    bench.lose_link()
    bench.regain_link()
    wills = [decode_presence(output.will) for output in bench.out if isinstance(output, Dial)]
    assert [(will.online, will.boot, will.connection) for will in wills] == [(False, 1, 1), (False, 1, 2)]
    assert bench.presences()[-1].connection == 2


def test_messages_fit_the_wire_also_in_cbor() -> None:
    bench = Bench(cbor=True).online()
    bench.unlock()
    bench.weld(30_000)
    assert len(bench.telemetry()) >= 3
    assert all(len(output.payload) < 16_384 for output in bench.out if isinstance(output, Publish))
    assert all(isinstance(message, Telemetry) for message in bench.telemetry())
