"""What shows a person or changes something stands in the audit: every route is played, and a new one must say which it is."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from api.main import _tell_the_audit
from tests.api.browser import account, browser, sign_in
from tests.api.staff import seat
from tests.api.test_accounts import POLICE, enrolled
from tests.api.test_division_at import SQUARE
from tests.api.test_doors import ROUTES
from tests.api.test_endpoints import delivery, endpoint
from tests.api.test_imports import bring, row, table
from tests.api.test_registers import ENDPOINT, KEY, MACHINE, WORKER
from tests.api.test_staff_sessions import prove
from tests.api.town import GOOD, Town, Welder
from tests.api.ways import play_other_ways
from weld.core import mask, plate
from weld.core.chain import START, Link, walk
from weld.store import access_rules, audit, divisions
from weld.store.connect import scoped

# The route -> what the audit calls it.
TRACED = {
    "POST /sign-in": "worker.signed_in",
    "DELETE /sign-in": "worker.signed_out",
    "POST /me/devices/{device}/allow": "device.allowed",
    "DELETE /me/devices/{device}": "device.removed",
    "DELETE /me/sign-ins": "worker.signed_out_everywhere",
    "POST /staff/sign-in": "staff.signed_in",
    "POST /staff/step-up": "staff.stepped_up",
    "DELETE /staff/sign-in": "staff.signed_out",
    "DELETE /staff/sign-ins/{sign_in}": "staff.sign_in_ended",
    "DELETE /staff/sign-ins": "staff.signed_out_everywhere",
    "POST /staff/sign-in/passkey": "staff.signed_in",
    "POST /staff/step-up/passkey": "staff.stepped_up",
    "POST /staff/passkeys": "passkey.added",
    "POST /staff/passkeys/{passkey}/name": "passkey.renamed",
    "DELETE /staff/passkeys/{passkey}": "passkey.removed",
    "GET /staff/single-sign-on/back": "staff.signed_in",
    "POST /staff/single-sign-on/sign-out": "staff.signed_out",
    "DELETE /staff/single-sign-on/link": "single_sign_on.unlinked",
    "POST /officers/{officer}/single-sign-on": "single_sign_on.linked",
    "DELETE /officers/{officer}/single-sign-on": "single_sign_on.unlinked",
    "POST /unlocks": "unlock.granted",
    "GET /sessions": "sessions.listed",
    "GET /exports/{what}": "export.begun",
    "GET /sessions/{session}": "session.read",
    "POST /sessions/{session}/end": "command.end",
    "GET /me": "person.read",
    "GET /me/certificates": "person.read",
    "GET /me/sessions": "person.read",
    "GET /machines/{plate}/timeline": "sessions.listed",
    "POST /machines/{plate}/lock": "command.lock",
    "POST /machines/{plate}/block": "machine.blocked",
    "POST /machines/{plate}/unblock": "machine.unblocked",
    "POST /alerts/{alert}/acknowledge": "alert.acknowledged",
    "POST /alerts/{alert}/close": "alert.closed",
    "GET /workers": "people.listed",
    "GET /workers/{worker}": "person.read",
    "POST /workers/{worker}/suspend": "worker.suspended",
    "POST /workers/{worker}/restore": "worker.restored",
    "POST /workers/{worker}/reveal": "person.revealed",
    "POST /workers/{worker}/export": "person.exported",
    "POST /workers/{worker}/erase": "person.erased",
    "GET /me/export": "person.exported",
    "POST /me/consent": "consent.given",
    "GET /certificates/{certificate}/acts": "person.read",
    "POST /certificates/{certificate}/acts": "certificate.suspend",
    "POST /endpoints/{endpoint}/state": "endpoint.state",
    "POST /deliveries/{delivery}/resend": "delivery.resent",
    "GET /machines/{plate}/plate.svg": "plates.printed",
    "GET /machines/{plate}/plate.pdf": "plates.printed",
    "POST /plates/sheet": "plates.printed",
    "POST /imports": "import.brought",
    "GET /imports/{import_id}/preview": "import.previewed",
    "GET /imports/{import_id}/errors.csv": "import.errors_read",
    "POST /imports/{import_id}/confirm": "import.confirmed",
    "POST /imports/{import_id}/stop": "import.stopped",
    "POST /registers/divisions": "register.division",
    "POST /registers/enterprises": "register.enterprise",
    "POST /registers/sites": "register.site",
    "POST /registers/chips": "register.chip",
    "POST /registers/machines": "register.machine",
    "POST /registers/workers": "register.worker",
    "POST /registers/certificates": "register.certificate",
    "POST /registers/endpoints": "register.endpoint",
    "POST /staff/enrolment": "officer.enrolled",
    "POST /officers": "officer.made",
    "PUT /officers/{officer}": "officer.changed",
    "POST /officers/{officer}/disable": "officer.disabled",
    "POST /officers/{officer}/enable": "officer.enabled",
    "POST /officers/{officer}/reset": "officer.reset",
    "POST /officers/{officer}/roles": "role.granted",
    "DELETE /officers/{officer}/roles/{role}": "role.withdrawn",
    "POST /departments": "department.entered",
    "PUT /departments/{department}": "department.changed",
    "DELETE /departments/{department}": "department.removed",
    "POST /enterprises": "register.enterprise",
    "PUT /enterprises/{enterprise}": "register.enterprise",
    "POST /keys": "key.made",
    "POST /keys/{key}/revoke": "key.revoked",
    "GET /audit": "audit.read",
}
# How else officers come in, before anything has happened, and what is their own; keys of programs have none of it.
OTHER_WAYS = {
    "GET /staff/sign-in/ways",
    "POST /staff/sign-in/passkey/options",
    "POST /staff/step-up/passkey/options",
    "GET /staff/passkeys",
    "POST /staff/passkeys/options",
    "POST /staff/sign-in/single-sign-on",
    "GET /staff/single-sign-on",
    "POST /staff/single-sign-on/link",
}
# Neither shows a person nor changes anything. Of a code nobody is known yet: what is traced is its use. Accounts show whoever
# works for an authority, to administrators and, by his own secret, to himself.
PLAIN = {
    *OTHER_WAYS,
    "POST /sign-in/codes",
    "POST /staff/enrolment/look",
    "GET /roles",
    "GET /officers",
    "GET /officers/{officer}",
    "GET /departments",
    "GET /departments/all",
    "GET /enterprises",
    "GET /enterprises/{enterprise}",
    "GET /enterprises/{enterprise}/sites",
    "GET /keys",
    "GET /staff/me",
    "GET /staff/sign-ins",
    "GET /me/devices",
    "GET /installation",
    "GET /consent",
    "GET /plates/{plate}",
    "GET /unlocks/{unlock}",
    "GET /unlocks/{unlock}/events",
    "GET /sessions/{session}/bursts",
    "GET /map",
    "GET /figures",
    "GET /live",
    "GET /machines",
    "GET /machines/{plate}",
    "GET /machines/{plate}/history",
    "GET /machines/{plate}/telemetry",
    "GET /machines/{plate}/events",
    "GET /machines/{plate}/current",
    "GET /divisions/month",
    "GET /divisions/connection",
    "GET /alerts/queue",
    "GET /days",
    "GET /alerts",
    "GET /alerts/{alert}",
    "GET /endpoints",
    "GET /deliveries/{delivery}",
    "GET /quarantine",
    "GET /deliveries",
    "GET /certificates/expiry",
    "GET /imports",
    "GET /imports/template",
    "GET /imports/{import_id}",
    "GET /divisions",
    "GET /divisions/at",
    "GET /health/live",
    "GET /health/ready",
}
QUERIES = {"GET /divisions/at": {"lat": "36.05", "lon": "114.2"}}
STREAMS = {"GET /live", "GET /unlocks/{unlock}/events"}
ENTRIES: dict[str, dict[str, Any]] = {
    "divisions": {"code": "410503", "name_zh": "北关区", "name_en": "Beiguan", "parent": "4105"},
    "enterprises": {"name": "样例二厂", "credit_code": "91410502MA0000090M", "division": "410502"},
    "chips": {"chip": "CHIP999999", "model": "WG1", "profile": 0},
    "sites": {
        "enterprise": "91410502MA00000072",
        "name": "一号工地",
        "division": "410502",
        "work": "building",
        "since": "2026-01-01",
    },
    "machines": MACHINE | {"plate": plate.make("410502", "A", 900)},
    "workers": WORKER,
    "certificates": GOOD
    | {
        "identity": WORKER["identity"],
        "number": f"T{WORKER['identity']}",
        "valid_from": "2025-01-01",
        "valid_to": "2030-01-01",
    },
    "endpoints": ENDPOINT,
}


class Player:
    """Plays routes and sees what the audit says of each."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.played: dict[str, str] = {}

    async def play(self, route: str, headers: dict[str, str], body: Any = None, **ids: object) -> httpx.Response:
        method, path = route.split(" ")
        filled = f"/api/v1{path}".format(**ids)
        before = self.last()
        answer = await self.town.http.request(
            method, filled, json=body, headers=headers | {"Idempotency-Key": str(uuid4())}
        )
        assert answer.status_code < 300, (route, answer.text)
        self.saw(route, before)
        return answer

    def saw(self, route: str, before: int) -> None:
        """What was added after `before`, for a route that was called otherwise."""
        rows = self.town.database.rows("SELECT action, actor FROM weld.audit WHERE seq > %s ORDER BY seq", before)
        self.played[route] = ", ".join(sorted({action for action, _ in rows}))
        assert all(actor != "public" for _, actor in rows), (route, rows)

    def last(self) -> int:
        found: int = self.town.database.rows("SELECT seq FROM weld.audit_head")[0][0]
        return found


