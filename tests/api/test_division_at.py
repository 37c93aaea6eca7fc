"""In which division a place lies: for officers, and for machines that are entered with a place and without a division."""

from collections.abc import Mapping

import pytest

from tests.api.town import Town
from weld.store import divisions
from weld.store.connect import scoped

MACHINE = {"maker": "样例", "model": "ZX7-315", "serial": "1", "plate": "410502A000000001H"}
SQUARE = [[114.0, 36.0], [114.4, 36.0], [114.4, 36.1], [114.0, 36.1], [114.0, 36.0]]
SHANDONG = [[118.0, 36.0], [119.0, 36.0], [119.0, 37.0], [118.0, 37.0], [118.0, 36.0]]


@pytest.fixture
async def mapped(town: Town) -> Town:
    """The town with the land of two of its divisions."""
    async with scoped(town.parts.pool, "platform") as conn:
        await divisions.put_lands(conn, {"410502": [[SQUARE]], "37": [[SHANDONG]]}, [])
    return town


async def asked(town: Town, query: str, headers: Mapping[str, str]) -> tuple[int, list[str]]:
    answer = await town.http.get(f"/api/v1/divisions/at?{query}", headers=dict(headers))
    found = answer.json().get("path", [])
    assert not found or answer.json()["code"] == found[-1]["code"]
    return answer.status_code, [step["code"] for step in found]


async def test_a_place_has_its_division_and_the_way_down_to_it(mapped: Town) -> None:
    officer = await mapped.officer(rights=["machines:read"])
    assert await asked(mapped, "lat=36.05&lon=114.2", officer) == (200, ["41", "4105", "410502"])
    assert await asked(mapped, "lat=36.1&lon=114.4", officer) == (200, ["41", "4105", "410502"])
    assert await asked(mapped, "lat=36.5&lon=118.5", officer) == (200, ["37"])
    answer = await mapped.http.get("/api/v1/divisions/at?lat=36.05&lon=114.2", headers=officer)
    assert answer.json()["path"][-1] == {"code": "410502", "name": {"zh": "文峰区", "en": "Wenfeng"}, "level": "county"}


async def test_what_lies_nowhere_or_out_of_scope_is_not_found(mapped: Town) -> None:
    platform = await mapped.officer(rights=["machines:read"])
    anyang = await mapped.officer("division:4105", rights=["machines:read"])
    works = await mapped.officer("enterprise:91410502MA00000072", rights=["machines:read"])
    assert await asked(mapped, "lat=20&lon=125", platform) == (404, [])
    assert await asked(mapped, "lat=36.05&lon=114.2", anyang) == (200, ["4105", "410502"])
    assert await asked(mapped, "lat=36.5&lon=118.5", anyang) == (404, [])
    assert await asked(mapped, "lat=36.5&lon=118.5", works) == (200, ["37"])  # its sites may be anywhere


@pytest.mark.parametrize(
    "query", ["", "lat=36", "lat=91&lon=0", "lat=0&lon=181", "lat=nan&lon=0", "lat=inf&lon=0", "lat=x&lon=y"]
)
async def test_what_is_no_place_is_refused(mapped: Town, query: str) -> None:
    assert await asked(mapped, query, await mapped.officer(rights=["machines:read"])) == (422, [])


async def test_the_door_is_shut_for_everybody_else(mapped: Town) -> None:
    welder = await mapped.welder()
    wrong = await mapped.officer(rights=["alerts:read"])
    for headers, status in (({}, 401), (welder.bearer, 401), (wrong, 403), ({"Authorization": "Bearer wgk_x"}, 401)):
        assert await asked(mapped, "lat=36.05&lon=114.2", headers) == (status, [])


async def entered(town: Town, headers: dict[str, str], **words: object) -> tuple[int, str]:
    answer = await town.http.post("/api/v1/registers/machines", json=MACHINE | words, headers=headers)
    return answer.status_code, answer.json().get("detail") or ""


async def test_a_machine_with_a_place_and_no_division_gets_the_one_it_stands_in(mapped: Town) -> None:
    officer = await mapped.officer()
    assert await entered(mapped, officer, lat=36.05, lon=114.2) == (201, "")
    assert mapped.database.rows("SELECT division FROM weld.machine") == [("410502",)]
    assert await entered(mapped, officer, lat=36.5, lon=118.5) == (200, "")
    assert mapped.database.rows("SELECT division FROM weld.machine") == [("37",)]
    # what is named counts, wherever the machine stands
    assert await entered(mapped, officer, lat=36.5, lon=118.5, division="4105") == (200, "")
    assert mapped.database.rows("SELECT division FROM weld.machine") == [("4105",)]


async def test_a_machine_without_a_division_needs_a_place_that_is_known(mapped: Town) -> None:
    officer = await mapped.officer()
    status, detail = await entered(mapped, officer, lat=20.0, lon=125.0)
    assert status == 422
    assert "name the division" in detail
    assert (await entered(mapped, officer))[0] == 422
    assert mapped.database.rows("SELECT count(*) FROM weld.machine") == [(0,)]


async def test_a_place_does_not_lead_out_of_the_scope(mapped: Town) -> None:
    anyang = await mapped.officer("division:4105")
    assert (await entered(mapped, anyang, lat=36.5, lon=118.5))[0] == 403
    assert (await entered(mapped, anyang, lat=36.05, lon=114.2))[0] == 201


async def test_the_list_leaves_out_what_has_ended_and_listed_townships_until_a_machine_is_there(mapped: Town) -> None:
    mapped.database.rows(
        "INSERT INTO weld.division (code, name_zh, name_en, parent, path, listed, until) VALUES"
        " ('410503', '旧区', 'Old', '4105', '41/4105/410503', 'first', '2026-01-01'),"
        " ('410502001', '某镇', 'Town', '410502', '41/4105/410502/410502001', 'second', NULL)"
    )
    officer = await mapped.officer("division:4105", rights=["machines:read"])
    assert await listed(mapped, officer) == [("4105", "city", None), ("410502", "county", None)]
    await mapped.machine("410503")
    await mapped.machine("410502001")
    assert await listed(mapped, officer) == [
        ("4105", "city", None),
        ("410502", "county", None),
        ("410502001", "township", None),
        ("410503", "county", "2026-01-01"),
    ]
    # whoever answers for one of them sees it all the same
    assert len(await listed(mapped, await mapped.officer("division:410503", rights=["machines:read"]))) == 1


async def listed(town: Town, headers: dict[str, str]) -> list[tuple[str, str, str | None]]:
    answer = await town.http.get("/api/v1/divisions", headers=headers)
    return [(one["code"], one["level"], one["until"]) for one in answer.json()["divisions"]]
