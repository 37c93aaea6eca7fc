"""The live stream over real sockets: nothing is missed between a snapshot and what follows, and nobody hears more than he may."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from api import live
from api.caller import Caller
from api.feed import RING, Feed, feed_of
from tests.api.test_live_map import alert
from tests.api.test_serve import serving
from tests.api.town import Town
from weld.core.look import LOOKS
from weld.store.connect import scoped
from weld.store.signins import OfficerRow

Words = dict[str, Any]
Bearer = dict[str, str]


@dataclass
class Screen:
    """What a page does with the stream: it keeps the events, and the machines as they would be drawn."""

    client: httpx.AsyncClient
    bearer: Bearer
    events: list[tuple[str, Words]] = field(default_factory=list)
    machines: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    text: str = ""

    async def load(self) -> str:
        """The snapshot; its cursor."""
        answer = await self.client.get("/api/v1/map", headers=self.bearer)
        columns = answer.json()["machines"]
        self.machines = dict(zip(columns["plate"], [LOOKS[one] for one in columns["look"]], strict=True))
        self.alerts = {one["id"]: one["state"] for one in answer.json()["alerts"]}
        return str(answer.json()["cursor"])

    async def listen(self, cursor: str | None = None, last_id: str | None = None) -> None:
        """Until the server ends the stream."""
        headers = self.bearer | ({"Last-Event-ID": last_id} if last_id else {})
        params = {"since": cursor} if cursor else {}
        async with self.client.stream("GET", "/api/v1/live", headers=headers, params=params) as response:
            assert response.status_code == 200
            assert response.headers["x-accel-buffering"] == "no"
            name = ""
            async for line in response.aiter_lines():
                self.text += line + "\n"
                kind, _, rest = line.partition(": ")
                if kind == "id":
                    self.ids.append(rest)
                elif kind == "event":
                    name = rest
                elif kind == "data":
                    self._apply(name, json.loads(rest))

    def _apply(self, name: str, data: Words) -> None:
        self.events.append((name, data))
        self.machines |= {one["plate"]: one["look"] for one in data.get("machines", [])} if name == "machines" else {}
        self.alerts |= {one["id"]: one["state"] for one in data["alerts"]} if name == "alerts" else {}

    def shows(self, machines: dict[str, str]) -> bool:
        return self.machines == machines

    def of(self, name: str) -> list[Words]:
        return [data for kind, data in self.events if kind == name]


async def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def watching(
    town: Town, address: str, bearer: Bearer, cursor: str | None = None, last_id: str | None = None
) -> AsyncIterator[Screen]:
    """A screen that listens until the end of the block; with `load` as the cursor it takes the snapshot first."""
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        screen = Screen(client, bearer)
        since = await screen.load() if cursor == "load" else cursor
        listening = asyncio.create_task(screen.listen(since, last_id))
        try:
            await until(lambda: screen.of("hello") or listening.done())
            yield screen
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


QUICK = {"api_live_every_s": 0.1}
BY_HINT = {"api_live_every_s": 30.0}


def report(conn: "psycopg.Connection[Any]", plate: str, state: str) -> None:
    """What ingest does in one transaction when a machine's state changes; whoever calls commits."""
    conn.execute(
        "UPDATE weld.chip_state SET state = %s WHERE chip = (SELECT chip FROM weld.machine WHERE plate = %s)",
        (state, plate),
    )
    conn.execute("INSERT INTO weld.change (plate, state, at) VALUES (%s, %s, now())", (plate, state))


