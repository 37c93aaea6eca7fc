"""Locks, blocks, ends, alerts: what people order, and what stands in the books afterwards."""

from datetime import timedelta

import pytest

from tests.api.town import Town, rows_of


async def test_a_lock_takes_back_the_unused_ticket_and_raises_the_counter(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer()
    unlock = (await town.unlock(welder, code)).json()
    answer = await town.http.post(f"/api/v1/machines/{code}/lock", json={"level": 1, "reason": "巡查"}, headers=officer)
    assert answer.status_code == 202, answer.text
    order = answer.json()
    assert (order["kind"], order["level"], order["by"], order["state"]) == ("lock", 1, "authority", "queued")
    assert town.database.rows("SELECT kind, state, counter, grace_s FROM weld.command ORDER BY created_at") == [
        ("ticket", "superseded", 1, 60),
        ("lock", "queued", 2, 0),
    ]
    assert town.database.rows("SELECT counter FROM weld.chip") == [(2,)]
    seen = await town.http.get(f"/api/v1/unlocks/{unlock['id']}", headers=welder.bearer)
    assert (seen.json()["state"], seen.json()["reason"]) == ("ended", "locked")
    assert town.database.rows("SELECT action, subject FROM weld.audit WHERE action = 'command.lock'") == [
        ("command.lock", code)
    ]


async def test_a_lock_of_a_running_session_leaves_the_end_to_the_chip(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer()
    unlock = (await town.unlock(welder, code)).json()
    await town.contact_closes(unlock["id"], code)
    await town.http.post(f"/api/v1/machines/{code}/lock", json={"level": 2, "reason": "巡查"}, headers=officer)
    seen = (await town.http.get(f"/api/v1/unlocks/{unlock['id']}", headers=welder.bearer)).json()
    assert seen["state"] == "closed"
    detail = (await town.http.get(f"/api/v1/machines/{code}", headers=officer)).json()
    assert [order["kind"] for order in detail["commands"]] == ["lock", "ticket"]


async def test_a_blocked_machine_starts_for_nobody_until_it_is_brought_back(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer()
    blocked = await town.http.post(f"/api/v1/machines/{code}/block", json={"reason": "封签破损"}, headers=officer)
    assert blocked.json()["blocked_reason"] == "封签破损"
    assert (await town.unlock(welder, code)).json()["error"] == "machine_blocked"
    await town.http.post(f"/api/v1/machines/{code}/unblock", json={"reason": "已换封签"}, headers=officer)
    assert (await town.unlock(welder, code)).status_code == 201
    actions = town.database.rows("SELECT action FROM weld.audit WHERE action LIKE 'machine.%%' ORDER BY seq")
    assert actions == [("machine.blocked",), ("machine.unblocked",)]


async def test_a_machine_without_a_chip_cannot_be_locked_from_here(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    town.database.rows("UPDATE weld.machine SET chip = NULL")
    answer = await town.http.post(f"/api/v1/machines/{code}/lock", json={"level": 1, "reason": "x"}, headers=officer)
    assert (answer.status_code, answer.json()["error"]) == (409, "machine_not_chipped")


@pytest.mark.parametrize(
    "body", [{}, {"level": 0, "reason": "x"}, {"level": 1}, {"level": 1, "reason": " "}, {"level": "1"}]
)
async def test_a_lock_needs_a_level_and_a_reason(town: Town, body: dict[str, object]) -> None:
    code, officer = await town.machine(), await town.officer()
    answer = await town.http.post(f"/api/v1/machines/{code}/lock", json=body, headers=officer)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")


async def test_a_worker_ends_his_session_and_asking_twice_is_asking_once(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    for _ in range(2):
        answer = await town.http.post(f"/api/v1/sessions/{session}/end", headers=welder.bearer)
        assert (answer.status_code, answer.json()["ending"], answer.json()["state"]) == (200, True, "open")
    assert town.database.rows("SELECT level, by, session FROM weld.command WHERE kind = 'end'") == [
        (2, "worker", session)
    ]
    await town.contact_opens(session, unlock["id"], code)
    town.database.rows("UPDATE weld.command SET state = 'done', ended_at = now() WHERE kind = 'end'")
    answer = await town.http.post(f"/api/v1/sessions/{session}/end", headers=welder.bearer)
    assert (answer.status_code, answer.json()["ending"], answer.json()["state"]) == (200, False, "closed")
    assert rows_of(town.database, "command") == 2


async def test_an_end_never_replaces_a_lock(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    await town.http.post(f"/api/v1/machines/{code}/lock", json={"level": 2, "reason": "x"}, headers=officer)
    assert (await town.http.post(f"/api/v1/sessions/{session}/end", headers=welder.bearer)).status_code == 200
    live = "state IN ('queued', 'sent', 'waiting')"
    assert town.database.rows(f"SELECT kind FROM weld.command WHERE {live}") == [("lock",)]


async def test_an_alert_is_taken_up_and_settled_once(town: Town) -> None:
    stranger, code, officer = await town.welder(papers=False), await town.machine(), await town.officer()
    await town.unlock(stranger, code)
    alert = (await town.http.get(f"/api/v1/alerts?plate={code}&code=A01&state=open", headers=officer)).json()["alerts"][
        0
    ]
    assert (alert["text_zh"], alert["worker"], alert["raised_by"]) == ("无证扫码拦截", str(stranger.id), "api")
    path = f"/api/v1/alerts/{alert['id']}"
    for _ in range(2):
        taken = (await town.http.post(f"{path}/acknowledge", headers=officer)).json()
        assert taken["state"] == "acknowledged"
    body = {"outcome": "confirmed", "note": "已到场核实"}
    for _ in range(2):
        settled = await town.http.post(f"{path}/close", json=body, headers=officer)
        assert (settled.status_code, settled.json()["outcome"]) == (200, "confirmed")
    again = await town.http.post(f"{path}/close", json={"outcome": "test", "note": "x"}, headers=officer)
    assert (again.status_code, again.json()["error"]) == (409, "already_ended")
    assert town.database.rows("SELECT fact FROM weld.outbox ORDER BY id") == [("alert.opened",), ("alert.closed",)]
    actions = town.database.rows("SELECT action FROM weld.audit WHERE action LIKE 'alert.%%' ORDER BY seq")
    assert actions == [("alert.acknowledged",), ("alert.closed",)]
    assert (await town.http.get("/api/v1/alerts?state=open", headers=officer)).json()["alerts"] == []


async def test_lists_come_in_pages_and_refuse_foreign_cursors(town: Town) -> None:
    plates = [await town.machine() for _ in range(5)]
    officer = await town.officer()
    seen, after, more = [], "", True
    while more:
        page = (await town.http.get(f"/api/v1/machines?limit=2{after}", headers=officer)).json()
        seen += [machine["plate"] for machine in page["machines"]]
        after, more = f"&after={page['next']}", page["next"] is not None
    assert seen == sorted(plates)
    for path in ("sessions", "alerts", "deliveries", "quarantine"):
        for cursor in ("AAAA", "bm90LWEtY3Vyc29y", "MjAyNi0wMS0wMXww"):
            answer = await town.http.get(f"/api/v1/{path}?after={cursor}", headers=officer)
            assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "surprise=1", "state=nonsense", "plate=1", "code=Z99"])
async def test_filters_that_make_no_sense_are_refused(town: Town, query: str) -> None:
    officer = await town.officer()
    answer = await town.http.get(f"/api/v1/alerts?{query}", headers=officer)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")


async def test_quarantine_shows_the_reason_and_never_the_bytes_and_only_of_ones_own_chips(town: Town) -> None:
    await town.machine()
    for chip, at in (("CHIP000001", 1), ("STRANGER1", 2), (None, 3)):
        town.database.rows(
            "INSERT INTO weld.quarantine (received_at, topic, chip, reason, detail, hash, payload)"
            " VALUES (now(), 'wg/1/00/x/up', %s, 'invalid', 'seq', %s, 'secret bytes')",
            *(chip, at),
        )
    platform, wenfeng = await town.officer(), await town.officer("division:410502")
    everything = await town.http.get("/api/v1/quarantine", headers=platform)
    assert [one["chip"] for one in everything.json()["messages"]] == [None, "STRANGER1", "CHIP000001"]
    assert "secret" not in everything.text
    own = (await town.http.get("/api/v1/quarantine", headers=wenfeng)).json()["messages"]
    assert [one["chip"] for one in own] == ["CHIP000001"]


async def test_the_timeline_shows_what_was_said_and_where_nothing_was(town: Town) -> None:
    code, officer = await town.machine(), await town.officer("division:4105")
    town.database.rows("UPDATE weld.binding SET since = since - interval '1 hour'")
    chip_no = town.database.rows("SELECT chip_no FROM weld.chip")[0][0]
    begun = town.clock.now() - timedelta(minutes=10)
    for seq in (1, 2, 5, 6):
        town.database.rows(
            "INSERT INTO weld.telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms,"
            " current_a, peak_a, voltage_v, arc_ms, state, contact)"
            " VALUES (%s, %s, 1, %s, now(), 'synced', 'live', 1, 1, 0, 1000,"
            " '{100,NULL,140}', '{120,NULL,150}', '{20,NULL,21}', '{1000,NULL,500}', 'arcing', 'closed')",
            *(chip_no, begun + timedelta(seconds=10 * seq), seq),
        )
    answer = await town.http.get(f"/api/v1/machines/{code}/timeline", headers=officer)
    line = answer.json()
    assert [(one["seq"], one["current_a"], one["peak_a"], one["arc_ms"]) for one in line["telemetry"]] == [
        (seq, 120.0, 150.0, 1500) for seq in (1, 2, 5, 6)
    ]
    assert [(gap["messages"], gap["why"]) for gap in line["unknown"]] == [(2, None)]
    town.database.rows("INSERT INTO weld.hole VALUES (%s, 1, 3, 4, 'lost', now())", chip_no)
    line = (await town.http.get(f"/api/v1/machines/{code}/timeline", headers=officer)).json()
    assert [gap["why"] for gap in line["unknown"]] == ["lost"]
    long_ago = "?since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z"
    assert (await town.http.get(f"/api/v1/machines/{code}/timeline{long_ago}", headers=officer)).status_code == 422


async def test_the_days_of_a_machine_are_listed(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    today = town.clock.now().date()
    town.database.rows(
        "INSERT INTO weld.machine_day (plate, day, arc_ms, sessions) VALUES (%s, %s, 5000, 2)", code, today
    )
    days = (await town.http.get(f"/api/v1/days?plate={code}", headers=officer)).json()["days"]
    assert [(one["day"], one["arc_ms"], one["sessions"]) for one in days] == [(str(today), 5000, 2)]
