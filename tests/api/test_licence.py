"""A scan hands the licence all that it asks for: the place, the process, absence and practical test, the age of an answer."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from schemas import registers as shapes
from tests.api.town import Town, Welder

CREDIT = "91410502MA00000072"
BUILDER = {"kind": "construction", "item": "建筑焊工", "category": "建筑施工特种作业"}


@pytest.fixture
def town(town: Town) -> Town:
    """A town in which the newest rules are in force, whatever the day."""
    town.parts = replace(town.parts, rules=town.parts.rules[-1:])
    town.http._transport.app.state.parts = town.parts  # type: ignore[attr-defined]
    return town


async def reasons(town: Town, welder: Welder, code: str) -> list[str]:
    answer = await town.unlock(welder, code)
    return [] if answer.status_code == 201 else [one["code"] for one in answer.json()["reasons"]]


def today(town: Town) -> date:
    return (town.clock.now() + timedelta(hours=8)).date()


async def known(town: Town, welder: Welder, **words: Any) -> None:
    """Something more is entered of a worker."""
    entry = {"name": welder.name, "identity": welder.identity, "phone": welder.phone, "division": "410502"} | words
    await town.enter("worker", shapes.Worker(**entry))


async def test_a_building_site_makes_the_work_building_work_until_its_last_day(town: Town) -> None:
    welder = await town.welder(papers=False)
    await town.paper(welder, **BUILDER)
    site: dict[str, Any] = {"enterprise": CREDIT, "name": "示例工地", "division": "410502", "work": "building"}
    await town.enter("site", shapes.Site(**site, since=today(town) - timedelta(days=9), until=today(town)))
    code = await town.machine(enterprise=CREDIT, site="示例工地")
    assert await reasons(town, welder, code) == []
    assert await reasons(town, welder, await town.machine(enterprise=CREDIT)) != []
    await town.enter(
        "site", shapes.Site(**site, since=today(town) - timedelta(days=9), until=today(town) - timedelta(1))
    )
    town.database.rows("UPDATE weld.unlock_grant SET state = 'ended', ended_at = now(), end_reason = 'test'")
    assert await reasons(town, welder, code) == ["wrong_domain"]


async def test_the_process_of_the_machine_asks_for_its_own_item(town: Town) -> None:
    assert await reasons(town, await town.welder(), await town.machine(process="resistance")) == ["wrong_item"]
    assert await reasons(town, await town.welder(), await town.machine(process="cutting")) == []


async def test_a_long_absence_stops_a_start_until_a_test_or_work_elsewhere_is_entered(town: Town) -> None:
    welder, code, long_ago = await town.welder(), await town.machine(), today(town) - timedelta(days=200)
    await known(town, welder, last_work_on=long_ago)
    assert await reasons(town, welder, code) == ["off_post"]
    await known(town, welder, practical_test_on=today(town) - timedelta(days=3))
    assert await reasons(town, welder, code) == []
    await known(town, welder)  # what an entry does not say stays
    assert town.database.rows("SELECT last_work_on, practical_test_on FROM weld.worker") == [
        (long_ago, today(town) - timedelta(days=3))
    ]


async def test_work_on_a_machine_of_ours_is_work(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    await town.contact_opens(await town.contact_closes(unlock["id"], code), unlock["id"], code)
    await known(town, welder, last_work_on=today(town) - timedelta(days=200))
    assert await reasons(town, welder, await town.machine()) == []


async def test_an_old_answer_of_the_register_is_said_beside_the_permission(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    town.database.rows("UPDATE weld.certificate SET checked_at = now() - interval '40 days'")
    answer = await town.unlock(welder, code)
    assert (answer.status_code, answer.json()["warnings"]) == (201, ["verification_stale"])


async def test_a_group_and_a_clean_record_are_asked_for(town: Town) -> None:
    welder, code = await town.welder(birth="19710601", papers=False), await town.machine()
    await town.paper(welder, valid_from=today(town) - timedelta(days=1400), valid_to=today(town) + timedelta(days=700))
    assert await reasons(town, welder, code) == ["review_overdue"]
    await town.paper(
        welder,
        valid_from=today(town) - timedelta(days=1400),
        valid_to=today(town) + timedelta(days=700),
        clean_record=True,
    )
    assert await reasons(town, welder, code) == []
    await known(town, welder, retirement_group="women_50")
    assert await reasons(town, welder, await town.machine()) != []


async def test_the_days_of_a_person_lie_in_the_past(town: Town) -> None:
    welder = await town.welder()
    with pytest.raises(Exception, match="lies in the future"):
        await known(town, welder, practical_test_on=today(town) + timedelta(days=30))
