"""Tickets and presence: P18, P19, P22."""

import pytest
from msgspec.structs import replace

from schemas.chip import Armed, RelayClosed, TicketRefused
from schemas.signed import Ticket
from simulator.flash import Used
from simulator.signals import Down
from tests.simulator.bench import FORGER, SERVICE, Bench, uuid


def refusals(bench: Bench) -> list[str]:
    return [event.reason for event in bench.events(TicketRefused)]


def test_p18_a_valid_ticket_closes_the_contact_and_p1_the_chip_makes_the_session() -> None:
    bench = Bench().online()
    ticket = bench.unlock()
    (closed,) = bench.events(RelayClosed)
    assert bench.contact == "closed"
    assert (closed.ticket, closed.resumed) == (ticket.jti, False)
    assert closed.session[14] == "7"
    assert [(result.command, result.outcome) for result in bench.results()] == [(ticket.cmd, "done")]


def test_p18_the_contact_is_read_back_before_anything_is_said() -> None:
    bench = Bench().online()
    bench.stuck = True  # the contactor does not follow
    ticket = bench.unlock()
    bench.wait(2000)
    assert not bench.events(RelayClosed)
    assert bench.coil is False
    assert [(result.command, result.outcome) for result in bench.results()] == [(ticket.cmd, "failed")]


def test_p18_a_forged_ticket_is_refused() -> None:
    bench = Bench().online()
    bench.down(bench.ticket(), FORGER)
    assert (bench.coil, refusals(bench)) == (False, ["bad_signature"])


def test_p18_the_service_key_cannot_sign_a_ticket() -> None:
    bench = Bench().online()
    bench.down(bench.ticket(), SERVICE)
    assert (bench.coil, refusals(bench)) == (False, ["wrong_key"])


def test_p18_a_ticket_for_another_chip_is_refused() -> None:
    bench = Bench().online()
    bench.unlock(aud="WGOTHER1")
    assert (bench.coil, refusals(bench)) == (False, ["wrong_chip"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "A" * 22}, "wrong_nonce"),
        ({"exp": 1_799_999_999}, "expired"),
        ({"nbf": 1_800_000_100}, "not_yet_valid"),
    ],
)
def test_p18_a_ticket_out_of_its_bounds_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    bench = Bench().online()
    ticket = bench.unlock(**changes)
    assert (bench.coil, refusals(bench)) == (False, [reason])
    assert [(result.command, result.outcome, result.reason) for result in bench.results()] == [
        (ticket.cmd, "refused", reason)
    ]


def test_p18_a_nonce_is_used_once_and_the_next_one_is_published_at_once() -> None:
    bench = Bench().online()
    first = bench.unlock()
    assert bench.presences()[-1].nonce not in (None, first.nonce)
    bench.down(bench.command())
    again = bench.unlock(nonce=first.nonce)
    assert refusals(bench) == ["wrong_nonce"]
    assert again.nonce == first.nonce


def test_p18_a_ticket_without_nonce_closes_only_once() -> None:
    bench = Bench().online()
    ticket = bench.unlock(nonce=None)
    bench.down(bench.command())
    bench.down(replace_cmd(ticket))
    assert refusals(bench) == ["used"]
    assert len(bench.events(RelayClosed)) == 1


def test_p18_a_used_ticket_stays_used_after_a_power_loss() -> None:
    bench = Bench().online()
    ticket = bench.unlock(nonce=None)
    bench.down(bench.command())
    bench.power_cut(off_ms=1000)
    bench.online()
    bench.down(replace_cmd(ticket))
    assert refusals(bench) == ["used"]


def test_p18_a_used_ticket_stays_used_when_the_clock_jumps_ahead_and_back() -> None:
    bench = Bench().online()
    ticket = bench.unlock(nonce=None)
    bench.down(bench.command())
    bench.chip = replace(
        bench.chip, flash=replace(bench.chip.flash, used=(*bench.chip.flash.used, *others(63, ticket.exp + 10**6)))
    )
    bench.jump_clock(5 * 3600 * 1000)
    bench.unlock(nonce=None, exp=ticket.exp + 10**6)  # needs room: the first ticket looks expired and is forgotten
    bench.down(bench.command())
    bench.jump_clock(-5 * 3600 * 1000)
    bench.forget()
    bench.down(replace_cmd(ticket))
    assert refusals(bench) == ["expired"]


def others(count: int, exp_s: int) -> tuple[Used, ...]:
    return tuple(Used(uuid(9000 + i), exp_s) for i in range(count))


def replace_cmd(ticket: Ticket) -> Ticket:
    """The same permission as a new command, so that only the ticket's own id can stop it."""
    return replace(ticket, cmd=uuid(424242))


