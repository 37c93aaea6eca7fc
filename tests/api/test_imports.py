"""Imports: bring, preview, confirm, mend; who may and whose rows; a crash between chunks; nothing personal left lying about."""

import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import openpyxl
import psycopg
import pytest

from api import importer, sheets
from api.importer import Importer
from tests.api.town import Town, founded, rows_of
from tests.database import Database
from weld.core import identity
from weld.store import maintenance, retention, rosters

HEADINGS = [
    "姓名", "身份证号", "手机号", "企业统一社会信用代码", "行政区划代码", "证书种类", "证书编号", "作业类别", "准操项目",
    "有效期起", "有效期止", "应复审日期", "证书状态", "发证机关",
]  # fmt: skip
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENTERPRISE = "91410502MA00000072"


def row(which: int, **changed: str) -> list[str]:
    first = f"41050219900101{which:03d}"
    holder = first + identity.identity_check(first)
    cells = {
        "name": f"李样例{which}",
        "identity": holder,
        "phone": f"1370000{which:04d}",
        "enterprise": ENTERPRISE,
        "division": "410502",
        "kind": "特种作业操作证",
        "number": f"T{holder}",
        "category": "焊接与热切割作业",
        "item": "熔化焊接与热切割作业",
        "valid_from": "2025-01-01",
        "valid_to": "2030-12-31",
        "review_due": "",
        "status": "",
        "issuer": "河南省应急管理厅",
    }
    return list((cells | changed).values())


def table(rows: Sequence[Sequence[str]], encoding: str = "utf-8-sig") -> bytes:
    return "".join(sheets.line(each) for each in [HEADINGS, *rows]).encode(encoding)


async def work(town: Town) -> None:
    hand = Importer(town.parts.pool, town.parts.vault, town.clock)
    while await hand.step():
        pass


async def bring(town: Town, officer: dict[str, str], data: bytes, kind: str = "text/csv") -> dict[str, Any]:
    answer = await town.http.post("/api/v1/imports", content=data, headers=officer | {"Content-Type": kind})
    assert answer.status_code == 202, answer.text
    await work(town)
    found: dict[str, Any] = await look(town, officer, answer.json()["id"])
    return found


async def look(town: Town, officer: dict[str, str], number: str, rest: str = "") -> Any:
    answer = await town.http.get(f"/api/v1/imports/{number}{rest}", headers=officer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def confirm(town: Town, officer: dict[str, str], number: str) -> dict[str, Any]:
    answer = await town.http.post(f"/api/v1/imports/{number}/confirm", headers=officer)
    assert answer.status_code == 200, answer.text
    await work(town)
    found: dict[str, Any] = await look(town, officer, number)
    return found


def counts(found: dict[str, Any]) -> tuple[str, int, int, int, int]:
    return found["state"], found["created"], found["updated"], found["unchanged"], found["bad"]


async def errors(town: Town, officer: dict[str, str], number: str) -> list[list[str]]:
    answer = await town.http.get(f"/api/v1/imports/{number}/errors.csv", headers=officer)
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_csv_is_previewed_then_entered_and_the_same_again_changes_nothing(town: Town, encoding: str) -> None:
    officer, data = await town.officer(), table([row(1), row(2)], encoding)
    first = await bring(town, officer, data)
    assert counts(first) == ("previewed", 2, 0, 0, 0)
    assert rows_of(town.database, "worker") == 0
    assert counts(await confirm(town, officer, first["id"])) == ("done", 2, 0, 0, 0)
    assert (rows_of(town.database, "worker"), rows_of(town.database, "certificate")) == (2, 2)
    before = town.database.rows("SELECT * FROM weld.worker, weld.certificate ORDER BY 1")
    again = await bring(town, officer, data)
    assert counts(again) == ("previewed", 0, 0, 2, 0)
    assert counts(await confirm(town, officer, again["id"])) == ("done", 0, 0, 2, 0)
    assert town.database.rows("SELECT * FROM weld.worker, weld.certificate ORDER BY 1") == before


async def test_a_workbook_is_entered_like_a_csv(town: Town) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheets.template("xlsx", "zh")))
    sheet: Any = book.active
    sheet.append(row(1))
    sheet.append([])
    sheet.append(row(2))
    sheet["J2"] = openpyxl.utils.datetime.from_excel(45658)  # a date that is a date
    file = io.BytesIO()
    book.save(file)
    officer = await town.officer()
    found = await bring(town, officer, file.getvalue(), XLSX)
    assert counts(found) == ("previewed", 2, 0, 0, 0)
    assert counts(await confirm(town, officer, found["id"])) == ("done", 2, 0, 0, 0)
    assert town.database.rows("SELECT valid_from::text FROM weld.certificate") == [("2025-01-01",), ("2025-01-01",)]


