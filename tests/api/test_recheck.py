"""Work that runs when its licence ends: it goes on, locks after the arc, or locks at once; one order, on record."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from api import recheck
from tests.api.town import Town, Welder

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def town(town: Town) -> Town:
    """A town in which the newest rules are in force, whatever the day."""
    town.parts = replace(town.parts, rules=town.parts.rules[-1:])
    return town


async def at_work(town: Town, welder: Welder | None = None) -> tuple[Welder, str, UUID]:
    """A worker whose machine is on; the machine, and the permission."""
    welder, code = welder or await town.welder(), await town.machine()
    answer = await town.unlock(welder, code)
    assert answer.status_code == 201, answer.text
    await town.contact_closes(answer.json()["id"], code)
    town.database.rows("UPDATE weld.command SET state = 'done', ended_at = now()")
    return welder, code, UUID(answer.json()["id"])


def set_status(town: Town, status: str) -> None:
    town.database.rows("UPDATE weld.certificate SET status = %s", status)


def locks(town: Town) -> list[tuple[Any, ...]]:
    return town.database.rows(
        "SELECT plate, level, grace_s, by, actor, why, state FROM weld.command WHERE kind = 'lock' ORDER BY created_at"
    )


def endings(town: Town) -> list[tuple[Any, ...]]:
    return town.database.rows("SELECT grant_id, ending, reasons, command IS NOT NULL FROM weld.recheck ORDER BY at")


async def test_a_certificate_revoked_in_mid_session_locks_the_machine_after_the_arc(town: Town) -> None:
    welder, code, grant = await at_work(town)
    before = town.database.rows("SELECT counter FROM weld.chip")
    set_status(town, "revoked")
    assert await recheck.turn(town.parts) == 1
    assert locks(town) == [(code, 2, 60, "rule", "rule:licence", "A01", "queued")]
    assert town.database.rows("SELECT counter FROM weld.chip") == [(before[0][0] + 1,)]  # no old ticket opens it again
    assert endings(town) == [(grant, "after_arc", ["certificate_revoked"], True)]
    assert town.database.rows(
        "SELECT code, level, plate, worker, state, evidence->>'ending' FROM weld.alert ORDER BY 1"
    ) == [
        ("A01", 3, code, welder.id, "open", "after_arc"),
        ("A04", 2, code, welder.id, "open", "after_arc"),
    ]
    trace = town.database.rows(
        "SELECT actor, subject, detail->>'ending' FROM weld.audit WHERE action = 'licence.rechecked'"
    )
    assert trace == [("rule:licence", code, "after_arc")]


async def test_looking_again_orders_nothing_again(town: Town) -> None:
    await at_work(town)
    set_status(town, "revoked")
    await asyncio.gather(recheck.turn(town.parts), recheck.turn(town.parts))
    town.database.rows("UPDATE weld.certificate SET valid_to = valid_to + 1")
    await recheck.turn(town.parts)
    assert (len(locks(town)), len(endings(town))) == (1, 1)
    assert town.database.rows("SELECT count(*) FROM weld.recheck_due") == [(0,)]


async def test_a_suspected_forgery_locks_at_once_also_after_a_softer_order(town: Town) -> None:
    _, code, _ = await at_work(town)
    set_status(town, "suspended")
    await recheck.turn(town.parts)
    set_status(town, "suspected_fake")
    await recheck.turn(town.parts)
    assert [(plate, level, grace, state) for plate, level, grace, *_, state in locks(town)] == [
        (code, 2, 60, "superseded"),
        (code, 1, 0, "queued"),
    ]
    assert [ending for _, ending, _, _ in endings(town)] == ["after_arc", "at_once"]


@pytest.mark.parametrize(
    ("first", "then", "level"), [("suspected_fake", "suspended", 1), ("suspended", "suspected_fake", 2)]
)
async def test_once_an_order_is_carried_out_another_ending_orders_nothing(
    town: Town, first: str, then: str, level: int
) -> None:
    _, code, _ = await at_work(town)
    set_status(town, first)
    await recheck.turn(town.parts)
    town.database.rows("UPDATE weld.command SET state = 'done', ended_at = now()")
    set_status(town, then)
    await recheck.turn(town.parts)
    assert [(plate, hard) for plate, hard, *_ in locks(town)] == [(code, level)]
    assert len(endings(town)) == 2  # both are on record
    assert town.database.rows("SELECT count(DISTINCT command) FROM weld.recheck") == [(1,)]


async def test_a_lock_of_an_officer_that_is_under_way_is_not_replaced(town: Town) -> None:
    _, code, _ = await at_work(town)
    answer = await town.http.post(
        f"/api/v1/machines/{code}/lock", json={"level": 1, "reason": "现场检查"}, headers=await town.officer()
    )
    assert answer.status_code == 202
    set_status(town, "revoked")
    await recheck.turn(town.parts)
    assert [(by, state) for _, _, _, by, _, _, state in locks(town)] == [("authority", "queued")]
    assert town.database.rows("SELECT command::text FROM weld.recheck") == [(answer.json()["id"],)]


async def test_a_worker_suspended_at_work_is_locked_after_the_arc(town: Town) -> None:
    welder, code, grant = await at_work(town)
    town.database.rows("UPDATE weld.worker SET suspended_reason = 'x' WHERE id = %s", welder.id)
    await recheck.turn(town.parts)
    assert [(plate, level, why) for plate, level, _, _, _, why, _ in locks(town)] == [(code, 2, "worker_suspended")]
    assert endings(town) == [(grant, "after_arc", ["worker_suspended"], True)]
    assert town.database.rows("SELECT count(*) FROM weld.alert") == [
        (0,)
    ]  # the catalogue has none: somebody decided it


async def test_a_certificate_that_ends_at_midnight_of_the_division_ends_the_work(town: Town) -> None:
    noon = datetime.now(ZONE).replace(hour=12, minute=0, second=0, microsecond=0)
    town.clock.moved = noon - datetime.now(UTC)
    welder = await town.welder(papers=False)
    await town.paper(welder, valid_from=noon.date() - timedelta(days=400), valid_to=noon.date())
    await at_work(town, welder)
    town.clock.moved += timedelta(hours=11, minutes=59)
    assert await recheck.turn(town.parts) == 0  # the last day itself is still good
    town.clock.moved += timedelta(minutes=2)
    assert await recheck.turn(town.parts) == 1
    assert [why for *_, why, _ in locks(town)] == ["A03"]
    assert await recheck.turn(town.parts) == 0  # once a day is enough


async def test_another_good_certificate_carries_the_work_on(town: Town) -> None:
    welder, _, _ = await at_work(town)
    await town.paper(welder, number="T" + welder.identity, item="压力焊作业", category="焊接与热切割作业")
    town.database.rows("UPDATE weld.certificate SET status = 'revoked' WHERE item = '压力焊作业'")
    await recheck.turn(town.parts)
    assert (locks(town), endings(town)) == ([], [])


async def test_a_permission_that_nobody_clicked_yet_is_taken_back(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    set_status(town, "cancelled")
    await recheck.turn(town.parts)
    assert town.database.rows("SELECT state, end_reason FROM weld.unlock_grant") == [("ended", "locked")]
    assert town.database.rows("SELECT state FROM weld.command WHERE kind = 'ticket'") == [("superseded",)]
    assert len(locks(town)) == 1
    assert unlock["id"]


async def test_who_does_not_work_is_taken_off_the_queue_and_nothing_happens(town: Town) -> None:
    await town.welder()
    set_status(town, "revoked")
    assert await recheck.turn(town.parts) == 1
    assert (locks(town), town.database.rows("SELECT count(*) FROM weld.recheck_due")) == ([], [(0,)])


async def test_one_whose_look_fails_does_not_stop_the_others(town: Town) -> None:
    broken, _, _ = await at_work(town)
    _, code, _ = await at_work(town)
    town.database.rows("UPDATE weld.worker SET identity_sealed = 'x' WHERE id = %s", broken.id)
    set_status(town, "revoked")
    await recheck.turn(town.parts)
    assert [plate for plate, *_ in locks(town)] == [code]
    assert town.database.rows("SELECT worker FROM weld.recheck_due") == [(broken.id,)]