async def test_what_commits_during_the_snapshot_reaches_the_stream_also_out_of_order(
    town: Town, tmp_path: Path
) -> None:
    slow, quick, officer = await town.machine(), await town.machine(), await town.officer()
    with psycopg.connect(town.database.url("ingest")) as first, psycopg.connect(town.database.url("ingest")) as second:
        report(first, slow, "faulted")  # the lower number, under way until much later
        async with (
            serving(town, tmp_path, **QUICK) as served,
            watching(town, served.address, officer, "load") as screen,
        ):
            assert screen.machines == {slow: "locked", quick: "locked"}
            report(second, quick, "armed")
            second.commit()
            await asyncio.sleep(1)  # many looks
            first.commit()
            await until(lambda: screen.machines == {slow: "faulted", quick: "armed"})


async def test_a_screen_is_never_left_behind_by_many_writers(town: Town, tmp_path: Path) -> None:
    plates, officer = [await town.machine() for _ in range(12)], await town.officer()
    dice, stop = random.Random(7), asyncio.Event()

    def write(seed: int) -> None:
        own = random.Random(seed)
        with psycopg.connect(town.database.url("ingest")) as conn:
            while not stop.is_set():
                plate, state = own.choice(plates), own.choice(["locked", "armed", "unlocked", "arcing", "faulted"])
                report(conn, plate, state)
                time.sleep(own.uniform(0, 0.05))
                conn.commit()

    async with serving(town, tmp_path, **QUICK) as served:
        writers = [asyncio.create_task(asyncio.to_thread(write, seed)) for seed in range(5)]
        screens = []
        for _ in range(6):
            await asyncio.sleep(dice.uniform(0, 0.4))
            watch = watching(town, served.address, officer, "load")
            screens.append((watch, await watch.__aenter__()))
        await asyncio.sleep(1)
        stop.set()
        await asyncio.gather(*writers)
        rows = town.database.rows(
            "SELECT m.plate, s.state FROM weld.machine m JOIN weld.chip_state s ON s.chip = m.chip"
        )
        for watch, screen in screens:
            await until(partial(screen.shows, dict(rows)), 5)
            assert not screen.of("resync")
            await watch.__aexit__(None, None, None)


async def test_an_alert_and_what_becomes_of_it_are_told_at_once(town: Town, tmp_path: Path) -> None:
    stranger, code, officer = await town.welder(papers=False), await town.machine(), await town.officer()
    async with serving(town, tmp_path, **BY_HINT) as served, watching(town, served.address, officer, "load") as screen:
        await asyncio.sleep(0.5)  # the listener is there
        begun = time.perf_counter()
        await town.unlock(stranger, code)
        raised = (await until(lambda: screen.of("alerts")))[0]["alerts"][0]
        assert (raised["code"], raised["state"], raised["plate"]) == ("A01", "open", code)
        assert raised["sentence"]["zh"] == "没查到他的焊接作业证，扫码没开成。"
        path = f"/api/v1/alerts/{raised['id']}"
        await town.http.post(f"{path}/acknowledge", headers=officer)
        await until(lambda: screen.alerts == {raised["id"]: "acknowledged"})
        await town.unlock(stranger, code)
        await until(lambda: screen.of("alerts")[-1]["alerts"][0]["occurrences"] == 2)
        await town.http.post(f"{path}/close", json={"outcome": "test", "note": "x"}, headers=officer)
        await until(lambda: screen.alerts == {raised["id"]: "closed"})
        assert time.perf_counter() - begun < 8  # by hints: the slow look comes every 30 s
        assert not screen.of("machines")  # a refused start changes no look
        town.assert_nothing_personal(screen.text)


async def test_a_block_and_an_alert_of_tampering_change_the_look(town: Town, tmp_path: Path) -> None:
    code, officer = await town.machine(lat=36.0, lon=114.0), await town.officer()
    async with serving(town, tmp_path, **QUICK) as served, watching(town, served.address, officer, "load") as screen:
        await town.http.post(f"/api/v1/machines/{code}/block", json={"reason": "x"}, headers=officer)
        await until(lambda: screen.machines == {code: "blocked"})
        found = alert(town, code)
        await until(lambda: screen.machines == {code: "tampered"})
        await town.http.post(f"/api/v1/alerts/{found}/close", json={"outcome": "test", "note": "x"}, headers=officer)
        await until(lambda: screen.machines == {code: "blocked"})
        await town.http.post(f"/api/v1/machines/{code}/unblock", json={"reason": "x"}, headers=officer)
        await until(lambda: screen.machines == {code: "locked"})
        change = screen.of("machines")[-1]["machines"][0]
        assert (change["lat"], change["lon"], change["division"]) == (36.0, 114.0, "410502")