async def test_an_imported_worker_signs_in_and_opens_a_machine(town: Town) -> None:
    officer, code = await town.officer(), await town.machine()
    found = await bring(town, officer, table([row(1)]))
    await confirm(town, officer, found["id"])
    token = await town.sign_in("13700000001")
    answer = await town.http.post(
        "/api/v1/unlocks",
        json={"plate": code},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
    )
    assert answer.status_code == 201, answer.text


async def test_what_changed_is_counted_and_changed(town: Town) -> None:
    officer = await town.officer()
    await confirm(town, officer, (await bring(town, officer, table([row(1), row(2), row(3)])))["id"])
    rows = [row(1, phone="13711111111"), row(2, valid_to="2029-12-31"), row(3), row(3, item="压力焊作业")]
    found = await bring(town, officer, table(rows))
    assert counts(found) == ("previewed", 1, 2, 1, 0)
    assert counts(await confirm(town, officer, found["id"])) == ("done", 1, 2, 1, 0)
    assert (rows_of(town.database, "worker"), rows_of(town.database, "certificate")) == (3, 4)


async def test_the_preview_shows_masked_rows_and_what_is_wrong_in_both_languages(town: Town) -> None:
    officer = await town.officer()
    bad = row(2, identity="410502199001010025", phone="77", division="99", enterprise="")
    found = await bring(town, officer, table([row(1), bad]))
    shown = await look(town, officer, found["id"], "/preview")
    assert [each["row"] for each in shown["rows"]] == [2, 3]
    assert "李样例1" not in str(shown)
    assert row(1)[1] not in str(shown)
    told = {(each["row"], each["field"], each["code"]) for each in shown["errors"]}
    assert {(3, "identity", "check"), (3, "phone", "length")} <= told
    first = next(each for each in shown["errors"] if each["field"] == "identity")
    assert first["text"]["zh"].startswith("位置 18")
    assert first["text"]["en"].startswith("character 18")
    assert first["column"] == {"zh": "身份证号", "en": "identity number"}
    one = await look(town, officer, found["id"], "/preview?limit=1")
    other = await look(town, officer, found["id"], f"/preview?limit=200&after={one['next']}")
    assert one["errors"] + other["errors"] == shown["errors"]


async def test_wrong_rows_come_back_as_a_csv_and_go_in_when_they_are_mended(town: Town) -> None:
    officer = await town.officer()
    found = await bring(town, officer, table([row(1), row(2, phone="77"), row(3)]))
    assert counts(found) == ("previewed", 2, 0, 0, 1)
    assert counts(await confirm(town, officer, found["id"])) == ("done", 2, 0, 0, 1)
    report = await errors(town, officer, found["id"])
    assert report[0] == [*HEADINGS, "错误"]
    assert report[1][-1] == "手机号: 应有 11 位，实有 2 位"
    assert report[1][1] == f"'{row(2)[1]}"
    report[1][2] = "13700000002"
    mended = "".join(sheets.line(each) for each in report).encode()
    again = await bring(town, officer, mended)
    assert counts(await confirm(town, officer, again["id"])) == ("done", 1, 0, 0, 0)
    assert rows_of(town.database, "worker") == 3


async def test_what_the_register_knows_better_is_told_row_by_row(town: Town) -> None:
    officer, welder = await town.officer(), await town.welder()
    rows = [
        row(1, phone=welder.phone),
        row(2, enterprise="91350100M000100Y43"),
        row(3, division="99"),
        row(4),
        row(4, phone="13722222222"),
        row(5, phone="13700000004"),
        row(6, kind="建筑施工特种作业操作资格证", number="JZ0001"),
        row(7, kind="建筑施工特种作业操作资格证", number="JZ0001"),
    ]
    found = await bring(town, officer, table(rows))
    shown = await look(town, officer, found["id"], "/preview")
    assert [(each["row"], each["field"], each["code"]) for each in shown["errors"]] == [
        (2, "phone", "taken"),
        (3, "enterprise", "unknown"),
        (4, "division", "unknown"),
        (6, None, "differs"),
        (6 + 1, "phone", "taken"),
        (9, "number", "holder"),
    ]
    assert counts(await confirm(town, officer, found["id"])) == ("done", 2, 0, 0, 6)


