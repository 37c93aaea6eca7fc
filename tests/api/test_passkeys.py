"""Passkeys: added after a fresh proof, they open a sign-in by themselves; copies, replays and foreign pages do not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.authenticator import Authenticator
from tests.api.browser import Account, account, browser, sign_in
from tests.api.town import Town, founded
from tests.database import Database

BASE = "https://weld.example"
ME, PASSKEYS = "/api/v1/staff/me", "/api/v1/staff/passkeys"
SIGN_IN, STEP_UP = "/api/v1/staff/sign-in/passkey", "/api/v1/staff/step-up/passkey"


@pytest.fixture
async def named(database: Database) -> AsyncIterator[Town]:
    """A town whose public address is a name."""
    async with founded(database, public_url=BASE) as town:
        yield town


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None


async def asked(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await http.post(f"{path}/options")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def add(http: httpx.AsyncClient, key: Authenticator, name: str = "phone") -> httpx.Response:
    told = await asked(http, PASSKEYS)
    body = {"challenge": told["challenge"], "name": name, "credential": key.attest(told["options"])}
    return await http.post(PASSKEYS, json=body)


async def use(http: httpx.AsyncClient, key: Authenticator, path: str = SIGN_IN) -> httpx.Response:
    told = await asked(http, path)
    return await http.post(path, json={"challenge": told["challenge"], "credential": key.sign(told["options"])})


async def owner(town: Town, http: httpx.AsyncClient, key: Authenticator) -> Account:
    """An officer at this screen who has this passkey."""
    who = await account(town, f"o{key.credential.hex()[:8]}", rights=["registers:write"])
    await sign_in(town, http, who)
    assert (await add(http, key)).status_code == 201
    return who


async def test_a_passkey_signs_in_by_itself_and_is_listed_renamed_removed(named: Town) -> None:
    key = Authenticator(BASE, "weld.example")
    async with browser(named, base=BASE) as http, browser(named, base=BASE) as fresh:
        await owner(named, http, key)
        me = await use(fresh, key)
        assert (me.status_code, me.json()["officer"]) == (200, (await http.get(ME)).json()["officer"])
        assert me.json()["proven_until"] is not None
        assert [one["way"] for one in (await fresh.get("/api/v1/staff/sign-ins")).json()["sign_ins"]] == [
            "passkey",
            "password",
        ]
        one = (await http.get(PASSKEYS)).json()["passkeys"][0]
        assert (one["name"], one["used_at"] is None) == ("phone", False)
        assert (await http.post(f"{PASSKEYS}/{one['id']}/name", json={"name": "门卫电脑"})).status_code == 204
        assert (await http.get(PASSKEYS)).json()["passkeys"][0]["name"] == "门卫电脑"
        named.clock.moved += timedelta(minutes=6)
        assert said(await http.delete(f"{PASSKEYS}/{one['id']}")) == (403, "step_up_required")
        assert said(await http.post(f"{PASSKEYS}/options")) == (403, "step_up_required")
        assert (await use(http, key, STEP_UP)).status_code == 200
        assert (await http.delete(f"{PASSKEYS}/{one['id']}")).status_code == 204
        assert said(await use(fresh, key)) == (403, "passkey_refused")
    actions = [row[0] for row in named.database.rows("SELECT action FROM weld.audit ORDER BY seq")]
    assert actions == [
        *(
            "staff.signed_in",
            "passkey.added",
            "staff.signed_in",
            "passkey.renamed",
            "staff.stepped_up",
            "passkey.removed",
            "staff.passkey_wrong",
        ),
    ]


async def test_wrong_signatures_open_nothing(named: Town) -> None:
    key = Authenticator(BASE, "weld.example")
    async with browser(named, base=BASE) as http, browser(named, base=BASE) as thief:
        await owner(named, http, key)
        assert (await use(thief, key)).status_code == 200
        await thief.delete("/api/v1/staff/sign-in")
        other = Authenticator(BASE, "weld.example")
        for wrong in (
            replace(key, origin="https://weld.example.evil.example", count=50),
            replace(key, origin="http://weld.example", count=50),
            replace(key, rp="evil.example", count=50),
            replace(key, verifies=False, count=50),  # whoever found the stick has no PIN
            replace(key, key=other.key, count=50),
            replace(key, user="AAAA", count=50),
            replace(key, count=0),  # a copy: the counter has been there
            replace(other, user=key.user),
        ):
            assert said(await use(thief, wrong)) == (403, "passkey_refused")
        assert said(await thief.get(ME)) == (401, "signed_out")
        key.count = 60
        told = await asked(thief, SIGN_IN)
        body = {"challenge": told["challenge"], "credential": key.sign(told["options"])}
        assert (await thief.post(SIGN_IN, json=body)).status_code == 200
        assert said(await thief.post(SIGN_IN, json=body)) == (403, "passkey_refused")  # replayed
        late = await asked(thief, SIGN_IN)
        named.clock.moved += timedelta(minutes=5, seconds=1)
        answer = await thief.post(
            SIGN_IN, json={"challenge": late["challenge"], "credential": key.sign(late["options"])}
        )
        assert said(answer) == (403, "passkey_refused")


async def test_a_challenge_is_for_one_purpose_and_one_officer(named: Town) -> None:
    mine, other = Authenticator(BASE, "weld.example"), Authenticator(BASE, "weld.example")
    async with browser(named, base=BASE) as http, browser(named, base=BASE) as neighbour:
        await owner(named, http, mine)
        await owner(named, neighbour, other)
        told = await asked(http, SIGN_IN)
        body = {"challenge": told["challenge"], "credential": mine.sign(told["options"])}
        assert said(await http.post(STEP_UP, json=body)) == (403, "passkey_refused")
        assert said(await use(http, other, STEP_UP)) == (403, "passkey_refused")  # somebody else's passkey
        theirs = await asked(neighbour, STEP_UP)
        body = {"challenge": theirs["challenge"], "credential": mine.sign(theirs["options"])}
        assert said(await http.post(STEP_UP, json=body)) == (403, "passkey_refused")
        theirs = (await neighbour.get(PASSKEYS)).json()["passkeys"][0]
        assert said(await http.delete(f"{PASSKEYS}/{theirs['id']}")) == (404, "not_found")
        assert said(await http.post(f"{PASSKEYS}/{theirs['id']}/name", json={"name": "x"})) == (404, "not_found")
        assert said(await add(http, other)) == (403, "passkey_refused")  # it is somebody's already
        for wrong in (
            Authenticator("https://evil.example", "weld.example"),
            Authenticator(BASE, "evil.example"),
            Authenticator(BASE, "weld.example", verifies=False),
        ):
            assert said(await add(http, wrong)) == (403, "passkey_refused")


async def test_one_answer_sent_twice_at_once_opens_once(named: Town) -> None:
    key = Authenticator(BASE, "weld.example")
    async with browser(named, base=BASE) as http, browser(named, base=BASE) as fresh:
        await owner(named, http, key)
        told = await asked(fresh, SIGN_IN)
        body = {"challenge": told["challenge"], "credential": key.sign(told["options"])}
        answers = await asyncio.gather(*(fresh.post(SIGN_IN, json=body) for _ in range(6)))
        assert sorted(one.status_code for one in answers) == [200, *[403] * 5]


async def test_a_disabled_officers_passkey_opens_nothing(named: Town) -> None:
    key = Authenticator(BASE, "weld.example")
    async with browser(named, base=BASE) as http:
        await owner(named, http, key)
        named.database.rows("UPDATE weld.officer SET disabled_at = now()")
        assert said(await http.get(ME)) == (401, "signed_out")
        assert said(await use(http, key)) == (403, "passkey_refused")


async def test_rubbish_is_refused_and_breaks_nothing(named: Town) -> None:
    key = Authenticator(BASE, "weld.example")
    async with browser(named, base=BASE) as http:
        await owner(named, http, key)
        for field, rubbish in (
            ("authenticatorData", "AAAA"),
            ("authenticatorData", "A"),
            ("clientDataJSON", "e30"),
            ("clientDataJSON", "gICA"),
            ("signature", "A"),
            ("userHandle", "A"),
        ):
            told = await asked(http, SIGN_IN)
            credential = key.sign(told["options"])
            credential["response"][field] = rubbish
            answer = await http.post(SIGN_IN, json={"challenge": told["challenge"], "credential": credential})
            assert said(answer) == (403, "passkey_refused")
        for rubbish in ("A", "AAAA", "o2M", "oWhhdXRoRGF0YUA"):
            told = await asked(http, PASSKEYS)
            credential = Authenticator(BASE, "weld.example").attest(told["options"])
            credential["response"]["attestationObject"] = rubbish
            body = {"challenge": told["challenge"], "name": "x", "credential": credential}
            assert said(await http.post(PASSKEYS, json=body)) == (403, "passkey_refused")


async def test_where_the_address_is_no_name_there_are_no_passkeys(town: Town) -> None:
    async with browser(town) as http:
        assert (await http.get("/api/v1/staff/sign-in/ways")).json() == {"passkeys": False, "single_sign_on": None}
        assert said(await http.post(f"{SIGN_IN}/options")) == (404, "not_found")


async def test_what_nobody_signs_is_limited_by_address(named: Town) -> None:
    async with browser(named, base=BASE) as http:
        named.database.rows(
            "INSERT INTO weld.officer_challenge SELECT gen_random_uuid(), 'sign_in', NULL, '\\x00', '127.0.0.1', %s"
            " FROM generate_series(1, 60)",
            named.clock.now() + timedelta(minutes=1),
        )
        assert said(await http.post(f"{SIGN_IN}/options")) == (429, "too_many_attempts")
        named.clock.moved += timedelta(minutes=2)
        assert (await http.post(f"{SIGN_IN}/options")).status_code == 200
