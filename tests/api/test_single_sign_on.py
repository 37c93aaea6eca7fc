"""The single sign-on: accounts that are linked are opened by who they are linked to, and by nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from api.settings import ApiSettings
from tests.api.browser import account, browser, sign_in
from tests.api.provider import CLIENT, SECRET, Provider, provider
from tests.api.town import Town, TownClock, founded
from tests.database import Database

ME, HERE = "/api/v1/staff/me", "/api/v1/staff"
LOST = "/console/sign-in?failed=single-sign-on"


@dataclass
class Scene:
    town: Town
    provider: Provider

    async def back(self, http: httpx.AsyncClient, path: str = "sign-in/single-sign-on", **body: Any) -> str:
        """Begin, sign in at the provider, and the address that it sends the browser back to."""
        begun = await http.post(f"{HERE}/{path}", json=body or None)
        assert begun.status_code == 200, begun.text
        async with httpx.AsyncClient() as there:
            told = (await there.get(begun.json()["url"])).headers["location"]
        parts = urlsplit(told)
        return f"{parts.path}?{parts.query}"

    async def linked(self, subject: str = "person-1") -> str:
        """An officer's account that this person opens; its id."""
        await account(self.town)
        officer = self.town.database.rows("SELECT id FROM weld.officer WHERE login = 'chen'")[0][0]
        row = (self.provider.address, subject, officer, officer)
        self.town.database.rows("INSERT INTO weld.officer_link VALUES (%s, %s, %s, %s, now())", *row)
        return str(officer)


@asynccontextmanager
async def standing(database: Database, folder: Path) -> AsyncIterator[Scene]:
    clocks = [TownClock()]
    file = folder / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    async with provider(lambda: clocks[-1].now().timestamp()) as there:
        words = {
            "sso_issuer": there.address,
            "sso_client_id": CLIENT,
            "sso_client_secret_file": file,
            "sso_within_s": 60,
        }
        async with founded(database, **words) as town:
            clocks.append(town.clock)
            yield Scene(town, there)