def _routes() -> set[str]:
    return {f"{method} {path.removeprefix('/api/v1')}" for method, path, _ in ROUTES}


def test_every_route_says_whether_it_leaves_a_trace() -> None:
    assert _routes() - TRACED.keys() - PLAIN == set(), "does it show a person, or change something?"
    assert (TRACED.keys() | PLAIN) - _routes() == set(), "these routes are gone"
    assert TRACED.keys() & PLAIN == set()


async def test_every_route_that_shows_a_person_or_changes_something_leaves_a_row(town: Town) -> None:
    player = Player(town)
    welder, stranger, code, other = await furnished(town)
    officer = await town.officer()
    await play_walk(player, welder, code, officer)
    await play_desk(player, welder, code, officer)
    await town.unlock(stranger, other)
    alert = town.database.rows("SELECT id FROM weld.alert")[0][0]
    await player.play("POST /alerts/{alert}/acknowledge", officer, alert=alert)
    await player.play("POST /alerts/{alert}/close", officer, {"outcome": "test", "note": "x"}, alert=alert)
    system = await seat(town, "system_administrator")
    for kind, entry in ENTRIES.items():
        await player.play(f"POST /registers/{kind}", system if kind == "divisions" else officer, entry)
    await play_import(player, officer)
    await play_accounts(player, system)
    await play_places(player, system, officer)
    await play_doors(player, welder)
    await play_other_ways(player)
    missing = {
        route: (action, player.played.get(route))
        for route, action in TRACED.items()
        if action not in player.played.get(route, "").split(", ")
    }
    assert not missing
    town.assert_nothing_personal(str(town.database.rows("SELECT actor, action, subject, detail::text FROM weld.audit")))
    with audit.opened(town.database.url("api")) as conn:
        assert all(isinstance(place, Link) for place in walk(START, audit.rows(conn), {}))


