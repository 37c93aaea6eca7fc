"""Accounts and roles: one person makes the account, another grants, the owner alone knows the password; and keys, departments."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.api.browser import Account, browser, sign_in
from tests.api.staff import ask, seat
from tests.api.town import Town
from weld.core import totp

LI = {"login": "li", "name": "李样例"}
PASSWORD = "kettle under the bridge"
POLICE = {"name": "文峰分局", "kind": "police", "division": "410502", "contact": "0372-0000000"}


async def made(town: Town, system: dict[str, str], **words: Any) -> dict[str, Any]:
    answer = await ask(town, system, "POST", "/officers", LI | words)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def enrolled(town: Town, secret: str, password: str = PASSWORD) -> httpx.Response:
    """What the owner does with the secret."""
    async with browser(town) as http:
        shown = (await http.post("/api/v1/staff/enrolment/look", json={"secret": secret})).json()
        code = totp.code(shown["totp_secret"], totp.step(town.clock.now())) if "totp_secret" in shown else "000000"
        return await http.post("/api/v1/staff/enrolment", json={"secret": secret, "password": password, "code": code})


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def done(town: Town) -> list[str]:
    return [row[0] for row in town.database.rows("SELECT action FROM weld.audit WHERE action !~ '^staff' ORDER BY at")]


async def test_an_account_is_made_granted_and_enrolled_by_three_people(town: Town) -> None:
    system, security = await seat(town, "system_administrator"), await seat(town, "security_administrator")
    new = await made(town, system)
    officer, secret = new["officer"]["id"], new["enrolment_secret"]
    assert (new["officer"]["roles"], new["officer"]["scope"]) == ([], None)
    assert new["enrolment_url"].endswith(f"/console/enrol#{secret}")
    grant = {"role": "inspector", "scope": "division:4105"}
    granted = await ask(town, security, "POST", f"/officers/{officer}/roles", grant)
    assert (granted.json()["roles"], granted.json()["scope"]) == (["inspector"], "division:41/4105")
    async with browser(town) as http:
        shown = (await http.post("/api/v1/staff/enrolment/look", json={"secret": secret})).json()
        assert (shown["login"], shown["totp_uri"].startswith("otpauth://totp/")) == ("li", True)
    assert (await enrolled(town, secret)).status_code == 204
    assert refused(await enrolled(town, secret)) == (404, "not_found")
    async with browser(town) as http:
        me = (await sign_in(town, http, Account("li", PASSWORD, shown["totp_secret"]))).json()
        assert (me["roles"], me["scope"], me["division"]) == (["inspector"], "division:41/4105", "4105")
        assert (await http.get("/api/v1/machines")).status_code == 200
        withdrawn = await ask(town, security, "DELETE", f"/officers/{officer}/roles/inspector")
        assert withdrawn.json()["roles"] == []
        assert (await http.get("/api/v1/machines")).status_code == 403
        assert (await http.get("/api/v1/staff/me")).json()["rights"] == []
    assert sorted(done(town)) == ["officer.enrolled", "officer.made", "role.granted", "role.withdrawn"]
    text = str(town.database.rows("SELECT * FROM weld.audit")) + str(
        town.database.rows("SELECT * FROM weld.officer_enrolment")
    )
    assert secret not in text


@pytest.mark.parametrize("password", ["short", "password123456", "li-li-li-li-li-li", "aaaaaaaaaaaaaa"])
async def test_a_weak_password_is_refused_and_the_secret_stays_good(town: Town, password: str) -> None:
    new = await made(town, await seat(town, "system_administrator"))
    answer = await enrolled(town, new["enrolment_secret"], password)
    assert refused(answer) == (422, "bad_request")
    assert password not in answer.text
    assert (await enrolled(town, new["enrolment_secret"])).status_code == 204


async def test_an_enrolment_secret_grows_old_and_a_disabled_account_enrols_nobody(town: Town) -> None:
    system = await seat(town, "system_administrator")
    new = await made(town, system)
    await ask(town, system, "POST", f"/officers/{new['officer']['id']}/disable")
    assert refused(await enrolled(town, new["enrolment_secret"])) == (404, "not_found")
    await ask(town, system, "POST", f"/officers/{new['officer']['id']}/enable")
    town.clock.moved += timedelta(days=3, seconds=1)
    assert refused(await enrolled(town, new["enrolment_secret"])) == (404, "not_found")


async def test_what_is_reset_has_no_rights_until_another_person_grants_them(town: Town) -> None:
    """Or whoever hands out the secret could enter the account and act in its name."""
    system, duty = await seat(town, "system_administrator"), await seat(town, "duty_officer")
    officer = str(town.database.rows("SELECT id FROM weld.officer WHERE login = 'duty-officer'")[0][0])
    assert (await ask(town, duty, "GET", "/machines")).status_code == 200
    town.database.rows(
        "INSERT INTO weld.officer_passkey (id, officer, credential, public_key, sign_count, name, created_at)"
        " VALUES (gen_random_uuid(), %s, 'x', 'x', 0, 'x', now())",
        officer,
    )
    town.database.rows(
        "INSERT INTO weld.officer_link VALUES ('https://sso.example', 'x', %s, %s, now())", officer, officer
    )
    new = (await ask(town, system, "POST", f"/officers/{officer}/reset")).json()
    assert (new["officer"]["roles"], new["officer"]["scope"]) == ([], None)
    for way in ("passkey", "link"):
        assert town.database.rows(f"SELECT count(*) FROM weld.officer_{way}") == [(0,)]
    assert (await ask(town, duty, "GET", "/machines")).status_code == 401
    assert (await enrolled(town, new["enrolment_secret"])).status_code == 204


async def test_a_disabled_officer_is_out_at_once(town: Town) -> None:
    system, duty = await seat(town, "system_administrator"), await seat(town, "duty_officer")
    officer = str(town.database.rows("SELECT id FROM weld.officer WHERE login = 'duty-officer'")[0][0])
    assert (await ask(town, system, "POST", f"/officers/{officer}/disable")).json()["disabled_at"] is not None
    assert (await ask(town, duty, "GET", "/machines")).status_code == 401


async def test_nobody_grants_to_himself_and_the_last_of_the_three_stays(town: Town) -> None:
    seats = {role: await seat(town, f"{role}_administrator") for role in ("system", "security", "audit")}
    ids = {login.partition("-")[0]: row for login, row in town.database.rows("SELECT login, id FROM weld.officer")}
    system, security = seats["system"], seats["security"]
    for who, method, path, body in (
        (security, "POST", f"/officers/{ids['security']}/roles", {"role": "inspector", "scope": "division:41"}),
        (security, "POST", f"/officers/{ids['system']}/roles", {"role": "inspector", "scope": "division:41"}),
        (security, "POST", f"/officers/{ids['audit']}/roles", {"role": "system_administrator", "scope": "platform"}),
        (security, "DELETE", f"/officers/{ids['security']}/roles/security_administrator", None),
        (security, "DELETE", f"/officers/{ids['audit']}/roles/audit_administrator", None),
        (system, "POST", f"/officers/{ids['audit']}/disable", None),
        (system, "POST", f"/officers/{ids['security']}/reset", None),
        (system, "POST", f"/officers/{ids['system']}/disable", None),
    ):
        assert refused(await ask(town, who, method, path, body)) == (403, "not_allowed"), path
    held = town.database.rows("SELECT role FROM weld.officer_role WHERE withdrawn_at IS NULL ORDER BY role")
    assert held == [("audit_administrator",), ("security_administrator",), ("system_administrator",)]


async def test_the_database_keeps_the_three_apart_by_itself(town: Town) -> None:
    """Whoever has the api's login and nothing of its code."""
    await seat(town, "system_administrator"), await seat(town, "duty_officer")
    ids = dict(town.database.rows("SELECT login, id FROM weld.officer"))
    system, duty = ids["system-administrator"], ids["duty-officer"]
    add = (
        "INSERT INTO weld.officer_role (id, officer, role, scope, granted_by, granted_at)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, now())"
    )
    with psycopg.connect(town.database.url("api"), autocommit=True) as conn:
        for officer, role, scope, by in (
            (system, "audit_administrator", "platform", None),
            (system, "duty_officer", "platform", None),
            (duty, "security_administrator", "platform", None),
            (duty, "inspector", "division:41", None),
            (duty, "division_regulator", "platform", duty),
        ):
            with pytest.raises(psycopg.errors.CheckViolation):
                conn.execute(add, (officer, role, scope, by))
        for statement in ("DELETE FROM weld.officer_role", "UPDATE weld.officer_role SET role = 'installer'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


async def test_a_key_is_shown_once_used_listed_and_revoked(town: Town) -> None:
    security, soon = await seat(town, "security_administrator"), town.clock.now() + timedelta(days=30)
    body = {"name": "市平台", "scope": "division:4105", "rights": ["machines:read"], "expires_at": soon.isoformat()}
    new = (await ask(town, security, "POST", "/keys", body)).json()
    bearer = {"Authorization": f"Bearer {new['secret']}"}
    assert (await town.http.get("/api/v1/machines", headers=bearer)).status_code == 200
    listed = await ask(town, security, "GET", "/keys")
    assert new["secret"] not in listed.text
    assert listed.json()["keys"][0]["last_used_at"] is not None
    revoked = await ask(town, security, "POST", f"/keys/{new['key']['id']}/revoke")
    assert revoked.json()["revoked_at"] is not None
    assert (await town.http.get("/api/v1/machines", headers=bearer)).status_code == 401
    assert refused(await ask(town, security, "POST", "/keys", body)) == (422, "bad_request")  # a name is not used again
    assert done(town) == ["key.made", "key.revoked"]


@pytest.mark.parametrize(
    "change",
    [
        {"rights": ["roles:grant"]},
        {"rights": ["machines:read", "audit:read"]},
        {"rights": []},
        {"rights": ["coffee:make"]},
        {"expires_at": "2020-01-01T00:00:00+08:00"},
        {"expires_at": "2199-01-01T00:00:00+08:00"},
        {"scope": "division:99"},
        {"scope": "everything"},
    ],
)
async def test_a_key_with_too_much_in_it_is_refused(town: Town, change: dict[str, Any]) -> None:
    security, soon = await seat(town, "security_administrator"), town.clock.now() + timedelta(days=30)
    body = {"name": "x", "scope": "platform", "rights": ["machines:read"], "expires_at": soon.isoformat()} | change
    assert refused(await ask(town, security, "POST", "/keys", body)) == (422, "bad_request")
    assert town.database.rows("SELECT count(*) FROM weld.officer_key") == [(0,)]


async def test_a_department_sees_its_own_alerts_and_endpoints_and_nothing_beside_its_division(town: Town) -> None:
    system, security = await seat(town, "system_administrator"), await seat(town, "security_administrator")
    police = (await ask(town, system, "POST", "/departments", POLICE | {"codes": ["B02"]})).json()
    new = await made(town, system, department=police["id"])
    grant = {"role": "duty_officer", "scope": f"department:{police['id']}"}
    answer = await ask(town, security, "POST", f"/officers/{new['officer']['id']}/roles", grant)
    assert answer.status_code == 200, answer.text
    scope = answer.json()["scope"]
    assert scope == f"department:41/4105/410502:{police['id']}"
    stranger = await town.welder(papers=False)
    code = await town.machine()
    await town.unlock(stranger, code)  # raises A01
    key = await town.officer(f"department:{police['id']}")
    assert [one["plate"] for one in (await town.http.get("/api/v1/machines", headers=key)).json()["machines"]] == [code]
    assert (await town.http.get("/api/v1/alerts", headers=key)).json()["alerts"] == []
    await ask(
        town, system, "PUT", f"/departments/{police['id']}", {"name": "文峰分局", "kind": "police", "codes": ["A01"]}
    )
    assert len((await town.http.get("/api/v1/alerts", headers=key)).json()["alerts"]) == 1
    assert refused(await ask(town, system, "DELETE", f"/departments/{police['id']}")) == (403, "not_allowed")
    other = (await ask(town, system, "POST", "/departments", POLICE | {"name": "甲", "division": "37"})).json()
    moved = await ask(
        town, system, "PUT", f"/officers/{new['officer']['id']}", {"name": "李", "department": other["id"]}
    )
    assert refused(moved) == (403, "not_allowed")
    elsewhere = {"role": "inspector", "scope": f"department:{other['id']}"}
    assert refused(await ask(town, security, "POST", f"/officers/{new['officer']['id']}/roles", elsewhere))[0] == 403
    assert (await ask(town, system, "DELETE", f"/departments/{other['id']}")).status_code == 204


async def test_an_enterprise_is_entered_once_with_a_good_credit_code_and_in_scope(town: Town) -> None:
    regulator = await seat(town, "division_regulator", "division:41")
    entry = {"name": "新厂", "credit_code": "91410502MA00000073", "division": "410502"}
    wrong = await ask(town, regulator, "POST", "/enterprises", entry)
    assert refused(wrong) == (422, "bad_request")
    assert "credit_code: 位置" in wrong.json()["detail"]
    listed = (await ask(town, regulator, "GET", "/enterprises?name=样例")).json()["enterprises"]
    assert [(one["name"], one["credit_code"], one["machines"]) for one in listed] == [
        ("样例钢构厂", "91410502MA00000072", 0)
    ]
    again = entry | {"credit_code": listed[0]["credit_code"]}
    assert refused(await ask(town, regulator, "POST", "/enterprises", again)) == (422, "bad_request")
    path = f"/enterprises/{listed[0]['id']}"
    changed = await ask(town, regulator, "PUT", path, {"name": "样例重工", "division": "4105"})
    assert (changed.json()["name"], changed.json()["division"]) == ("样例重工", "4105")
    shandong = await seat(town, "division_regulator", "division:37", "shandong")
    assert (await ask(town, shandong, "GET", path)).status_code == 404
    assert (await ask(town, shandong, "PUT", path, {"name": "x", "division": "37"})).status_code == 404
    assert refused(await ask(town, regulator, "PUT", path, {"name": "x", "division": "37"})) == (403, "not_allowed")


async def test_the_sites_of_an_enterprise_are_listed_in_scope(town: Town) -> None:
    regulator = await seat(town, "division_regulator", "division:41")
    stranger = await seat(town, "division_regulator", "division:37", login="stranger")
    entry = {"enterprise": "91410502MA00000072", "division": "410502", "work": "building", "since": "2026-01-01"}
    for words in ({"name": "一号工地", "until": "2026-06-30"}, {"name": "二号工地"}):
        assert (await ask(town, regulator, "POST", "/registers/sites", entry | words)).status_code == 201
    [listed] = (await ask(town, regulator, "GET", "/enterprises")).json()["enterprises"]
    path = f"/enterprises/{listed['id']}/sites"
    sites = (await ask(town, regulator, "GET", path)).json()["sites"]
    assert [(one["name"], one["until"], one["machines"]) for one in sites] == [
        ("二号工地", None, 0),
        ("一号工地", "2026-06-30", 0),
    ]
    assert refused(await ask(town, stranger, "GET", path)) == (404, "not_found")


async def test_a_worker_is_seen_masked_where_he_works_and_changed_only_where_he_belongs(town: Town) -> None:
    guest, code = await town.welder(), await town.machine("37")
    shandong = await town.officer("division:37")
    path = f"/api/v1/workers/{guest.id}"
    assert (await town.http.get(path, headers=shandong)).status_code == 404
    unlock = (await town.unlock(guest, code)).json()
    await town.contact_closes(unlock["id"], code)
    seen = await town.http.get(path, headers=shandong)
    assert (seen.status_code, len(seen.json()["certificates"])) == (200, 1)
    listed = await town.http.get("/api/v1/workers", headers=shandong)
    assert [one["id"] for one in listed.json()["workers"]] == [str(guest.id)]
    town.assert_nothing_personal(seen.text, listed.text)
    before = town.database.rows("SELECT * FROM weld.worker"), town.database.rows("SELECT * FROM weld.certificate")
    taken = {"name": "被改", "identity": guest.identity, "phone": guest.phone, "division": "37"}
    assert (await town.http.post("/api/v1/registers/workers", json=taken, headers=shandong)).status_code == 403
    with psycopg.connect(town.database.url("api"), autocommit=True) as conn:
        conn.execute("SELECT set_config('weld.scope', 'division:37', false)")
        assert conn.execute("UPDATE weld.worker SET division = '37'").rowcount == 0
        assert conn.execute("UPDATE weld.certificate SET issuer = 'x'").rowcount == 0
    assert before == (
        town.database.rows("SELECT * FROM weld.worker"),
        town.database.rows("SELECT * FROM weld.certificate"),
    )
    town.database.rows("UPDATE weld.guest SET last_at = now() - interval '181 days'")
    assert (await town.http.get(path, headers=shandong)).status_code == 404


async def test_the_audit_is_read_by_its_administrator_page_by_page(town: Town) -> None:
    audit, system = await seat(town, "audit_administrator"), await seat(town, "system_administrator")
    for number in range(3):
        town.clock.moved += timedelta(seconds=1)
        await made(town, system, login=f"li{number}")
    first = (await ask(town, audit, "GET", "/audit?action=officer.&limit=2")).json()
    rest = (await ask(town, audit, "GET", f"/audit?action=officer.&limit=2&after={first['next']}")).json()
    rows = first["rows"] + rest["rows"]
    assert [row["action"] for row in rows] == ["officer.made"] * 3
    assert len({UUID(row["subject"]) for row in rows}) == 3
    assert rest["next"] is None
    assert done(town)[-1] == "audit.read"
