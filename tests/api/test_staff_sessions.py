"""Where an officer is signed in, tokens that change, fresh proofs for what is dangerous, and guesses from one address."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.board import Board
from tests.api.browser import OURS, SIGN_IN, Account, account, browser, sign_in
from tests.api.town import Town, founded
from tests.database import Database
from weld.core import totp

ME, LIST, STEP_UP = "/api/v1/staff/me", "/api/v1/staff/sign-ins", "/api/v1/staff/step-up"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
ENDPOINT = {"name": "e", "url": "https://example.org/hook", "division": "41"}


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None


def cookie(http: httpx.AsyncClient) -> dict[str, str]:
    return {"Cookie": f"wg_staff={http.cookies['wg_staff']}"}


async def prove(town: Town, http: httpx.AsyncClient, who: Account, **wrong: str) -> httpx.Response:
    town.clock.moved += timedelta(seconds=30)
    body = {name: part for name, part in who.parts(town).items() if name != "login"}
    return await http.post(STEP_UP, json=body | wrong)


async def test_an_officer_sees_where_he_is_signed_in_and_ends_one(town: Town) -> None:
    who = await account(town)
    async with browser(town, headers=OURS | {"User-Agent": CHROME}) as here, browser(town) as there:
        await sign_in(town, here, who)
        await sign_in(town, there, who)
        listed = (await here.get(LIST)).json()["sign_ins"]
        assert [(one["here"], one["browser"], one["way"], one["address"]) for one in listed] == [
            (False, "?, ?", "password", "127.0.0.1"),
            (True, "Chrome, Windows", "password", "127.0.0.1"),
        ]
        assert (await here.delete(f"{LIST}/{listed[0]['id']}")).status_code == 204
        assert said(await there.get(ME)) == (401, "signed_out")
        assert len((await here.get(LIST)).json()["sign_ins"]) == 1
        assert said(await here.delete(f"{LIST}/{listed[0]['id']}")) == (404, "not_found")


async def test_nobody_ends_the_sign_in_of_another(town: Town) -> None:
    async with browser(town) as mine, browser(town) as other:
        await sign_in(town, mine, await account(town))
        await sign_in(town, other, await account(town, "li"))
        listed = (await mine.get(LIST)).json()["sign_ins"]
        assert len(listed) == 1
        assert said(await other.delete(f"{LIST}/{listed[0]['id']}")) == (404, "not_found")
        await other.delete(LIST)
        assert (await mine.get(ME)).status_code == 200


async def test_log_out_everywhere_ends_them_all(town: Town) -> None:
    who = await account(town)
    async with browser(town) as here, browser(town) as there:
        await sign_in(town, here, who)
        await sign_in(town, there, who)
        kept = cookie(here)
        assert (await here.delete(LIST)).status_code == 204
        assert dict(here.cookies) == {}
        assert said(await here.get(ME, headers=kept)) == said(await there.get(ME)) == (401, "signed_out")


async def test_a_screens_token_changes_and_the_old_one_ends_soon_after(town: Town) -> None:
    async with browser(town) as http, browser(town) as late:
        await sign_in(town, http, await account(town))
        first = cookie(http)
        for _ in range(3):
            town.clock.moved += timedelta(minutes=39)
            assert (await http.get(ME)).status_code == 200
        assert cookie(http) == first
        town.clock.moved += timedelta(minutes=4)
        answer = await http.get("/api/v1/machines")
        assert "Max-Age=21" in answer.headers["set-cookie"]  # not a second longer than the sign-in
        assert cookie(http) != first
        assert (await late.get(ME, headers=first)).status_code == 200  # a request that was under way
        assert "set-cookie" not in (await http.get(ME)).headers
        town.clock.moved += timedelta(seconds=16)
        assert said(await late.get(ME, headers=first)) == (401, "signed_out")
        assert (await http.get(ME)).status_code == 200


async def test_a_refused_request_changes_no_token(town: Town) -> None:
    async with browser(town) as http:
        await sign_in(town, http, await account(town, roles=["security_administrator"]))
        first = cookie(http)
        town.clock.moved += timedelta(minutes=59)
        await http.get(ME)
        town.clock.moved += timedelta(minutes=59)
        await http.get(ME)
        town.clock.moved += timedelta(minutes=5)
        refused = await http.get("/api/v1/machines")
        assert (said(refused), "set-cookie" in refused.headers) == ((403, "not_allowed"), False)
        assert (await http.get(ME, headers=first)).status_code == 200
        assert cookie(http) != first


async def test_what_is_dangerous_takes_a_fresh_proof(town: Town) -> None:
    who = await account(town, rights=["endpoints:write"])
    async with browser(town) as http:
        await sign_in(town, http, who)
        assert (await http.post("/api/v1/registers/endpoints", json=ENDPOINT)).status_code == 201
        town.clock.moved += timedelta(minutes=5, seconds=1)
        late = await http.post("/api/v1/registers/endpoints", json=ENDPOINT | {"name": "f"})
        assert said(late) == (403, "step_up_required")
        assert (await http.get(ME)).json()["proven_until"] is None
        assert (await prove(town, http, who)).status_code == 200
        assert (await http.post("/api/v1/registers/endpoints", json=ENDPOINT | {"name": "f"})).status_code == 201
        assert (await http.get(ME)).json()["proven_until"] is not None


@pytest.mark.parametrize(
    ("role", "route", "body"),
    [
        ("system_administrator", "/officers", {"login": "li", "name": "x"}),
        ("system_administrator", f"/officers/{UUID(int=1)}/reset", None),
        ("security_administrator", f"/officers/{UUID(int=1)}/roles", {"role": "inspector", "scope": "division:41"}),
        (
            "security_administrator",
            "/keys",
            {"name": "k", "scope": "platform", "rights": ["alerts:read"], "expires_at": "2030-01-01T00:00:00Z"},
        ),
    ],
)
async def test_accounts_rights_and_keys_take_a_fresh_proof(town: Town, role: str, route: str, body: Any) -> None:
    async with browser(town) as http:
        await sign_in(town, http, await account(town, roles=[role]))
        town.clock.moved += timedelta(minutes=5, seconds=1)
        assert said(await http.post(f"/api/v1{route}", json=body)) == (403, "step_up_required")


async def test_a_cookie_copied_before_the_proof_has_no_part_in_it(town: Town) -> None:
    who = await account(town, rights=["endpoints:write"])
    async with browser(town) as http, browser(town) as thief:
        await sign_in(town, http, who)
        stolen = cookie(http)
        town.clock.moved += timedelta(minutes=6)
        assert (await prove(town, http, who)).status_code == 200
        tried = await thief.post("/api/v1/registers/endpoints", json=ENDPOINT, headers=stolen)
        assert said(tried) == (403, "step_up_required")
        town.clock.moved += timedelta(seconds=16)
        assert said(await thief.get(ME, headers=stolen)) == (401, "signed_out")


async def test_a_wrong_proof_is_counted_as_a_wrong_sign_in_and_the_screen_stays(town: Town) -> None:
    who, li = await account(town), await account(town, "li")
    async with browser(town) as http:
        await sign_in(town, http, who)
        assert said(await prove(town, http, who, password="wrong")) == (403, "sign_in_wrong")
        assert said(await prove(town, http, li)) == (403, "sign_in_wrong")  # somebody else's parts
        for _ in range(3):
            await prove(town, http, who, password="wrong")
        assert said(await prove(town, http, who)) == (429, "sign_in_held")
        assert (await http.get(ME)).status_code == 200
    async with browser(town) as nobody:
        assert said(await nobody.post(STEP_UP, json={"password": "x", "code": "123456"})) == (401, "signed_out")


async def test_guesses_at_many_logins_from_one_address_come_to_an_end(database: Database) -> None:
    async with founded(database, api_staff_wrong_per_address=5) as town, browser(town) as http:
        who = await account(town)
        for number in range(5):
            body = who.parts(town) | {"login": f"guess{number}"}
            assert said(await http.post(SIGN_IN, json=body)) == (401, "sign_in_wrong")
        assert said(await http.post(SIGN_IN, json=who.parts(town))) == (429, "too_many_attempts")
        town.clock.moved += timedelta(minutes=15, seconds=1)
        assert (await http.post(SIGN_IN, json=who.parts(town))).status_code == 200


async def test_beyond_the_line_for_hashing_people_are_told_to_come_again(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        turns = _full(town.parts.board)
        refused = await http.post(SIGN_IN, json=who.parts(town))
        assert said(refused) == (503, "platform_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        turns._waiting = 0
        assert (await http.post(SIGN_IN, json=who.parts(town))).status_code == 200


def _full(board: Board) -> Any:
    turns: Any = board.sign_ins
    turns._waiting = turns._in_line  # a line of thirty without thirty hashes
    return turns


@pytest.mark.parametrize("path", [LIST, ME])
async def test_these_doors_are_for_screens(town: Town, path: str) -> None:
    key, welder = await town.officer(), await town.welder()
    for headers in ({}, key, welder.bearer):
        assert said(await town.http.get(path, headers=headers)) == (401, "signed_out")
        assert said(await town.http.delete(LIST, headers=headers)) == (401, "signed_out")


async def test_the_code_of_a_proof_opens_once(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        await sign_in(town, http, who)
        used = {"password": who.password, "code": totp.code(who.totp_secret, totp.step(town.clock.now()))}
        assert said(await http.post(STEP_UP, json=used)) == (403, "sign_in_wrong")
