"""`weldgate init`: three people, secrets told once, and nothing that takes over what is there."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.database import Database
from weld.cli import init
from weld.cli.init import InitError, Plan, asked, planned, read, refuse_second, set_up
from weld.core import password, secret
from weld.core.gazetteer import Named
from weld.store import accounts
from weld.store.connect import pool, scoped

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "init.toml"
GIVEN: dict[str, Any] = {
    "public_url": "https://weld.example.cn",
    "division": {"code": "41", "name_zh": "河南省", "name_en": "Henan"},
    "system": {"login": "wang.system", "name": "王样例"},
    "security": {"login": "li.safety", "name": "李样例"},
    "audit": {"login": "zhao.audit", "name": "赵样例"},
}


def offices(database: Database) -> list[tuple[Any, ...]]:
    return database.rows("SELECT login, roles, scope FROM weld.officer_now ORDER BY login")


async def begun(database: Database, plan: Plan | None = None, *, again: bool = False) -> list[init.Made]:
    return await set_up(database.url("api"), database.vault, plan or planned(GIVEN), NOW, again=again)


def test_a_file_is_read_as_it_stands_in_the_documents() -> None:
    assert read(EXAMPLE) == planned(GIVEN)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"public_url": "http://weld.example.cn"}, "public_url"),
        ({"public_url": "https://weld.example.cn/path"}, "public_url"),
        ({"public_url": ""}, "public_url"),
        ({"division": {"code": "4x", "name_zh": "x", "name_en": "x"}}, "division.code"),
        ({"division": None}, "division"),
        ({"system": {"login": "admin", "name": "王样例"}}, "system.login: 不能用通用账号"),
        ({"system": {"login": "sys-admin01", "name": "王样例"}}, "system.login: 不能用通用账号"),
        ({"system": {"login": "W", "name": "王样例"}}, "system.login"),
        ({"system": {"login": "wang", "name": ""}}, "system.name"),
        ({"system": {"login": "li.safety", "name": "王样例"}}, "three different people"),
        ({"audit": {"login": "zhao", "name": "李样例"}}, "three different people"),
        ({"audit": {"login": "zhao", "name": "赵样例", "password": "admin123"}}, "audit.password: is not taken here"),
        ({"audit": {"login": "zhao", "name": "赵样例", "scope": "x"}}, "audit.scope"),
        ({"audit": None}, "audit.login"),
        ({"root": {}}, "root: there is no such entry"),
    ],
)
def test_what_is_wrong_is_named_and_no_password_is_repeated(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InitError) as caught:
        planned(GIVEN | change)
    assert told in str(caught.value)
    assert caught.value.code == 1
    assert "admin123" not in str(caught.value)


async def test_three_administrators_are_made_with_a_secret_each_and_no_password(database: Database) -> None:
    made = await begun(database)
    assert offices(database) == [
        ("li.safety", ["security_administrator"], "platform"),
        ("wang.system", ["system_administrator"], "platform"),
        ("zhao.audit", ["audit_administrator"], "platform"),
    ]
    assert database.rows("SELECT DISTINCT password_hash FROM weld.officer") == [(password.DECOY,)]
    kept = {bytes(row[0]) for row in database.rows("SELECT secret_hash FROM weld.officer_enrolment")}
    assert kept == {secret.key_hash(one.secret) for one in made}
    assert len(kept) == 3
    assert database.rows("SELECT code FROM weld.division") == [("41",)]
    assert database.rows("SELECT count(*) FROM weld.audit WHERE action = 'installation.set_up'") == [(3,)]


async def test_a_second_time_is_refused_and_changes_nothing(database: Database) -> None:
    await begun(database)
    before = offices(database), database.rows("SELECT * FROM weld.officer_enrolment ORDER BY officer")
    taker = planned(GIVEN | {"security": {"login": "mallory", "name": "马样例"}})
    for plan, again in ((None, False), (taker, False), (taker, True)):
        with pytest.raises(InitError) as caught:
            await begun(database, plan, again=again)
        assert caught.value.code == 3
    assert before == (offices(database), database.rows("SELECT * FROM weld.officer_enrolment ORDER BY officer"))


async def test_again_gives_a_fresh_secret_only_to_who_has_not_enrolled(database: Database) -> None:
    made = await begun(database)
    async with pool(database.url("api"), "test") as connections, scoped(connections, "platform") as conn:
        enrolling = await accounts.enrolling(conn, database.vault, secret.key_hash(made[0].secret), NOW)
        assert enrolling is not None
        assert await accounts.enrolled(conn, enrolling.id, secret.key_hash(made[0].secret))
    fresh = await begun(database, again=True)
    assert [one.person.office for one in fresh] == ["security", "audit"]
    async with pool(database.url("api"), "test") as connections, scoped(connections, "platform") as conn:
        for one in made:
            assert await accounts.enrolling(conn, database.vault, secret.key_hash(one.secret), NOW) is None
        for one in fresh:
            assert await accounts.enrolling(conn, database.vault, secret.key_hash(one.secret), NOW) is not None


async def test_a_login_that_is_taken_stops_it_as_a_whole(database: Database) -> None:
    await begun(database)
    database.rows("UPDATE weld.officer_role SET withdrawn_at = now()")
    with pytest.raises(InitError, match="is an account already"):
        await begun(database)
    assert database.rows("SELECT count(*) FROM weld.officer") == [(3,)]


def test_the_command_says_why_not_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "init.toml"
    file.write_text(EXAMPLE.read_text("utf-8").replace("wang.system", "root"), encoding="utf-8")
    assert init.run(file, again=False) == 1
    assert init.run(tmp_path / "none.toml", again=False) == 1
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert init.run(None, again=False) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "names nobody" in err


def test_a_wrong_answer_is_asked_again_and_names_are_offered() -> None:
    answers = ["http://weld.example.cn", "https://weld.example.cn", "4x", "41", "", "", "admin", "sys.admin01", "wang"]
    answers += ["王样例", "wang", "li", "王样例", "李样例", "zhao", " ", "赵样例"]
    said: list[str] = []

    def ask(question: str, offered: str | None, fault_of: Callable[[str], str | None]) -> str:
        while (fault := fault_of(answer := answers.pop(0).strip() or offered or "")) is not None:
            said.append(f"{question.partition(' / ')[0]}: {fault}")
        return answer

    given = asked(ask, {"41": Named("41", "河南省", "Henan")})
    assert answers == []
    assert planned(given).division == planned(GIVEN).division
    assert [person.login for person in planned(given).people] == ["wang", "li", "zhao"]
    assert [line.partition(": ")[0] for line in said] == [
        *(
            "对外网址",
            "顶层区划代码",
            "系统管理员账号",
            "系统管理员账号",
            "安全管理员账号",
            "安全管理员姓名",
            "审计管理员姓名",
        ),
    ]


async def test_whoever_is_asked_hears_first_that_all_is_set_up(database: Database) -> None:
    await refuse_second(database.url("api"), again=False)
    await begun(database)
    with pytest.raises(InitError) as caught:
        await refuse_second(database.url("api"), again=False)
    assert caught.value.code == 3
    await refuse_second(database.url("api"), again=True)
