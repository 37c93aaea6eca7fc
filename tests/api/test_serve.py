"""The process as a whole: real sockets, live streams, doors, and a clean stop."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.main import serve
from api.settings import ApiSettings
from tests.api.town import Town

Words = dict[str, Any]


@dataclass
class Served:
    """A running process."""

    door: str
    address: str
    stop: asyncio.Event
    task: "asyncio.Task[None]"


@asynccontextmanager
async def serving(town: Town, folder: Path, **changed: Any) -> AsyncIterator[Served]:
    settings = ApiSettings(api_port=0, door_port=0, **({"api_stream_poll_s": 30.0} | changed))
    stop, file = asyncio.Event(), folder / "address"
    url, vault = town.database.url("api"), town.database.vault
    task = asyncio.create_task(serve(settings, url, vault, town.clock, stop, file, codes=town.postbox))
    async with asyncio.timeout(20):
        while not file.exists():
            assert not task.done(), task.exception()
            await asyncio.sleep(0.02)
    door, address = file.read_text().split()
    try:
        yield Served(door, address, stop, task)
    finally:
        stop.set()
        await task


async def events(response: httpx.Response) -> AsyncIterator[Words]:
    """The unlocks of a stream; comments come as {}."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))
        elif line.startswith(":"):
            yield {}


async def test_the_stream_tells_what_the_contact_reports_at_once_and_ends_with_the_session(
    town: Town, tmp_path: Path
) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    path = f"/api/v1/unlocks/{unlock['id']}/events"
    async with (
        serving(town, tmp_path) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
        client.stream("GET", path, headers=welder.bearer) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response)
        assert (await anext(stream))["state"] == "waiting"
        await asyncio.sleep(0.5)  # the listener is there
        begun = time.perf_counter()
        session = await town.contact_closes(unlock["id"], code)
        closed = await anext(stream)
        assert (closed["state"], closed["session"]) == ("closed", str(session))
        await town.contact_opens(session, unlock["id"], code)
        assert (await anext(stream))["state"] == "ended"
        assert time.perf_counter() - begun < 5  # by hints: the slow look comes every 30 s
        assert [event async for event in stream] == []


async def test_a_stream_without_hints_looks_by_itself_and_stays_awake(town: Town, tmp_path: Path) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    path = f"/api/v1/unlocks/{unlock['id']}/events"
    quick = {"api_stream_poll_s": 0.1, "api_stream_heartbeat_s": 0.3}
    async with (
        serving(town, tmp_path, **quick) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
        client.stream("GET", path, headers=welder.bearer) as response,
    ):
        stream = events(response)
        assert (await anext(stream))["state"] == "waiting"
        assert await anext(stream) == {}
        town.database.rows("UPDATE weld.command SET state = 'sent', first_sent_at = now()")  # nobody notifies
        assert await next_unlock(stream) == "sent"


async def next_unlock(stream: AsyncIterator[Words]) -> str:
    async for event in stream:
        if event:
            state: str = event["state"]
            return state
    return "over"


async def test_signing_out_ends_the_stream(town: Town, tmp_path: Path) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    path = f"/api/v1/unlocks/{unlock['id']}/events"
    async with (
        serving(town, tmp_path, api_stream_poll_s=0.1) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
        client.stream("GET", path, headers=welder.bearer) as response,
    ):
        stream = events(response)
        await anext(stream)
        assert (await client.delete("/api/v1/sign-in", headers=welder.bearer)).status_code == 204
        assert await next_unlock(stream) == "over"


async def test_a_worker_has_only_so_many_streams(town: Town, tmp_path: Path) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    path = f"/api/v1/unlocks/{unlock['id']}/events"
    async with (
        serving(town, tmp_path, api_streams_per_worker=1) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
    ):
        async with client.stream("GET", path, headers=welder.bearer) as response:
            stream = events(response)
            await anext(stream)
            refused = await client.get(path, headers=welder.bearer)
            assert (refused.status_code, refused.json()["error"]) == (429, "too_many_attempts")
        for _ in range(100):  # who leaves makes room
            async with client.stream("GET", path, headers=welder.bearer) as response:
                if response.status_code == 200:
                    break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the stream of a client that left is still counted")


async def test_the_process_stops_within_ten_seconds_with_streams_open(town: Town, tmp_path: Path) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    path = f"/api/v1/unlocks/{unlock['id']}/events"
    async with (
        serving(town, tmp_path) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
        client.stream("GET", path, headers=welder.bearer) as response,
    ):
        stream = events(response)
        await anext(stream)
        begun = time.perf_counter()
        served.stop.set()
        assert await next_unlock(stream) == "over"
        await served.task
        assert time.perf_counter() - begun < 10


async def test_the_doors_answer_and_metrics_stay_on_loopback(town: Town, tmp_path: Path) -> None:
    async with serving(town, tmp_path) as served, httpx.AsyncClient() as client:
        assert served.door.startswith("http://127.0.0.1:")
        assert (await client.get(f"{served.door}/ready")).json()["ready"] is True
        assert (await client.get(f"{served.address}/health/ready")).json()["ready"] is True
        answer = await client.get(f"{served.address}/api/v1/plates/x")
        assert "server" not in answer.headers
        text = (await client.get(f"{served.door}/metrics")).text
        assert 'weldgate_api_answers_total{route="/plates/{plate}",status="4xx"}' in text
        assert "weldgate_" not in (await client.get(f"{served.address}/metrics")).text
