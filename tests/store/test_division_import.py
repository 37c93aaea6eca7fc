"""The import of divisions into a real register: validity, areas, differences, and what it refuses."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from api.registers import PUTS, Desk
from schemas import registers as shapes
from tests.database import Database
from weld.cli.division_files import NoImportError, Published, read
from weld.cli.divisions import Asked, Report, enter, provinces_of
from weld.core.gazetteer import Named
from weld.store import divisions
from weld.store.connect import pool, scoped

NOW = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)  # the sixth, where divisions are
LATER = datetime(2027, 3, 1, 1, 0, tzinfo=UTC)

CODES = (
    Named("410000", "河南省", "Henan"),
    Named("410500", "安阳市", "Anyang"),
    Named("410502", "文峰区", "Wenfeng"),
    Named("410503", "北关区", "Beiguan"),
    Named("419001", "济源市", "Jiyuan"),
)


def square(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


LANDS: dict[str, divisions.Pieces] = {
    "410502": [[square(114.0, 36.0, 114.4, 36.1)], [square(115.0, 36.0, 115.1, 36.1)]],
    "410503": [[square(114.0, 36.1, 114.4, 36.2), square(114.1, 36.12, 114.2, 36.15)]],
    "419001": [[square(112.0, 35.0, 112.7, 35.2)]],
}


def published(codes: Sequence[Named] = CODES, **changed: Any) -> Published:
    known = {one.code for one in codes}
    words = {
        "second": (),
        "lands": {code: land for code, land in LANDS.items() if code in known},
        "made_from": ["a list"],
    }
    return Published(codes, **(words | changed))


async def imported(database: Database, what: Published, now: datetime = NOW, **asked: Any) -> Report:
    return await enter(Asked(**asked), what, database.url("api"), now, say=lambda _: None)


async def located(database: Database, lat: float, lon: float) -> str | None:
    async with pool(database.url("api"), "test", size=1) as connections, scoped(connections, "platform") as conn:
        return await divisions.at_point(conn, lat, lon)


async def test_an_import_again_changes_nothing_and_leaves_no_second_trace(database: Database) -> None:
    first, again = await imported(database, published()), await imported(database, published(), LATER)
    assert (first.added, first.lands, first.day) == (5, 3, date(2026, 1, 6))
    assert (again.added, again.changed, again.ended, again.lands) == (0, 0, [], 0)
    assert database.rows("SELECT code, path, level, since, until FROM weld.division ORDER BY path") == [
        ("41", "41", "province", None, None),
        ("4105", "41/4105", "city", None, None),
        ("410502", "41/4105/410502", "county", None, None),
        ("410503", "41/4105/410503", "county", None, None),
        ("419001", "41/419001", "county", None, None),
    ]
    assert database.rows("SELECT actor, action FROM weld.audit") == [("command:divisions", "divisions.imported")]


async def test_a_place_has_the_division_on_whose_land_it_lies(database: Database) -> None:
    await imported(database, published())
    assert await located(database, 36.05, 114.3) == "410502"
    assert await located(database, 36.05, 115.05) == "410502"  # its other piece
    assert await located(database, 36.1, 114.3) == "410502"  # the border of two: the smaller code
    assert await located(database, 36.11, 114.3) == "410503"
    assert await located(database, 36.13, 114.15) is None  # a hole
    assert await located(database, 35.1, 112.6) == "419001"
    assert await located(database, 20.0, 125.0) is None
    assert await located(database, -90, 180) is None


async def test_what_vanished_ends_stays_readable_and_has_no_land_any_more(database: Database) -> None:
    await imported(database, published())
    merged = (*CODES[:2], Named("410502", "安阳新区", "Xinqu"), CODES[4])
    land = {"410502": [[square(114.0, 36.0, 114.4, 36.2)]], "419001": LANDS["419001"]}
    report = await imported(database, published(merged, lands=land), LATER)
    assert (report.ended, report.changed, report.lands) == (["410503"], 1, 2)
    assert database.rows("SELECT code, name_zh, until FROM weld.division WHERE until IS NOT NULL") == [
        ("410503", "北关区", date(2027, 3, 1))
    ]
    assert await located(database, 36.15, 114.3) == "410502"
    async with pool(database.url("api"), "test", size=1) as connections, scoped(connections, "platform") as conn:
        meant = await divisions.versions(conn, "410502")
    assert [(one.name_zh, one.since, one.until) for one in meant] == [
        ("文峰区", None, date(2027, 3, 1)),
        ("安阳新区", date(2027, 3, 1), None),
    ]
    back = await imported(database, published(), datetime(2028, 1, 1, 8, 0, tzinfo=UTC))
    assert (back.ended, back.changed, back.lands) == ([], 2, 2)
    assert await located(database, 36.15, 114.3) == "410503"


async def test_a_dry_run_says_the_same_and_writes_nothing(database: Database) -> None:
    report = await imported(database, published(), dry=True)
    assert (report.dry_run, report.added, report.lands) == (True, 5, 3)
    for table in ("division", "division_area", "audit"):
        assert database.rows(f"SELECT count(*) FROM weld.{table}") == [(0,)]


async def test_another_province_is_left_alone(database: Database) -> None:
    await imported(
        database, published((*CODES, Named("420000", "湖北省", "Hubei"), Named("429004", "仙桃市", "Xiantao")))
    )
    report = await imported(database, published(CODES[:2]), LATER, provinces=["410000"], many=True)
    assert report.ended == ["410502", "410503", "419001"]
    assert database.rows("SELECT code FROM weld.division WHERE until IS NULL ORDER BY path") == [
        ("41",),
        ("4105",),
        ("42",),
        ("429004",),
    ]


async def test_a_register_that_people_began_is_completed(database: Database) -> None:
    async with pool(database.url("api"), "test", size=1) as connections, scoped(connections, "platform") as conn:
        desk = Desk(database.vault, NOW)
        for code, parent in (("41", None), ("4105", "41"), ("410599", "4105")):
            entry = shapes.Division(code=code, name_zh="河南省", name_en="By hand", parent=parent, longest_s=600)
            await PUTS["division"](conn, desk, entry)
    report = await imported(database, published())
    assert (report.added, report.changed) == (3, 2)
    assert [one.code for one in report.differences if one.kind == "only_here"] == ["410599"]
    assert database.rows(
        "SELECT code, name_zh, name_en, longest_s FROM weld.division WHERE longest_s = 600 ORDER BY path"
    ) == [
        ("41", "河南省", "By hand", 600),
        ("4105", "安阳市", "Anyang", 600),
        ("410599", "河南省", "By hand", 600),
    ]


async def test_a_short_list_does_not_end_the_register(database: Database) -> None:
    many = tuple(Named(f"4106{number:02}", f"区{number}", "X") for number in range(10, 60))
    await imported(database, published((*CODES, *many)))
    with pytest.raises(NoImportError, match=r"50 of 55 .* --many-may-end"):
        await imported(database, published(), LATER)
    assert database.rows("SELECT count(*) FROM weld.division WHERE until IS NOT NULL") == [(0,)]
    assert len((await imported(database, published(), LATER, many=True)).ended) == 50


async def test_townships_without_the_second_list_and_days_to_come_are_refused(database: Database) -> None:
    with pytest.raises(NoImportError, match="tools/pages --codes"):
        await imported(database, published(), townships=True)
    with pytest.raises(NoImportError, match="still to come"):
        await imported(database, published(), day=date(2026, 1, 7))


@pytest.mark.parametrize("wrong", ["99", "4105", "410502", "4x", ""])
def test_what_is_no_province_is_refused(wrong: str) -> None:
    with pytest.raises(NoImportError, match="no province"):
        provinces_of(Asked(provinces=[wrong]))


def test_the_files_are_read_a_province_at_a_time(tmp_path: Path) -> None:
    packed(tmp_path)
    assert read(tmp_path).lands == {"410502": [[square(114.0, 36.0, 114.4, 36.1)]]}
    hubei = read(tmp_path, ["42"])
    assert ([one.code for one in hubei.first], hubei.lands, hubei.made_from) == (["420000"], {}, ["a", "b"])
    assert [one.code for one in read(tmp_path, ["41"]).second] == ["410502"]


@pytest.mark.parametrize(
    ("main", "why"),
    [
        ({"divisions": [["990000", "x", "x"]]}, "990000 is no code"),
        ({"divisions": []}, "no divisions"),
        ({"areas": {"410502": [[[0, 0, 1, 1, 0, 1]]]}}, "410502: a ring has 4 corners"),
        ({"areas": {"410502": [[[0, 0, 1]]]}}, "not what"),
        ({"areas": None}, "not what"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_what_is_wrong(tmp_path: Path, main: dict[str, Any], why: str) -> None:
    packed(tmp_path, **main)
    with pytest.raises(NoImportError, match=why):
        read(tmp_path)


def test_without_the_file_the_way_to_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoImportError, match="make pages"):
        read(tmp_path)
    (tmp_path / "divisions.json.gz").write_bytes(b"not gzip")
    with pytest.raises(NoImportError, match="not what"):
        read(tmp_path)


def packed(folder: Path, **changed: Any) -> None:
    ring = [1_140_000, 360_000, 4000, 0, 0, 1000, -4000, 0, 0, -1000]
    main = {
        "made_from": "a",
        "divisions": [["410000", "河南省", "Henan"], ["410502", "文峰区", "Wenfeng"], ["420000", "湖北省", "Hubei"]],
        "areas": {"410502": [[ring]]},
    } | changed
    more = {
        "made_from": "b",
        "codes": [["410502", "文峰区", "Wenfeng"], ["4419", "东莞市", "D"], ["441900", "东莞市", "D"]],
    }
    for name, words in (("divisions", main), ("codes", more)):
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(words).encode()))
