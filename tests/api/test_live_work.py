"""A session while it runs: what its worker sees of the machine, what stays hidden afterwards, bursts, the masked name."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from tests.api.test_live_map import get
from tests.api.test_serve import serving
from tests.api.town import Town

Words = dict[str, Any]


def measure(town: Town, code: str, current_a: float) -> None:
    """The chip's next telemetry."""
    town.database.rows(
        "UPDATE weld.chip_state SET current_a = %s, received_at = clock_timestamp(), state = 'arcing'"
        " WHERE chip = (SELECT chip FROM weld.machine WHERE plate = %s)",
        *(current_a, code),
    )


async def test_the_worker_sees_his_machine_while_his_permission_lives_and_nobody_elses_work(town: Town) -> None:
    welder, code = await town.welder(), await town.machine(maker="时代", model="ZX7-400")
    unlock = (await town.unlock(welder, code)).json()
    assert (unlock["machine"], unlock["reported"], unlock["online"]) == ("时代 ZX7-400", "locked", True)
    session = await town.contact_closes(unlock["id"], code)
    measure(town, code, 142.0)
    path = f"/unlocks/{unlock['id']}"
    seen = await get(town, path, welder.bearer)
    assert (seen["machine"], seen["reported"], seen["current_a"]) == ("时代 ZX7-400", "arcing", 142.0)
    assert seen["heard_at"] is not None
    assert seen["idle_lock_s"] is None
    await town.contact_opens(session, unlock["id"], code)
    measure(town, code, 99.0)  # somebody else at the same machine
    after = await get(town, path, welder.bearer)
    assert (after["state"], after["machine"]) == ("ended", "时代 ZX7-400")
    assert [after[name] for name in ("reported", "online", "current_a", "heard_at")] == [None] * 4


async def test_the_stream_tells_the_readings_but_not_more_often_than_every_two_seconds(
    town: Town, tmp_path: Path
) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    await town.contact_closes(unlock["id"], code)
    measure(town, code, 100.0)
    path = f"/api/v1/unlocks/{unlock['id']}/events"
    async with (
        serving(town, tmp_path, api_stream_poll_s=0.05) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
        client.stream("GET", path, headers=welder.bearer) as response,
    ):
        stream = unlocks(response)
        assert (await anext(stream))["current_a"] == 100.0
        begun = time.perf_counter()
        for amps in (101.0, 102.0, 103.0):
            measure(town, code, amps)
            await asyncio.sleep(0.2)
        assert (await anext(stream))["current_a"] == 103.0
        assert 1.5 < time.perf_counter() - begun < 6


async def unlocks(response: httpx.Response) -> AsyncIterator[Words]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def burst(town: Town, session: UUID, number: int, arc_ms: int | None) -> None:
    ended = None if arc_ms is None else town.clock.now() + timedelta(minutes=number, milliseconds=arc_ms)
    town.database.rows(
        "INSERT INTO weld.arc (chip_no, boot, from_up, started_at, ended_at, arc_ms, peak_a, session)"
        " SELECT chip_no, 1, %s, %s, %s, %s, 140, id FROM weld.session WHERE id = %s",
        *(number, town.clock.now() + timedelta(minutes=number), ended, arc_ms, session),
    )


async def test_the_bursts_of_a_session_go_to_its_worker_and_to_officers_in_scope(town: Town) -> None:
    welder, thief, code = await town.welder(), await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    for number, arc_ms in ((2, None), (1, 45_000)):
        burst(town, session, number, arc_ms)
    path = f"/sessions/{session}/bursts"
    for bearer in (welder.bearer, await town.officer("division:41"), await town.officer()):
        bursts = (await get(town, path, bearer))["bursts"]
        assert [(one["arc_ms"], one["peak_a"], one["ended_at"] is None) for one in bursts] == [
            (45_000, 140.0, False),
            (None, 140.0, True),
        ]
    for bearer in (thief.bearer, await town.officer("division:37")):
        answer = await town.http.get(f"/api/v1{path}", headers=bearer)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_a_session_names_its_worker_masked(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    masked = welder.name[0] + "*" * (len(welder.name) - 1)
    officer = await town.officer("division:410502")
    assert (await get(town, f"/sessions/{session}", welder.bearer))["worker_name"] == masked
    assert (await get(town, f"/sessions/{session}", officer))["worker_name"] == masked
    assert (await get(town, "/sessions", officer))["sessions"][0]["worker_name"] == masked
    line = await get(town, f"/machines/{code}/timeline", officer)
    assert line["sessions"][0]["worker_name"] == masked
    town.database.rows("UPDATE weld.worker SET division = '37'")  # registered elsewhere: no name for this officer
    assert (await get(town, f"/sessions/{session}", officer))["worker_name"] is None
