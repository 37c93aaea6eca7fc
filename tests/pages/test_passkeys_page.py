"""Passkeys and the single sign-on in a real browser, with the browser's own virtual authenticator (CDP, domain WebAuthn)."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from tests.api.browser import Account, account
from tests.api.provider import CLIENT, provider
from tests.api.town import Town, TownClock
from tests.database import Database
from tests.pages.conftest import AXE, DESKTOP, PHONE
from tests.pages.house import house

PASSKEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# What a page that is not ours does with a challenge of ours: the same name, another port.
STEAL = """async () => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0))
  const plain = (one) => btoa(String.fromCharCode(...new Uint8Array(one)))
  const text = (one) => plain(one).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '')
  const post = (path, body) => fetch('/api/v1/staff/sign-in/passkey' + path, {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)})
  const asked = await (await post('/options')).json()
  const found = await navigator.credentials.get({publicKey: {...asked.options, challenge: bytes(asked.options.challenge)}})
  const {clientDataJSON, authenticatorData, signature, userHandle} = found.response
  const response = {clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature),
    userHandle: text(userHandle)}
  const credential = {id: found.id, rawId: text(found.rawId), type: 'public-key', response}
  const answer = await post('', {challenge: asked.challenge, credential})
  return [answer.status, (await answer.json()).error]
}"""


@asynccontextmanager
async def browser(chromium: str, **words: Any) -> AsyncIterator[tuple[BrowserContext, list[str]]]:
    """A browser, and what its scripts complained of."""
    async with (
        async_playwright() as driver,
        await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as running,
    ):
        context = await running.new_context(**{"locale": "zh-CN", "timezone_id": "Asia/Shanghai", **DESKTOP, **words})
        errors: list[str] = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        yield context, errors


async def authenticator(page: Page) -> tuple[Any, str]:
    """The authenticator of this computer; it nods by itself."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": PASSKEY})
    return cdp, made["authenticatorId"]


async def sign_in(page: Page, town: Town, who: Account) -> None:
    given = who.parts(town)
    for name in ("login", "password", "code"):
        await page.locator(f"#sign-in-{name}").fill(given[name])
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="我的菜单").click()
    await page.get_by_role("button", name="退出登录").click()
    await page.wait_for_url("**/console/sign-in")


