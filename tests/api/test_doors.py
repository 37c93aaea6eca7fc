"""Who gets in and sees what: every route without a token, with a foreign one, with another's ids, under another scope."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.openapi import document
from tests.api.town import ALL_RIGHTS, Town
from weld.core import plate
from weld.core.rights import BUSINESS_RIGHTS, RIGHTS
from weld.store import signins

DOCUMENT = document()
ROUTES = [
    (method.upper(), path, operation["x-rule"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
# Streams that go on: with a key that opens them no answer ever ends. Their own tests watch them.
ENDLESS = {"/api/v1/live"}
# What signs a worker out would end the walk; its own tests call it.
SIGNS_OUT = {"/api/v1/sign-in", "/api/v1/me/sign-ins"}
# Enough of a body that the request gets as far as the door.
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/sign-in/codes": {"phone": "13999999999"},
    "/api/v1/sign-in": {"request": str(uuid4()), "code": "123456"},
    "/api/v1/unlocks": {"plate": plate.make("410502", "A", 1)},
    "/api/v1/machines/{plate}/lock": {"level": 1, "reason": "x"},
    "/api/v1/machines/{plate}/block": {"reason": "x"},
    "/api/v1/machines/{plate}/unblock": {"reason": "x"},
    "/api/v1/alerts/{alert}/close": {"outcome": "test", "note": "x"},
}


async def call(town: Town, method: str, path: str, headers: dict[str, str], code: str = "") -> int:
    filled = path.replace("{plate}", code or plate.make("410502", "A", 77))
    for name in ("unlock", "session", "alert", "import_id", "officer", "department", "enterprise", "key"):
        filled = filled.replace(f"{{{name}}}", str(uuid4()))
    query = {"plate": code or plate.make("410502", "A", 77)} if path == "/api/v1/days" else None
    sent = headers | {"Idempotency-Key": str(uuid4())}
    answer = await town.http.request(method, filled, json=BODIES.get(path), headers=sent, params=query)
    if answer.status_code >= 400:
        assert answer.json().keys() == {"error", "detail", "reasons", "request_id"}
    return answer.status_code


def test_every_route_declares_a_rule_that_we_know() -> None:
    known = {"open", "public", "worker", "staff", *RIGHTS, *(f"worker|{right}" for right in RIGHTS)}
    assert {rule for _, _, rule in ROUTES} <= known
    assert set(RIGHTS) == {right for _, _, rule in ROUTES for right in rule.split("|") if ":" in right}
    assert len(ROUTES) >= 28


def test_the_public_routes_are_these_and_no_others() -> None:
    assert {path for _, path, rule in ROUTES if rule in {"open", "public"}} == {
        "/api/v1/consent",
        "/api/v1/installation",
        "/api/v1/plates/{plate}",
        "/api/v1/sign-in",
        "/api/v1/sign-in/codes",
        "/api/v1/staff/enrolment",
        "/api/v1/staff/enrolment/look",
        "/api/v1/staff/sign-in",
        "/api/v1/staff/sign-in/passkey",
        "/api/v1/staff/sign-in/passkey/options",
        "/api/v1/staff/sign-in/single-sign-on",
        "/api/v1/staff/sign-in/ways",
        "/api/v1/staff/single-sign-on/back",
        "/health/live",
        "/health/ready",
    }


def test_what_takes_a_fresh_proof_is_this_and_no_more() -> None:
    marked = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if operation.get("x-step-up")
    }
    assert marked == {
        "POST /registers/endpoints",
        "POST /officers",
        "POST /officers/{officer}/reset",
        "POST /officers/{officer}/roles",
        "POST /keys",
        "POST /staff/passkeys",
        "POST /staff/passkeys/options",
        "DELETE /staff/passkeys/{passkey}",
        "POST /staff/single-sign-on/link",
        "DELETE /staff/single-sign-on/link",
        "POST /officers/{officer}/single-sign-on",
        "POST /workers/{worker}/reveal",
        "POST /workers/{worker}/export",
        "POST /workers/{worker}/erase",
    }


async def test_a_route_opens_to_its_rule_only(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    strangers = [{}, *({"Authorization": words} for words in ("Bearer x", "Basic eDp4", "Bearer wgk_x", "Bearer", ""))]
    keys = {right: await town.officer(rights=[other for other in ALL_RIGHTS if other != right]) for right in ALL_RIGHTS}
    wrong = []
    for method, path, rule in ROUTES:
        if rule in {"open", "public"}:
            continue
        found = [await call(town, method, path, headers, code) for headers in strangers]
        by_worker = await call(town, method, path, welder.bearer, code) if path not in SIGNS_OUT else 204
        key_without = keys.get(rule.removeprefix("worker|"), keys[ALL_RIGHTS[0]])
        by_key = await call(town, method, path, key_without, code)
        expected_by_key = 401 if rule in {"worker", "staff"} else 403
        if (
            set(found) != {401}
            or (by_worker == 401) == (rule.partition("|")[0] == "worker")
            or by_key != expected_by_key
        ):
            wrong.append(f"{method} {path} ({rule}): {found}, worker {by_worker}, key {by_key}")
    assert not wrong, "\n".join(wrong)


async def test_expired_and_revoked_keys_open_nothing(town: Town) -> None:
    code, key = await town.machine(), await town.officer(days=1)
    rights = set(BUSINESS_RIGHTS)  # no key holds another
    routes = [(method, path) for method, path, rule in ROUTES if rights & set(rule.split("|")) and path not in ENDLESS]
    good = [await call(town, method, path, key, code) for method, path in routes]
    assert not {401, 403} & set(good)
    town.clock.moved += timedelta(days=1, seconds=1)
    assert {await call(town, method, path, key, code) for method, path in routes} == {401}
    town.clock.moved = timedelta(0)
    async with town.parts.pool.connection() as conn:
        await signins.revoke_key(conn, town.database.rows("SELECT id FROM weld.officer_key")[0][0], town.clock.now())
    assert {await call(town, method, path, key, code) for method, path in routes} == {401}


async def test_another_division_sees_nothing_and_changes_nothing(town: Town) -> None:
    welder, stranger = await town.welder(), await town.welder(papers=False)
    code, other = await town.machine(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    await town.unlock(stranger, other)
    alert = town.database.rows("SELECT id FROM weld.alert")[0][0]
    shandong, wenfeng = await town.officer("division:37"), await town.officer("division:410502")

    async def seen(path: str, key: dict[str, str]) -> Any:
        answer = await town.http.get(f"/api/v1{path}", headers=key)
        return answer.json() if answer.status_code == 200 else answer.status_code

    for path, name, many in (("/machines", "machines", 2), ("/sessions", "sessions", 1), ("/alerts", "alerts", 1)):
        assert (await seen(path, shandong))[name] == []
        assert len((await seen(path, wenfeng))[name]) == many
    for path in (f"/machines/{code}", f"/machines/{code}/timeline", f"/sessions/{session}", f"/alerts/{alert}"):
        assert await seen(path, shandong) == 404
        assert isinstance(await seen(path, wenfeng), dict)
    assert (await seen(f"/days?plate={code}", shandong))["days"] == []
    for path, body in (
        (f"/machines/{code}/lock", {"level": 1, "reason": "x"}),
        (f"/machines/{code}/block", {"reason": "x"}),
        (f"/alerts/{alert}/acknowledge", None),
        (f"/alerts/{alert}/close", {"outcome": "test", "note": "x"}),
    ):
        assert (await town.http.post(f"/api/v1{path}", json=body, headers=shandong)).status_code == 404
    assert town.database.rows("SELECT count(*) FROM weld.command WHERE kind = 'lock'") == [(0,)]
    assert town.database.rows("SELECT blocked_reason FROM weld.machine WHERE plate = %s", code) == [(None,)]


async def test_a_division_sees_what_is_below_it_and_an_enterprise_its_own(town: Town) -> None:
    credit = town.database.rows("SELECT credit_code FROM weld.enterprise")[0][0]
    theirs, others = await town.machine(enterprise=credit), await town.machine()
    henan, factory = await town.officer("division:41"), await town.officer(f"enterprise:{credit}")

    async def plates(key: dict[str, str]) -> list[str]:
        answer = await town.http.get("/api/v1/machines", headers=key)
        return [machine["plate"] for machine in answer.json()["machines"]]

    assert await plates(henan) == sorted([theirs, others])
    assert await plates(factory) == [theirs]
    assert (await town.http.get(f"/api/v1/machines/{others}", headers=factory)).status_code == 404


async def test_a_worker_sees_only_his_own(town: Town) -> None:
    mine, thief = await town.welder(), await town.welder()
    code = await town.machine()
    unlock = (await town.unlock(mine, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    for path in (f"/unlocks/{unlock['id']}", f"/unlocks/{unlock['id']}/events", f"/sessions/{session}"):
        answer = await town.http.get(f"/api/v1{path}", headers=thief.bearer)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert (await town.http.post(f"/api/v1/sessions/{session}/end", headers=thief.bearer)).status_code == 404
    assert (await town.http.get("/api/v1/me/sessions", headers=thief.bearer)).json()["sessions"] == []
    own = (await town.http.get("/api/v1/me/sessions", headers=mine.bearer)).json()["sessions"]
    assert [one["id"] for one in own] == [str(session)]
    assert town.database.rows("SELECT count(*) FROM weld.command WHERE kind = 'end'") == [(0,)]


SCOPED = ("enterprise", "machine", "worker", "certificate", "unlock_grant", "refusal", "command", "session", "alert")
FOREIGN = ("", "nobody", "division:37", f"enterprise:{uuid4()}", f"worker:{uuid4()}", "platform'--", "division:")


async def test_sql_as_the_apis_role_sees_nothing_without_a_scope_or_with_a_foreign_one(town: Town) -> None:
    credit = town.database.rows("SELECT credit_code FROM weld.enterprise")[0][0]
    mine, stranger = await town.welder(enterprise=credit), await town.welder(papers=False)
    code, other = await town.machine(enterprise=credit), await town.machine()
    unlock = (await town.unlock(mine, code)).json()
    await town.contact_closes(unlock["id"], code)
    await town.unlock(stranger, other)
    for table in SCOPED:
        assert town.database.rows(f"SELECT count(*) > 0 FROM weld.{table}") == [(True,)], table
    with psycopg.connect(town.database.url("api"), autocommit=True) as conn:
        for scope in (None, *FOREIGN):
            if scope is not None:
                conn.execute("SELECT set_config('weld.scope', %s, false)", (scope,))
            for table in SCOPED:
                assert conn.execute(f"SELECT count(*) FROM weld.{table}".encode()).fetchone() == (0,), (table, scope)


async def test_the_apis_role_cannot_read_evidence_past_the_scope(town: Town) -> None:
    with psycopg.connect(town.database.url("api"), autocommit=True) as conn:
        for table in ("telemetry", "event", "arc"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"SELECT 1 FROM weld.{table}".encode())


async def test_nothing_personal_in_any_answer_or_log_line(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    welder, stranger = await town.welder(), await town.welder(papers=False)
    code, other = await town.machine(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    refused = await town.unlock(stranger, other)
    alert = town.database.rows("SELECT id FROM weld.alert")[0][0]
    officer = await town.officer()
    texts = [refused.text]
    for path, key in (
        *((f"/plates/{one}", {}) for one in (code, other)),
        *(("/me", welder.bearer), ("/me/certificates", welder.bearer), ("/me/sessions", welder.bearer)),
        *((f"/sessions/{session}", welder.bearer), (f"/unlocks/{unlock['id']}", welder.bearer)),
        *((path, officer) for path in ("/machines", "/sessions", "/alerts", "/quarantine", "/deliveries")),
        *((f"/machines/{code}", officer), (f"/machines/{code}/timeline", officer), (f"/alerts/{alert}", officer)),
    ):
        answer = await town.http.get(f"/api/v1{path}", headers=key)
        assert answer.status_code == 200, (path, answer.text)
        texts.append(answer.text)
    out, err = capfd.readouterr()
    town.assert_nothing_personal(*texts, out, err)
    kept = [town.database.rows(f"SELECT * FROM weld.{table}") for table in ("audit", "alert", "outbox", "idempotency")]
    town.assert_nothing_personal(*(str(rows) for rows in kept))
