"""`weldgate import workers`: a dry run enters nothing, a yes enters what is right, the rest goes to a file."""

import csv
from pathlib import Path

import pytest

from api.settings import ApiSettings
from bench.unlock_decision import rows
from schemas import registers as shapes
from tests.api.town import Town, rows_of
from tests.database import Database
from weld.cli import importing
from weld.cli.importing import Asked
from weld.store.imports import ImportRow


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    table = list(rows(5, 1))
    table[3][2] = "12345"
    for row in table[1:]:
        row[3], row[4] = "", "410502"
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(table)
    return path


async def bring(town: Town, asked: Asked, *, agree: bool = True) -> ImportRow:
    database: Database = town.database
    return await importing.bring(asked, database.url("api"), database.vault, ApiSettings(), lambda: agree)


async def test_a_dry_run_and_a_no_enter_nothing(town: Town, file: Path) -> None:
    dry, declined = await bring(town, Asked(file, dry_run=True)), await bring(town, Asked(file), agree=False)
    assert [(each.state, each.created, each.bad) for each in (dry, declined)] == [("stopped", 4, 1)] * 2
    assert rows_of(town.database, "worker") == 0


async def test_a_yes_enters_what_is_right_and_the_rest_goes_to_a_file(
    town: Town, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = file.parent / "wrong.csv"
    found = await bring(town, Asked(file, errors=wrong))
    assert (found.state, found.created, found.bad, rows_of(town.database, "worker")) == ("done", 4, 1, 4)
    assert wrong.stat().st_mode & 0o077 == 0
    report = list(csv.reader(wrong.read_text(encoding="utf-8-sig").splitlines()))
    assert (len(report), report[1][0]) == (2, "工2")
    said = capsys.readouterr().err
    assert "4: 手机号 应有 11 位，实有 5 位" in said
    assert report[1][1].removeprefix("'") not in said
    again = await bring(town, Asked(file))
    assert (again.created, again.updated, again.unchanged) == (0, 0, 4)


async def test_enterprises_of_the_made_up_table_can_be_entered(town: Town) -> None:
    codes = {row[3] for row in list(rows(300, 1))[1:]}
    assert len(codes) == 200
    for code in sorted(codes)[:3]:
        entry = shapes.Enterprise(name="x", credit_code=code, division="4105")
        assert (await town.enter("enterprise", entry)).outcome == "created"