async def serious(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    told = await page.evaluate("async () => await axe.run(document, {resultTypes: ['violations']})")
    return [one["id"] for one in told["violations"] if one["impact"] in {"serious", "critical"}]


async def add(page: Page, name: str) -> None:
    await page.get_by_role("button", name="添加通行密钥").click()
    await page.get_by_label("名称").fill(name)
    await page.get_by_role("button", name="添加", exact=True).click()


async def by_passkey(page: Page) -> None:
    await page.get_by_role("button", name="用通行密钥登录").click()


async def test_a_passkey_is_added_renamed_and_opens_the_door(database: Database, chromium: str) -> None:
    async with house(database) as (town, url, _), browser(chromium) as (context, errors):
        page = await context.new_page()
        await authenticator(page)
        await page.goto(f"{url}/console/sign-in?return=/security")
        await sign_in(page, town, await account(town))
        await expect(page.get_by_text("还没有通行密钥")).to_be_visible()
        await add(page, "办公室电脑")
        await expect(page.get_by_role("cell", name="办公室电脑", exact=True)).to_be_visible()
        await add(page, "又一把")
        await expect(page.get_by_text("已经有你的通行密钥")).to_be_visible()  # the browser knows its own
        await page.get_by_role("button", name="先不做").click()
        await page.get_by_role("button", name="改名 办公室电脑").click()
        await page.get_by_label("名称").fill("值班室电脑")
        await page.get_by_label("名称").press("Enter")
        await expect(page.get_by_role("cell", name="值班室电脑", exact=True)).to_be_visible()
        assert await serious(page) == []
        await sign_out(page)
        await by_passkey(page)
        await page.wait_for_url(re.compile(r"/console/$"))
        me = await (await page.request.get(f"{url}/api/v1/staff/me")).json()
        assert (me["login"], me["way"], me["proven_until"] is not None) == ("chen", "passkey", True)
        town.clock.moved += timedelta(minutes=6)
        await page.goto(f"{url}/console/security")
        await page.get_by_role("button", name="删除 值班室电脑").click()
        await page.get_by_role("button", name="删除这 1 把").click()
        await page.get_by_role("button", name="改用通行密钥确认").click()  # the fresh proof, and the call goes on
        await expect(page.get_by_text("还没有通行密钥")).to_be_visible()
        assert errors == []


async def test_a_passkey_is_the_fresh_proof_that_a_dangerous_act_takes(database: Database, chromium: str) -> None:
    async with house(database) as (town, url, _), browser(chromium) as (context, errors):
        page = await context.new_page()
        await authenticator(page)
        await page.goto(f"{url}/console/sign-in?return=/security")
        await sign_in(page, town, await account(town, "sun", roles=["system_administrator"], scope="platform"))
        await add(page, "办公室电脑")
        await expect(page.get_by_role("cell", name="办公室电脑", exact=True)).to_be_visible()
        town.clock.moved += timedelta(minutes=10)
        await page.goto(f"{url}/console/officers")
        await page.get_by_role("button", name="建账号").click()
        await page.get_by_label("账号", exact=True).fill("li.si")
        await page.get_by_label("姓名").fill("李样例")
        await page.get_by_role("button", name="建这个账号").click()
        await page.get_by_role("button", name="改用通行密钥确认").click()
        await expect(page.get_by_role("dialog", name="把链接交给 李样例")).to_be_visible()
        assert errors == []


async def test_a_foreign_page_a_found_stick_and_a_removed_passkey_open_nothing(
    database: Database, chromium: str
) -> None:
    async with house(database) as (town, url, elsewhere), browser(chromium) as (context, errors):
        page = await context.new_page()
        cdp, device = await authenticator(page)
        await page.goto(f"{url}/console/sign-in?return=/security")
        await sign_in(page, town, await account(town))
        await add(page, "值班室电脑")
        await expect(page.get_by_role("cell", name="值班室电脑", exact=True)).to_be_visible()
        thief = await context.new_page()
        other, copy = await authenticator(thief)
        [held] = (await cdp.send("WebAuthn.getCredentials", {"authenticatorId": device}))["credentials"]
        await other.send("WebAuthn.addCredential", {"authenticatorId": copy, "credential": held})
        await thief.goto(f"{elsewhere}/console/sign-in")
        assert await thief.evaluate(STEAL) == [403, "passkey_refused"]  # signed for another origin
        await thief.close()
        await page.get_by_role("button", name="删除 值班室电脑").click()
        await page.get_by_role("button", name="删除这 1 把").click()
        await expect(page.get_by_text("还没有通行密钥")).to_be_visible()
        await sign_out(page)
        await cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        await by_passkey(page)
        await expect(page.get_by_role("alert")).to_contain_text("没有确认")  # nobody knows its PIN
        await cdp.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
        await by_passkey(page)
        await expect(page.get_by_role("alert")).to_contain_text("通行密钥")
        assert (await page.request.get(f"{url}/api/v1/staff/me")).status == 401
        assert errors == []


async def test_a_linked_officer_comes_in_by_the_single_sign_on_and_out_again(database: Database, chromium: str) -> None:
    clock = TownClock()
    async with provider(lambda: clock.now().timestamp()) as there:
        there.secret = None
        words = {"sso_issuer": there.address, "sso_client_id": CLIENT, "sso_within_s": 60}
        async with house(database, **words) as (town, url, _), browser(chromium, **PHONE) as (context, errors):
            page = await context.new_page()
            await page.goto(f"{url}/console/sign-in")
            await page.get_by_role("button", name="用政务统一身份认证登录").click()
            await expect(page.get_by_role("alert")).to_contain_text("账号还没有绑定")
            assert await serious(page) == []
            await page.goto(f"{url}/console/sign-in?return=/security")
            await sign_in(page, town, await account(town))
            await page.get_by_role("button", name="绑定政务统一身份认证").click()
            await expect(page.get_by_text("由你本人绑定")).to_be_visible()
            assert await serious(page) == []
            await sign_out(page)
            await page.get_by_role("button", name="用政务统一身份认证登录").click()
            await page.wait_for_url(re.compile(r"/console/$"))
            me = await (await page.request.get(f"{url}/api/v1/staff/me")).json()
            assert (me["login"], me["way"], me["proven_until"]) == ("chen", "single_sign_on", None)
            await page.get_by_role("button", name="我的菜单").click()
            await page.get_by_role("button", name="退出登录").click()
            await page.wait_for_url(f"{there.address}/end*")  # and out there as well
            assert (await page.request.get(f"{url}/api/v1/staff/me")).status == 401
            assert errors == []


async def test_an_administrator_links_an_account_that_waits_for_its_roles(database: Database, chromium: str) -> None:
    words = {"sso_issuer": "https://sso.example", "sso_client_id": CLIENT, "sso_within_s": 60}
    async with house(database, **words) as (town, url, _), browser(chromium) as (context, errors):
        await account(town, "li")
        town.database.rows("UPDATE weld.officer_role SET withdrawn_at = now() + interval '1 minute'")
        number = town.database.rows("SELECT id FROM weld.officer")[0][0]
        page = await context.new_page()
        await page.goto(f"{url}/console/sign-in?return=/officers/{number}")
        await sign_in(page, town, await account(town, "wang", roles=["system_administrator"]))
        await page.get_by_role("button", name="绑定政务统一身份认证").click()
        await page.get_by_role("button", name="绑定这 1 个账号").click()
        await expect(page.get_by_text("填用户唯一标识")).to_be_visible()
        await page.get_by_label("用户唯一标识").fill("person-1")
        await page.get_by_label("用户唯一标识").press("Enter")
        await expect(page.get_by_text("政务统一身份认证：已绑定")).to_be_visible()
        assert town.database.rows("SELECT subject, officer FROM weld.officer_link") == [("person-1", number)]
        assert await serious(page) == []
        await page.get_by_role("button", name="解除绑定").click()
        await page.get_by_role("dialog").get_by_role("button", name="解除绑定").click()
        await expect(page.get_by_text("政务统一身份认证：没有绑定")).to_be_visible()
        assert errors == []


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
async def test_without_them_the_sign_in_page_is_as_it_was(database: Database, chromium: str, language: str) -> None:
    async with house(database) as (town, url, _), browser(chromium, locale=language) as (context, errors):
        settings = town.parts.settings
        assert settings.sso_issuer == ""
        page = await context.new_page()
        await page.add_init_script("delete window.PublicKeyCredential")
        await page.goto(f"{url}/console/sign-in")
        await expect(page.locator("#sign-in-code")).to_be_visible()
        await expect(page.get_by_role("button", name=re.compile("通行密钥|passkey|统一"))).to_have_count(0)
        assert errors == []