async def furnished(town: Town) -> tuple[Welder, Welder, str, str]:
    return await town.welder(), await town.welder(papers=False), await town.machine(), await town.machine()


async def play_walk(player: Player, welder: Welder, code: str, officer: dict[str, str]) -> None:
    """From the scan to the end, and what is read on the way."""
    unlock = (await player.play("POST /unlocks", welder.bearer, {"plate": code})).json()
    session = await player.town.contact_closes(unlock["id"], code)
    for route in ("GET /me", "GET /me/certificates", "GET /me/sessions", "GET /me/export"):
        await player.play(route, welder.bearer)
    await player.play("POST /me/consent", welder.bearer, {"version": "2026-11-22"})
    for route, key in (("GET /sessions/{session}", welder.bearer), ("GET /sessions/{session}", officer)):
        answer = await player.play(route, key, session=session)
        assert answer.json()["worker_name"] == mask.mask_name(welder.name)
    await player.play("GET /sessions", officer)
    before, span = player.last(), {"since": "2026-01-01T00:00:00Z"}
    assert (await player.town.http.get("/api/v1/exports/sessions", params=span, headers=officer)).status_code == 200
    player.saw("GET /exports/{what}", before)
    await player.play("GET /machines/{plate}/timeline", officer, plate=code)
    await player.play("POST /sessions/{session}/end", welder.bearer, session=session)


