"""Webhook endpoints and deliveries: how they fare, holding and resuming, one more try; the secret stays inside."""

import os
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from schemas import registers as shapes
from tests.api.town import Town
from weld.core import secret
from weld.core.ids import uuid7
from weld.store import dispatch
from weld.store.connect import connect

RIGHTS = ["deliveries:read", "deliveries:act"]


async def endpoint(town: Town, name: str = "大队", division: str = "410502", **words: Any) -> UUID:
    """A webhook endpoint; its secret is among what must not be seen."""
    key = secret.webhook_secret(os.urandom(32))
    town.secrets.append(key)
    entry = shapes.Endpoint(name=name, url="https://team.example/hook", division=division, secret=key, **words)
    made: UUID = (await town.enter("endpoint", entry)).id
    return made


def delivery(
    town: Town, to: UUID, state: str = "pending", *, made: datetime | None = None, subject: UUID | None = None
) -> UUID:
    """A delivery as dispatch would have made and tried it."""
    at = made or town.clock.now()
    number = uuid7(at, os.urandom(10))
    town.database.rows(
        "INSERT INTO weld.delivery (id, endpoint, outbox_id, fact, subject, payload, state, attempts, first_at, next_at,"
        " created_at, delivered_at) SELECT %s, %s, coalesce(max(outbox_id), 0) + 1, 'alert.opened', %s, '{\"a\": 1}', %s, 2,"
        " %s, %s + interval '1 hour', %s, %s FROM weld.delivery",
        *(number, to, subject or uuid4(), state, at, at, at, at if state == "delivered" else None),
    )
    for attempt in (1, 2):
        town.database.rows(
            "INSERT INTO weld.attempt VALUES (%s, %s, %s, 12, 503, NULL)",
            *(number, attempt, at + timedelta(seconds=attempt)),
        )
    return number


async def test_endpoints_come_by_name_and_tell_how_they_fare_without_their_secret(town: Town) -> None:
    second, first = await endpoint(town, "b", codes=["D01"]), await endpoint(town, "a")
    now = town.clock.now()
    for state in ("pending", "pending", "delivered", "dead", "cancelled"):
        delivery(town, first, state, made=now)
    for state in ("pending", "delivered", "dead"):
        delivery(town, first, state, made=now - timedelta(days=31))
    town.database.rows("INSERT INTO weld.endpoint_health VALUES (%s, 3, %s, %s)", second, now, now)
    answer = await town.http.get("/api/v1/endpoints", headers=await town.officer(rights=RIGHTS))
    town.assert_nothing_personal(answer.text)
    assert "secret" not in answer.text
    a, b = answer.json()["endpoints"]
    assert (a["id"], a["codes"], b["id"], b["codes"]) == (str(first), None, str(second), ["D01"])
    assert (a["pending"], a["delivered"], a["dead"], a["failures"]) == (3, 1, 1, 0)
    assert datetime.fromisoformat(a["last_delivered_at"]) == now
    assert (b["pending"], b["failures"], b["last_delivered_at"]) == (0, 3, None)
    assert (a["division_name"], b["failing_since"] is None) == ({"zh": "文峰区", "en": "Wenfeng"}, False)


async def test_an_endpoint_is_held_and_resumed_and_dispatch_hears_of_it(town: Town) -> None:
    name, officer = await endpoint(town), await town.officer(rights=RIGHTS)
    with psycopg.connect(town.database.admin_url, autocommit=True) as ears:
        ears.execute("LISTEN weld_outbox")
        for state in ("paused", "paused", "active"):
            answer = await town.http.post(f"/api/v1/endpoints/{name}/state", json={"state": state}, headers=officer)
            assert (answer.status_code, answer.json()["state"]) == (200, state)
        assert len(list(ears.notifies(timeout=1, stop_after=3))) == 3
    rows = town.database.rows(
        "SELECT subject, detail->>'before', detail->>'state' FROM weld.audit WHERE action = 'endpoint.state'"
    )
    assert rows == [(str(name), "active", "paused"), (str(name), "paused", "active")]


async def test_a_disabled_endpoint_can_be_made_active_but_nobody_disables_from_here(town: Town) -> None:
    name, officer = await endpoint(town), await town.officer(rights=RIGHTS)
    town.database.rows("UPDATE weld.endpoint SET state = 'disabled'")
    path = f"/api/v1/endpoints/{name}/state"
    assert (await town.http.post(path, json={"state": "disabled"}, headers=officer)).status_code == 422
    assert (await town.http.post(path, json={"state": "active"}, headers=officer)).json()["state"] == "active"


