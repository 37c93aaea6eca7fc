"""Stories through the real stack: real processes, a real broker, a real database, reference chips, phones and officers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from simulator.device import Device
from simulator.identity import ChipIdentity
from simulator.scenario import Player
from weld.cli.stack import Stack
from weld.cli.story import Codes, Officer, Overheard, Phone, client, settle
from weld.cli.town import EXPIRED, LICENSED, Person, Town
from weld.kit.clock import SystemClock

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("stories")]
MACHINES = 12


@dataclass
class World:
    """One stack for all stories of this file; each story has a machine of its own."""

    stack: Stack
    town: Town
    codes: Codes
    address: str
    taken: int = 0
    tokens: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    settings = {"shards": "4", "stored_after_s": "0.5", "resend_after_s": "1", "api_attempts_per_minute": "100"}
    with Stack.make_throwaway("stories", **settings) as stack:
        town = Town(machines=MACHINES, shards=4, buttons=frozenset({MACHINES - 1}))
        asyncio.run(settle(stack, town))
        api = stack.start("api", pipe=True)
        for name in ("ingest", "gateway", "maintain"):
            stack.start(name)
        for child in stack.children.values():
            child.wait_ready()
        yield World(stack, town, Codes(api), api.address)


@dataclass
class People:
    """A worker with his phone, and an officer who reads the alerts of one machine."""

    world: World
    http: httpx.AsyncClient
    plate: str
    person: Person = LICENSED
    unlock: str = ""
    scans: int = 0

    async def phone(self) -> Phone:
        phone = Phone(self.http, self.world.codes, self.world.tokens.get(self.person.phone, ""))
        if not phone.token:
            await phone.sign_in(self.person)
            self.world.tokens[self.person.phone] = phone.token
        return phone

    async def scan(self) -> str | None:
        self.scans += 1
        answer = await (await self.phone()).scan(self.plate, f"{self.plate}-{self.person.phone[-1]}-{self.scans}")
        body = answer.json()
        if answer.status_code >= 400:
            return str(body["reasons"][0]["code"])
        self.unlock = body["id"]
        return None

    async def end(self) -> None:
        phone = await self.phone()
        told = await phone.wait_for(self.unlock, "closed", "ended")
        await phone.end(told["session"])

    async def alerts(self) -> list[str]:
        officer = Officer(self.http, self.world.town.officer_key)
        return [alert["code"] for alert in await officer.alerts(self.plate)]

    async def session(self) -> str | None:
        told = await Officer(self.http, self.world.town.officer_key).get("/sessions", plate=self.plate)
        return told["sessions"][0]["state"] if told["sessions"] else None


@asynccontextmanager
async def machine(
    world: World, person: Person = LICENSED, number: int | None = None, *, cbor: bool = False
) -> AsyncIterator[tuple[Player, Device, People]]:
    """The next machine of the town with its chip running, and the people around it."""
    if number is None:
        number, world.taken = world.taken, world.taken + 1
    there = world.stack.broker(None)
    identity = ChipIdentity(
        world.town.chip(number), world.town.shard(number), world.stack.installation.pinned(), cbor=cbor
    )
    async with (
        client(world.address, Overheard()) as http,
        Device(identity, there.host, there.port, SystemClock(), seed=number) as device,
    ):
        people = People(world, http, world.town.plate(number), person)
        await device.wait_all_stored(30)
        yield Player(device, people), device, people


async def test_a_licensed_day_leaves_a_closed_session_and_no_alert(world: World) -> None:
    async with machine(world) as (player, _, _):
        await player.play("scan ok; wait relay=closed 5s; weld 180A 3s; end; wait relay=open 10s; wait stored 20s")
        await player.play("expect session=closed; expect no alert")


async def test_chips_may_speak_cbor(world: World) -> None:
    async with machine(world, cbor=True) as (player, _, _):
        await player.play(
            "scan ok; wait relay=closed 5s; weld 150A 2s; end; wait relay=open 10s; expect session=closed"
        )


async def test_a_lost_link_ends_nothing_and_what_was_buffered_arrives(world: World) -> None:
    async with machine(world) as (player, device, people):
        await player.play("scan ok; wait relay=closed 5s; weld 180A 2s; drop_link 4s; weld 160A 2s; sleep 1s")
        assert device.contact == "closed"
        await player.play("end; wait relay=open 20s; wait stored 60s; expect session=closed; expect no alert")
        told = await Officer(people.http, world.town.officer_key).get("/sessions", plate=people.plate)
        record = told["sessions"][0]
        assert record["contact_ms"] - record["covered_ms"] < 1000


async def test_p11_a_reboot_in_a_session_opens_the_contact_and_the_session_may_go_on(world: World) -> None:
    async with machine(world) as (player, device, people):
        await player.play("scan ok; wait relay=closed 5s; weld 180A 2s; sleep 1s; reboot; wait relay=open 2s")
        await player.play(
            "wait relay=closed 30s; weld 150A 2s; end; wait relay=open 20s; wait stored 60s; expect session=closed"
        )
        told = await Officer(people.http, world.town.officer_key).get("/sessions", plate=people.plate)
        assert [session["resumed"] for session in told["sessions"]] == [1]
        assert device.counters.arc_ms > 0
        assert await people.alerts() == []


async def test_d01_welding_past_the_chip_is_one_alert(world: World) -> None:
    async with machine(world) as (player, _, people):
        await player.play("bypass 150A 4s; expect alert=D01; sleep 1s; bypass; wait stored 20s; expect no alert")
        assert await people.alerts() == ["D01"]


async def test_a03_an_expired_worker_is_refused_and_told_of(world: World) -> None:
    async with machine(world, EXPIRED) as (player, device, _):
        await player.play("scan refused=certificate_expired; expect alert=A03; expect no alert")
        assert device.contact == "open"


async def test_a09_a_certificate_in_a_live_session_elsewhere_unlocks_nothing_more(world: World) -> None:
    async with machine(world) as (first, _, _), machine(world) as (second, other, _):
        await first.play("scan ok; wait relay=closed 5s")
        await second.play("scan refused=certificate_in_use_elsewhere; expect alert=A09; expect no alert")
        assert other.contact == "open"
        await first.play("end; wait relay=open 10s; expect session=closed")
        await second.play("scan ok; wait relay=closed 5s; end; wait relay=open 10s; expect session=closed")


async def test_p19_with_presence_the_contact_waits_for_the_button(world: World) -> None:
    async with machine(world, number=MACHINES - 1) as (player, device, people):
        await player.play("scan ok")
        await (await people.phone()).wait_for(people.unlock, "armed")
        assert device.contact == "open"
        await player.play("button; wait relay=closed 5s; end; wait relay=open 10s; expect session=closed")


async def test_a_lost_range_is_asked_for_and_the_record_is_whole(world: World) -> None:
    async with machine(world) as (player, device, people):
        await player.play(
            "scan ok; wait relay=closed 5s; lose 3; weld 180A 12s; end; wait relay=open 10s; wait stored 60s"
        )
        await player.play("expect session=closed; expect no alert")
        told = await Officer(people.http, world.town.officer_key).get("/sessions", plate=people.plate)
        assert abs(told["sessions"][0]["arc_ms"] - device.counters.arc_ms) <= 1000


async def test_an_officer_s_lock_opens_the_contact_and_frees_nothing_until_it_is_reported(world: World) -> None:
    async with machine(world) as (player, _, people):
        await player.play("scan ok; wait relay=closed 5s")
        lock = await people.http.post(
            f"/api/v1/machines/{people.plate}/lock",
            json={"level": 1, "reason": "fire watch left"},
            headers={"Authorization": f"Bearer {world.town.officer_key}"},
        )
        assert lock.status_code == 202
        await player.play("wait relay=open 5s; wait stored 20s; expect session=closed; expect no alert")