async def play_desk(player: Player, welder: Welder, code: str, officer: dict[str, str]) -> None:
    """What an officer does to machines, endpoints and plates, and whom he looks up."""
    for order, body in (
        ("lock", {"level": 1, "reason": "x"}),
        ("block", {"reason": "x"}),
        ("unblock", {"reason": "x"}),
    ):
        await player.play(f"POST /machines/{{plate}}/{order}", officer, body, plate=code)
    await player.play("GET /workers", officer)
    await player.play("GET /workers/{worker}", officer, worker=welder.id)
    regulator = await seat(player.town, "division_regulator", login="reveals")
    asked = {"field": "phone", "reason": "联系本人"}
    await player.play("POST /workers/{worker}/reveal", regulator, asked, worker=welder.id)
    await player.play("POST /workers/{worker}/export", regulator, worker=welder.id)
    done = (await player.town.welder()).id
    await player.play("POST /workers/{worker}/erase", regulator, {"reason": "本人要求"}, worker=done)
    for word in ("suspend", "restore"):
        await player.play(f"POST /workers/{{worker}}/{word}", officer, {"reason": "x"}, worker=welder.id)
    paper = player.town.database.rows("SELECT id FROM weld.certificate WHERE worker = %s", welder.id)[0][0]
    act = {"act": "suspend", "reason": "x"}
    await player.play("POST /certificates/{certificate}/acts", officer, act, certificate=paper)
    await player.play("GET /certificates/{certificate}/acts", officer, certificate=paper)
    team = await endpoint(player.town)
    await player.play("POST /endpoints/{endpoint}/state", officer, {"state": "paused"}, endpoint=team)
    dead = delivery(player.town, team, "dead")
    await player.play("POST /deliveries/{delivery}/resend", officer, delivery=dead)
    await player.play("GET /machines/{plate}/plate.svg", officer, plate=code)
    await player.play("GET /machines/{plate}/plate.pdf", officer, plate=code)
    await player.play("POST /plates/sheet", officer, {"plates": [code]})


async def play_import(player: Player, officer: dict[str, str]) -> None:
    """A table of one row that is right and one that is wrong."""
    before = player.last()
    brought = await bring(player.town, officer, table([row(1), row(2, phone="7")]))
    player.saw("POST /imports", before)
    for route in ("GET /imports/{import_id}/preview", "GET /imports/{import_id}/errors.csv"):
        await player.play(route, officer, import_id=brought["id"])
    for word in ("confirm", "stop"):
        await player.play(f"POST /imports/{{import_id}}/{word}", officer, import_id=brought["id"])


