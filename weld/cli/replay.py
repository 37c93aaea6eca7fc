"""`weldgate replay`: a recording as a chip's sensor, through the real broker, ingest and database, on one clock for all.

The stack and the chip share a clock that runs at real speed while people act and faster while the recording plays, so that
device and server time stay together. Licensed: a worker unlocks first; otherwise the current flows past the open contact.
Refuses to judge: what is printed is what the platform made of it.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from api.main import serve as serve_api
from api.settings import ApiSettings
from gateway.main import serve as serve_gateway
from gateway.sender import Broker
from gateway.settings import GatewaySettings
from ingest.main import serve as serve_ingest
from ingest.mqtt import Address
from ingest.settings import IngestSettings
from simulator.device import Device
from simulator.identity import ChipIdentity, Settings
from simulator.recording import BadRecording, Recording, read_recording
from weld.cli.installation import signing_key
from weld.cli.stack import Stack
from weld.cli.story import Officer, Overheard, Phone, client, settle
from weld.cli.town import LICENSED, Town
from weld.kit import log
from weld.kit.clock import ScaledClock

SHARDS = 2
Say = Callable[[str], None]
_DAY_MS = 86_400_000


class _Codes:
    """The one-time codes of this stack, handed over in memory instead of printed."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    async def send(self, phone: str, code: str, request: UUID) -> None:  # noqa: ARG002  (the port's shape)
        self.sent[str(request)] = code

    async def of(self, request: str) -> str:
        return self.sent[request]


def run(file: Path, *, licensed: bool, speed: float, quiet: bool) -> int:
    """Play it and print the JSON line; 2 where the file is no recording, 1 where the stack failed."""
    try:
        recording = read_recording(file)
    except (BadRecording, OSError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    log.configure("replay", json=False, level=30)
    if recording.placeless:
        _say(f"{recording.placeless} rows without a readable time were left out")
    say: Say = (lambda _: None) if quiet else _say
    say(f"{recording.duration_ms / 1000:.1f} s, {len(recording.readings)} rows, at {speed:g} times real speed")
    with Stack.make_throwaway("replay") as stack:
        told = asyncio.run(_play(stack, recording, licensed=licensed, speed=speed, say=say))
    print(json.dumps(told), flush=True)
    return 0


async def _play(stack: Stack, recording: Recording, *, licensed: bool, speed: float, say: Say) -> dict[str, Any]:
    clock, codes = ScaledClock(), _Codes()
    town = Town(machines=1, shards=SHARDS, longest_s=86_400)
    await settle(stack, town)
    stop = asyncio.Event()
    async with _together(stack, clock, codes, stop) as address, client(address, Overheard()) as http:
        there = stack.broker(None)
        identity = ChipIdentity(town.chip(0), town.shard(0), stack.installation.pinned())
        # a recording may rest longer than a worker would: the chip must not lock in the middle of it
        settings = Settings(idle_end_ms=_DAY_MS)
        async with Device(identity, there.host, there.port, clock, settings=settings) as device:
            officer = Officer(http, town.officer_key)
            await device.wait_all_stored(30)
            phone = Phone(http, codes)
            session = await _unlock(phone, town, device) if licensed else None
            say("unlocked" if licensed else "playing past the chip")
            began = await _run_recording(device, clock, recording, speed, bypass=not licensed)
            await _finish(device, phone, session)
            return await _told(officer, town, began, clock.now())


async def _unlock(phone: Phone, town: Town, device: Device) -> str:
    await phone.sign_in(LICENSED)
    answer = await phone.scan(town.plate(0), "replay")
    if answer.status_code != 201:
        raise RuntimeError(f"the unlock was refused: {answer.text[:300]}")
    told = await phone.wait_for(answer.json()["id"], "closed", "refused", "expired")
    await device.wait_contact("closed", 10)
    return str(told["session"])


async def _run_recording(
    device: Device, clock: ScaledClock, recording: Recording, speed: float, *, bypass: bool
) -> datetime:
    """Play it; the time at its first row, by the chip's clock, which dates what it says. At real speed again afterwards."""
    playing = asyncio.create_task(device.play(recording, bypass=bypass))
    await asyncio.sleep(0)
    began_ms = device.wall_ms(device.playing_from_up)
    if began_ms is None:
        raise RuntimeError("the chip's clock was never set")
    clock.set_rate(speed)
    try:
        await playing
    finally:
        clock.set_rate(1.0)
    return datetime.fromtimestamp(began_ms / 1000, UTC)


async def _finish(device: Device, phone: Phone, session: str | None) -> None:
    if session is not None:
        await phone.sign_in(LICENSED)
        await phone.end(session)
        await device.wait_contact("open", 90)
    await device.wait_all_stored(120)


async def _told(officer: Officer, town: Town, began: datetime, until: datetime) -> dict[str, Any]:
    """What the platform says of it, through the doors of officers."""
    plate = town.plate(0)
    days = (await officer.get("/days", plate=plate))["days"]
    alerts = [(a["code"], datetime.fromisoformat(a["since"])) for a in await officer.alerts(plate)]
    bursts, faults, sessions = 0, 0, 0
    since = began - timedelta(minutes=5)
    while since < until + timedelta(minutes=5):
        upto = min(since + timedelta(minutes=30), until + timedelta(minutes=5))
        span = await officer.get(f"/machines/{plate}/timeline", since=since.isoformat(), until=upto.isoformat())
        bursts += len(span["arcs"])
        faults += sum(1 for event in span["events"] if event["name"] == "sensor_frozen")
        since = upto
    sessions = len((await officer.get("/sessions", plate=plate))["sessions"])
    return {
        "arc_seconds": round(sum(day["arc_ms"] for day in days) / 1000, 3),
        "weld_bursts": bursts,
        "sessions": sessions,
        "alerts": [
            {"code": code, "at_s": round((at - began).total_seconds(), 3)}
            for code, at in sorted(alerts, key=lambda a: a[1])
        ],
        "sensor_faults": faults,
    }


@asynccontextmanager
async def _together(stack: Stack, clock: ScaledClock, codes: _Codes, stop: asyncio.Event) -> AsyncIterator[str]:
    """Ingest, gateway and api in this process, on one clock; the address of the api."""
    told = stack.folder / "api.address"
    secrets = stack.installation
    broker, sender = stack.broker("ingest"), stack.broker("gateway")
    address = Address(broker.host, broker.port, broker.username, (broker.password or "").encode() or None)
    ingest = IngestSettings(
        ingest_clock_off_max_s=1e9, shards=SHARDS, stored_after_s=0.3, resend_after_s=1.0, door_port=0
    )
    gateway = Broker(sender.host, sender.port, sender.username, sender.password)
    api = ApiSettings(api_port=0, door_port=0, api_clock_off_max_s=1e9)
    ready = stack.folder / "ingest.address"
    tasks = [
        asyncio.create_task(work)
        for work in (
            serve_ingest(
                ingest, stack.role_url("ingest"), address, signing_key(secrets.key_file("service")), clock, stop, ready
            ),
            serve_gateway(
                GatewaySettings(door_port=0),
                stack.role_url("gateway"),
                gateway,
                signing_key(secrets.key_file("permit")),
                clock,
                stop,
            ),
            serve_api(api, stack.role_url("api"), secrets.vault, clock, stop, told, codes=codes),
        )
    ]
    try:
        await _wait_for(told, tasks)
        yield told.read_text().split()[-1]
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _wait_for(file: Path, tasks: list[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(30):
        while not file.exists():
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)


def _say(line: str) -> None:
    print(f"replay: {line}", file=sys.stderr, flush=True)
