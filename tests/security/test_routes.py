"""Every route as every role: one table says whom each opens to, and a route that is not in it fails the test.

The letters: S safety officer of an enterprise, I installer, D duty officer, N inspector, R regulator of a division, Y system, C
security, A audit administrator, K a key with every right that a key can have, W a worker; * everybody, also nobody.
"""

from uuid import uuid4

import httpx
import pytest

from api.openapi import document
from tests.api.browser import OURS
from tests.api.staff import seat
from tests.api.town import Town
from weld.core import plate

TABLE = {
    "POST /api/v1/sign-in/codes": "*",
    "POST /api/v1/sign-in": "*",
    "DELETE /api/v1/sign-in": "W",
    "POST /api/v1/staff/sign-in": "*",
    "DELETE /api/v1/staff/sign-in": "SIDNRYCA",
    "POST /api/v1/staff/step-up": "SIDNRYCA",
    "GET /api/v1/staff/sign-ins": "SIDNRYCA",
    "DELETE /api/v1/staff/sign-ins": "SIDNRYCA",
    "DELETE /api/v1/staff/sign-ins/{sign_in}": "SIDNRYCA",
    "GET /api/v1/staff/me": "SIDNRYCA",
    "GET /api/v1/staff/sign-in/ways": "*",
    "POST /api/v1/staff/sign-in/passkey/options": "*",
    "POST /api/v1/staff/sign-in/passkey": "*",
    "POST /api/v1/staff/step-up/passkey/options": "SIDNRYCA",
    "POST /api/v1/staff/step-up/passkey": "SIDNRYCA",
    "GET /api/v1/staff/passkeys": "SIDNRYCA",
    "POST /api/v1/staff/passkeys/options": "SIDNRYCA",
    "POST /api/v1/staff/passkeys": "SIDNRYCA",
    "POST /api/v1/staff/passkeys/{passkey}/name": "SIDNRYCA",
    "DELETE /api/v1/staff/passkeys/{passkey}": "SIDNRYCA",
    "POST /api/v1/staff/sign-in/single-sign-on": "*",
    "GET /api/v1/staff/single-sign-on/back": "*",
    "GET /api/v1/staff/single-sign-on": "SIDNRYCA",
    "POST /api/v1/staff/single-sign-on/link": "SIDNRYCA",
    "DELETE /api/v1/staff/single-sign-on/link": "SIDNRYCA",
    "POST /api/v1/staff/single-sign-on/sign-out": "SIDNRYCA",
    "POST /api/v1/officers/{officer}/single-sign-on": "Y",
    "DELETE /api/v1/officers/{officer}/single-sign-on": "Y",
    "POST /api/v1/staff/enrolment/look": "*",
    "POST /api/v1/staff/enrolment": "*",
    "GET /api/v1/installation": "*",
    "GET /api/v1/plates/{plate}": "*",
    "POST /api/v1/unlocks": "W",
    "GET /api/v1/unlocks/{unlock}": "W",
    "GET /api/v1/unlocks/{unlock}/events": "W",
    "GET /api/v1/sessions": "SDNRK",
    "GET /api/v1/exports/{what}": "SRK",
    "GET /api/v1/sessions/{session}/bursts": "SDNRKW",
    "GET /api/v1/sessions/{session}": "SDNRKW",
    "POST /api/v1/sessions/{session}/end": "W",
    "GET /api/v1/me": "W",
    "GET /api/v1/me/certificates": "W",
    "GET /api/v1/me/sessions": "W",
    "GET /api/v1/consent": "*",
    "POST /api/v1/me/consent": "W",
    "GET /api/v1/me/devices": "W",
    "GET /api/v1/me/export": "W",
    "POST /api/v1/me/devices/{device}/allow": "W",
    "DELETE /api/v1/me/devices/{device}": "W",
    "DELETE /api/v1/me/sign-ins": "W",
    "GET /api/v1/map": "SIDNRK",
    "GET /api/v1/figures": "SIDNRK",
    "GET /api/v1/live": "SIDNRK",
    "GET /api/v1/machines": "SIDNRK",
    "GET /api/v1/machines/{plate}": "SIDNRK",
    "GET /api/v1/machines/{plate}/timeline": "SIDNRK",
    "GET /api/v1/machines/{plate}/history": "SIDNRK",
    "GET /api/v1/machines/{plate}/telemetry": "SIDNRK",
    "GET /api/v1/machines/{plate}/events": "SIDNRK",
    "GET /api/v1/machines/{plate}/current": "SIDNRK",
    "GET /api/v1/divisions/month": "SIDNRK",
    "GET /api/v1/divisions/connection": "SIDNRK",
    "GET /api/v1/alerts/queue": "SDNRK",
    "POST /api/v1/machines/{plate}/lock": "DNK",
    "POST /api/v1/machines/{plate}/block": "DNK",
    "POST /api/v1/machines/{plate}/unblock": "DNK",
    "GET /api/v1/days": "SIDNRK",
    "GET /api/v1/alerts": "SDNRK",
    "GET /api/v1/alerts/{alert}": "SDNRK",
    "POST /api/v1/alerts/{alert}/acknowledge": "DNK",
    "POST /api/v1/alerts/{alert}/close": "DNK",
    "GET /api/v1/workers": "SDNRK",
    "GET /api/v1/workers/{worker}": "SDNRK",
    # What is an authority's is refused to an enterprise behind the door (tests/api/test_acts.py).
    "POST /api/v1/workers/{worker}/suspend": "SRK",
    "POST /api/v1/workers/{worker}/restore": "SRK",
    "POST /api/v1/workers/{worker}/reveal": "SR",
    "POST /api/v1/workers/{worker}/export": "R",
    "POST /api/v1/workers/{worker}/erase": "R",
    "GET /api/v1/certificates/expiry": "SDNRK",
    "GET /api/v1/certificates/{certificate}/acts": "SDNRK",
    "POST /api/v1/certificates/{certificate}/acts": "SRK",
    "GET /api/v1/endpoints": "DRK",
    "POST /api/v1/endpoints/{endpoint}/state": "DK",
    "GET /api/v1/deliveries/{delivery}": "DRK",
    "POST /api/v1/deliveries/{delivery}/resend": "DK",
    "GET /api/v1/quarantine": "IDK",
    "GET /api/v1/deliveries": "DRK",
    "GET /api/v1/divisions": "SIDNRK",
    "GET /api/v1/divisions/at": "SIDNRK",
    "GET /api/v1/machines/{plate}/plate.svg": "SIRK",
    "GET /api/v1/machines/{plate}/plate.pdf": "SIRK",
    "POST /api/v1/plates/sheet": "SIRK",
    "POST /api/v1/registers/divisions": "Y",
    "POST /api/v1/registers/enterprises": "RK",
    "POST /api/v1/registers/sites": "SRK",
    "POST /api/v1/registers/chips": "IRK",
    "POST /api/v1/registers/machines": "IRK",
    "POST /api/v1/registers/workers": "SRK",
    "POST /api/v1/registers/certificates": "SRK",
    "POST /api/v1/imports": "SRK",
    "GET /api/v1/imports": "SRK",
    "GET /api/v1/imports/template": "SRK",
    "GET /api/v1/imports/{import_id}": "SRK",
    "GET /api/v1/imports/{import_id}/preview": "SRK",
    "GET /api/v1/imports/{import_id}/errors.csv": "SRK",
    "POST /api/v1/imports/{import_id}/confirm": "SRK",
    "POST /api/v1/imports/{import_id}/stop": "SRK",
    "POST /api/v1/registers/endpoints": "RK",
    "GET /api/v1/roles": "YC",
    "GET /api/v1/officers": "YC",
    "POST /api/v1/officers": "Y",
    "GET /api/v1/officers/{officer}": "YC",
    "PUT /api/v1/officers/{officer}": "Y",
    "POST /api/v1/officers/{officer}/disable": "Y",
    "POST /api/v1/officers/{officer}/enable": "Y",
    "POST /api/v1/officers/{officer}/reset": "Y",
    "POST /api/v1/officers/{officer}/roles": "C",
    "DELETE /api/v1/officers/{officer}/roles/{role}": "C",
    "GET /api/v1/departments": "SIDNRK",
    "POST /api/v1/departments": "Y",
    "GET /api/v1/departments/all": "Y",
    "PUT /api/v1/departments/{department}": "Y",
    "DELETE /api/v1/departments/{department}": "Y",
    "GET /api/v1/enterprises": "SIDNRK",
    "POST /api/v1/enterprises": "RK",
    "GET /api/v1/enterprises/{enterprise}": "SIDNRK",
    "PUT /api/v1/enterprises/{enterprise}": "RK",
    "GET /api/v1/enterprises/{enterprise}/sites": "SIDNRK",
    "GET /api/v1/keys": "C",
    "POST /api/v1/keys": "C",
    "POST /api/v1/keys/{key}/revoke": "C",
    "GET /api/v1/audit": "A",
    "GET /health/live": "*",
    "GET /health/ready": "*",
}
ROLES = {
    "S": ("enterprise_safety_officer", "enterprise:91410502MA00000072"),
    "I": ("installer", "platform"),
    "D": ("duty_officer", "platform"),
    "N": ("inspector", "division:41"),
    "R": ("division_regulator", "platform"),
    "Y": ("system_administrator", "platform"),
    "C": ("security_administrator", "platform"),
    "A": ("audit_administrator", "platform"),
}
# Called only by those who are refused: a stream that goes on, and what would end the caller's own sign-in.
NOT_OPENED = {
    "GET /api/v1/live",
    "DELETE /api/v1/sign-in",
    "DELETE /api/v1/me/sign-ins",
    "DELETE /api/v1/staff/sign-in",
    "DELETE /api/v1/staff/sign-ins",
    "POST /api/v1/staff/single-sign-on/sign-out",
}
REFUSED = {401, 403}
FORGED = {
    "nobody": {},
    "a made-up key": {"Authorization": "Bearer wgk_" + "A" * 43},
    "a made-up token": {"Authorization": "Bearer " + "A" * 43},
    "a made-up cookie": OURS | {"Cookie": f"wg_staff={'A' * 43}; wg_worker={'A' * 43}"},
    "an empty bearer": {"Authorization": "Bearer "},
}