async def play_accounts(player: Player, system: dict[str, str]) -> None:
    """What administrators do to accounts and keys, and what the owner of an account does."""
    town, security = player.town, await seat(player.town, "security_administrator")
    new = (await player.play("POST /officers", system, {"login": "zhou", "name": "周样例"})).json()
    officer = new["officer"]["id"]
    before = player.last()
    assert (await enrolled(town, new["enrolment_secret"])).status_code == 204
    player.saw("POST /staff/enrolment", before)
    await player.play("PUT /officers/{officer}", system, {"name": "周更名"}, officer=officer)
    grant = {"role": "inspector", "scope": "division:4105"}
    await player.play("POST /officers/{officer}/roles", security, grant, officer=officer)
    await player.play("DELETE /officers/{officer}/roles/{role}", security, officer=officer, role="inspector")
    for word in ("disable", "enable", "reset"):
        await player.play(f"POST /officers/{{officer}}/{word}", system, officer=officer)
    until = (town.clock.now() + timedelta(days=300)).isoformat()
    key = (await player.play("POST /keys", security, KEY | {"name": "k", "expires_at": until})).json()["key"]["id"]
    await player.play("POST /keys/{key}/revoke", security, key=key)
    await player.play("GET /audit", await seat(town, "audit_administrator"))


async def play_places(player: Player, system: dict[str, str], officer: dict[str, str]) -> None:
    """Departments and enterprises."""
    department = (await player.play("POST /departments", system, POLICE)).json()["id"]
    changed = {name: word for name, word in POLICE.items() if name != "division"}
    await player.play("PUT /departments/{department}", system, changed, department=department)
    await player.play("DELETE /departments/{department}", system, department=department)
    entry = {"name": "样例三厂", "credit_code": "91410502MA0000103B", "division": "410502"}
    made = (await player.play("POST /enterprises", officer, entry)).json()["id"]
    other = {"name": "样例三厂一部", "division": "410502"}
    await player.play("PUT /enterprises/{enterprise}", officer, other, enterprise=made)


async def play_doors(player: Player, welder: Welder) -> None:
    """In and out, of workers and of officers."""
    town = player.town
    before = player.last()
    token = await town.sign_in(welder.phone)
    player.saw("POST /sign-in", before)
    await player.play("DELETE /sign-in", {"Authorization": f"Bearer {token}"})
    worker = {"Authorization": f"Bearer {await town.sign_in(welder.phone)}"}
    devices = (await town.http.get("/api/v1/me/devices", headers=worker)).json()["devices"]
    other = next(one["id"] for one in devices if not one["here"])
    town.database.rows("UPDATE weld.device SET good_from = good_from + interval '1 day' WHERE id = %s", other)
    await player.play("POST /me/devices/{device}/allow", worker, device=other)
    await player.play("DELETE /me/devices/{device}", worker, device=other)
    await player.play("DELETE /me/sign-ins", worker)
    who = await account(town, "li-2")
    async with browser(town) as http:
        before = player.last()
        await sign_in(town, http, who)
        player.saw("POST /staff/sign-in", before)
        before = player.last()
        assert (await prove(town, http, who)).status_code == 200
        player.saw("POST /staff/step-up", before)
        for route in ("/sign-in", "/sign-ins/{sign_in}", "/sign-ins"):
            await sign_in(town, http, who)
            here = (await http.get("/api/v1/staff/sign-ins")).json()["sign_ins"][-1]["id"]
            before = player.last()
            answer = await http.delete(f"/api/v1/staff{route.format(sign_in=here)}")
            assert answer.status_code == 204, answer.text
            player.saw(f"DELETE /staff{route}", before)


