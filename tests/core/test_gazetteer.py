"""What an import of divisions plans: new codes, new names, codes that end and come back, and what it leaves to people."""

from dataclasses import replace
from datetime import date

import pytest

from weld.core.gazetteer import Difference, Held, Lists, Named, plan

DAY, LATER = date(2026, 1, 5), date(2027, 3, 1)

HENAN = Named("410000", "河南省", "Henan")
ANYANG = Named("410500", "安阳市", "Anyang")
WENFENG = Named("410502", "文峰区", "Wenfeng")
JIYUAN = Named("419001", "济源市", "Jiyuan")
XIANTAO = Named("429004", "仙桃市", "Xiantao")
HUBEI = Named("420000", "湖北省", "Hubei")
ZONE = Named("410571", "安阳高新区", "Gaoxin")
TOWN = Named("410502001", "宝莲寺镇", "Baoliansi")

LIST = (WENFENG, JIYUAN, HENAN, ANYANG)


def rows(*lists: Named, second: tuple[Named, ...] = (), townships: bool = False) -> list[Held]:
    """A register as a first import leaves it."""
    return list(plan(Lists(lists, second, townships), [], DAY).added)


def test_a_first_import_adds_parents_first_with_the_odd_parents_and_says_no_since() -> None:
    made = plan(Lists((*LIST, XIANTAO, HUBEI)), [], DAY)
    assert [(row.code, row.parent, row.path, row.since, row.listed) for row in made.added] == [
        ("41", None, "41", None, "first"),
        ("42", None, "42", None, "first"),
        ("4105", "41", "41/4105", None, "first"),
        ("419001", "41", "41/419001", None, "first"),
        ("429004", "42", "42/429004", None, "first"),
        ("410502", "4105", "41/4105/410502", None, "first"),
    ]
    assert (made.changed, made.past, made.differences) == ([], [], [])


def test_the_same_again_changes_nothing() -> None:
    again = plan(Lists(LIST), rows(*LIST), LATER)
    assert (again.added, again.changed, again.past, again.differences) == ([], [], [], [])


def test_a_code_that_comes_later_is_valid_from_that_day_on() -> None:
    later = plan(Lists(LIST), rows(HENAN, ANYANG), LATER)
    assert [(row.code, row.since) for row in later.added] == [("419001", LATER), ("410502", LATER)]
    other_province = plan(Lists((*LIST, HUBEI)), rows(*LIST), LATER)
    assert [(row.code, row.since) for row in other_province.added] == [("42", None)]


def test_a_code_that_vanished_ends_and_is_not_ended_twice() -> None:
    gone = plan(Lists((HENAN, ANYANG, JIYUAN)), rows(*LIST), LATER)
    assert (gone.ended, gone.past) == (["410502"], [])
    [ended] = gone.changed
    assert (ended.until, ended.name_zh) == (LATER, "文峰区")
    after = [*rows(HENAN, ANYANG, JIYUAN), ended]
    assert plan(Lists((HENAN, ANYANG, JIYUAN)), after, date(2028, 1, 1)).changed == []


def test_a_code_that_comes_back_begins_again_and_its_first_life_is_kept() -> None:
    [*others, wenfeng] = rows(*LIST)
    ended = replace(wenfeng, until=DAY)
    back = plan(Lists(LIST), [*others, ended], LATER)
    assert back.changed == [replace(wenfeng, since=LATER)]
    assert back.past == [ended]
    assert back.ended == []


def test_another_name_is_another_version() -> None:
    renamed = plan(Lists((HENAN, ANYANG, JIYUAN, Named("410502", "新名区", "Xinming"))), rows(*LIST), LATER)
    [now], [before] = renamed.changed, renamed.past
    assert (now.name_zh, now.name_en, now.since, now.until) == ("新名区", "Xinming", LATER, None)
    assert (before.name_zh, before.since, before.until) == ("文峰区", None, LATER)
    again = plan(
        Lists((HENAN, Named("410500", "甲市", "Jia"))),
        [replace(row, since=LATER) for row in rows(HENAN, ANYANG)],
        LATER,
    )
    assert (len(again.changed), again.past) == (1, [])  # twice on one day: the first held for no time


def test_what_a_person_entered_is_kept_with_its_english_name_and_never_ended() -> None:
    anyang = Held("4105", "安阳市", "Anyang City", "41", "41/4105")
    strange = Held("410599", "演示区", "Demo", "4105", "41/4105/410599")
    made = plan(Lists((HENAN, ANYANG)), [*rows(HENAN), anyang, strange], DAY)
    assert (made.added, made.past, made.ended) == ([], [], [])
    assert made.changed == [replace(anyang, listed="first")]
    assert made.differences == [Difference("only_here", "410599", "演示区: entered by a person, in no list, and kept")]


def test_a_row_under_another_parent_stays_there_and_what_is_new_goes_below_it() -> None:
    odd = Held("4105", "安阳市", "Anyang", None, "4105", listed="first")
    made = plan(Lists((HENAN, ANYANG, WENFENG)), [*rows(HENAN), odd], DAY)
    assert [(row.code, row.path) for row in made.added] == [("410502", "4105/410502")]
    assert [(one.kind, one.code) for one in made.differences] == [("parent", "4105")]


def test_without_its_city_a_county_hangs_below_the_province() -> None:
    hongkong = Named("810101", "中西区", "Zhongxi")
    made = plan(Lists((Named("810000", "香港特别行政区", "Xianggang"), hongkong)), [], DAY)
    assert [(row.code, row.path) for row in made.added] == [("81", "81"), ("810101", "81/810101")]


def test_the_lists_are_compared_and_headings_are_no_divisions() -> None:
    second = (HENAN, Named("419000", "省直辖县级行政区划", "X"), Named("410500", "安阳", "Anyang"), WENFENG, ZONE, TOWN)
    made = plan(Lists(LIST, second), [], DAY)
    assert len(made.added) == 4
    assert [(one.kind, one.code) for one in made.differences] == [
        ("name", "4105"),
        ("only_first", "419001"),
        ("only_second", "410571"),
    ]


def test_townships_and_zones_come_from_the_second_list_where_they_are_asked_for() -> None:
    orphan = Named("410599001", "无县镇", "Wu")
    made = plan(Lists(LIST, (*LIST, ZONE, TOWN, orphan), townships=True), rows(*LIST), LATER)
    assert [(row.code, row.path, row.since, row.listed) for row in made.added] == [
        ("410571", "41/4105/410571", None, "second"),
        ("410502001", "41/4105/410502/410502001", None, "second"),
    ]
    assert [one.code for one in made.differences if one.kind == "no_parent"] == ["410599001"]


def test_an_import_without_townships_leaves_them_and_one_with_them_ends_what_vanished() -> None:
    register = rows(*LIST, second=(*LIST, ZONE, TOWN), townships=True)
    assert plan(Lists(LIST), register, LATER).changed == []
    assert plan(Lists(LIST, LIST, townships=True), register, LATER).ended == ["410571", "410502001"]


def test_what_the_first_list_gave_up_does_not_live_on_in_the_second() -> None:
    made = plan(Lists((HENAN, ANYANG, JIYUAN), LIST, townships=True), rows(*LIST), LATER)
    assert (made.ended, made.added) == (["410502"], [])


def test_a_day_before_what_the_register_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="2027-03-01"):
        plan(Lists(LIST), [replace(row, since=LATER) for row in rows(*LIST)], DAY)