async def test_a_division_officer_touches_nobody_outside_his_subtree(town: Town) -> None:
    far = await town.officer("division:37")
    found = await bring(town, far, table([row(1), row(2, enterprise="", division="37")]))
    shown = await look(town, far, found["id"], "/preview")
    assert [(each["row"], each["field"], each["code"]) for each in shown["errors"]] == [(2, "enterprise", "unknown")]
    assert counts(await confirm(town, far, found["id"])) == ("done", 1, 0, 0, 1)
    near = await town.officer("division:4105")
    taken = await bring(town, near, table([row(2), row(3, enterprise="", division="37"), row(4)]))
    shown = await look(town, near, taken["id"], "/preview")
    assert [(each["row"], each["field"], each["code"]) for each in shown["errors"]] == [
        (2, "identity", "scope"),
        (3, "division", "scope"),
    ]
    assert counts(await confirm(town, near, taken["id"])) == ("done", 1, 0, 0, 2)
    assert town.database.rows("SELECT division, count(*) FROM weld.worker GROUP BY 1 ORDER BY 1") == [
        ("37", 1),
        ("410502", 1),
    ]


async def test_an_enterprise_enters_its_own_people_and_does_not_verify_their_certificates(town: Town) -> None:
    own = await town.officer(f"enterprise:{ENTERPRISE}")
    found = await bring(town, own, table([row(1, enterprise="", division="", status="有效"), row(2, division="37")]))
    assert counts(await confirm(town, own, found["id"])) == ("done", 2, 0, 0, 0)
    assert town.database.rows("SELECT DISTINCT status, checked_at IS NULL FROM weld.certificate") == [
        ("unverified", True)
    ]
    assert town.database.rows("SELECT count(*) FROM weld.worker w JOIN weld.enterprise e ON e.id = w.enterprise") == [
        (2,)
    ]
    office = await town.officer("division:4105")
    checked = await bring(town, office, table([row(1, status="有效")]))
    assert counts(await confirm(town, office, checked["id"])) == ("done", 0, 1, 0, 0)
    again = await bring(town, own, table([row(1)]))
    assert counts(again) == ("previewed", 0, 0, 1, 0)
    longer = await bring(town, own, table([row(1, valid_to="2040-12-31")]))
    await confirm(town, own, longer["id"])
    assert town.database.rows("SELECT status FROM weld.certificate WHERE valid_to > '2039-01-01'") == [("unverified",)]


async def test_a_revoked_certificate_is_not_brought_back_by_a_row_that_does_not_say_so(town: Town) -> None:
    officer = await town.officer()
    await confirm(town, officer, (await bring(town, officer, table([row(1, status="吊销")])))["id"])
    await confirm(town, officer, (await bring(town, officer, table([row(1, valid_to="2031-12-31")])))["id"])
    assert town.database.rows("SELECT status, valid_to::text FROM weld.certificate") == [("revoked", "2031-12-31")]


async def test_an_import_is_seen_with_its_own_scope_and_the_platforms_only(town: Town) -> None:
    one, other = await town.officer("division:4105"), await town.officer("division:37")
    found = await bring(town, one, table([row(1), row(2, phone="7")]))
    own = await town.officer(f"enterprise:{ENTERPRISE}")
    for stranger in (other, own, await town.officer("division:410502"), await town.officer("division:41")):
        for method, rest in (
            ("GET", ""),
            ("GET", "/preview"),
            ("GET", "/errors.csv"),
            ("POST", "/confirm"),
            ("POST", "/stop"),
        ):
            answer = await town.http.request(method, f"/api/v1/imports/{found['id']}{rest}", headers=stranger)
            assert answer.status_code == 404, (method, rest)
        assert (await town.http.get("/api/v1/imports", headers=stranger)).json()["imports"] == []
    with psycopg.connect(town.database.url("api")) as conn:
        for name in ("import", "import_part", "import_chunk"):
            assert conn.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() == (0,)
    seen = await town.http.get("/api/v1/imports", headers=await town.officer())
    assert [each["id"] for each in seen.json()["imports"]] == [found["id"]]


async def test_it_goes_on_at_the_next_chunk_after_a_crash(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "CHUNK", 2)
    officer, data = await town.officer(), table([row(number) for number in range(1, 8)])
    headers = officer | {"Content-Type": "text/csv"}
    number = (await town.http.post("/api/v1/imports", content=data, headers=headers)).json()["id"]
    for _ in range(3):  # each hand does one chunk and is never seen again
        assert await Importer(town.parts.pool, town.parts.vault, town.clock).step()
    assert (await look(town, officer, number))["rows_read"] == 6
    await work(town)
    await town.http.post(f"/api/v1/imports/{number}/confirm", headers=officer)
    for done in (2, 4):
        await Importer(town.parts.pool, town.parts.vault, town.clock).step()
        assert (await look(town, officer, number))["rows_entered"] == done == rows_of(town.database, "worker")
    await work(town)
    assert counts(await look(town, officer, number)) == ("done", 7, 0, 0, 0)