async def test_a_delivery_shows_its_body_and_every_attempt(town: Town) -> None:
    number = delivery(town, await endpoint(town), "dead")
    answer = await town.http.get(f"/api/v1/deliveries/{number}", headers=await town.officer(rights=RIGHTS))
    detail = answer.json()
    assert (detail["payload"], detail["delivery"]["state"], detail["delivery"]["last_status"]) == (
        '{"a": 1}',
        "dead",
        503,
    )
    assert [(one["number"], one["status"], one["latency_ms"]) for one in detail["attempts"]] == [
        (1, 503, 12),
        (2, 503, 12),
    ]


@pytest.mark.parametrize("state", ["dead", "pending"])
async def test_a_delivery_that_has_not_arrived_is_sent_again_with_all_its_time(town: Town, state: str) -> None:
    number, officer = delivery(town, await endpoint(town), state), await town.officer(rights=RIGHTS)
    with psycopg.connect(town.database.admin_url, autocommit=True) as ears:
        ears.execute("LISTEN weld_outbox")
        answer = await town.http.post(f"/api/v1/deliveries/{number}/resend", headers=officer)
        assert (answer.status_code, answer.json()["state"]) == (202, "pending"), answer.text
        assert len(list(ears.notifies(timeout=1, stop_after=1))) == 1
    assert town.database.rows("SELECT first_at, next_at <= now() FROM weld.delivery") == [(None, True)]
    assert town.database.rows("SELECT subject, detail->>'before' FROM weld.audit WHERE action = 'delivery.resent'") == [
        (str(number), state)
    ]
    leased = await _leased(town)
    assert [(row.id, row.attempts, row.age_s) for row in leased] == [(number, 3, 0.0)]


async def _leased(town: Town) -> list[dispatch.LeasedRow]:
    conn = await connect(town.database.url("dispatch"), "test dispatch")
    try:
        async with conn.transaction():
            return await dispatch.lease(conn, limit=9, per_endpoint=4, one_at_a_time_after=3, lease_s=60)
    finally:
        await conn.close()


async def test_an_attempt_that_is_under_way_is_not_doubled(town: Town) -> None:
    number, officer = delivery(town, await endpoint(town)), await town.officer(rights=RIGHTS)
    town.database.rows("UPDATE weld.delivery SET leased_until = now() + interval '1 minute'")
    assert (await town.http.post(f"/api/v1/deliveries/{number}/resend", headers=officer)).status_code == 202
    assert await _leased(town) == []


@pytest.mark.parametrize("state", ["delivered", "cancelled"])
async def test_what_has_ended_is_not_sent_again(town: Town, state: str) -> None:
    number, officer = delivery(town, await endpoint(town), state), await town.officer(rights=RIGHTS)
    answer = await town.http.post(f"/api/v1/deliveries/{number}/resend", headers=officer)
    assert (answer.status_code, answer.json()["error"]) == (409, "already_ended")
    assert town.database.rows("SELECT state FROM weld.delivery") == [(state,)]
    assert town.database.rows("SELECT count(*) FROM weld.audit WHERE action = 'delivery.resent'") == [(0,)]


async def test_the_deliveries_of_one_alert_can_be_asked_for(town: Town) -> None:
    to, alert = await endpoint(town), uuid4()
    ours = [delivery(town, to, "delivered", subject=alert), delivery(town, to, subject=alert)]
    delivery(town, to)
    officer = await town.officer(rights=RIGHTS)
    answer = await town.http.get(f"/api/v1/deliveries?subject={alert}", headers=officer)
    assert {one["id"] for one in answer.json()["deliveries"]} == {str(one) for one in ours}


async def test_another_division_sees_and_changes_nothing(town: Town) -> None:
    name = await endpoint(town)
    number = delivery(town, name, "dead")
    shandong, wenfeng = await town.officer("division:37", RIGHTS), await town.officer("division:410502", RIGHTS)
    assert (await town.http.get("/api/v1/endpoints", headers=shandong)).json()["endpoints"] == []
    assert len((await town.http.get("/api/v1/endpoints", headers=wenfeng)).json()["endpoints"]) == 1
    for method, path, body in (
        ("GET", f"/deliveries/{number}", None),
        ("POST", f"/deliveries/{number}/resend", None),
        ("POST", f"/endpoints/{name}/state", {"state": "paused"}),
    ):
        answer = await town.http.request(method, f"/api/v1{path}", json=body, headers=shandong)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found"), path
    assert town.database.rows("SELECT e.state, d.state FROM weld.endpoint e, weld.delivery d") == [("active", "dead")]


async def test_reading_is_not_acting(town: Town) -> None:
    name = await endpoint(town)
    number, reader = delivery(town, name, "dead"), await town.officer(rights=["deliveries:read"])
    for path, body in ((f"/deliveries/{number}/resend", None), (f"/endpoints/{name}/state", {"state": "paused"})):
        assert (await town.http.post(f"/api/v1{path}", json=body, headers=reader)).status_code == 403
