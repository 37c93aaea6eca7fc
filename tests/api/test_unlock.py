"""From the scan to the end, as the phone sees it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.town import Town, rows_of
from weld.store import access_rules, reported

Words = dict[str, Any]


async def look(town: Town, bearer: dict[str, str], unlock: str) -> Words:
    answer = await town.http.get(f"/api/v1/unlocks/{unlock}", headers=bearer)
    assert answer.status_code == 200, answer.text
    found: Words = answer.json()
    return found


def codes(answer: httpx.Response) -> list[str]:
    return [reason["code"] for reason in answer.json()["reasons"]]


async def test_a_licensed_worker_unlocks_and_sees_what_the_contact_reports(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    answer = await town.unlock(welder, code)
    assert answer.status_code == 201, answer.text
    unlock = answer.json()
    assert (unlock["state"], unlock["session"], unlock["sent_unconfirmed"]) == ("waiting", None, False)
    assert all(check["passed"] for check in unlock["checks"])

    town.database.rows("UPDATE weld.command SET state = 'sent', first_sent_at = now(), last_sent_at = now()")
    assert (await look(town, welder.bearer, unlock["id"]))["state"] == "sent"
    town.clock.moved += timedelta(seconds=6)
    assert (await look(town, welder.bearer, unlock["id"]))["sent_unconfirmed"] is True

    session = await town.contact_closes(unlock["id"], code)
    closed = await look(town, welder.bearer, unlock["id"])
    assert (closed["state"], closed["session"], closed["sent_unconfirmed"]) == ("closed", str(session), False)
    town.clock.moved += timedelta(minutes=20)  # long after the time to click, still on
    assert (await look(town, welder.bearer, unlock["id"]))["state"] == "closed"

    await town.contact_opens(session, unlock["id"], code)
    ended = await look(town, welder.bearer, unlock["id"])
    assert (ended["state"], ended["reason"], ended["arc_ms"]) == ("ended", "worker", 20_000)


async def test_a_grant_leaves_a_ticket_for_the_gateway_and_a_trace(town: Town) -> None:
    welder, code = await town.welder(), await town.machine(longest_s=600)
    unlock = (await town.unlock(welder, code)).json()
    kind, state, counter, by, grant, lasts = town.database.rows(
        "SELECT kind, state, counter, by, grant_id::text, extract(epoch FROM expires_at - created_at)::int FROM weld.command"
    )[0]
    assert (kind, state, counter, by, grant, lasts) == ("ticket", "queued", 1, "worker", unlock["id"], 30)
    version = access_rules.in_force(town.parts.rules, (town.clock.now() + timedelta(hours=8)).date()).version
    assert town.database.rows("SELECT longest_s, rules_version FROM weld.unlock_grant") == [(600, version)]
    assert town.database.rows("SELECT actor, subject FROM weld.audit WHERE action = 'unlock.granted'") == [
        (f"worker:{welder.id}", code)
    ]


async def test_a_machine_with_a_button_gets_ninety_seconds_and_shows_that_it_is_armed(town: Town) -> None:
    welder, code = await town.welder(), await town.machine(presence="button")
    unlock = (await town.unlock(welder, code)).json()
    assert unlock["presence"] == "button"
    town.clock.moved += timedelta(seconds=60)
    async with town.ingest() as conn:
        await reported.arm_grant(conn, "CHIP000002", unlock["id"], town.clock.now())
    assert (await look(town, welder.bearer, unlock["id"]))["state"] == "armed"


async def test_scanning_again_gives_the_same_permission(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    first, second = await town.unlock(welder, code), await town.unlock(welder, code)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert rows_of(town.database, "unlock_grant") == rows_of(town.database, "command") == 1


async def test_a_permission_that_nobody_used_frees_the_machine(town: Town) -> None:
    one, other, code = await town.welder(), await town.welder(), await town.machine()
    unlock = (await town.unlock(one, code)).json()
    assert codes(await town.unlock(other, code)) == ["machine_in_use"]
    town.clock.moved += timedelta(seconds=41)
    assert (await look(town, one.bearer, unlock["id"]))["state"] == "expired"
    assert (await town.unlock(other, code)).status_code == 201
    assert (await look(town, one.bearer, unlock["id"]))["reason"] == "expired"


async def test_a_running_session_keeps_the_machine_however_old_the_ticket(town: Town) -> None:
    one, other, code = await town.welder(), await town.welder(), await town.machine()
    unlock = (await town.unlock(one, code)).json()
    await town.contact_closes(unlock["id"], code)
    town.clock.moved += timedelta(minutes=30)
    refused = await town.unlock(other, code)
    assert (refused.status_code, codes(refused)) == (409, ["machine_in_use"])
    assert (await town.unlock(one, code)).json()["id"] == unlock["id"]


async def test_a_ticket_that_the_chip_refused_ends_the_unlock_with_its_reason(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    command, chip = town.database.rows("SELECT id, chip FROM weld.command")[0]
    async with town.ingest() as conn:
        await reported.put_result(conn, chip, command, "refused", "wrong_nonce", town.clock.now())
    seen = await look(town, welder.bearer, unlock["id"])
    assert (seen["state"], seen["reason"]) == ("refused", "wrong_nonce")
    assert (await town.unlock(welder, code)).status_code == 201


@pytest.mark.parametrize(
    ("said", "blocked", "status", "reason"),
    [
        ({"online": False}, None, 409, "machine_offline"),
        ({"state": "faulted"}, None, 409, "machine_unsafe"),
        ({"state": "tampered"}, None, 409, "machine_unsafe"),
        ({}, "封签有问题", 409, "machine_blocked"),
    ],
)
async def test_a_machine_that_cannot_serve_refuses(
    town: Town, said: Words, blocked: str | None, status: int, reason: str
) -> None:
    welder, code = await town.welder(), await town.machine()
    town.hear(code, **said)
    town.database.rows("UPDATE weld.machine SET blocked_reason = %s", blocked)
    answer = await town.unlock(welder, code)
    assert (answer.status_code, codes(answer)) == (status, [reason])
    assert rows_of(town.database, "alert") == 0
    assert town.database.rows("SELECT reasons FROM weld.refusal") == [([reason],)]


async def test_an_expired_worker_hears_reason_law_and_way_out_and_raises_a03(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    today = town.clock.now().date()
    await town.paper(welder, valid_from=today - timedelta(days=900), valid_to=today - timedelta(days=2))
    answer = await town.unlock(welder, code)
    problem = answer.json()
    assert (answer.status_code, problem["error"]) == (403, "certificate_expired")
    assert problem["reasons"][0]["text"] == "焊接作业证已过期。"
    assert "第三十条" in problem["reasons"][0]["basis"]
    assert "换证" in problem["reasons"][0]["way_out"]
    assert town.database.rows("SELECT code, level, plate, worker, state FROM weld.alert") == [
        ("A03", 3, code, welder.id, "open")
    ]
    assert town.database.rows("SELECT id::text FROM weld.refusal") == [(problem["request_id"],)]


async def test_the_refusal_speaks_english_where_asked(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    answer = await town.unlock(welder, code, **{"Accept-Language": "en-GB,en;q=0.9,zh;q=0.2"})
    assert answer.json()["reasons"][0]["text"] == "No welding certificate of yours was found."
    assert answer.headers["content-language"] == "en"


async def test_trying_again_and_again_is_one_alert_with_occurrences_and_one_word_outward(town: Town) -> None:
    welder, code, other = await town.welder(papers=False), await town.machine(), await town.machine()
    for _ in range(3):
        assert (await town.unlock(welder, code)).status_code == 403
    await town.unlock(welder, other)
    assert town.database.rows("SELECT plate, code, occurrences FROM weld.alert ORDER BY plate") == [
        (code, "A01", 3),
        (other, "A01", 1),
    ]
    assert town.database.rows("SELECT fact, code, count(*) FROM weld.outbox GROUP BY 1, 2") == [
        ("alert.opened", "A01", 2)
    ]
    assert town.database.rows(
        "SELECT o.payload->>'alert' = a.id::text FROM weld.outbox o JOIN weld.alert a ON a.id = o.subject"
    )
    assert rows_of(town.database, "refusal") == 4


async def test_a_closed_alert_opens_anew_with_the_next_attempt(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    await town.unlock(welder, code)
    town.database.rows("UPDATE weld.alert SET state = 'closed', closed_at = now(), closed_by = 'x', outcome = 'test'")
    await town.unlock(welder, code)
    assert town.database.rows("SELECT state FROM weld.alert ORDER BY raised_at") == [("closed",), ("open",)]


async def test_a_certificate_in_use_elsewhere_is_refused_and_raises_a09(town: Town) -> None:
    welder, here, there = await town.welder(), await town.machine(), await town.machine()
    unlock = (await town.unlock(welder, here)).json()
    await town.contact_closes(unlock["id"], here)
    answer = await town.unlock(welder, there)
    assert (answer.status_code, codes(answer)) == (409, ["certificate_in_use_elsewhere"])
    assert town.database.rows("SELECT code, level, plate, evidence->'live_on' FROM weld.alert") == [
        ("A09", 2, there, [here])
    ]


async def test_a_permission_that_lapsed_elsewhere_is_no_second_machine(town: Town) -> None:
    welder, here, there = await town.welder(), await town.machine(), await town.machine()
    await town.unlock(welder, here)
    assert codes(await town.unlock(welder, there)) == ["certificate_in_use_elsewhere"]
    town.clock.moved += timedelta(seconds=41)
    assert (await town.unlock(welder, there)).status_code == 201


async def test_all_reasons_come_at_once(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    town.hear(code, online=False, state="faulted")
    answer = await town.unlock(welder, code)
    assert (answer.status_code, codes(answer)) == (403, ["no_certificate", "machine_unsafe", "machine_offline"])


@pytest.mark.parametrize(
    ("work", "paper", "status"),
    [
        ("building", {"kind": "construction", "item": "建筑焊工", "category": "建筑施工特种作业"}, 201),
        ("ordinary", {"kind": "construction", "item": "建筑焊工", "category": "建筑施工特种作业"}, 403),
        ("special_equipment", {"kind": "equipment", "item": "特种设备焊接作业", "category": "特种设备作业人员"}, 201),
        ("special_equipment", {}, 403),
        ("ordinary", {"item": "钎焊作业"}, 403),
    ],
)
async def test_the_kind_of_work_decides_which_certificate(town: Town, work: str, paper: Words, status: int) -> None:
    welder, code = await town.welder(papers=False), await town.machine(work=work)
    number = {"number": "JZ-0001-2026"} if paper.get("kind") else {}
    await town.paper(welder, **(paper | number))
    assert (await town.unlock(welder, code)).status_code == status


@pytest.mark.parametrize("birth", ["20120101", "19500101"])
async def test_age_comes_from_the_sealed_identity_number(town: Town, birth: str) -> None:
    welder, code = await town.welder(birth=birth), await town.machine()
    answer = await town.unlock(welder, code)
    assert answer.status_code == 403
    assert codes(answer) == ["under_age" if birth > "2000" else "over_age"]


async def test_the_day_of_the_division_counts_and_not_utc(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    midnight = (town.clock.now() + timedelta(hours=8)).replace(hour=0, minute=0, second=0, microsecond=0)
    last = midnight.date() + timedelta(days=1)
    await town.paper(welder, valid_from=last - timedelta(days=900), valid_to=last)
    town.clock.moved += midnight + timedelta(days=1, hours=23, minutes=59) - timedelta(hours=8) - town.clock.now()
    welder.token = await town.sign_in(welder.phone)
    answer = await town.unlock(welder, code)  # 23:59 in Anyang on the last day
    assert answer.status_code == 201
    longest_s = town.database.rows("SELECT longest_s FROM weld.unlock_grant")[0][0]
    assert 50 <= longest_s <= 60  # the permission ends with the certificate
    town.clock.moved += timedelta(minutes=2)
    assert codes(await town.unlock(welder, code)) == ["certificate_expired"]


@pytest.mark.parametrize("typed", ["410502A000000001", "13800000001", "410502A000000001!", "x" * 40])
async def test_a_number_that_is_no_plate_is_not_even_stored(town: Town, typed: str) -> None:
    welder = await town.welder()
    answer = await town.unlock(welder, typed)
    assert (answer.status_code, codes(answer)) == (404, ["plate_check_failed"])
    assert rows_of(town.database, "refusal") == 0


async def test_an_unknown_plate_is_stored_but_alarms_nobody(town: Town) -> None:
    welder = await town.welder(papers=False)
    await town.machine()
    from weld.core import plate

    answer = await town.unlock(welder, plate.make("410502", "A", 999))
    assert (answer.status_code, codes(answer)) == (404, ["unknown_plate"])
    assert (rows_of(town.database, "refusal"), rows_of(town.database, "alert")) == (1, 0)


async def test_a_plate_may_be_typed_with_spaces_and_small_letters(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    assert (await town.unlock(welder, f"{code[:6]} {code[6:].lower()}")).status_code == 201


async def test_who_tries_too_fast_is_slowed_down(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    answers = [await town.unlock(welder, code) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert answers[-1].headers["retry-after"] == "60"
    town.clock.moved += timedelta(seconds=61)
    assert (await town.unlock(welder, code)).status_code == 403


async def test_the_longest_session_comes_from_the_nearest_division_that_sets_one(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    town.database.rows("UPDATE weld.division SET longest_s = 7200 WHERE code = '41'")
    town.database.rows("UPDATE weld.division SET longest_s = 3600 WHERE code = '4105'")
    await town.unlock(welder, code)
    assert town.database.rows("SELECT longest_s FROM weld.unlock_grant") == [(3600,)]


async def test_an_unfinished_lock_is_not_pushed_aside_by_a_scan(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    officer = await town.officer()
    locked = await town.http.post(f"/api/v1/machines/{code}/lock", json={"level": 2, "reason": "巡查"}, headers=officer)
    assert locked.status_code == 202
    assert codes(await town.unlock(welder, code)) == ["machine_locking"]
    town.database.rows("UPDATE weld.command SET state = 'done', ended_at = now()")
    assert (await town.unlock(welder, code)).status_code == 201
    assert town.database.rows("SELECT counter FROM weld.command WHERE kind = 'ticket'") == [(2,)]
