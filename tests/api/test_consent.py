"""The text on personal data: open to everybody, agreed to once a version, and no condition of a start."""

from datetime import date
from pathlib import Path

import pytest

from tests.api.town import Town
from weld.store import consents
from weld.store.consents import ConsentTextError, Text


async def test_a_worker_is_asked_until_he_agrees_and_may_start_all_the_same(town: Town) -> None:
    welder, plate = await town.welder(), await town.machine()
    shown = (await town.http.get("/api/v1/consent")).json()
    assert shown["zh"].startswith("我们怎样使用你的个人信息")
    assert shown["en"].startswith("How we use your personal data")
    me = (await town.http.get("/api/v1/me", headers=welder.bearer)).json()
    assert me["consent_due"] == shown["version"]
    assert (await town.unlock(welder, plate)).status_code == 201
    for _ in range(2):
        answer = await town.http.post("/api/v1/me/consent", json={"version": shown["version"]}, headers=welder.bearer)
        assert answer.status_code == 204, answer.text
    assert (await town.http.get("/api/v1/me", headers=welder.bearer)).json()["consent_due"] is None
    assert town.database.rows("SELECT worker, version FROM weld.consent") == [
        (welder.id, date.fromisoformat(shown["version"]))
    ]
    other = await town.welder()
    assert (await town.http.get("/api/v1/me", headers=other.bearer)).json()["consent_due"] is not None


@pytest.mark.parametrize("version", ["2020-01-01", "2999-01-01", "now", None])
async def test_a_version_that_there_is_not_is_refused(town: Town, version: str | None) -> None:
    welder = await town.welder()
    answer = await town.http.post("/api/v1/me/consent", json={"version": version}, headers=welder.bearer)
    assert answer.status_code == 422
    assert town.database.rows("SELECT count(*) FROM weld.consent") == [(0,)]


async def test_nobody_else_agrees_for_a_worker(town: Town) -> None:
    version = {"version": consents.shipped()[-1].version.isoformat()}
    for headers in ({}, await town.officer()):
        assert (await town.http.post("/api/v1/me/consent", json=version, headers=headers)).status_code == 401


def test_the_version_in_force_is_the_newest_that_has_begun() -> None:
    first, second = Text(date(2026, 1, 1), "一", "one"), Text(date(2026, 6, 1), "二", "two")
    for day, text in ((date(2025, 1, 1), first), (date(2026, 5, 31), first), (date(2026, 6, 1), second)):
        assert consents.newest((first, second), day) == text


@pytest.mark.parametrize("names", [[], ["2026-01-01.zh.txt"], ["soon.zh.txt", "soon.en.txt"], ["2026-01-01.fr.txt"]])
def test_half_a_version_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("x")
    with pytest.raises(ConsentTextError):
        consents.read(tmp_path)