def routes() -> dict[str, str]:
    """Each route with the rule that it declares."""
    paths = document()["paths"]
    return {
        f"{method.upper()} {path}": operation["x-rule"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def filled(path: str) -> str:
    for name in (
        "unlock",
        "session",
        "alert",
        "worker",
        "endpoint",
        "delivery",
        "officer",
        "department",
        "enterprise",
        "key",
        "certificate",
        "import_id",
        "device",
        "sign_in",
        "passkey",
    ):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    return path.replace("{plate}", plate.make("410502", "A", 77)).replace("{role}", "inspector")


async def ask(town: Town, route: str, headers: dict[str, str]) -> httpx.Response:
    method, path = route.split(" ")
    params = {"plate": plate.make("410502", "A", 77)} if path == "/api/v1/days" else None
    return await town.http.request(method, filled(path), headers=headers, params=params)


def test_every_route_declares_one_rule_and_stands_in_the_table() -> None:
    assert set(routes()) == set(TABLE)
    public = {route for route, rule in routes().items() if rule in {"open", "public"}}
    assert {route for route, whom in TABLE.items() if whom == "*"} == public


async def callers(town: Town) -> dict[str, dict[str, str]]:
    welder = await town.welder()
    seats = {letter: await seat(town, role, scope) for letter, (role, scope) in ROLES.items()}
    return seats | {"K": await town.officer(), "W": welder.bearer}


async def test_every_route_opens_to_whom_the_table_says_and_to_nobody_else(town: Town) -> None:
    wrong = []
    for letter, headers in (await callers(town)).items():
        for route, whom in TABLE.items():
            opens = whom == "*" or letter in whom
            if whom == "*" or (opens and route in NOT_OPENED):
                continue
            status = (await ask(town, route, headers)).status_code
            if (status not in REFUSED) != opens or status >= 500:
                wrong.append(f"{route} as {letter}: {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", FORGED)
async def test_no_route_that_asks_who_comes_opens_to_a_forger(town: Town, who: str) -> None:
    asked = [route for route, whom in TABLE.items() if whom != "*"]
    wrong = [route for route in asked if (await ask(town, route, FORGED[who])).status_code != 401]
    assert not wrong


async def test_another_page_changes_nothing_with_an_officers_cookie(town: Town) -> None:
    wrong = []
    for letter, (role, scope) in ROLES.items():
        foreign = await seat(town, role, scope) | {"Sec-Fetch-Site": "cross-site"}
        for route, whom in TABLE.items():
            if letter in whom and not route.startswith("GET"):
                answer = await ask(town, route, foreign)
                if (answer.status_code, answer.json()["error"]) != (403, "cross_origin"):
                    wrong.append(f"{route} as {letter}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
