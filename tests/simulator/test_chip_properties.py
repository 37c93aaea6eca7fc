"""Random lives of a chip against what must always hold: the relay rule, single use, and that no evidence vanishes.

The model knows true time and which words the platform really signed; it knows nothing of the chip's rules.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.chip import BufferOverflow, Event
from schemas.decode import decode
from schemas.signed import Ticket
from simulator.board import Chip, Closed, Closing, Dialing
from simulator.identity import Settings
from simulator.seen import Reading
from simulator.signals import ClockFault, Coil, LinkLost, Mains, Output, Publish, Readings
from tests.simulator.bench import FORGER, SERVICE, Bench

GRACE_MS = 60_000
CAPACITY = 24


@dataclass
class Permission:
    """A session that the model allows: until when, in true time."""

    session: str
    ticket: Ticket
    until_ms: int


class Watched(Bench):
    """A bench that judges every output of the chip at the moment it comes."""

    def __init__(self) -> None:
        self.genuine: dict[str, Ticket] = {}
        self.spent: dict[str, str] = {}
        self.permission: Permission | None = None
        self.pressed_ms = -1
        self.clock_fault = False
        self.bytes: dict[tuple[int, int], bytes] = {}
        self.declared: set[tuple[int, int]] = set()
        self.confirmed: dict[int, int] = {}
        self.made: dict[int, int] = {}
        super().__init__(Settings(capacity=CAPACITY, idle_end_ms=10 * 60_000))

    def judge(self, before: Chip, out: tuple[Output, ...]) -> None:
        for output in out:
            if isinstance(output, Coil):
                self.coil = output.on
            self._judge(output, before.flash.nonce)
        self.made[self.chip.flash.boot] = self.chip.seq
        self.check_relay()

    def _judge(self, output: Output, nonce: str) -> None:
        if isinstance(output, Coil) and output.on:
            self._closes(nonce)
        if isinstance(output, Publish) and output.key:
            assert self.bytes.setdefault(output.key, output.payload) == output.payload, f"{output.key} with other bytes"
            message = decode(output.payload)
            assert (message.boot, message.seq) == output.key
            if isinstance(message, Event) and isinstance(message.event, BufferOverflow):
                lost = message.event
                self.declared |= {(lost.lost_boot, seq) for seq in range(lost.lost_from, lost.lost_to + 1)}

    def _closes(self, nonce: str) -> None:
        relay = self.chip.relay
        assert isinstance(relay, Closing)
        grant = relay.grant
        assert grant.ticket in self.genuine, "closed without a genuine ticket"
        ticket = self.genuine[grant.ticket]
        if grant.ticket in self.spent:
            assert grant.resumed, "a used ticket closed twice"
            assert self.spent[grant.ticket] == grant.session
        else:
            assert not grant.resumed
            self._first_closing(grant.session, ticket, nonce)
        self.spent[grant.ticket] = grant.session

    def _first_closing(self, session: str, ticket: Ticket, nonce: str) -> None:
        if ticket.presence == "button":
            assert self.pressed_ms == self.wall_ms, "nobody pressed the button"
        else:
            assert ticket.nonce in (None, nonce), "another nonce"
        wall = self.chip.wall.at(self.up)
        left_ms = ticket.longest_s * 1000
        if wall is not None:
            assert wall < ticket.exp * 1000, "expired"
            left_ms = min(left_ms, ticket.exp * 1000 - wall)
        self.permission = Permission(session, ticket, self.wall_ms + left_ms + GRACE_MS)

    def check_relay(self) -> None:
        """Coil on = inside the permission, in true time."""
        if self.coil:
            assert self.permission is not None
            until = self.permission.until_ms
            if self.clock_fault:  # whoever lost power with a wrong clock cannot measure the loss; `exp` still bounds it
                until = max(until, self.permission.ticket.exp * 1000 + GRACE_MS)
            assert self.wall_ms <= until, f"closed {self.wall_ms - until} ms too long"


class ChipLife(RuleBasedStateMachine):
    """What may happen to a chip, in any order."""

    @initialize()
    def begin(self) -> None:
        self.bench = Watched()
        self.signed: list[Ticket] = []

    # the platform and its enemies

    @rule(
        longest_s=st.integers(1, 900),
        exp_s=st.integers(-5, 1200),
        presence=st.sampled_from(["none", "none", "button"]),
        nonce=st.sampled_from(["current", "current", "none", "none", "stale"]),
        counter=st.integers(0, 3),
    )
    def a_ticket_comes(self, longest_s: int, exp_s: int, presence: str, nonce: str, counter: int) -> None:
        nonces: dict[str, dict[str, Any]] = {"none": {"nonce": None}, "stale": {"nonce": "stale-stale-stale-stale"}}
        changes = nonces.get(nonce, {})
        exp = self.bench.wall_ms // 1000 + exp_s
        ticket = self.bench.ticket(longest_s=longest_s, exp=exp, presence=presence, counter=counter, **changes)
        self.bench.genuine[ticket.jti] = ticket
        self.signed.append(ticket)
        self.bench.down(ticket)

    @rule(forger=st.sampled_from([FORGER, SERVICE]), exp_s=st.integers(10, 1000))
    def a_forged_ticket_comes(self, forger: Any, exp_s: int) -> None:
        """Not among the genuine ones: should it close the contact, `_closes` says so."""
        self.bench.down(self.bench.ticket(exp=self.bench.wall_ms // 1000 + exp_s), forger)

    @precondition(lambda self: self.signed)
    @rule(data=st.data(), fresh_command=st.booleans())
    def an_old_ticket_comes_again(self, data: st.DataObject, *, fresh_command: bool) -> None:
        ticket = data.draw(st.sampled_from(self.signed))
        self.bench.down(msgspec.structs.replace(ticket, cmd=self.bench.ticket().cmd) if fresh_command else ticket)

    @precondition(lambda self: self.bench.spent and not self.bench.coil)
    @rule(data=st.data())
    def a_spent_ticket_comes_again(self, data: st.DataObject) -> None:
        ticket = self.bench.genuine[data.draw(st.sampled_from(sorted(self.bench.spent)))]
        self.bench.down(msgspec.structs.replace(ticket, cmd=self.bench.ticket().cmd))

    @rule(
        action=st.sampled_from(["end", "lock"]),
        level=st.integers(1, 4),
        grace_s=st.integers(0, 90),
        floor=st.integers(0, 3),
    )
    def an_order_comes(self, action: str, level: int, grace_s: int, floor: int) -> None:
        self.bench.down(self.bench.command(action=action, level=level, grace_s=grace_s, floor=floor))

    @precondition(lambda self: self.bench.coil)
    @rule()
    def it_is_ended_at_once(self) -> None:
        self.bench.down(self.bench.command(level=1))

    @rule()
    def a_boot_reply_comes(self) -> None:
        self.bench.accept()
        self._clock_told()

    @rule(floor_above=st.integers(0, 5))
    def a_boot_floor_comes(self, floor_above: int) -> None:
        boot = self.bench.chip.flash.boot
        self.bench.accept(status="rejected", boot_floor=boot + floor_above)
        if self.bench.chip.flash.boot != boot:  # what was never published lives on under the new number
            del self.bench.made[boot]

    @rule()
    def the_time_comes(self) -> None:
        self.bench.down(self.bench.time(), SERVICE)
        self._clock_told()

    def _clock_told(self) -> None:
        if abs((self.bench.chip.wall.at(self.bench.up) or 0) - self.bench.wall_ms) < 1000:
            self.bench.clock_fault = self.bench.clock_fault and isinstance(self.bench.chip.relay, Closed)

    @rule(part=st.floats(0, 1), boot_back=st.integers(0, 2))
    def evidence_is_stored(self, part: float, boot_back: int) -> None:
        boot = self.bench.chip.flash.boot - boot_back
        published = [seq for b, seq in self.bench.bytes if b == boot]
        upto = int(max(published, default=0) * part)
        if upto:
            self.bench.stored(upto, boot)
            self.bench.confirmed[boot] = max(self.bench.confirmed.get(boot, 0), upto)

    @rule(boot_back=st.integers(0, 2), start=st.integers(1, 30), length=st.integers(0, 20))
    def a_range_is_asked_for(self, boot_back: int, start: int, length: int) -> None:
        boot = self.bench.chip.flash.boot - boot_back
        if boot >= 1:
            self.bench.resend(boot, start, start + length)

    # the machine and its people

    @rule()
    def the_button_is_pressed(self) -> None:
        self.bench.pressed_ms = self.bench.wall_ms
        self.bench.press()

    @rule(ms=st.integers(24, 3000), current=st.sampled_from([5.0, 16.0, 180.0]))
    def it_burns(self, ms: int, current: float) -> None:
        self.bench.weld(ms, current)

    @rule(ms=st.integers(24, 2000))
    def the_sensor_stands_still(self, ms: int) -> None:
        for _ in range(ms // 24):
            self.bench.read(180.0, 25.0)

    @rule(ms=st.integers(1, 90_000))
    def nothing_burns(self, ms: int) -> None:
        self.bench.still(ms)

    @rule(every_ms=st.integers(500, 1900), count=st.integers(1, 60))
    def it_burns_with_pauses(self, every_ms: int, count: int) -> None:
        for i in range(count):
            self.bench.give(Readings(self.bench.up, (Reading(self.bench.up, 150.0 + i % 2, 20.0),)))
            self.bench.wait(every_ms)

    @rule(ms=st.integers(1, 900_000))
    def time_passes(self, ms: int) -> None:
        self.bench.wait(ms)

    @rule(off_ms=st.integers(0, 400_000), rtc=st.booleans())
    def the_power_fails(self, off_ms: int, *, rtc: bool) -> None:
        self.bench.power_cut(off_ms=off_ms, rtc=rtc)

    @rule(stuck=st.booleans())
    def the_contactor_sticks_or_not(self, *, stuck: bool) -> None:
        self.bench.stuck = stuck

    @rule(present=st.booleans())
    def the_mains_come_or_go(self, *, present: bool) -> None:
        self.bench.give(Mains(self.bench.up, present))

    @rule(by_ms=st.integers(-7_200_000, 7_200_000))
    def the_clock_jumps(self, by_ms: int) -> None:
        self.bench.clock_fault = True
        self.bench.give(ClockFault(self.bench.up, by_ms))

    # the link

    @rule()
    def the_link_comes(self) -> None:
        if isinstance(self.bench.chip.uplink, Dialing):
            self.bench.connect()

    @rule()
    def the_link_goes(self) -> None:
        self.bench.give(LinkLost(self.bench.up))

    # what always holds

    @invariant()
    def the_relay_is_inside_its_permission(self) -> None:
        if hasattr(self, "bench"):
            self.bench.check_relay()

    @invariant()
    def no_evidence_vanishes(self) -> None:
        if not hasattr(self, "bench"):
            return
        ring = self.bench.chip.flash.ring
        known = {entry.key for entry in ring.entries} | self.bench.declared
        ranges = [*ring.lost, *(entry.declares for entry in ring.entries if entry.declares)]
        known |= {(boot, seq) for boot, start, end in ranges for seq in range(start, end + 1)}
        for boot, last in self.bench.made.items():
            missing = {
                seq for seq in range(self.bench.confirmed.get(boot, 0) + 1, last + 1) if (boot, seq) not in known
            }
            assert not missing, f"boot {boot}: {missing} vanished"

    @invariant()
    def the_ring_is_bounded(self) -> None:
        if hasattr(self, "bench"):
            entries = self.bench.chip.flash.ring.entries
            assert len([entry for entry in entries if entry.declares is None]) <= CAPACITY

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.bench.wait(25 * 60_000)  # no ticket of this test is longer
        assert self.bench.coil is False
        self.the_relay_is_inside_its_permission()


ChipLife.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestChipLife = ChipLife.TestCase