async def test_it_stops_between_two_chunks_and_what_was_entered_stays(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "CHUNK", 2)
    officer = await town.officer()
    found = await bring(town, officer, table([row(number) for number in range(1, 8)]))
    await town.http.post(f"/api/v1/imports/{found['id']}/confirm", headers=officer)
    await Importer(town.parts.pool, town.parts.vault, town.clock).step()
    stopped = await town.http.post(f"/api/v1/imports/{found['id']}/stop", headers=officer)
    assert (stopped.json()["state"], stopped.json()["rows_entered"]) == ("stopped", 2)
    await work(town)
    assert rows_of(town.database, "worker") == 2
    late = await town.http.post(f"/api/v1/imports/{found['id']}/confirm", headers=officer)
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"a,b\n1,2\n", "text/csv", "missing: name, identity number, phone"),
        ("姓名,身份证号,手机号\n".encode(), "text/csv", "no rows"),
        (b"\xff\xfe\x81\x00\xff\xff", "text/csv", "neither UTF-8 nor GB18030"),
        ('姓名,身份证号,手机号\n"张'.encode() + b"x" * (3 << 20), "text/csv", "never closed"),
        (b"PK\x03\x04nothing", XLSX, "no XLSX workbook"),
        (b"no workbook", XLSX, "no XLSX workbook"),
    ],
)
async def test_a_file_that_is_no_table_is_stopped_with_a_reason(town: Town, data: bytes, kind: str, words: str) -> None:
    found = await bring(town, await town.officer(), data, kind)
    assert found["state"] == "stopped"
    assert words in found["why"]["en"]
    assert rows_of(town.database, "import_part") == 0


async def test_a_body_that_is_too_large_or_of_another_kind_is_refused_and_nothing_of_it_kept(
    database: Database,
) -> None:
    async with founded(database, api_import_bytes=2048) as town:
        officer = await town.officer()
        large = await town.http.post(
            "/api/v1/imports", content=b"x" * 4096, headers=officer | {"Content-Type": "text/csv"}
        )
        other = await town.http.post("/api/v1/imports", content=b"x", headers=officer | {"Content-Type": "text/html"})
        empty = await town.http.post("/api/v1/imports", headers=officer | {"Content-Type": "text/csv"})
        assert [each.status_code for each in (large, other, empty)] == [413, 415, 422]
        assert rows_of(database, "import_part") == 0


async def test_nobody_gets_in_without_the_right(town: Town) -> None:
    welder, reader = await town.welder(), await town.officer(rights=["workers:read"])
    headers = {"Content-Type": "text/csv"}
    for who, status in (({}, 401), (welder.bearer, 401), (reader, 403)):
        answer = await town.http.post("/api/v1/imports", content=table([row(1)]), headers=headers | who)
        assert answer.status_code == status
    assert rows_of(town.database, "import") == 0


async def test_open_imports_of_a_scope_are_limited(database: Database) -> None:
    async with founded(database, api_imports_open=1) as town:
        officer = await town.officer()
        await bring(town, officer, table([row(1)]))
        more = await town.http.post(
            "/api/v1/imports", content=table([row(1)]), headers=officer | {"Content-Type": "text/csv"}
        )
        assert more.status_code == 429


