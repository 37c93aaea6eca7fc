"""Officers' other ways in, played for the audit: passkeys and the single sign-on, at an api that has both."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from api.board import Board
from tests.api.authenticator import Authenticator
from tests.api.browser import account, browser, sign_in
from tests.api.provider import CLIENT, provider
from tests.api.town import Town

BASE, HERE = "https://weld.example", "/api/v1/staff"


class Player(Protocol):
    """Who sees what the audit says of each route."""

    town: Town

    def saw(self, route: str, before: int) -> None: ...
    def last(self) -> int: ...


async def play_other_ways(player: Player) -> None:
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(provider(lambda: player.town.clock.now().timestamp()))
        there.secret = None  # a client that keeps none
        told = {"public_url": BASE, "sso_issuer": there.address, "sso_client_id": CLIENT, "sso_within_s": 60}
        settings = player.town.parts.settings.model_copy(update=told)
        town = replace(player.town, parts=replace(player.town.parts, settings=settings, board=Board()))
        http = await stack.enter_async_context(browser(town, base=BASE))
        await sign_in(town, http, await account(town, "zhao"))
        await _play_passkeys(player, http)
        await _play_single_sign_on(player, town, http)


async def _play(
    player: Player, http: httpx.AsyncClient, route: str, body: object = None, **ids: object
) -> httpx.Response:
    method, path = route.split(" ")
    before = player.last()
    answer = await http.request(method, f"/api/v1{path}".format(**ids), json=body)
    assert answer.status_code < 400, (route, answer.text)
    player.saw(route, before)
    return answer


async def _play_passkeys(player: Player, http: httpx.AsyncClient) -> None:
    key = Authenticator(BASE, "weld.example")
    asked = (await http.post(f"{HERE}/passkeys/options")).json()
    body = {"challenge": asked["challenge"], "name": "x", "credential": key.attest(asked["options"])}
    passkey = (await _play(player, http, "POST /staff/passkeys", body)).json()["id"]
    await _play(player, http, "POST /staff/passkeys/{passkey}/name", {"name": "y"}, passkey=passkey)
    for path in ("/staff/step-up/passkey", "/staff/sign-in/passkey"):
        asked = (await http.post(f"/api/v1{path}/options")).json()
        signed = {"challenge": asked["challenge"], "credential": key.sign(asked["options"])}
        await _play(player, http, f"POST {path}", signed)
    await _play(player, http, "DELETE /staff/passkeys/{passkey}", passkey=passkey)


async def _play_single_sign_on(player: Player, town: Town, http: httpx.AsyncClient) -> None:
    async def back(path: str) -> str:
        url = (await http.post(f"{HERE}/{path}", json={})).json()["url"]
        async with httpx.AsyncClient() as there:
            parts = urlsplit((await there.get(url)).headers["location"])
        return f"{parts.path}?{parts.query}"

    assert (await http.get(await back("single-sign-on/link"))).status_code == 303
    before = player.last()
    assert (await http.get(await back("sign-in/single-sign-on"))).headers["location"] == "/console/"
    player.saw("GET /staff/single-sign-on/back", before)
    await _play(player, http, "POST /staff/single-sign-on/sign-out")
    officer = town.database.rows("SELECT id FROM weld.officer WHERE login = 'zhao'")[0][0]
    town.database.rows("DELETE FROM weld.officer_link")
    await sign_in(town, http, await account(town, "system-2", roles=["system_administrator"]))
    town.database.rows(
        "UPDATE weld.officer_role SET withdrawn_at = now() + interval '1 day' WHERE officer = %s", officer
    )
    for method, body in (("POST", {"subject": "person-3"}), ("DELETE", None)):
        await _play(player, http, f"{method} /officers/{{officer}}/single-sign-on", body, officer=officer)
    await sign_in(town, http, await account(town, "zhao-2"))
    assert (await http.get(await back("single-sign-on/link"))).status_code == 303
    await _play(player, http, "DELETE /staff/single-sign-on/link")
