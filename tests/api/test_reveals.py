"""Numbers in full: who may, by what proof, for what reason, how often; and what stays on record."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.browser import account, browser, sign_in
from tests.api.staff import seat
from tests.api.test_staff_sessions import prove
from tests.api.town import Town, Welder, founded, rows_of
from tests.database import Database

ENTERPRISE = "91410502MA00000072"
REASON = "事故调查需要核对身份"


async def reveal(town: Town, headers: dict[str, str], welder: Welder, **changed: Any) -> httpx.Response:
    body = {"field": "identity_number", "reason": REASON} | changed
    return await town.http.post(f"/api/v1/workers/{welder.id}/reveal", json=body, headers=headers)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_a_regulator_is_shown_a_number_and_that_is_on_record_without_the_number(town: Town) -> None:
    welder, regulator = await town.welder(), await seat(town, "division_regulator", "division:41")
    for field, value in (("identity_number", welder.identity), ("phone", welder.phone)):
        answer = await reveal(town, regulator, welder, field=field)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"field": field, "value": value}
        assert answer.headers["cache-control"] == "no-store"
    rows = town.database.rows("SELECT subject, detail FROM weld.audit WHERE action = 'person.revealed' ORDER BY seq")
    assert rows == [(str(welder.id), {"field": field, "reason": REASON}) for field in ("identity_number", "phone")]
    town.assert_nothing_personal(repr(rows))
    assert rows_of(town.database, "reveal") == 2


async def test_a_safety_officer_is_shown_numbers_of_his_own_people_only(town: Town) -> None:
    own, guest, stranger = await town.welder(enterprise=ENTERPRISE), await town.welder(), await town.welder()
    plate = await town.machine(enterprise=ENTERPRISE)
    assert (await town.unlock(guest, plate)).status_code == 201
    officer = await seat(town, "enterprise_safety_officer", f"enterprise:{ENTERPRISE}")
    assert (await town.http.get(f"/api/v1/workers/{guest.id}", headers=officer)).status_code == 200
    assert (await reveal(town, officer, own)).status_code == 200
    assert said(await reveal(town, officer, guest)) == (403, "not_allowed")
    assert said(await reveal(town, officer, stranger)) == (404, "not_found")


async def test_another_division_is_shown_nothing(town: Town) -> None:
    welder, foreign = await town.welder(), await seat(town, "division_regulator", "division:37")
    answer = await reveal(town, foreign, welder)
    assert said(answer) == (404, "not_found")
    assert rows_of(town.database, "reveal") == 0


@pytest.mark.parametrize("role", ["duty_officer", "inspector", "installer", "security_administrator"])
async def test_who_has_not_the_right_is_shown_nothing(town: Town, role: str) -> None:
    welder, scope = await town.welder(), "division:41" if role == "inspector" else "platform"
    assert said(await reveal(town, await seat(town, role, scope), welder)) == (403, "not_allowed")


async def test_no_key_is_shown_a_number_not_even_one_that_was_slipped_the_right(town: Town) -> None:
    welder, key = await town.welder(), await town.officer()
    assert said(await reveal(town, key, welder)) == (403, "not_allowed")
    town.database.rows("UPDATE weld.officer_key SET rights = rights || '{workers:reveal}'")
    assert said(await reveal(town, key, welder)) == (403, "not_allowed")
    assert said(await reveal(town, welder.bearer, welder)) == (401, "signed_out")


async def test_it_takes_a_fresh_proof(town: Town) -> None:
    welder, who = await town.welder(), await account(town, roles=["division_regulator"])
    async with browser(town) as http:
        await sign_in(town, http, who)
        town.clock.moved += timedelta(minutes=5, seconds=1)
        path, body = f"/api/v1/workers/{welder.id}/reveal", {"field": "phone", "reason": REASON}
        assert said(await http.post(path, json=body)) == (403, "step_up_required")
        assert (await prove(town, http, who)).status_code == 200
        assert (await http.post(path, json=body)).status_code == 200


@pytest.mark.parametrize("reason", ["", "核对", "x" * 201, "   核对   "])
async def test_a_reason_is_needed(town: Town, reason: str) -> None:
    welder, regulator = await town.welder(), await seat(town, "division_regulator")
    assert said(await reveal(town, regulator, welder, reason=reason)) == (422, "bad_request")


async def test_a_reason_with_the_person_in_it_is_refused_and_kept_nowhere(town: Town) -> None:
    welder, regulator = await town.welder(), await seat(town, "division_regulator")
    parted = f"{welder.identity[:6]} {welder.identity[6:14]} {welder.identity[14:]}"
    for part in (welder.name, welder.identity, welder.phone, parted, "138 0000-1111", "１３８００００１１１１"):
        answer = await reveal(town, regulator, welder, reason=f"查{part}的事")
        assert said(answer) == (422, "bad_request"), part
        assert part not in answer.text
    assert rows_of(town.database, "reveal") == 0
    town.assert_nothing_personal(repr(town.database.rows("SELECT detail FROM weld.audit")))


async def test_an_officer_is_shown_so_many_and_no_more_whichever_api_he_asks(database: Database) -> None:
    async with founded(database, api_reveals_per_officer=3) as town:
        welder, regulator = await town.welder(), await seat(town, "division_regulator")
        other = await seat(town, "division_regulator", login="other")
        at_once = await asyncio.gather(*(reveal(town, regulator, welder) for _ in range(8)))
        assert sorted(answer.status_code for answer in at_once) == [200] * 3 + [429] * 5
        refused = next(answer for answer in at_once if answer.status_code == 429)
        assert said(refused) == (429, "too_many_attempts")
        assert refused.headers["retry-after"] == "3600"
        assert welder.identity not in refused.text
        assert (await reveal(town, other, welder)).status_code == 200
        town.clock.moved += timedelta(minutes=4)
        assert (await reveal(town, regulator, welder)).status_code == 429
        actions = town.database.rows(
            "SELECT action, count(*) FROM weld.audit WHERE action LIKE 'person.reveal%' GROUP BY 1"
        )
        assert dict(actions) == {"person.revealed": 4, "person.reveal_refused": 6}
        async with browser(town, headers=regulator) as other_api:
            body = {"field": "phone", "reason": REASON}
            assert (await other_api.post(f"/api/v1/workers/{welder.id}/reveal", json=body)).status_code == 429
