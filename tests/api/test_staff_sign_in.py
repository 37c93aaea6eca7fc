"""Officers sign in at a screen: three parts, one answer for whatever is wrong, holds, and an end to every sign-in."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from structlog.testing import capture_logs

from schemas import registers as shapes
from tests.api.browser import SIGN_IN, Account, account, browser, sign_in
from tests.api.town import Town, founded
from tests.database import Database
from weld.core import totp
from weld.core.roles import KINDS
from weld.store import maintenance, retention

ME, MACHINES = "/api/v1/staff/me", "/api/v1/machines"


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def audited(town: Town) -> list[tuple[Any, ...]]:
    return town.database.rows("SELECT actor, action, subject, detail FROM weld.audit ORDER BY seq")


async def wrong(town: Town, who: Account, http: httpx.AsyncClient) -> httpx.Response:
    return await http.post(SIGN_IN, json=who.parts(town) | {"password": "wrong"})


async def test_an_officer_signs_in_with_three_parts_and_out_again(town: Town) -> None:
    who = await account(town, scope="division:4105", roles=["inspector"])
    async with browser(town) as http:
        answer = await sign_in(town, http, who)
        me = answer.json()
        assert (await http.get(ME)).json() == me
        assert (me["login"], me["name"], me["roles"]) == ("chen", "陈样例", ["inspector"])
        assert me["rights"] == sorted(KINDS["inspector"].rights)
        assert (me["scope"], me["division"], me["enterprise"]) == ("division:41/4105", "4105", None)
        kept = str(town.database.rows("SELECT * FROM weld.officer_sign_in"))
        assert http.cookies["wg_staff"] not in answer.text + kept
        token = http.cookies["wg_staff"]
        out = await http.delete(SIGN_IN)
        assert (out.status_code, dict(http.cookies)) == (204, {})
        assert said(await http.get(ME, headers={"Cookie": f"wg_staff={token}"})) == (401, "signed_out")
    actor = f"officer:{me['officer']}"
    assert audited(town) == [
        (actor, "staff.signed_in", me["officer"], {}),
        (actor, "staff.signed_out", me["officer"], {}),
    ]


async def test_the_root_of_what_is_in_scope_is_told(town: Town) -> None:
    credit = town.database.rows("SELECT credit_code FROM weld.enterprise")[0][0]
    for login, scope, division, enterprise in (
        ("all", "platform", None, None),
        ("henan", "division:41", "41", None),
        ("works", f"enterprise:{credit}", "410502", "样例钢构厂"),
    ):
        async with browser(town) as http:
            me = (await sign_in(town, http, await account(town, login, scope=scope))).json()
        assert (me["division"], me["enterprise"]) == (division, enterprise)


async def test_the_cookie_is_kept_from_scripts_and_other_sites(town: Town) -> None:
    async with browser(town) as http:
        cookie = (await sign_in(town, http, await account(town))).headers["set-cookie"]
    assert set(cookie.split("; ")[1:]) == {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=28800"}


async def test_behind_https_the_cookie_is_bound_to_the_host_and_to_tls(database: Database) -> None:
    async with (
        founded(database, public_url="https://weld.example") as town,
        browser(town, base="https://weld.example") as http,
    ):
        answer = await sign_in(town, http, await account(town))
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-wg_staff=")
        assert "Secure" in cookie.split("; ")
        assert (await http.get(ME)).status_code == 200
        plain = {"Cookie": cookie.partition(";")[0].removeprefix("__Host-")}
        async with browser(town, base="https://weld.example") as other:
            assert (await other.get(ME, headers=plain)).status_code == 401


async def test_one_answer_stands_for_everything_that_may_be_wrong(town: Town) -> None:
    who = await account(town)
    officer = (await town.enter("officer", entry(login="gone", disabled=True))).id
    gone = Account("gone", "a long password", "A" * 32)
    async with browser(town) as http:
        answers = [
            await http.post(SIGN_IN, json=body)
            for body in (
                who.parts(town) | {"password": who.password + " "},
                who.parts(town, 3),
                who.parts(town) | {"login": "nobody"},
                gone.parts(town),
            )
        ]
    assert {said(answer) for answer in answers} == {(401, "sign_in_wrong")}
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert "set-cookie" not in str([answer.headers for answer in answers])
    mine = town.database.rows("SELECT id::text FROM weld.officer WHERE login = 'chen'")[0][0]
    assert audited(town) == [
        ("public", "staff.sign_in_wrong", mine, {"password": False, "code": True}),
        ("public", "staff.sign_in_wrong", mine, {"password": True, "code": False}),
        ("public", "staff.sign_in_wrong", "unknown", {"password": False, "code": False}),
        ("public", "staff.sign_in_wrong", str(officer), {"password": True, "code": True}),
    ]


def entry(**words: Any) -> shapes.Officer:
    fields = {"name": "x", "scope": "platform", "roles": ["duty_officer"], "password": "a long password"}
    return shapes.Officer(**(fields | {"totp_secret": "A" * 32} | words))


async def test_a_code_opens_once(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http, browser(town) as shoulder_surfer:
        body = who.parts(town)
        assert (await http.post(SIGN_IN, json=body)).status_code == 200
        assert said(await shoulder_surfer.post(SIGN_IN, json=body)) == (401, "sign_in_wrong")
        assert said(await shoulder_surfer.post(SIGN_IN, json=who.parts(town, -1))) == (401, "sign_in_wrong")
        assert (await shoulder_surfer.post(SIGN_IN, json=who.parts(town, 1))).status_code == 200


async def test_one_code_sent_twice_at_once_opens_once(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        body = who.parts(town)
        answers = await asyncio.gather(*(http.post(SIGN_IN, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


@pytest.mark.parametrize("login", ["chen", "nobody"])
async def test_after_five_failures_a_login_is_held_whether_anybody_has_it_or_not(town: Town, login: str) -> None:
    who = await account(town)
    async with browser(town) as http:

        async def tried(**words: str) -> tuple[int, str]:
            return said(await http.post(SIGN_IN, json=who.parts(town) | {"login": login} | words))

        assert [await tried(password="wrong") for _ in range(5)] == [(401, "sign_in_wrong")] * 5
        assert await tried(password="wrong") == (429, "sign_in_held")
        town.clock.moved += timedelta(seconds=59)
        assert await tried(password="wrong") == (429, "sign_in_held")
        town.clock.moved += timedelta(seconds=2)
        assert await tried(password="wrong") == (401, "sign_in_wrong")
        town.clock.moved += timedelta(seconds=61)  # the second hold is longer
        assert await tried(password="wrong") == (429, "sign_in_held")
    assert len(audited(town)) == 6
    assert login not in str(town.database.rows("SELECT * FROM weld.officer_try"))


async def test_the_right_parts_open_after_the_hold_and_not_before(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        for _ in range(5):
            await wrong(town, who, http)
        held = await http.post(SIGN_IN, json=who.parts(town))
        assert said(held) == (429, "sign_in_held")
        assert held.headers["retry-after"] == "60"
        town.clock.moved += timedelta(seconds=61)
        assert (await http.post(SIGN_IN, json=who.parts(town))).status_code == 200
        for _ in range(4):  # counted anew
            assert said(await wrong(town, who, http)) == (401, "sign_in_wrong")
        assert (await http.post(SIGN_IN, json=who.parts(town, 1))).status_code == 200


async def test_guesses_sent_at_once_are_held_all_the_same(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        answers = await asyncio.gather(*(wrong(town, who, http) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 11


async def test_a_sign_in_ends_after_eight_hours_however_busy(town: Town) -> None:
    async with browser(town) as http:
        await sign_in(town, http, await account(town))
        for _ in range(9):
            town.clock.moved += timedelta(minutes=50)
            assert (await http.get(ME)).status_code == 200
        town.clock.moved += timedelta(minutes=30, seconds=1)
        assert said(await http.get(ME)) == (401, "signed_out")


async def test_a_screen_that_nobody_uses_is_signed_out(town: Town) -> None:
    async with browser(town) as http:
        await sign_in(town, http, await account(town))
        town.clock.moved += timedelta(minutes=59)
        assert (await http.get(MACHINES)).status_code == 200
        town.clock.moved += timedelta(minutes=59)
        assert (await http.get(MACHINES)).status_code == 200
        town.clock.moved += timedelta(hours=1, seconds=1)
        assert said(await http.get(MACHINES)) == (401, "signed_out")


async def test_use_of_a_screen_is_written_once_a_minute(town: Town) -> None:
    async with browser(town) as http:
        await sign_in(town, http, await account(town))
        seen = []
        for seconds in (10, 20, 40, 10):
            town.clock.moved += timedelta(seconds=seconds)
            await http.get(ME)
            seen.append(town.database.rows("SELECT seen_at FROM weld.officer_sign_in"))
    assert seen[0] == seen[1] != seen[2] == seen[3]


async def test_signing_in_again_at_a_screen_ends_what_it_held(town: Town) -> None:
    who = await account(town)
    async with browser(town) as http:
        await sign_in(town, http, who)
        first = {"Cookie": f"wg_staff={http.cookies['wg_staff']}"}
        await sign_in(town, http, who)
        assert (await http.get(ME)).status_code == 200
        async with browser(town) as thief:
            assert (await thief.get(ME, headers=first)).status_code == 401


@pytest.mark.parametrize("change", [{"disabled": True}, {"password": "another password"}, {"totp_secret": "B" * 32}])
async def test_who_is_disabled_or_gets_other_secrets_is_signed_out_everywhere(
    town: Town, change: dict[str, Any]
) -> None:
    await town.enter("officer", entry(login="chen"))
    who = Account("chen", "a long password", "A" * 32)
    async with browser(town) as one, browser(town) as other:
        await sign_in(town, one, who)
        await sign_in(town, other, who)
        await town.enter("officer", entry(login="chen"))
        assert (await one.get(ME)).status_code == 200
        await town.enter("officer", entry(login="chen", **change))
        assert [(await http.get(ME)).status_code for http in (one, other)] == [401, 401]
        town.clock.moved += timedelta(seconds=30)
        assert said(await one.post(SIGN_IN, json=who.parts(town))) == (401, "sign_in_wrong")
    await town.enter("officer", entry(login="chen"))
    assert town.database.rows("SELECT count(*) FROM weld.officer_sign_in WHERE ended_at IS NULL") == [(0,)]


async def test_rights_and_scope_count_as_they_are_now(town: Town) -> None:
    await town.enter("officer", entry(login="chen"))
    code = await town.machine()
    async with browser(town) as http:
        await sign_in(town, http, Account("chen", "a long password", "A" * 32))
        assert (await http.get(f"{MACHINES}/{code}")).status_code == 200
        await town.enter("officer", entry(login="chen", scope="division:37"))
        assert (await http.get(f"{MACHINES}/{code}")).status_code == 404
        await town.enter("officer", entry(login="chen", roles=["audit_administrator"]))
        assert said(await http.get(f"{MACHINES}/{code}")) == (403, "not_allowed")


@pytest.mark.parametrize(
    "body",
    [
        {"login": "chen", "password": "x"},
        {"login": "chen", "password": "x", "code": "12345"},
        {"login": "chen", "password": "x", "code": "１２３４５６"},
        {"login": "Chen; --", "password": "x", "code": "123456"},
        {"login": "chen", "password": "x" * 201, "code": "123456"},
        {"login": "chen", "password": "hunter-2-\ud800", "code": "123456"},
    ],
)
async def test_what_has_another_shape_is_refused_without_an_echo(town: Town, body: dict[str, str]) -> None:
    async with browser(town) as http:
        answer = await http.post(SIGN_IN, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert said(answer) == (422, "bad_request")
    assert "hunter" not in answer.text
    assert town.database.rows("SELECT count(*) FROM weld.officer_try") == [(0,)]


async def test_no_secret_of_an_officer_stands_in_logs_answers_or_tables(
    town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    who = await account(town)
    texts = []
    with capture_logs() as lines:
        async with browser(town) as http:
            texts.append((await wrong(town, who, http)).text)
            texts.append((await sign_in(town, http, who)).text)
            texts.append((await http.get(ME)).text)
            await http.delete(SIGN_IN)
    code = totp.code(who.totp_secret, totp.step(town.clock.now()))
    tables = [
        str(town.database.rows(f"SELECT * FROM weld.{table}"))
        for table in ("officer", "officer_sign_in", "officer_try", "audit")
    ]
    assert len(lines) >= 4
    town.assert_nothing_personal(*texts, *capfd.readouterr(), *tables, json.dumps(lines, default=str))
    assert code not in json.dumps(lines, default=str)


async def test_what_is_over_is_forgotten_after_a_day_and_the_rest_is_kept(town: Town) -> None:
    who = await account(town)
    async with browser(town) as gone, browser(town) as here:
        await wrong(town, Account("nobody", "x", "A" * 32), gone)
        await sign_in(town, gone, who)
        await gone.delete(SIGN_IN)
        town.clock.moved += timedelta(days=1, minutes=1)
        await wrong(town, who, here)
        with psycopg.connect(town.database.url("owner"), autocommit=True) as conn:
            maintenance.forget(conn, town.clock.now(), retention.load()[-1])
        assert town.database.rows("SELECT count(*) FROM weld.officer_sign_in") == [(0,)]
        assert town.database.rows("SELECT failures FROM weld.officer_try") == [(1,)]