async def test_what_leaves_no_trace_shows_nobody(town: Town) -> None:
    welder, stranger, code, other = await furnished(town)
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    await town.unlock(stranger, other)
    alert = town.database.rows("SELECT id FROM weld.alert")[0][0]
    sent = delivery(town, await endpoint(town), "dead", subject=alert)
    async with scoped(town.parts.pool, "platform") as conn:
        await divisions.put_lands(conn, {"410502": [[SQUARE]]}, [])
    officer, system = await town.officer(), await seat(town, "system_administrator")
    seats = dict.fromkeys(("GET /roles", "GET /officers", "GET /officers/{officer}", "GET /departments/all"), system)
    seats |= {"GET /keys": await seat(town, "security_administrator")}
    brought = await bring(town, officer, table([row(1)]))
    before = Player(town).last()
    ids = {
        "import_id": brought["id"],
        "plate": code,
        "unlock": unlock["id"],
        "session": session,
        "alert": alert,
        "delivery": sent,
    }
    ids |= {
        "enterprise": town.database.rows("SELECT id FROM weld.enterprise LIMIT 1")[0][0],
        "officer": town.database.rows("SELECT id FROM weld.officer LIMIT 1")[0][0],
    }
    for route in sorted(
        PLAIN
        - STREAMS
        - OTHER_WAYS
        - {
            "GET /staff/me",
            "GET /staff/sign-ins",
            "POST /staff/enrolment/look",
            "POST /sign-in/codes",
            "GET /health/live",
            "GET /health/ready",
        }
    ):
        key = seats.get(route, welder.bearer if "unlock" in route or route == "GET /me/devices" else officer)
        query = QUERIES.get(route, {}) | ({"plate": code} if route == "GET /days" else {})
        path = route.removeprefix("GET ").format(**ids)
        answer = await town.http.get(f"/api/v1{path}", headers=key, params=query)
        assert answer.status_code == 200, (route, answer.text)
        town.assert_nothing_personal(answer.text)
        for one in (welder, stranger):
            for shown in (mask.mask_name(one.name), mask.mask_phone(one.phone), mask.mask_identity(one.identity)):
                assert shown not in answer.text, route
                assert json.dumps(shown)[1:-1] not in answer.text, route
    assert Player(town).last() == before


async def test_a_refused_unlock_and_a_wrong_code_leave_a_row_each_and_made_up_ones_none(town: Town) -> None:
    _, stranger, code, _ = await furnished(town)
    await town.unlock(stranger, code)
    await town.unlock(stranger, "13812345678")
    asked = (await town.http.post("/api/v1/sign-in/codes", json={"phone": stranger.phone})).json()["request"]
    right = town.postbox.sent[-1][1]
    wrong = "000000" if right != "000000" else "111111"
    for request in (asked, *[asked] * 6, str(uuid4())):
        await town.http.post("/api/v1/sign-in", json={"request": request, "code": wrong})
    rows = town.database.rows(
        "SELECT action, actor, subject FROM weld.audit WHERE action LIKE '%%refused' OR action LIKE '%%wrong'"
    )
    assert rows == [
        ("unlock.refused", f"worker:{stranger.id}", code),
        *[("worker.sign_in_wrong", "public", str(stranger.id))] * town.parts.settings.api_code_tries,
    ]


async def test_what_could_not_be_written_down_did_not_happen(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    with psycopg.connect(town.database.admin_url, autocommit=True) as conn:
        conn.execute("DELETE FROM weld.audit_head")
    answer = await town.http.post(f"/api/v1/machines/{code}/block", json={"reason": "x"}, headers=officer)
    assert answer.status_code == 500
    assert town.database.rows("SELECT blocked_reason FROM weld.machine WHERE plate = %s", code) == [(None,)]


async def test_a_change_of_rights_says_which_and_a_start_says_by_which_rules(town: Town) -> None:
    security = await seat(town, "security_administrator")
    before, until = Player(town).last(), town.clock.now() + timedelta(days=300)
    key = KEY | {"expires_at": until.isoformat()}
    assert (await town.http.post("/api/v1/keys", json=key, headers=security)).status_code == 201
    await _tell_the_audit(town.parts)
    rows = town.database.rows("SELECT action, actor, detail FROM weld.audit WHERE seq > %s ORDER BY seq", before)
    versions = [entry.version for entry in town.parts.rules]
    assert (rows[0][0], rows[0][2]) == (
        "key.made",
        {"scope": "division:41/4105", "rights": ["alerts:read"], "expires_at": until.isoformat()},
    )
    assert rows[1] == ("rules.loaded", "api", {"versions": versions, "sha256": access_rules.mark()})