async def test_a_client_who_was_away_gets_what_it_missed_and_a_stranger_starts_anew(town: Town, tmp_path: Path) -> None:
    code, officer = await town.machine(), await town.officer()
    async with serving(town, tmp_path, **QUICK) as served:
        async with watching(town, served.address, officer, "load") as screen:
            alert(town, code, "E02", 2)
            await until(lambda: screen.of("alerts"))
            left_at = screen.ids[-1]
        async with watching(town, served.address, officer) as other:
            missed = alert(town, code, "B02", 2)
            await until(lambda: missed in other.alerts)
            async with watching(town, served.address, officer, last_id=left_at) as back:
                await until(lambda: back.alerts == {missed: "open"})
                assert not back.of("resync")
                assert back.ids[-1] == other.ids[-1]
        for wrong in ("x", f"{left_at.split('-')[0]}-999", left_at.replace("-", "-x"), "00000000-0", "-"):
            async with watching(town, served.address, officer, wrong) as stranger:
                await until(partial(stranger.of, "resync"))


async def test_two_screens_of_one_scope_hear_the_same_words(town: Town, tmp_path: Path) -> None:
    code, one, other = await town.machine(), await town.officer(), await town.officer()
    async with (
        serving(town, tmp_path, **QUICK) as served,
        watching(town, served.address, one) as here,
        watching(town, served.address, other) as there,
    ):
        for _ in range(3):
            found = alert(town, code, "E02", 2)
            await until(partial(here.alerts.get, found))
            await until(partial(there.alerts.get, found))
        assert here.of("alerts") == there.of("alerts")
        assert here.ids == there.ids


async def test_a_scope_hears_its_own_and_alerts_go_to_those_who_may_read_them(town: Town, tmp_path: Path) -> None:
    code = await town.machine()
    wenfeng, shandong = await town.officer("division:410502"), await town.officer("division:37")
    machines_only = await town.officer(rights=["machines:read"])
    async with (
        serving(town, tmp_path, **QUICK) as served,
        watching(town, served.address, wenfeng) as own,
        watching(town, served.address, shandong) as foreign,
        watching(town, served.address, machines_only) as lesser,
    ):
        alert(town, code)
        await until(lambda: own.of("alerts") and lesser.of("machines"))
        await asyncio.sleep(0.5)
        assert {name for name, _ in foreign.events} == {"hello"}
        assert not lesser.of("alerts")