@pytest.fixture
async def scene(database: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    async with standing(database, tmp_path) as made:
        yield made


def going(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "")


async def test_a_linked_person_comes_in_and_back_to_his_page(scene: Scene) -> None:
    officer = await scene.linked()
    async with browser(scene.town) as http:
        ways = await http.get(f"{HERE}/sign-in/ways")
        assert ways.json() == {"passkeys": False, "single_sign_on": "政务统一身份认证"}
        back = await scene.back(http, back_to="/alerts?state=new")
        answer = await http.get(back, headers={"Sec-Fetch-Site": "cross-site"})
        assert going(answer) == (303, "/console/alerts?state=new")
        assert "wg_errand" not in http.cookies
        me = (await http.get(ME)).json()
        assert (me["officer"], me["proven_until"]) == (officer, None)  # no fresh proof of ours
        assert said(await http.post(f"{HERE}/single-sign-on/link")) == (403, "step_up_required")
        listed = (await http.get(f"{HERE}/sign-ins")).json()["sign_ins"]
        assert [one["way"] for one in listed] == ["single_sign_on"]
        assert going(await http.get(back)) == (303, LOST)  # the same address once more


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None


async def test_whatever_is_wrong_with_a_token_lets_nobody_in(scene: Scene) -> None:
    await scene.linked()
    now = int(scene.town.clock.now().timestamp())
    wrong: list[dict[str, Any]] = [
        {"nonce": "another"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": now - 31},
        {"iat": now - 3600},
        {"iat": now + 3600},
        {"sub": ""},
        {"sub": 1},
        {"sub": "person-2"},
    ]
    async with browser(scene.town) as http:
        for claims in wrong:
            scene.provider.claims = claims
            assert going(await http.get(await scene.back(http, back_to="/"))) == (303, LOST), claims
        scene.provider.claims, scene.provider.stranger = {}, True
        assert going(await http.get(await scene.back(http, back_to="/"))) == (303, LOST)
        scene.provider.stranger, scene.provider.sign = False, "HS256"
        assert going(await http.get(await scene.back(http, back_to="/"))) == (303, LOST)
        assert said(await http.get(ME)) == (401, "signed_out")
        scene.provider.sign = "RS256"
        assert going(await http.get(await scene.back(http, back_to="/"))) == (303, "/console/")


async def test_a_way_back_is_good_in_its_browser_once_and_for_ten_minutes(scene: Scene) -> None:
    await scene.linked()
    async with browser(scene.town) as http, browser(scene.town) as thief:
        back = await scene.back(http, back_to="/")
        assert going(await thief.get(back)) == (303, LOST)
        await scene.back(thief, back_to="/")
        assert going(await thief.get(back)) == (303, LOST)  # with an errand of his own
        code = back.partition("code=")[2].partition("&")[0]
        theirs = await scene.back(thief, back_to="/")
        mixed = theirs.replace(theirs.partition("code=")[2].partition("&")[0], code)
        assert going(await thief.get(mixed)) == (303, LOST)  # a code of another errand: PKCE
        back = await scene.back(http, back_to="/")
        scene.town.clock.moved += timedelta(minutes=10, seconds=1)
        assert going(await http.get(back)) == (303, LOST)
        back = await scene.back(http, back_to="/")
        assert going(await http.get(f"{back.partition('?')[0]}?error=access_denied")) == (303, LOST)
        assert said(await thief.get(ME)) == said(await http.get(ME)) == (401, "signed_out")


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x=1", "x"]
)
async def test_nobody_is_led_to_another_host(scene: Scene, path: str) -> None:
    await scene.linked()
    async with browser(scene.town) as http:
        assert going(await http.get(await scene.back(http, back_to=path))) == (303, "/console/")


async def test_an_officer_links_and_unlinks_his_own_account(scene: Scene) -> None:
    who = await account(scene.town)
    async with browser(scene.town) as http, browser(scene.town) as fresh, browser(scene.town) as other:
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, LOST)  # no account is made
        await sign_in(scene.town, http, who)
        back = await scene.back(http, "single-sign-on/link")
        assert going(await http.get(back)) == (303, "/console/security")
        link = (await http.get(f"{HERE}/single-sign-on")).json()
        assert (link["since"] is not None, link["by_owner"]) == (True, True)
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, "/console/")
        await sign_in(scene.town, other, await account(scene.town, "li"))
        back = await scene.back(other, "single-sign-on/link")  # the same person
        assert going(await other.get(back)) == (303, "/console/security?failed=single-sign-on")
        assert (await http.delete(f"{HERE}/single-sign-on/link")).status_code == 204
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, LOST)


async def test_an_administrator_links_an_account_that_has_no_roles(scene: Scene) -> None:
    town = scene.town
    await account(town, "li")
    town.database.rows("UPDATE weld.officer_role SET withdrawn_at = now() + interval '1 minute'")
    await account(town, "wang", roles=["inspector"], scope="division:41")
    number = {row[1]: str(row[0]) for row in town.database.rows("SELECT id, login FROM weld.officer")}
    path, body = "/api/v1/officers/{}/single-sign-on", {"subject": "person-1"}
    async with browser(town) as http, browser(town) as fresh:
        for login, role in (("few", "security_administrator"), ("chen", "division_regulator")):
            await sign_in(town, http, await account(town, login, roles=[role]))
            assert said(await http.post(path.format(number["li"]), json=body)) == (403, "not_allowed")
        admin = await account(town, "admin", roles=["system_administrator"])
        await sign_in(town, http, admin)
        town.clock.moved += timedelta(minutes=6)
        assert said(await http.post(path.format(number["li"]), json=body)) == (403, "step_up_required")
        await sign_in(town, http, admin)
        assert said(await http.post(path.format(uuid4()), json=body)) == (404, "not_found")
        assert said(await http.post(path.format(number["wang"]), json=body)) == (403, "not_allowed")  # has a role
        assert (await http.post(path.format(number["li"]), json=body)).status_code == 204
        assert said(await http.post(path.format(number["li"]), json={"subject": "person-2"})) == (
            403,
            "single_sign_on_refused",
        )
        assert (await http.get(f"/api/v1/officers/{number['li']}")).json()["linked"] is True
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, "/console/")
        me = (await fresh.get(ME)).json()
        assert (me["login"], me["rights"], me["way"]) == ("li", [], "single_sign_on")
        link = (await fresh.get(f"{HERE}/single-sign-on")).json()
        assert (link["name"], link["by_owner"]) == ("政务统一身份认证", False)
        assert (await http.delete(path.format(number["li"]))).status_code == 204
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, LOST)


