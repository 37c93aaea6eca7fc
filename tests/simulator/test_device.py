"""A running device on a real broker, with a tiny platform behind it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.chip import ArcEnded, ArcStarted, CurrentWhileOpen, RelayClosed, RelayOpened, Telemetry
from schemas.signed import Command
from schemas.topics import Topic
from simulator.device import Device
from simulator.identity import ChipIdentity, Settings
from simulator.recording import parse_recording
from simulator.wire import Faults
from tests.simulator.bench import FORGER, KEYS, SERVICE, uuid
from tests.simulator.tiny_platform import TinyPlatform
from weld.cli.mosquitto import Mosquitto
from weld.kit.clock import ScaledClock, SystemClock

QUICK = Settings(resend_ms=1500, active_ms=500, dial_ms=200, late_ms=2000, boot_repeat_ms=500, backlog_per_s=50)


def a_device(broker: Mosquitto, name: str, clock: Any = None, **changes: Any) -> Device:
    identity = replace(ChipIdentity(name, "00", KEYS), **changes)
    return Device(identity, broker.chips.host, broker.chips.port, clock or SystemClock(), settings=QUICK)


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


def end(chip: str, number: int, **changes: Any) -> Command:
    words: dict[str, Any] = {
        "id": uuid(number + 5 * 10**6),
        "aud": chip,
        "action": "end",
        "level": 2,
        "grace_s": 60,
        "session": None,
        "by": "worker",
        "exp": 2_000_000_000,
        "floor": 0,
    }
    return Command(**{**words, **changes})


async def test_a_device_comes_online_is_accepted_and_everything_is_stored(broker: Mosquitto) -> None:
    async with TinyPlatform(broker) as platform, a_device(broker, "WGDEV001") as device:
        await device.wait_online(10)
        await device.wait_all_stored(10)
        assert device.state == "locked"
        assert platform.presences["WGDEV001"].online
        assert device.stored_upto >= 2


async def test_it_tells_that_it_leaves_and_when_it_is_cut_off(broker: Mosquitto) -> None:
    async with TinyPlatform(broker) as platform:
        async with a_device(broker, "WGDEV002") as device:
            await device.wait_online(10)
            device.kick()
            await until(lambda: not platform.presences["WGDEV002"].online)
            await device.wait_online(10)
            await until(
                lambda: platform.presences["WGDEV002"].online and platform.presences["WGDEV002"].connection == 2
            )
        await until(lambda: not platform.presences["WGDEV002"].online)


@pytest.mark.parametrize("cbor", [False, True], ids=["json", "cbor"])
async def test_scan_weld_and_end(broker: Mosquitto, *, cbor: bool) -> None:
    name = "WGDEV0CB" if cbor else "WGDEV0JS"
    async with TinyPlatform(broker) as platform, a_device(broker, name, cbor=cbor) as device:
        await device.wait_all_stored(10)
        ticket = await platform.unlock(name)
        await device.wait_contact("closed", 5)
        await device.weld(180, 3)
        await device.wait_until(lambda: device.state == "unlocked", 10)
        await platform.say(Topic("00", name, "down"), end(name, int(cbor)))
        await device.wait_contact("open", 5)
        await device.wait_all_stored(10)
        closed = next(e for e in platform.events(name) if isinstance(e, RelayClosed))
        opened = next(e for e in platform.events(name) if isinstance(e, RelayOpened))
        assert (closed.ticket, opened.reason, closed.session) == (ticket.jti, "worker", opened.session)
        arcs = [e for e in platform.events(name) if isinstance(e, ArcEnded)]
        told_ms = sum(ms or 0 for m in platform.said(name) if isinstance(m, Telemetry) for ms in m.arc_ms)
        assert sum(arc.arc_ms for arc in arcs) == told_ms == device.counters.arc_ms
        assert 2500 < told_ms <= 3000
        assert not platform.contradictions


async def test_a_forged_ticket_moves_nothing(broker: Mosquitto) -> None:
    name = "WGDEV004"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        await platform.unlock(name, key=FORGER)
        await platform.unlock(name, key=SERVICE)
        await until(lambda: "TicketRefused" in platform.names(name))
        assert device.contact == "open"


async def test_welding_without_a_scan_moves_no_current_and_a_jumper_is_told(broker: Mosquitto) -> None:
    name = "WGDEV005"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_online(10)
        await device.weld(180, 0.5)
        assert device.counters.arc_ms == 0
        await device.bypass_weld(180, 1)
        await device.wait_until(lambda: device.state == "locked", 10)
        await device.wait_all_stored(10)
        events = platform.events(name)
        assert len([e for e in events if isinstance(e, CurrentWhileOpen)]) == 1
        assert [e.contact for e in events if isinstance(e, ArcStarted)] == ["open"]


async def test_what_a_bad_line_does_is_repaired(broker: Mosquitto) -> None:
    name = "WGDEV006"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_online(10)
        device.disturb(Faults(loss=0.3, double=0.2, reorder=0.2))
        await platform.unlock(name)
        await device.wait_contact("closed", 5)
        await device.weld(150, 4)
        device.disturb(Faults())
        await device.wait_all_stored(20)
        assert device.lost > 0
        assert len(platform.arrived) > len(platform.bytes)
        assert not platform.contradictions
        keys = sorted(platform.messages[name])
        assert keys == [(1, seq) for seq in range(1, len(keys) + 1)]


async def test_a_lost_range_is_asked_for_and_comes(broker: Mosquitto) -> None:
    name = "WGDEV007"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        device.lose_range(3)
        for _ in range(5):
            device.press_button()
        await device.wait_all_stored(10)
        assert platform.names(name).count("Button") == 5
        assert device.lost == 3


async def test_an_outage_is_filled_with_late_messages_after_the_live_ones(broker: Mosquitto) -> None:
    name = "WGDEV008"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        device.drop_link()
        for _ in range(3):
            device.press_button()
        await asyncio.sleep(2.5)
        device.restore_link()
        await device.wait_online(10)
        await device.wait_all_stored(10)
        late = [m for m in platform.said(name) if m.late]
        assert len(late) == 3


async def test_a_reboot_in_a_session_goes_on_with_it(broker: Mosquitto) -> None:
    name = "WGDEV009"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        await platform.unlock(name)
        await device.wait_contact("closed", 5)
        session = device.session
        device.reboot()
        await device.wait_contact("open", 5)
        await device.wait_contact("closed", 10)
        assert device.session == session
        await device.wait_all_stored(10)
        assert [e.resumed for e in platform.events(name) if isinstance(e, RelayClosed)] == [False, True]
        assert "SelfTestFailed" not in platform.names(name)


async def test_a_broker_that_restarts_loses_nothing(tmp_path: Any) -> None:
    name = "WGDEV010"
    with Mosquitto(tmp_path / "home", remove=True) as broker:
        async with a_device(broker, name) as device:
            async with TinyPlatform(broker, confirms=False) as first:
                await device.wait_online(10)
                device.press_button()
                await until(lambda: "Button" in first.names(name))
            broker.kill()
            await until(lambda: not device.online)
            device.press_button()
            broker.restart()
            async with TinyPlatform(broker) as second:
                await device.wait_online(20)
                await device.wait_all_stored(10)
                assert second.names(name).count("Button") == 2
                assert not second.contradictions


async def test_a_jump_of_the_clock_is_corrected_and_told(broker: Mosquitto) -> None:
    name = "WGDEV011"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_all_stored(10)
        device.jump_clock(-3600)
        device.reboot()
        await device.wait_until(lambda: device.state == "off", 5)
        await device.wait_online(10)
        await device.wait_all_stored(10)
        jumps = [e.jump_ms for e in platform.events(name) if type(e).__name__ == "ClockSet"]
        assert jumps[0] is None
        assert 3_590_000 < jumps[-1] < 3_610_000


async def test_a_recording_is_told_as_it_is_on_a_faster_clock(broker: Mosquitto) -> None:
    name = "WGDEV012"
    rows = [f"{i * 0.024:.3f},{0 if i < 400 else 150 + i % 5},{60 if i < 400 else 22}" for i in range(800)]
    recording = parse_recording("t_s,current_a,voltage_v\n" + "\n".join(rows))
    clock = ScaledClock()
    async with TinyPlatform(broker) as platform, a_device(broker, name, clock) as device:
        await device.wait_all_stored(10)
        clock.set_rate(20)
        await device.play(recording, bypass=True)
        clock.set_rate(1)
        await device.wait_all_stored(10)
        (arc,) = [e for e in platform.events(name) if isinstance(e, ArcEnded)]
        assert (arc.from_up - device.playing_from_up, arc.arc_ms) == (9600, 9600)


async def test_more_messages_than_may_wait_are_dropped_and_still_arrive(broker: Mosquitto) -> None:
    name = "WGDEV013"
    async with TinyPlatform(broker) as platform, a_device(broker, name) as device:
        await device.wait_online(10)
        for _ in range(400):
            device.press_button()
        assert device.counters.link.dropped > 0
        await device.wait_all_stored(60)
        assert platform.names(name).count("Button") == 400
