"""A copy of all that is kept about a person, and its end: who may, what forbids it, and that no trace is left."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.api.browser import account, browser, sign_in
from tests.api.staff import seat
from tests.api.test_imports import bring, confirm, errors, row, table
from tests.api.town import Town, Welder, rows_of
from tests.dump import dump
from weld.core import identity

REASON = {"reason": "本人书面要求删除"}
YEARS = timedelta(days=731)


async def erase(town: Town, headers: dict[str, str], worker: UUID, **changed: Any) -> httpx.Response:
    return await town.http.post(f"/api/v1/workers/{worker}/erase", json=REASON | changed, headers=headers)


async def copy(town: Town, headers: dict[str, str], worker: UUID) -> httpx.Response:
    return await town.http.post(f"/api/v1/workers/{worker}/export", headers=headers)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def worked(town: Town) -> tuple[Welder, str, UUID]:
    """A welder, a machine of Shandong that he started, and the session, which goes on."""
    welder, plate = await town.welder(), await town.machine(division="37")
    unlock = (await town.unlock(welder, plate)).json()["id"]
    return welder, unlock, await town.contact_closes(unlock, plate)


async def over(town: Town, unlock: str, session: UUID) -> None:
    plate = town.database.rows("SELECT plate FROM weld.session WHERE id = %s", session)[0][0]
    await town.contact_opens(session, unlock, plate)


async def test_the_copy_holds_all_that_is_kept_wherever_it_is(town: Town) -> None:
    welder, unlock, session = await worked(town)
    regulator = await seat(town, "division_regulator", "division:410502")
    body = {"field": "phone", "reason": "事故调查"}
    assert (
        await town.http.post(f"/api/v1/workers/{welder.id}/reveal", json=body, headers=regulator)
    ).status_code == 200
    answer = await copy(town, regulator, welder.id)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    person = found["person"]
    assert (person["name"], person["identity_number"], person["phone"]) == (welder.name, welder.identity, welder.phone)
    assert [paper["number"] for paper in found["certificates"]] == [f"T{welder.identity}"]
    assert [one["id"] for one in found["sessions"]] == [str(session)]
    assert [one["id"] for one in found["unlocks"]] == [unlock]
    assert [(one["field"], one["reason"]) for one in found["reveals"]] == [("phone", "事故调查")]
    assert [one["division"] for one in found["guest_places"]] == ["37"]
    assert (len(found["devices"]), len(found["sign_ins"]), found["complete"]) == (1, 1, True)
    own = (await town.http.get("/api/v1/me/export", headers=welder.bearer)).json()
    assert own | {"made_at": 0} == found | {"made_at": 0}
    rows = town.database.rows(
        "SELECT actor, subject, detail::text FROM weld.audit WHERE action = 'person.exported' ORDER BY seq"
    )
    assert [subject for _, subject, _ in rows] == [str(welder.id)] * 2
    assert rows[1][0] == f"worker:{welder.id}"
    town.assert_nothing_personal(repr(rows))


async def test_ones_own_copy_takes_a_sign_in_of_just_now(town: Town) -> None:
    welder = await town.welder()
    town.clock.moved += timedelta(minutes=10, seconds=1)
    late = await town.http.get("/api/v1/me/export", headers=welder.bearer)
    assert said(late) == (403, "sign_in_again")
    town.assert_nothing_personal(late.text)
    fresh = {"Authorization": f"Bearer {await town.sign_in(welder.phone)}"}
    assert (await town.http.get("/api/v1/me/export", headers=fresh)).status_code == 200


async def test_copy_and_erasure_are_for_the_authority_where_he_belongs_with_a_fresh_proof(town: Town) -> None:
    welder, unlock, session = await worked(town)
    await over(town, unlock, session)
    where_he_worked = await seat(town, "division_regulator", "division:37", "guest-side")
    assert (await town.http.get(f"/api/v1/workers/{welder.id}", headers=where_he_worked)).status_code == 200
    safety = await seat(town, "enterprise_safety_officer", "enterprise:91410502MA00000072")
    key = await town.officer()
    town.database.rows("UPDATE weld.officer_key SET rights = rights || '{workers:erase,workers:export}'")
    before = dump(town.database)
    for headers, expected in (
        (where_he_worked, {(404, "not_found")}),
        (safety, {(403, "not_allowed")}),
        (key, {(403, "not_allowed")}),
        (welder.bearer, {(401, "signed_out")}),
    ):
        for door in (copy, erase):
            answer = await door(town, headers, welder.id)
            assert {said(answer)} == expected
            town.assert_nothing_personal(answer.text)
    async with browser(town) as http:
        await sign_in(town, http, await account(town, roles=["division_regulator"]))
        town.clock.moved += timedelta(minutes=5, seconds=1)
        for name in ("export", "erase"):
            answer = await http.post(f"/api/v1/workers/{welder.id}/{name}", json=REASON)
            assert said(answer) == (403, "step_up_required")
    assert rows_of(town.database, "worker") == 1
    assert len(dump(town.database)) >= len(before)


async def test_what_runs_what_is_open_and_the_law_forbid_it_and_the_answer_says_which(town: Town) -> None:
    welder, unlock, session = await worked(town)
    regulator = await seat(town, "division_regulator")
    town.database.rows(
        "INSERT INTO weld.alert (id, code, level, subject, episode, worker, since, last_at, evidence, raised_by, raised_at)"
        " VALUES (gen_random_uuid(), 'A01', 3, 'x', 'x', %s, now(), now(), '{}', 'api', now())",
        welder.id,
    )
    answer = await erase(town, regulator | {"Accept-Language": "en"}, welder.id)
    assert said(answer) == (409, "erasure_held")
    for word in ("a session of this person runs", "alerts about this person are not closed: 1", "730 days"):
        assert word in answer.json()["detail"]
    assert "a permission to start is open" in answer.json()["detail"]
    await over(town, unlock, session)
    town.database.rows(
        "UPDATE weld.alert SET state = 'closed', closed_at = now(), closed_by = 'x', outcome = 'other', note = '找过' || %s",
        welder.name,
    )
    held = (await erase(town, regulator, welder.id)).json()["detail"]
    assert held.startswith("最近一次作业记录后 730 天")
    assert "正在作业" not in held
    town.clock.moved += YEARS
    later = await seat(town, "division_regulator", login="later")
    assert (await erase(town, later, welder.id)).status_code == 200
    assert town.database.rows("SELECT note FROM weld.alert") == [("找过…",)]


@pytest.mark.parametrize("part", ["name", "identity", "phone"])
async def test_a_reason_with_the_person_in_it_is_refused(town: Town, part: str) -> None:
    welder, regulator = await town.welder(), await seat(town, "division_regulator")
    answer = await erase(town, regulator, welder.id, reason=f"应{getattr(welder, part)}要求")
    assert said(answer) == (422, "bad_request")
    assert said(await erase(town, regulator, welder.id, reason="删除")) == (422, "bad_request")
    assert rows_of(town.database, "certificate") == 1


async def test_an_erased_person_leaves_no_trace_in_a_dump_and_evidence_stays(town: Town) -> None:
    welder, unlock, session = await worked(town)
    await over(town, unlock, session)
    other = await town.welder()
    paper = town.database.rows("SELECT id::text FROM weld.certificate WHERE worker = %s", welder.id)[0][0]
    traces = blind(town, welder)
    assert all(trace in dump(town.database) for trace in traces)
    town.clock.moved += YEARS
    regulator = await seat(town, "division_regulator", login="later")
    answer = await erase(town, regulator, welder.id)
    assert answer.status_code == 200, answer.text
    left = dump(town.database)
    gone = [word for word in (*traces, welder.name, welder.identity, welder.phone) if word in left]
    assert gone == []
    assert town.database.rows("SELECT worker FROM weld.session") == [(welder.id,)]
    assert town.database.rows("SELECT worker, certificate::text FROM weld.unlock_grant") == [(welder.id, paper)]
    assert town.database.rows("SELECT count(*) FROM weld.device WHERE worker = %s", welder.id) == [(0,)]
    assert rows_of(town.database, "worker") == 2
    for headers, path in (
        (regulator, f"/workers/{welder.id}"),
        (welder.bearer, "/me"),
    ):
        assert (await town.http.get(f"/api/v1{path}", headers=headers)).status_code in {401, 404}
    assert [one["id"] for one in (await town.http.get("/api/v1/workers", headers=regulator)).json()["workers"]] == [
        str(other.id)
    ]
    seen = (await town.http.get(f"/api/v1/sessions/{session}", headers=regulator)).json()
    assert (seen["worker"], seen["worker_name"]) == (str(welder.id), None)
    for door in (erase, copy):
        assert said(await door(town, regulator, welder.id)) == (404, "not_found")


def blind(town: Town, welder: Welder) -> list[str]:
    """What stands in the database of this person, as a dump writes it."""
    row = town.database.rows(
        "SELECT name_sealed, identity_sealed, identity_index, phone_sealed, phone_index, number_sealed, number_index"
        " FROM weld.worker w JOIN weld.certificate c ON c.worker = w.id WHERE w.id = %s",
        welder.id,
    )[0]
    secret = town.database.rows("SELECT secret_hash FROM weld.device WHERE worker = %s", welder.id)[0]
    return [part.hex() for part in (*row, *secret)]


async def test_the_number_is_free_again_and_makes_another_person(town: Town) -> None:
    welder, regulator = await town.welder(), await seat(town, "division_regulator")
    assert (await erase(town, regulator, welder.id)).status_code == 200
    asked = await town.http.post("/api/v1/sign-in/codes", json={"phone": welder.phone})
    assert asked.status_code == 202
    entry = {"name": welder.name, "identity": welder.identity, "phone": welder.phone, "division": "410502"}
    answer = await town.http.post("/api/v1/registers/workers", json=entry, headers=await town.officer())
    assert answer.status_code == 201, answer.text
    assert answer.json()["id"] != str(welder.id)


async def test_rows_that_are_left_of_imports_lose_the_person_and_keep_the_others(town: Town) -> None:
    officer, regulator = await town.officer("division:4105"), await seat(town, "division_regulator", "division:41")
    welder = await town.welder()
    mine = row(1, identity=welder.identity, phone="7", number=f"T{welder.identity}")
    found = await bring(town, officer, table([mine, row(2, phone="7"), row(3)]))
    await confirm(town, officer, found["id"])
    assert len(await errors(town, officer, found["id"])) == 3
    answer = await erase(town, regulator, welder.id)
    assert answer.json()["import_rows"] == 1
    left = json.dumps(await errors(town, officer, found["id"]))
    assert welder.identity not in left
    first = "41050219900101002"
    assert first + identity.identity_check(first) in left


@pytest.mark.parametrize(
    "scope", ["division:37", "", "nobody", "worker", "enterprise:00000000-0000-0000-0000-000000000007"]
)
async def test_sql_of_another_scope_erases_nobody(town: Town, scope: str) -> None:
    welder = await town.welder()
    scope = f"worker:{welder.id}" if scope == "worker" else scope
    with psycopg.connect(town.database.url("api"), autocommit=True) as conn:
        conn.execute("SELECT set_config('weld.scope', %s, false)", (scope,))
        assert conn.execute("SELECT weld.erase_worker(%s, now(), '{}')", (welder.id,)).fetchone() == (False,)
        conn.execute("SELECT set_config('weld.scope', 'platform', false)")
        assert conn.execute("SELECT count(*) FROM weld.certificate").fetchone() == (1,)
