"""Many at once: one grant, one answer, never a 500."""

import asyncio
from collections import Counter
from uuid import uuid4

from tests.api.town import Town, rows_of
from weld.store import reported


async def test_of_two_phones_at_once_one_gets_the_machine_and_the_other_hears_that_it_is_in_use(town: Town) -> None:
    welders = [await town.welder() for _ in range(8)]
    code = await town.machine()
    answers = await asyncio.gather(*(town.unlock(welder, code) for welder in welders))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 409]
    assert set(refused) == {"machine_in_use"}
    assert rows_of(town.database, "unlock_grant") == rows_of(town.database, "command") == 1


async def test_one_worker_on_many_machines_at_once_gets_one(town: Town) -> None:
    welder = await town.welder()
    machines = [await town.machine() for _ in range(6)]
    answers = await asyncio.gather(*(town.unlock(welder, code) for code in machines))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} == {
        "certificate_in_use_elsewhere"
    }


async def test_a_double_tap_with_one_key_is_one_request(town: Town) -> None:
    welder, code, key = await town.welder(), await town.machine(), str(uuid4())
    answers = await asyncio.gather(*(town.unlock(welder, code, key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert rows_of(town.database, "unlock_grant") == 1


async def test_a_double_tap_with_different_keys_is_one_permission(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    answers = await asyncio.gather(*(town.unlock(welder, code) for _ in range(6)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 5}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_many_refusals_at_once_are_one_alert(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    answers = await asyncio.gather(*(town.unlock(welder, code) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {403}
    assert town.database.rows("SELECT occurrences FROM weld.alert") == [(6,)]
    assert rows_of(town.database, "outbox") == 1


async def test_scans_and_a_rules_lock_at_the_same_moment_never_fail(town: Town) -> None:
    """Ingest orders a lock without the machine's row: whoever loses the race is told so, and nobody gets a 500."""
    welders = [await town.welder() for _ in range(4)]
    code = await town.machine()
    chip = town.database.rows("SELECT chip FROM weld.machine")[0][0]

    async def rule_locks() -> None:
        async with town.ingest() as conn:
            await reported.order_lock(conn, uuid4(), chip, None, "E02")
            await asyncio.sleep(0.05)

    results = await asyncio.gather(
        *(town.unlock(welder, code) for welder in welders), rule_locks(), return_exceptions=True
    )
    statuses = {answer.status_code for answer in results if not isinstance(answer, BaseException | None)}
    assert statuses <= {201, 409}
    assert town.database.rows("SELECT count(*) FROM weld.command WHERE state IN ('queued', 'sent', 'waiting')") == [
        (1,)
    ]


async def test_locks_and_scans_at_once_leave_one_live_command(town: Town) -> None:
    welders = [await town.welder() for _ in range(4)]
    code, officer = await town.machine(), await town.officer()
    lock = {"level": 1, "reason": "巡查"}
    answers = await asyncio.gather(
        *(town.unlock(welder, code) for welder in welders),
        *(town.http.post(f"/api/v1/machines/{code}/lock", json=lock, headers=officer) for _ in range(3)),
    )
    assert {answer.status_code for answer in answers} <= {201, 202, 409}
    live = "state IN ('queued', 'sent', 'waiting')"
    assert town.database.rows(f"SELECT kind FROM weld.command WHERE {live}") == [("lock",)]
    assert town.database.rows("SELECT count(*) FROM weld.unlock_grant WHERE state = 'live'") == [(0,)]