async def test_disabled_and_reset_accounts_are_not_opened(scene: Scene) -> None:
    town, officer = scene.town, await scene.linked()
    async with browser(town) as http, browser(town) as fresh:
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, "/console/")
        town.database.rows("UPDATE weld.officer SET disabled_at = now()")
        assert said(await fresh.get(ME)) == (401, "signed_out")
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, LOST)
        town.database.rows("UPDATE weld.officer SET disabled_at = NULL")
        await sign_in(town, http, await account(town, "admin", roles=["system_administrator"]))
        assert (await http.post(f"/api/v1/officers/{officer}/reset")).status_code == 200
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, LOST)


async def test_a_link_that_was_begun_ends_with_the_sign_in(scene: Scene) -> None:
    town, who = scene.town, await account(scene.town)
    async with browser(town) as http, browser(town) as fresh:
        await sign_in(town, http, who)
        back = await scene.back(http, "single-sign-on/link")
        assert (await http.delete(f"{HERE}/sign-ins")).status_code == 204
        assert going(await http.get(back)) == (303, "/console/security?failed=single-sign-on")
        assert going(await fresh.get(await scene.back(fresh, back_to="/"))) == (303, LOST)


async def test_signing_out_leads_to_the_sign_out_there(scene: Scene) -> None:
    await scene.linked()
    async with browser(scene.town) as http:
        assert going(await http.get(await scene.back(http, back_to="/"))) == (303, "/console/")
        told = urlsplit((await http.post(f"{HERE}/single-sign-on/sign-out")).json()["url"])
        assert f"{told.scheme}://{told.netloc}{told.path}" == f"{scene.provider.address}/end"
        assert dict(parse_qsl(told.query)) == {
            "client_id": CLIENT,
            "post_logout_redirect_uri": "http://127.0.0.1:8700/console/sign-in",
        }
        assert said(await http.get(ME)) == (401, "signed_out")


async def test_a_provider_that_is_away_or_another_is_told_as_such(scene: Scene) -> None:
    begin, address = f"{HERE}/sign-in/single-sign-on", scene.provider.address
    async with browser(scene.town) as http:
        scene.provider.address = "http://127.0.0.1:1"
        with capture_logs() as lines:
            for _ in range(3):
                assert said(await http.post(begin, json={"back_to": "/"})) == (503, "single_sign_on_refused")
        assert {line["why"] for line in lines if line["event"] == "single_sign_on_failed"} == {"another issuer"}
        assert scene.provider.asked == 1  # who comes next does not wait for it again
        scene.provider.address = address
        scene.town.clock.moved += timedelta(seconds=6)
        assert (await http.post(begin, json={"back_to": "/"})).status_code == 200


async def test_without_an_issuer_there_is_no_such_door(town: Town) -> None:
    async with browser(town) as http:
        assert said(await http.post(f"{HERE}/sign-in/single-sign-on", json={"back_to": "/"})) == (404, "not_found")
        assert going(await http.get(f"{HERE}/single-sign-on/back?state=x&code=y")) == (303, LOST)


def test_an_issuer_without_a_client_or_by_plain_http_is_no_setting() -> None:
    with pytest.raises(ValidationError):
        ApiSettings(sso_issuer="https://sso.example")
    with pytest.raises(ValidationError):
        ApiSettings(sso_issuer="http://sso.example", sso_client_id="weldgate")