def test_p18_a_full_ticket_store_refuses_until_one_has_expired() -> None:
    bench = Bench().online()
    flash = replace(bench.chip.flash, used=others(64, bench.wall_ms // 1000 + 100))
    bench.chip = replace(bench.chip, flash=flash)
    bench.unlock()
    assert refusals(bench) == ["ticket_store_full"]
    bench.wait(101_000)
    bench.unlock()
    assert bench.contact == "closed"


def test_p18_a_ticket_below_the_floor_is_refused_and_only_an_order_raises_the_floor() -> None:
    bench = Bench().online()
    bench.unlock(counter=10)
    bench.down(bench.command())
    bench.unlock(counter=5)
    bench.down(bench.command(action="lock", floor=7))
    bench.unlock(counter=6)
    assert refusals(bench) == ["below_floor"]


def test_p18_with_an_unset_clock_only_the_nonce_opens() -> None:
    bench = Bench()
    bench.connect()
    bench.unlock(nonce=None)
    assert bench.coil is False
    bench.unlock(exp=1)  # cannot be judged without a clock; nonce and longest session bound it
    assert bench.coil is True


def test_p18_a_second_ticket_is_refused_as_busy() -> None:
    bench = Bench().online()
    bench.unlock()
    bench.unlock()
    assert refusals(bench) == ["busy"]


def test_p22_a_repeated_ticket_returns_the_first_result_without_a_second_effect() -> None:
    bench = Bench().online()
    ticket = bench.unlock()
    bench.down(ticket)
    bench.down(bench.command())
    bench.down(ticket)
    assert [result.outcome for result in bench.results() if result.command == ticket.cmd] == ["done"] * 3
    assert len(bench.events(RelayClosed)) == 1
    assert bench.contact == "open"


def test_p22_a_late_unlock_is_refused() -> None:
    bench = Bench().online()
    ticket = bench.ticket(exp=bench.wall_ms // 1000 + 10)
    bench.wait(11_000)
    bench.down(ticket)
    assert refusals(bench) == ["expired"]


def test_p18_a_click_after_use_by_is_refused_also_by_button() -> None:
    bench = Bench().online()
    bench.unlock(use_by=bench.wall_ms // 1000 - 1)
    bench.unlock(use_by=bench.wall_ms // 1000 + 30, presence="button")
    bench.wait(31_000)
    bench.press()
    assert (bench.coil, refusals(bench)) == (False, ["expired", "expired"])


def test_p19_with_presence_button_the_contact_closes_when_it_is_pressed() -> None:
    bench = Bench().online()
    ticket = bench.unlock(presence="button")
    assert (bench.coil, bench.telemetry()[-1].state) == (False, "armed")
    assert bench.events(Armed) == [Armed(ticket=ticket.jti)]
    bench.wait(59_000)
    bench.press()
    assert bench.contact == "closed"
    assert [result.outcome for result in bench.results()] == ["waiting", "done"]


def test_p19_an_armed_ticket_is_over_after_60_s() -> None:
    bench = Bench().online()
    bench.unlock(presence="button")
    bench.wait(60_000)
    bench.press()
    assert (bench.coil, refusals(bench)) == (False, ["no_presence"])
    assert [(result.outcome, result.reason) for result in bench.results()] == [
        ("waiting", None),
        ("refused", "no_presence"),
    ]


def test_p19_a_newer_ticket_takes_the_place_of_an_armed_one() -> None:
    bench = Bench().online()
    bench.unlock(presence="button")
    second = bench.unlock(presence="button")
    bench.press()
    assert refusals(bench) == ["superseded"]
    assert bench.events(RelayClosed)[0].ticket == second.jti


def test_p19_an_armed_ticket_does_not_survive_a_power_loss() -> None:
    bench = Bench().online()
    bench.unlock(presence="button")
    bench.power_cut(off_ms=1000)
    bench.press()
    assert bench.coil is False


def test_p19_the_button_alone_does_nothing() -> None:
    bench = Bench().online()
    bench.press()
    assert bench.coil is False


def test_p18_refusals_of_what_nobody_signed_are_told_at_most_every_10_s() -> None:
    bench = Bench().online()
    for _ in range(50):
        bench.down(bench.ticket(), FORGER)
    assert len(refusals(bench)) == 1
    bench.wait(10_000)
    bench.down(bench.ticket(), FORGER)
    assert len(refusals(bench)) == 2


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"\x00", b'{"kind":"ticket","jws":"a.b.c"}', b'{"kind":"what","jws":"a.b.c"}', b"x" * 20_000],
)
def test_p18_rubbish_on_down_is_survived(payload: bytes) -> None:
    bench = Bench().online()
    bench.give(Down(bench.up, payload))
    assert bench.coil is False
