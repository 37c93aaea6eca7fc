"""A worker's devices: the first is good, another waits or is allowed, one that is removed is out."""

from datetime import timedelta
from typing import Any

import httpx

from tests.api.browser import browser
from tests.api.town import Town, Welder, founded
from tests.database import Database

ME, DEVICES = "/api/v1/me", "/api/v1/me/devices"


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"] if answer.status_code >= 400 else None


async def enter(town: Town, welder: Welder, device: str | None = None) -> dict[str, Any]:
    asked = await town.http.post("/api/v1/sign-in/codes", json={"phone": welder.phone})
    body = {"request": asked.json()["request"], "code": town.postbox.sent[-1][1]}
    answer = await town.http.post("/api/v1/sign-in", json=body | ({"device": device} if device else {}))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def bearer(told: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {told['token']}"}


async def test_the_first_device_is_good_and_stays_so(database: Database) -> None:
    async with founded(database, api_device_wait_s=7200) as town:
        welder, code = await town.welder(), await town.machine()
        assert (await town.unlock(welder, code)).status_code == 201
        listed = (await town.http.get(DEVICES, headers=welder.bearer)).json()["devices"]
        assert [(one["here"], one["waiting"]) for one in listed] == [(True, False)]


async def test_a_new_device_starts_nothing_until_its_time_has_come(database: Database) -> None:
    async with founded(database, api_device_wait_s=7200) as town:
        welder, code = await town.welder(), await town.machine()
        new = await enter(town, welder)
        assert new["good_from"] is not None
        me = await town.http.get(ME, headers=bearer(new))
        assert (me.status_code, me.json()["good_from"], me.json()["devices_waiting"]) == (200, new["good_from"], 0)
        for path in ("/api/v1/me/sessions", "/api/v1/me/certificates", DEVICES):
            assert said(await town.http.get(path, headers=bearer(new))) == (403, "device_waiting")
        stranger = Welder(welder.id, "", "", "", new["token"])
        assert said(await town.unlock(stranger, code)) == (403, "device_waiting")
        town.clock.moved += timedelta(hours=2, seconds=1)
        town.hear(code)
        assert (await town.unlock(stranger, code)).status_code == 201
        assert (await enter(town, welder, new["device"]))["good_from"] is None


async def test_an_old_device_is_told_and_allows_or_removes_the_new_one(database: Database) -> None:
    async with founded(database, api_device_wait_s=7200) as town:
        welder = await town.welder()
        first, second = await enter(town, welder), await enter(town, welder)
        assert (await town.http.get(ME, headers=welder.bearer)).json()["devices_waiting"] == 2
        listed = (await town.http.get(DEVICES, headers=welder.bearer)).json()["devices"]
        waiting = [one["id"] for one in listed if one["waiting"]]
        for told in (first, second):  # not by itself
            for device in waiting:
                answer = await town.http.post(f"{DEVICES}/{device}/allow", headers=bearer(told))
                assert said(answer) == (403, "device_waiting")
        for device in waiting:
            assert (await town.http.post(f"{DEVICES}/{device}/allow", headers=welder.bearer)).status_code == 204
        assert (await town.http.get(DEVICES, headers=bearer(first))).status_code == 200
        mine = next(
            one["id"] for one in (await town.http.get(DEVICES, headers=bearer(first))).json()["devices"] if one["here"]
        )
        assert (await town.http.delete(f"{DEVICES}/{mine}", headers=welder.bearer)).status_code == 204
        assert said(await town.http.get(ME, headers=bearer(first))) == (401, "signed_out")
        again = await enter(town, welder, first["device"])  # as new as any other
        assert again["good_from"] is not None
        assert again["device"] != first["device"]


async def test_nobody_touches_the_devices_of_another(town: Town) -> None:
    mine, other = await town.welder(), await town.welder()
    device = (await town.http.get(DEVICES, headers=mine.bearer)).json()["devices"][0]["id"]
    assert said(await town.http.delete(f"{DEVICES}/{device}", headers=other.bearer)) == (404, "not_found")
    assert said(await town.http.post(f"{DEVICES}/{device}/allow", headers=other.bearer)) == (404, "not_found")
    assert (await town.http.delete("/api/v1/me/sign-ins", headers=other.bearer)).status_code == 204
    assert (await town.http.get(ME, headers=mine.bearer)).status_code == 200
    assert said(await town.http.get(ME, headers=other.bearer)) == (401, "signed_out")


async def test_people_share_a_phone(database: Database) -> None:
    async with founded(database, api_device_wait_s=7200) as town, browser(town) as phone:
        mine, other = await town.welder(), await town.welder()
        for welder in (mine, other):  # both have a device of their own already
            await town.http.delete("/api/v1/me/sign-ins", headers=welder.bearer)

        async def page(welder: Welder) -> Any:
            asked = await phone.post("/api/v1/sign-in/codes", json={"phone": welder.phone})
            body = {"request": asked.json()["request"], "code": town.postbox.sent[-1][1], "cookie": True}
            return (await phone.post("/api/v1/sign-in", json=body)).json()

        assert (await page(mine))["good_from"] is not None
        first = phone.cookies["wg_device"]
        assert (await page(other))["good_from"] is not None
        assert phone.cookies["wg_device"] == first
        town.clock.moved += timedelta(hours=2, seconds=1)
        assert [(await page(welder))["good_from"] for welder in (mine, other, mine)] == [None] * 3


async def test_a_devices_secret_is_kept_as_a_hash(town: Town) -> None:
    told = await enter(town, await town.welder())
    kept = str(town.database.rows("SELECT * FROM weld.device"))
    assert told["device"] not in kept
    assert told["device"].encode().hex() not in kept


async def test_codes_that_nobody_uses_come_slower_and_slower(town: Town) -> None:
    async def asked() -> httpx.Response:
        return await town.http.post("/api/v1/sign-in/codes", json={"phone": "13999999999"})

    assert [(await asked()).status_code for _ in range(3)] == [202, 202, 429]
    assert 1 <= int((await asked()).headers["retry-after"]) <= 30
    town.clock.moved += timedelta(seconds=31)
    assert [(await asked()).status_code for _ in range(2)] == [202, 429]
    town.clock.moved += timedelta(seconds=31)
    assert said(await asked()) == (429, "too_many_codes")
    town.clock.moved += timedelta(seconds=31)
    assert (await asked()).status_code == 202
