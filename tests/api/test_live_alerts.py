"""Alerts as the desk reads them: the next deadline first, with the names around them, filtered by level and place."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api.test_live_map import alert, get
from tests.api.town import Town

Words = dict[str, Any]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def queue(town: Town, officer: dict[str, str], query: str = "", limit: int = 2) -> list[Words]:
    """The whole queue, page by page."""
    seen: list[Words] = []
    after, more = "", True
    while more:
        page = await get(town, f"/alerts?live=true&limit={limit}{query}{after}", officer)
        seen += page["alerts"]
        after, more = f"&after={page['next']}", page["next"] is not None
    return seen


async def test_the_queue_comes_by_what_has_to_happen_next(town: Town) -> None:
    code, officer, now = await town.machine(), await town.officer(), town.clock.now()
    ages: dict[str, tuple[int, str, timedelta]] = {
        "sign level 1 in 5 min": (1, "open", 10 * MINUTE),
        "sign level 2 in 10 min": (2, "open", 110 * MINUTE),
        "settle level 1 in 20 min": (1, "acknowledged", 100 * MINUTE),
        "sign level 3 in 23 h": (3, "open", HOUR),
        "settle level 3 in 40 h": (3, "acknowledged", 32 * HOUR),
    }
    ids = {
        name: alert(town, code, "E02", level, state=state, raised_at=now - age)
        for name, (level, state, age) in reversed(ages.items())
    }
    without = [
        alert(town, code, "E02", 4),
        alert(town, code, "D01", 1, historical=True),
        alert(town, code, "E02", 4, state="acknowledged"),
    ]
    alert(town, code, "D01", 1, state="closed")
    found = [one["id"] for one in await queue(town, officer)]
    assert found == [ids[name] for name in ages] + sorted(without)
    assert [one["id"] for one in await queue(town, officer, "&state=open&level=1", limit=1)] == [
        ids["sign level 1 in 5 min"],
        without[1],
    ]


@pytest.mark.parametrize(
    ("level", "historical", "sign", "close"),
    [
        (1, False, 15 * MINUTE, 2 * HOUR),
        (2, False, 2 * HOUR, 24 * HOUR),
        (3, False, 24 * HOUR, 72 * HOUR),
        (4, False, None, None),
        (1, True, None, None),
    ],
)
async def test_an_alert_says_by_when(
    town: Town, level: int, historical: bool, sign: timedelta | None, close: timedelta | None
) -> None:
    code, officer, now = await town.machine(), await town.officer(), town.clock.now()
    found = alert(town, code, "D01", level, raised_at=now, historical=historical)
    seen = await get(town, f"/alerts/{found}", officer)
    for name, within in (("sign_by", sign), ("close_by", close)):
        assert (None if seen[name] is None else datetime.fromisoformat(seen[name]) - now) == within
    body = {"outcome": "test", "note": "x"}
    closed = (await town.http.post(f"/api/v1/alerts/{found}/close", json=body, headers=officer)).json()
    assert (closed["sign_by"], closed["close_by"]) == (None, None)


async def test_an_alert_names_what_is_around_it_and_who_handled_it(town: Town) -> None:
    credit = town.database.rows("SELECT credit_code FROM weld.enterprise")[0][0]
    code, officer = await town.machine(enterprise=credit, lat=36.1, lon=114.3), await town.officer()
    found = alert(town, code)
    town.database.rows("UPDATE weld.alert SET enterprise = (SELECT id FROM weld.enterprise)")
    seen = await get(town, f"/alerts/{found}", officer)
    assert (seen["machine"], seen["enterprise_name"]) == ("样例 ZX7-315", "样例钢构厂")
    assert (seen["division_name"], seen["lat"], seen["lon"]) == ({"zh": "文峰区", "en": "Wenfeng"}, 36.1, 114.3)
    assert (seen["acknowledged_by_name"], seen["closed_by_name"]) == (None, None)
    path = f"/api/v1/alerts/{found}"
    taken = (await town.http.post(f"{path}/acknowledge", headers=officer)).json()
    key = town.database.rows("SELECT id::text, name FROM weld.officer_key")[0]
    assert (taken["acknowledged_by"], taken["acknowledged_by_name"]) == (f"officer:{key[0]}", key[1])
    town.database.rows(
        "INSERT INTO weld.officer (id, login, name, password_hash, totp_sealed, created_at)"
        " VALUES (gen_random_uuid(), 'duty', '值班 刘', 'x', '', now())"
    )
    town.database.rows(
        "UPDATE weld.alert SET state = 'closed', closed_at = now(), outcome = 'test',"
        " closed_by = (SELECT 'officer:' || id FROM weld.officer)"
    )
    assert (await get(town, f"/alerts/{found}", officer))["closed_by_name"] == "值班 刘"
    town.database.rows("UPDATE weld.alert SET closed_by = 'platform'")
    assert (await get(town, f"/alerts/{found}", officer))["closed_by_name"] is None


async def test_an_alert_of_a_chip_without_a_machine_has_no_place(town: Town) -> None:
    officer = await town.officer()
    code = await town.machine()
    found = alert(town, code, "D05")
    town.database.rows("UPDATE weld.alert SET plate = NULL, division = NULL, subject = 'CHIP'")
    seen = await get(town, f"/alerts/{found}", officer)
    assert [seen[name] for name in ("plate", "division_name", "machine", "lat")] == [None] * 4
    assert seen["sentence"]["zh"].startswith("芯片")


async def test_alerts_are_filtered_by_level_and_by_the_division_above(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    first = alert(town, code, "D01", 1)
    second = alert(town, code, "E02", 2)
    third = alert(town, code, "E02", 2, division="37")
    for live in ("", "&live=true"):
        for query, found in (
            ("level=1", {first}),
            ("level=2", {second, third}),
            ("division=41", {first, second}),
            ("division=410502&level=2", {second}),
            ("division=37", {third}),
            ("division=99", set()),
        ):
            page = await get(town, f"/alerts?{query}{live}", officer)
            assert {one["id"] for one in page["alerts"]} == found, (query, live)