async def test_nothing_personal_stands_in_the_database_the_log_and_the_audit(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    officer = await town.officer()
    found = await bring(town, officer, table([row(1), row(2, phone="12345678901")]))
    await confirm(town, officer, found["id"])
    await errors(town, officer, found["id"])
    tables = ("import", "import_part", "import_chunk", "audit", "worker", "certificate")
    stored = b"".join(
        bytes(cell) if isinstance(cell, bytes) else str(cell).encode()
        for name in tables
        for each in town.database.rows(f"SELECT * FROM weld.{name}")
        for cell in each
    )
    said = capsys.readouterr()
    for personal in ("李样例1", "李样例2", row(1)[1], row(2)[1], "13700000001", "12345678901"):
        assert personal.encode() not in stored
        assert personal not in said.out + said.err
    actions = [action for (action,) in town.database.rows("SELECT action FROM weld.audit ORDER BY seq")]
    assert actions == ["import.brought", "import.confirmed", "import.entered", "import.done", "import.errors_read"]


@pytest.mark.parametrize("withdrawn", ["revoked", "cancelled", "suspended", "suspected_fake"])
@pytest.mark.parametrize("claimed", ["", "有效", "未核验"])
async def test_a_withdrawn_certificate_does_not_become_good_by_an_import(
    town: Town, withdrawn: str, claimed: str
) -> None:
    officer = await town.officer()
    first = await bring(town, officer, table([row(1)]))
    await confirm(town, officer, first["id"])
    town.database.rows("UPDATE weld.certificate SET status = %s", withdrawn)
    again = await bring(town, officer, table([row(1, status=claimed, valid_to="2031-12-31")]))
    assert counts(await confirm(town, officer, again["id"])) == ("done", 0, 1, 0, 0)
    assert town.database.rows("SELECT status, valid_to::text FROM weld.certificate") == [(withdrawn, "2031-12-31")]


async def test_what_is_withdrawn_while_a_chunk_is_entered_stays_so(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    officer = await town.officer()
    first = await bring(town, officer, table([row(1)]))
    await confirm(town, officer, first["id"])
    again = await bring(town, officer, table([row(1, valid_to="2031-12-31")]))
    put = rosters.put

    async def late(*words: Any) -> None:
        town.database.rows("UPDATE weld.certificate SET status = 'revoked'")
        await put(*words)

    monkeypatch.setattr("weld.store.rosters.put", late)
    await confirm(town, officer, again["id"])
    assert town.database.rows("SELECT status, valid_to::text FROM weld.certificate") == [("revoked", "2031-12-31")]


async def test_a_department_brings_workers_of_its_division_and_no_others(town: Town) -> None:
    department = str(uuid4())
    town.database.rows(
        "INSERT INTO weld.department (id, name, kind, division, created_at) VALUES (%s, 'x', 'emergency', '4105', now())",
        department,
    )
    officer = await town.officer(f"department:{department}")
    rows = [row(1, enterprise=""), row(2, enterprise="", division="37")]
    found = await bring(town, officer, table(rows))
    assert counts(await confirm(town, officer, found["id"])) == ("done", 1, 0, 0, 1)


async def test_rows_that_were_entered_are_forgotten_at_once_and_the_rest_after_some_days(town: Town) -> None:
    officer = await town.officer()
    found = await bring(town, officer, table([row(1), row(2, phone="7")]))
    assert rows_of(town.database, "import_part") == 0
    await confirm(town, officer, found["id"])
    assert len(await errors(town, officer, found["id"])) == 2
    waiting = await bring(town, officer, table([row(3)]))
    with psycopg.connect(town.database.url("owner"), autocommit=True) as conn:
        maintenance.forget(conn, town.clock.now() + timedelta(days=31), retention.load()[-1])
    assert len(await errors(town, officer, found["id"])) == 1
    assert town.database.rows("SELECT count(*) FROM weld.import_chunk WHERE sealed IS NOT NULL") == [(0,)]
    assert (await look(town, officer, waiting["id"]))["state"] == "stopped"


@pytest.mark.parametrize("file", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_template_is_a_table_that_we_read(town: Town, file: str, language: str) -> None:
    officer = await town.officer()
    answer: httpx.Response = await town.http.get(
        f"/api/v1/imports/template?file={file}&language={language}", headers=officer
    )
    found = await bring(town, officer, answer.content, "text/csv" if file == "csv" else XLSX)
    assert found["why"]["en"] == "the table has no rows"


async def test_a_chunk_that_fails_leaves_nothing_of_itself(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    officer = await town.officer()
    found = await bring(town, officer, table([row(1)]))

    async def broken(*_: object) -> None:
        raise KeyError(row(1)[0])

    monkeypatch.setattr("weld.store.imports.chunk_done", broken)
    stopped = await confirm(town, officer, found["id"])
    assert (stopped["state"], stopped["rows_entered"]) == ("stopped", 0)
    assert row(1)[0] not in str(stopped)
    assert (rows_of(town.database, "worker"), rows_of(town.database, "certificate")) == (0, 0)


async def test_two_apis_share_an_import_without_entering_a_row_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "CHUNK", 2)
    officer = await town.officer()
    found = await bring(town, officer, table([row(number) for number in range(1, 12)]))
    await town.http.post(f"/api/v1/imports/{found['id']}/confirm", headers=officer)
    await asyncio.gather(work(town), work(town))
    await work(town)  # who finds the row held has nothing to do just then
    assert counts(await look(town, officer, found["id"])) == ("done", 11, 0, 0, 0)
    entered = town.database.rows("SELECT count(*) FROM weld.audit WHERE action = 'import.entered'")
    assert entered == [(6,)]