async def test_figures_and_beats_come_by_the_clock(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_BEAT_S", 0.2)
    await town.machine()
    officer = await town.officer()
    async with (
        serving(town, tmp_path, api_figures_every_s=0.3, **QUICK) as served,
        watching(town, served.address, officer) as screen,
    ):
        await until(lambda: len(screen.of("figures")) >= 2 and len(screen.of("beat")) >= 3)
        assert screen.of("figures")[0]["machines"] == 1
        assert screen.text.startswith("retry: 3000\n")


async def test_the_stream_ends_with_the_sign_in(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_BEAT_S", 0.2)
    officer = await town.officer()
    async with (
        serving(town, tmp_path, **BY_HINT) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20) as client,
    ):
        screen = Screen(client, officer)
        listening = asyncio.create_task(screen.listen())
        await until(lambda: screen.of("beat"))
        town.database.rows("UPDATE weld.officer_key SET revoked_at = now()")
        async with asyncio.timeout(5):
            await listening


async def test_an_officer_has_only_so_many_streams_and_the_process_stops_with_them_open(
    town: Town, tmp_path: Path
) -> None:
    officer = await town.officer()
    async with (
        serving(town, tmp_path, api_streams_per_officer=1) as served,
        watching(town, served.address, officer) as screen,
    ):
        refused = await screen.client.get("/api/v1/live", headers=officer)
        assert (refused.status_code, refused.json()["error"]) == (429, "too_many_attempts")
        begun = time.perf_counter()
        served.stop.set()
        await served.task
        assert time.perf_counter() - begun < 5


# ---- the feed itself


async def caller_of(town: Town) -> Caller:
    """An officer's call, as the door makes it; its connection is gone."""
    holder = OfficerRow(uuid4(), "platform", ["machines:read", "alerts:read"])
    async with scoped(town.parts.pool, "platform") as conn:
        return Caller(conn, town.parts, town.clock.now(), "zh", uuid4(), "officer:x", officer=holder)


async def begun(town: Town) -> Feed:
    feed = feed_of(town.parts, "platform")
    async with scoped(town.parts.pool, "platform") as conn:
        await feed.begin(conn)
    return feed


async def test_one_look_serves_all_who_ask_at_once(town: Town) -> None:
    code, feed = await town.machine(), await begun(town)
    alert(town, code)
    await asyncio.gather(*(feed.refresh(town.parts, time.monotonic()) for _ in range(20)))
    assert feed.number == 1
    alert(town, code, "E02", 2)
    hinted_at, begun_at = time.monotonic(), time.monotonic()
    await asyncio.gather(*(feed.refresh(town.parts, hinted_at) for _ in range(20)))
    assert feed.number == 2
    assert time.monotonic() - begun_at >= 0.1  # hints do not make it look more than five times a second


async def test_who_reads_too_slowly_starts_anew(town: Town) -> None:
    caller, code, feed = await caller_of(town), await town.machine(), await begun(town)
    stream = live._events(caller, feed, feed.cursor(0))
    assert "event: hello" in await anext(stream)
    for number in range(1, 3):  # before the first look a client gets whatever it missed
        alert(town, code, "E02", 2)
        await feed.refresh(town.parts, time.monotonic())
        assert feed.number == number
    assert f"id: {feed.cursor(1)}\n" in await anext(stream)
    for _ in range(5):
        alert(town, code, "E02", 2)
        await feed.refresh(town.parts, time.monotonic())
    assert f"id: {feed.cursor(2)}\n" in await anext(stream)
    assert "event: resync" in await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]


async def test_the_ring_holds_sixty_batches(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.feed._APART_S", 0)
    feed = await begun(town)
    code = await town.machine()
    for _ in range(RING + 1):
        alert(town, code, "E02", 2)
        await feed.refresh(town.parts, time.monotonic())
    assert feed.place(feed.cursor(0)) is None
    assert feed.place(feed.cursor(1)) == 1
    assert [batch.number for batch in feed.after(1, RING) or []] == list(range(2, RING + 2))
    assert feed.after(0, RING) is None
    assert feed.after(feed.number, RING) == []


async def test_a_look_that_found_the_database_away_is_done_again(town: Town) -> None:
    code, feed = await town.machine(), await begun(town)
    found = alert(town, code)
    town.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'weldgate test api'"
    )
    await feed.refresh(town.parts, time.monotonic())
    assert feed.number == 0
    async with asyncio.timeout(10):
        while not feed.number:  # each connection that was cut is found out once
            await feed.refresh(town.parts, time.monotonic())
    assert found in (feed.after(0, RING) or [])[0].events[1][1]


async def test_feeds_that_nobody_asks_are_forgotten(town: Town) -> None:
    feed = await begun(town)
    assert feed_of(town.parts, "platform") is feed
    feed.asked_at -= 61
    feed_of(town.parts, "division:41")
    assert list(town.parts.board.feeds) == ["division:41"]
