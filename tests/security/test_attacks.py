"""Attackers: people of one division, with every role there is, try every id of another through every route, and by SQL.

Nothing of the victim's may stand in an answer, and nothing of theirs may change. A new route with a new kind of id fails here
until it is furnished. Refuses to look at the routes that open to everybody: what they show is public.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from schemas import registers as shapes
from tests.api.staff import seat
from tests.api.test_imports import bring, row
from tests.api.test_imports import table as sheet
from tests.api.town import Town, Welder
from tests.security.test_routes import NOT_OPENED, TABLE, routes
from weld.core import identity
from weld.store import desk

# What an attacker sends where a route wants a body: as good as he can make it.
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/machines/{plate}/lock": {"level": 2, "reason": "x"},
    "POST /api/v1/machines/{plate}/block": {"reason": "x"},
    "POST /api/v1/machines/{plate}/unblock": {"reason": "x"},
    "POST /api/v1/alerts/{alert}/close": {"outcome": "false_alarm", "note": "x"},
    "POST /api/v1/endpoints/{endpoint}/state": {"state": "paused"},
    "POST /api/v1/staff/passkeys/{passkey}/name": {"name": "x"},
    "PUT /api/v1/enterprises/{enterprise}": {"name": "x", "division": "37"},
    "PUT /api/v1/officers/{officer}": {"name": "x"},
    "POST /api/v1/officers/{officer}/roles": {"role": "division_regulator", "scope": "division:37"},
    "PUT /api/v1/departments/{department}": {"name": "x", "kind": "fire"},
    "POST /api/v1/workers/{worker}/suspend": {"reason": "x"},
    "POST /api/v1/workers/{worker}/restore": {"reason": "x"},
    "POST /api/v1/workers/{worker}/reveal": {"field": "identity_number", "reason": "核对身份"},
    "POST /api/v1/workers/{worker}/erase": {"reason": "本人要求"},
    "POST /api/v1/certificates/{certificate}/acts": {"act": "suspend", "reason": "x"},
}
WATCHED = (
    "enterprise", "machine", "binding", "worker", "certificate", "unlock_grant", "command", "session", "alert", "endpoint",
    "delivery", "department", "officer_role", "officer_enrolment", "officer_key", "site", "import", "import_chunk", "device",
    "certificate_change", "recheck", "reveal", "consent", "officer_passkey", "officer_link",
)  # fmt: skip
SCOPED = (
    "enterprise", "machine", "worker", "certificate", "unlock_grant", "refusal", "command", "session", "alert", "endpoint",
    "delivery", "department", "site", "import",
)  # fmt: skip
FOREIGN = (
    "", "nobody", "platform ", "PLATFORM", "platform'--", "division:", "division:37", "division:37/4105", "division:410502",
    "division:%", "department:37:", f"department:37:{uuid4()}", f"enterprise:{uuid4()}", f"worker:{uuid4()}",
)  # fmt: skip


@dataclass
class Victims:
    """Everything that there is of the division 410502, by the name that a route calls it."""

    ids: dict[str, str]
    welder: Welder
    personal: list[str]


async def victims(town: Town) -> Victims:
    """A machine at work, a refused stranger, an alert with its delivery, and an officer of a department."""
    credit, enterprise = town.database.rows("SELECT credit_code, id::text FROM weld.enterprise")[0]
    welder, stranger = await town.welder(enterprise=credit), await town.welder(papers=False)
    plate, other = await town.machine(enterprise=credit), await town.machine()
    endpoint = str((await town.enter("endpoint", _endpoint())).id)
    unlock = (await town.unlock(welder, plate)).json()["id"]
    session = str(await town.contact_closes(unlock, plate))
    await town.unlock(stranger, other)
    alert = town.database.rows("SELECT id::text FROM weld.alert")[0][0]
    department, delivery = str(uuid4()), str(uuid4())
    await town.enter("site", _site(credit))
    regulator = await town.officer("division:4105")
    brought = await bring(town, regulator, sheet([row(1), row(2, phone="7")]))
    town.database.rows(
        "INSERT INTO weld.department (id, name, kind, division, created_at) VALUES (%s, '受害分局', 'police', '410502', now())",
        department,
    )
    town.database.rows(
        "INSERT INTO weld.delivery (id, endpoint, outbox_id, fact, subject, payload, next_at)"
        " SELECT %s, %s, id, fact, subject, 'victim payload', now() FROM weld.outbox LIMIT 1",
        *(delivery, endpoint),
    )
    ids = {
        "plate": plate,
        "worker": str(welder.id),
        "session": session,
        "unlock": unlock,
        "alert": alert,
        "delivery": delivery,
    }
    ids |= {"endpoint": endpoint, "enterprise": enterprise, "department": department, "import_id": brought["id"]}
    ids["certificate"] = _one(town, "certificate", "worker", welder.id)
    ids["device"] = _one(town, "device", "worker", welder.id)
    await seat(town, "inspector", "division:4105", "victim")
    ids["sign_in"], owner = map(str, town.database.rows("SELECT id, officer FROM weld.officer_sign_in")[0])
    ids["passkey"] = str(uuid4())
    town.database.rows(
        "INSERT INTO weld.officer_passkey (id, officer, credential, public_key, sign_count, name, created_at)"
        " VALUES (%s, %s, 'credential', 'key', 0, '受害钥匙', now())",
        *(ids["passkey"], owner),
    )
    return Victims(ids, welder, [*ids.values(), credit, other, "victim payload", "受害", str(stranger.id)])


def _one(town: Town, kind: str, column: str, value: UUID) -> str:
    return str(town.database.rows(f"SELECT id FROM weld.{kind} WHERE {column} = %s", value)[0][0])


def _site(credit: str) -> shapes.Site:
    return shapes.Site(
        enterprise=credit, name="受害工地", division="410502", work="building", since=date(2026, 1, 1), until=None
    )


def _endpoint() -> Any:
    return shapes.Endpoint(name="受害执法队", url="https://victim.example/", division="410502")


async def attackers(town: Town) -> dict[str, dict[str, str]]:
    """Each as strong as his kind can be, and none with anything to do with 410502."""
    works = shapes.Enterprise(name="鲁厂", credit_code="91370100MA00000070", division="37")
    credit = works.credit_code[:17]
    credit += next(last for last in "0123456789ABCDEFGHJKLMNPQRTUWXY" if _is_credit(credit + last))
    await town.enter("enterprise", works.model_copy(update={"credit_code": credit}))
    department = str(uuid4())
    town.database.rows(
        "INSERT INTO weld.department (id, name, kind, division, created_at) VALUES (%s, '鲁', 'fire', '37', now())",
        department,
    )
    found = {f"{role} of 37": await seat(town, role, "division:37") for role in BUSINESS}
    found["safety officer of another enterprise"] = await seat(
        town, "enterprise_safety_officer", f"enterprise:{credit}"
    )
    found["duty officer of a department of 37"] = await seat(town, "duty_officer", f"department:{department}", "dept")
    found["key of 37"] = await town.officer("division:37")
    found["key of another enterprise"] = await town.officer(f"enterprise:{credit}")
    found["worker"] = (await town.welder()).bearer
    return found


BUSINESS = ("installer", "duty_officer", "inspector", "division_regulator")


def _is_credit(code: str) -> bool:
    return identity.credit_fault(code) is None


def fingerprint(town: Town) -> str:
    """All that an attacker could have changed."""
    rows = {table: town.database.rows(f"SELECT * FROM weld.{table} AS t ORDER BY t::text") for table in WATCHED}
    # that a key was used is no change of anything of the victims'
    rows["officer_key"] = town.database.rows(
        "SELECT id, scope, rights, expires_at, revoked_at FROM weld.officer_key ORDER BY id"
    )
    return repr(rows)


def aimed(path: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def test_every_kind_of_id_in_a_route_is_aimed_at_or_belongs_to_the_administrators() -> None:
    named = {part.strip("{}") for route in TABLE for part in route.split("/") if part.startswith("{")}
    furnished = {"plate", "worker", "session", "unlock", "alert", "delivery", "endpoint", "enterprise", "department"}
    furnished |= {"certificate", "import_id", "device", "sign_in", "passkey"}
    assert named - furnished == {"officer", "role", "key", "what"}  # what is taken away, a word of a closed list


async def test_nobody_of_another_division_gets_or_changes_anything_through_any_route(town: Town) -> None:
    theirs, strangers = await victims(town), await attackers(town)
    officer = str(town.database.rows("SELECT id FROM weld.officer LIMIT 1")[0][0])
    key = str(town.database.rows("SELECT id FROM weld.officer_key LIMIT 1")[0][0])
    ids = theirs.ids | {"officer": officer, "key": key, "role": "inspector"}
    before, wrong = fingerprint(town), []
    for who, headers in strangers.items():
        for route, rule in routes().items():
            if rule in {"open", "public"} or route in NOT_OPENED:
                continue
            method, path = route.split(" ")
            query = (
                {"plate": theirs.ids["plate"]}
                if path in {"/api/v1/days", "/api/v1/sessions", "/api/v1/alerts"}
                else None
            )
            body = BODIES.get(route) or ({"plates": [theirs.ids["plate"]]} if path.endswith("/sheet") else None)
            answer = await town.http.request(method, aimed(path, ids), headers=headers, params=query, json=body)
            seen = [word for word in theirs.personal if word in answer.text]
            if seen or answer.status_code >= 500 or ("{" in path and answer.status_code < 400):
                wrong.append(f"{route} as {who}: {answer.status_code} {seen}")
    assert not wrong, "\n".join(wrong)
    assert fingerprint(town) == before
    town.assert_nothing_personal(json.dumps(wrong))


async def test_what_an_attacker_enters_under_a_victims_name_is_refused(town: Town) -> None:
    theirs = await victims(town)
    regulator = await seat(town, "division_regulator", "division:37")
    before, welder = fingerprint(town), theirs.welder
    machine = {"plate": theirs.ids["plate"], "division": "37", "maker": "x", "model": "x", "serial": "x"}
    worker = {"name": "x", "identity": welder.identity, "phone": "13912345678", "division": "37"}
    paper = {
        "kind": "operation", "identity": welder.identity, "number": "T" + welder.identity, "category": "x",
        "item": "熔化焊接与热切割作业", "valid_from": "2020-01-01", "valid_to": "2040-01-01", "issuer": "x",
    }  # fmt: skip
    endpoint = {"name": "受害执法队", "url": "https://thief.example/", "division": "37"}
    works = {"name": "x", "credit_code": "91410502MA00000072", "division": "37"}
    for kind, entry in (
        ("machines", machine),
        (
            "machines",
            machine
            | {"plate": None, "plate_from": {"division": "370000", "kind": "A", "serial": 9}, "division": "410502"},
        ),
        ("workers", worker),
        ("certificates", paper),
        ("endpoints", endpoint),
        ("endpoints", endpoint | {"name": "偷听", "division": "410502"}),
        ("endpoints", endpoint | {"name": "偷听", "department": theirs.ids["department"], "division": "410502"}),
        ("enterprises", works),
    ):
        answer = await town.http.post(f"/api/v1/registers/{kind}", json=entry, headers=regulator)
        assert answer.status_code in {403, 422}, (kind, answer.text)
    assert fingerprint(town) == before


async def test_sql_as_the_apis_role_reads_and_changes_nothing_across_the_scope(town: Town) -> None:
    await victims(town)
    for table in SCOPED:
        assert town.database.rows(f"SELECT count(*) > 0 FROM weld.{table}") == [(True,)], table
    before = fingerprint(town)
    with psycopg.connect(town.database.url("api"), autocommit=True) as conn:
        for scope in (None, *FOREIGN):
            if scope is not None:
                conn.execute("SELECT set_config('weld.scope', %s, false)", (scope,))
            for table in SCOPED:
                # a scope that cannot be read shows nothing either
                with suppress(psycopg.errors.DataError):
                    assert conn.execute(f"SELECT count(*) FROM weld.{table}".encode()).fetchone() == (0,), (
                        table,
                        scope,
                    )
            for change in (
                "weld.machine SET maker = 'x'",
                "weld.worker SET division = '37'",
                "weld.alert SET note = 'x'",
            ):
                # a scope that cannot be read shows nothing either
                with suppress(psycopg.errors.DataError):
                    assert conn.execute(f"UPDATE {change}".encode()).rowcount == 0, (change, scope)
    assert fingerprint(town) == before


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM weld.telemetry",
        "SELECT 1 FROM weld.guest",
        "DELETE FROM weld.audit",
        "UPDATE weld.audit SET actor = 'x'",
        "DELETE FROM weld.officer",
        "DELETE FROM weld.officer_role",
        "UPDATE weld.officer_role SET scope = 'platform'",
        "ALTER TABLE weld.worker DISABLE ROW LEVEL SECURITY",
        "ALTER POLICY people ON weld.worker USING (true)",
        "SET ROLE weld_owner",
        "SET SESSION AUTHORIZATION weld_owner",
        "CREATE FUNCTION weld.scope_divisions() RETURNS text[] LANGUAGE sql AS 'SELECT NULL'",
        "DROP TRIGGER officer_role_apart ON weld.officer_role",
        "UPDATE weld.reveal SET at = at - interval '1 day'",
        "DELETE FROM weld.reveal",
        "DELETE FROM weld.worker",
    ],
)
async def test_the_apis_role_cannot_open_the_doors_for_itself(town: Town, statement: str) -> None:
    with (
        psycopg.connect(town.database.url("api"), autocommit=True) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(statement.encode())


async def test_the_live_feed_of_another_division_holds_nothing(town: Town) -> None:
    """What its stream would carry: the stream sends what the feed of its scope has read."""
    theirs = await victims(town)
    for scope in ("division:37", f"enterprise:{UUID(int=7)}", "nobody"):
        async with town.parts.pool.connection() as conn, conn.transaction():
            await conn.execute("SELECT set_config('weld.scope', %s, true)", (scope,))
            seen = repr([await desk.deliveries(conn)]) + repr(
                await (await conn.execute("TABLE weld.machine_now")).fetchall()
            )
            seen += repr(await (await conn.execute("TABLE weld.alert_now")).fetchall())
        assert not [word for word in theirs.personal if word in seen]
