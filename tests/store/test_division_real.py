"""The real lists, where `make pages` has laid them: Henan's odd cases, and where real places lie."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from api.screens import PAGES
from tests.database import Database
from weld.cli import division_files
from weld.cli.divisions import Asked, Report, enter
from weld.store import divisions
from weld.store.connect import pool, scoped

pytestmark = pytest.mark.skipif(not (PAGES / "divisions.json.gz").is_file(), reason="`make pages` was not run")

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PLACES = {
    "济源": (35.067, 112.602, "419001"),
    "安阳文峰": (36.09, 114.357, "410502"),
    "仙桃": (30.328, 113.443, "429004"),
    "潜江": (30.402, 112.899, "429005"),
    "天门": (30.663, 113.166, "429006"),
    "神农架": (31.744, 110.676, "429021"),
    "东莞": (23.02, 113.752, "4419"),
    "北京东城": (39.917, 116.417, "110101"),
    "首尔": (37.566, 126.978, None),
    "海上": (20.0, 125.0, None),
}


async def imported(database: Database, *provinces: str) -> Report:
    published = division_files.read(PAGES, provinces)
    return await enter(Asked(provinces=provinces), published, database.url("api"), NOW, say=lambda _: None)


async def test_henan_has_18_divisions_of_the_second_level_and_157_counties_and_twice_is_once(
    database: Database,
) -> None:
    first, again = await imported(database, "41"), await imported(database, "41")
    assert (again.added, again.changed, again.ended, again.lands) == (0, 0, [], 0)
    rows = database.rows("SELECT code, parent, path, level FROM weld.division")
    assert first.added == len(rows)
    # 17 cities, and 济源, which is a county by its code
    assert sum(parent == "41" for _, parent, _, _ in rows) == 18
    assert Counter(level for _, _, _, level in rows) == {"province": 1, "city": 17, "county": 157}
    assert {("419001", "41", "41/419001", "county"), ("410502", "4105", "41/4105/410502", "county")} <= set(rows)


async def test_real_places_lie_where_the_map_says(database: Database) -> None:
    await imported(database, "11", "41", "42", "44")
    async with pool(database.url("api"), "test", size=1) as connections, scoped(connections, "platform") as conn:
        found = {name: await divisions.at_point(conn, lat, lon) for name, (lat, lon, _) in PLACES.items()}
    assert found == {name: code for name, (_, _, code) in PLACES.items()}
