"""The divisions that an officer may choose from, and how many machines stand in each."""

from typing import Any

from tests.api.town import Town

RIGHTS = ["machines:read"]


async def listed(town: Town, scope: str) -> list[tuple[Any, ...]]:
    answer = await town.http.get("/api/v1/divisions", headers=await town.officer(scope, RIGHTS))
    assert answer.status_code == 200, answer.text
    return [(one["code"], one["parent"], one["machines"]) for one in answer.json()["divisions"]]


async def test_the_platform_sees_all_divisions_parents_first_and_counts_what_is_below(town: Town) -> None:
    for division in ("410502", "410502", "4105"):
        await town.machine(division)
    assert await listed(town, "platform") == [
        ("37", None, 0),
        ("41", None, 3),
        ("4105", "41", 3),
        ("410502", "4105", 2),
    ]


async def test_a_division_sees_itself_and_what_is_below_and_stands_on_top(town: Town) -> None:
    await town.machine("410502")
    await town.machine("41")
    assert await listed(town, "division:4105") == [("4105", None, 1), ("410502", "4105", 1)]
    assert await listed(town, "division:37") == [("37", None, 0)]


async def test_an_enterprise_sees_its_own_division_and_its_own_machines(town: Town) -> None:
    credit = town.database.rows("SELECT credit_code FROM weld.enterprise")[0][0]
    await town.machine(enterprise=credit)
    await town.machine()
    assert await listed(town, f"enterprise:{credit}") == [("410502", None, 1)]


async def test_names_come_in_both_languages(town: Town) -> None:
    answer = await town.http.get("/api/v1/divisions", headers=await town.officer("division:410502", RIGHTS))
    assert answer.json()["divisions"][0]["name"] == {"zh": "文峰区", "en": "Wenfeng"}
