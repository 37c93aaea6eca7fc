"""Which doors a cookie opens, from which pages, and what counts where several things are shown."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.caller import Caller, officer_still_in
from tests.api.browser import SIGN_IN, account, browser, sign_in
from tests.api.town import Town, Welder, founded
from tests.database import Database
from weld.core import secret
from weld.store import officers, signins
from weld.store.signins import OfficerRow

ME, MACHINES = "/api/v1/staff/me", "/api/v1/machines"
EVIL = {"Origin": "https://evil.example"}


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None


async def phone_sign_in(town: Town, http: httpx.AsyncClient, welder: Welder, **headers: str) -> httpx.Response:
    await http.post("/api/v1/sign-in/codes", json={"phone": welder.phone})
    _, code, request = town.postbox.sent[-1]
    body = {"request": str(request), "code": code, "cookie": True}
    return await http.post("/api/v1/sign-in", json=body, headers=headers)


FROM = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "same-origin"} | EVIL, True),  # the browser's own word counts
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://api"}, False),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://api"}, False),
    ({"Sec-Fetch-Site": "none"}, False),
    ({"Origin": "http://api"}, True),
    ({"Origin": "http://127.0.0.1:8700"}, True),  # the public address: a proxy has taken TLS and host away
    ({"Origin": "https://api"}, False),
    ({"Origin": "http://api:8080"}, False),
    ({"Origin": "http://api.evil.example"}, False),
    ({"Origin": "null"}, False),
    (EVIL, False),
    ({}, False),
]


@pytest.mark.parametrize(("headers", "is_ours"), FROM)
async def test_a_cookie_changes_things_from_our_own_pages_only(
    town: Town, headers: dict[str, str], is_ours: bool
) -> None:
    who, welder = await account(town, roles=["division_regulator"]), await town.welder()
    async with browser(town) as screen, browser(town) as phone:
        await sign_in(town, screen, who)
        await phone_sign_in(town, phone, welder)
        staff, worker = (
            {"Cookie": f"{name}={http.cookies[name]}"} for http, name in ((screen, "wg_staff"), (phone, "wg_worker"))
        )
    async with browser(town, headers=headers) as page:
        entry = {"plate": "410502A000000001H", "division": "410502", "maker": "x", "model": "x", "serial": "1"}
        entered = await page.post("/api/v1/registers/machines", json=entry, headers=staff)
        assert said(entered) == ((201, None) if is_ours else (403, "cross_origin"))
        ended = await page.post(f"/api/v1/sessions/{uuid4()}/end", headers=worker)
        assert said(ended) == ((404, "not_found") if is_ours else (403, "cross_origin"))
        read = [(await page.get(path, headers=staff)).status_code for path in (MACHINES, ME)]
        assert read == [200, 200]
        out = [await page.delete("/api/v1/sign-in", headers=worker), await page.delete(SIGN_IN, headers=staff)]
        assert {said(answer) for answer in out} == {(204, None) if is_ours else (403, "cross_origin")}
    assert town.database.rows("SELECT count(*) FROM weld.machine") == [(int(is_ours),)]


@pytest.mark.parametrize(("headers", "is_ours"), FROM)
async def test_nobody_is_signed_in_by_another_page(town: Town, headers: dict[str, str], is_ours: bool) -> None:
    who, welder = await account(town), await town.welder()
    expected = (200, None) if is_ours or not headers else (403, "cross_origin")  # a program says nothing of origins
    async with browser(town, headers=headers) as http:
        answers = [await http.post(SIGN_IN, json=who.parts(town)), await phone_sign_in(town, http, welder)]
        assert {said(answer) for answer in answers} == {expected}
        assert len(set(http.cookies) - {"wg_device"}) == (2 if expected == (200, None) else 0)


async def test_a_workers_page_gets_its_token_as_a_cookie_and_gives_it_back(town: Town) -> None:
    welder = await town.welder()
    async with browser(town) as http:
        answer = await phone_sign_in(town, http, welder)
        assert (answer.json()["token"], answer.json()["worker"]) == (None, str(welder.id))
        cookie, device = answer.headers.get_list("set-cookie")
        assert device.startswith("wg_device=")
        assert set(device.split("; ")[1:]) == {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=34560000"}
        assert cookie.startswith("wg_worker=")
        assert set(cookie.split("; ")[1:]) == {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=28800"}
        assert (await http.get("/api/v1/me")).json()["worker"] == str(welder.id)
        first = {"Cookie": f"wg_worker={http.cookies['wg_worker']}"}
        await phone_sign_in(town, http, welder)
        async with browser(town) as thief:
            assert (await thief.get("/api/v1/me", headers=first)).status_code == 401
        assert (await http.delete("/api/v1/sign-in")).status_code == 204
        assert list(http.cookies) == ["wg_device"]
    assert (await town.http.get("/api/v1/me", headers=welder.bearer)).status_code == 200


async def test_without_asking_for_one_there_is_no_cookie(town: Town) -> None:
    welder = await town.welder()
    async with browser(town, headers=EVIL) as http:
        await http.post("/api/v1/sign-in/codes", json={"phone": welder.phone})
        _, code, request = town.postbox.sent[-1]
        answer = await http.post("/api/v1/sign-in", json={"request": str(request), "code": code})
        assert (said(answer), dict(http.cookies)) == ((200, None), {})
        assert answer.json()["token"]


async def test_behind_https_the_workers_cookie_is_bound_to_the_host_too(database: Database) -> None:
    async with (
        founded(database, public_url="https://weld.example") as town,
        browser(town, base="https://weld.example") as http,
    ):
        cookie = (await phone_sign_in(town, http, await town.welder())).headers["set-cookie"]
        assert cookie.startswith("__Host-wg_worker=")
        assert "Secure" in cookie.split("; ")
        assert (await http.get("/api/v1/me")).status_code == 200


async def test_each_cookie_opens_its_own_doors_only(town: Town) -> None:
    who, welder, key = await account(town), await town.welder(), await town.officer()
    async with browser(town) as screen, browser(town) as phone:
        await sign_in(town, screen, who)
        await phone_sign_in(town, phone, welder)
        staff, worker = screen.cookies["wg_staff"], phone.cookies["wg_worker"]
    doors: list[tuple[str, dict[str, str]]] = [
        (MACHINES, {"Cookie": f"wg_worker={worker}"}),
        (MACHINES, {"Cookie": f"wg_staff={worker}"}),
        (ME, {"Cookie": f"wg_staff={worker}"}),
        ("/api/v1/me", {"Cookie": f"wg_staff={staff}"}),
        ("/api/v1/me", {"Cookie": f"wg_worker={staff}"}),
        ("/api/v1/me", {"Authorization": f"Bearer {staff}"}),
        (MACHINES, {"Authorization": f"Bearer {staff}"}),
        (MACHINES, {"Cookie": f"wg_staff={key['Authorization'].removeprefix('Bearer ')}"}),
        (ME, key),
        (ME, {"Cookie": "wg_staff="}),
        (ME, {}),
    ]
    async with browser(town) as http:
        wrong = [door for door, headers in doors if said(await http.get(door, headers=headers)) != (401, "signed_out")]
    assert not wrong


async def test_where_a_bearer_is_shown_the_cookie_does_not_count(town: Town) -> None:
    who = await account(town)
    blind, seeing = await town.officer(rights=["alerts:read"]), await town.officer()
    async with browser(town) as http:
        await sign_in(town, http, who)
        assert said(await http.get(MACHINES, headers=blind)) == (403, "not_allowed")
        assert said(await http.get(MACHINES, headers={"Authorization": "Bearer wgk_nonsense"})) == (401, "signed_out")
        assert said(await http.get(ME, headers=seeing)) == (401, "signed_out")
        # and a bearer needs no page of ours
        code = await town.machine()
        order = {"level": 1, "reason": "巡查"}
        answer = await http.post(
            f"{MACHINES}/{code}/lock", json=order, headers=seeing | {"Sec-Fetch-Site": "cross-site"}
        )
        assert said(answer) == (202, None)


async def test_a_browser_with_both_cookies_sees_a_session_as_either(town: Town) -> None:
    mine, other = await town.welder(), await town.welder()
    code = await town.machine()
    unlock = (await town.unlock(mine, code)).json()
    path = f"/api/v1/sessions/{await town.contact_closes(unlock['id'], code)}"
    await account(town, "reader", rights=["sessions:read"])
    async with browser(town) as http:
        assert said(await http.get(path)) == (401, "signed_out")
        await sign_in(town, http, await account(town, "blind", roles=["installer"]))
        assert said(await http.get(path)) == (403, "not_allowed")
        await phone_sign_in(town, http, mine)
        assert said(await http.get(path)) == (200, None)
        await phone_sign_in(town, http, other)
        assert said(await http.get(path)) == (404, "not_found")
        await sign_in(town, http, await account(town, "desk", rights=["sessions:read"]))
        assert said(await http.get(path)) == (200, None)
        await http.delete(SIGN_IN)
        assert said(await http.get(path)) == (404, "not_found")


async def still_in(town: Town, caller: Caller) -> bool:
    async with town.parts.pool.connection() as conn:
        return await officer_still_in(conn, caller)


def seen_by(town: Town, token: str, officer: OfficerRow, *, at_screen: bool) -> Caller:
    """The caller as a stream keeps it."""
    words: dict[str, Any] = {"conn": None, "now": town.clock.now(), "language": "zh", "request_id": uuid4()}
    token_hash = secret.key_hash(token)
    found = town.database.rows("SELECT id FROM weld.officer_sign_in WHERE token_hash = %s", token_hash)
    words["sign_in"] = found[0][0] if found else None
    return Caller(parts=town.parts, actor="x", token_hash=token_hash, officer=officer, at_screen=at_screen, **words)


async def test_a_stream_learns_that_a_screen_is_signed_out(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        me = (await sign_in(town, http, who)).json()
        officer = OfficerRow(town.database.rows("SELECT id FROM weld.officer")[0][0], me["scope"], me["rights"])
        caller = seen_by(town, http.cookies["wg_staff"], officer, at_screen=True)
        assert await still_in(town, caller)
        assert not await still_in(town, replace(caller, at_screen=False))
        assert not await still_in(town, replace(caller, officer=officer._replace(rights=["alerts:read"])))
        assert not await still_in(town, replace(caller, officer=None))
        town.clock.moved += timedelta(minutes=59)
        assert await still_in(town, caller)  # which is no activity
        town.clock.moved += timedelta(minutes=1, seconds=1)
        assert not await still_in(town, caller)
        await sign_in(town, http, who)
        caller = seen_by(town, http.cookies["wg_staff"], officer, at_screen=True)
        assert await still_in(town, caller)
        await http.delete(SIGN_IN)
        assert not await still_in(town, caller)


async def test_a_stream_learns_that_a_key_is_revoked(town: Town) -> None:
    key = (await town.officer(rights=["machines:read"]))["Authorization"].removeprefix("Bearer ")
    number = town.database.rows("SELECT id FROM weld.officer_key")[0][0]
    caller = seen_by(town, key, OfficerRow(number, "platform", ["machines:read"]), at_screen=False)
    assert await still_in(town, caller)
    assert not await still_in(town, replace(caller, officer=OfficerRow(number, "division:41", ["machines:read"])))
    async with town.parts.pool.connection() as conn:
        await signins.revoke_key(conn, number, town.clock.now())
    assert not await still_in(town, caller)


async def test_many_requests_at_once_do_not_wait_for_one_another(town: Town) -> None:
    async with browser(town) as http:
        await sign_in(town, http, await account(town))
        town.clock.moved += timedelta(minutes=5)
        async with town.parts.pool.connection() as conn, conn.transaction():
            sign_in_id = town.database.rows("SELECT id FROM weld.officer_sign_in")[0][0]
            await officers.seen(conn, sign_in_id, town.clock.now(), timedelta(hours=1))
            async with asyncio.timeout(5):
                assert (await http.get(ME)).status_code == 200  # while the row is held
