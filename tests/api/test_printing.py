"""Printed plates: in their true size, each code readable and leading to its own machine, and nothing else on the sheet."""

import asyncio
import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api import printing
from api.paper import code as codes
from api.paper import label as labels
from api.paper import sheet
from api.paper.code import BadCodeError, make, mark_of, read_back
from api.paper.label import Imprint, Label
from api.settings import ApiSettings
from tests.api.printed import pdf_pages, svg_page
from tests.api.town import Town
from weld.cli import plates as command
from weld.core import plate

RIGHTS = ["plates:print"]
IMPRINT = Imprint("https://wg.example", "焊码通", "400-000-0000")


def label(serial: int, imprint: Imprint = IMPRINT, model: str = "ZX7-315") -> Label:
    number = plate.make("410506", "A", serial)
    return Label.make(number, model, imprint, plate.url(imprint.public_url, number, "AB12CD34"))


def address(town: Town, number: str) -> str:
    return f"{town.parts.settings.public_url}/m/{number}?k={mark_of(town.database.vault, number)}"


# ---- the code


@pytest.mark.parametrize(("length", "modules"), [(58, 41), (64, 45), (65, 41), (86, 45), (122, 45)])
def test_a_module_is_never_smaller_than_six_tenths_of_a_millimetre(length: int, modules: int) -> None:
    made = make("https://wg.example/".ljust(length, "x"))
    assert len(made.modules) == modules
    assert made.module_mm >= 0.6
    assert made.module_mm * (modules + 8) == pytest.approx(33)


def test_an_address_that_would_need_smaller_modules_is_refused() -> None:
    with pytest.raises(BadCodeError, match="too long"):
        make("x" * 123)


def test_a_code_of_another_plate_is_found_when_it_is_read_back() -> None:
    ours, other = make(label(1).code.text), make(label(2).code.text)
    with pytest.raises(BadCodeError, match="does not read"):
        read_back(dataclasses.replace(ours, modules=other.modules))


def test_a_code_that_cannot_be_read_is_found_when_it_is_read_back() -> None:
    ours = make(label(1).code.text)
    rows = [tuple(not dark for dark in row) if place % 3 else row for place, row in enumerate(ours.modules)]
    with pytest.raises(BadCodeError, match="does not read"):
        read_back(dataclasses.replace(ours, modules=tuple(rows)))


def test_a_sixth_of_the_code_may_be_worn_off() -> None:
    ours = make(label(1).code.text)
    side = len(ours.modules)
    worn = tuple(
        tuple(dark and not (side * 5 // 8 < y and side // 4 < x < side * 3 // 4) for x, dark in enumerate(row))
        for y, row in enumerate(ours.modules)
    )
    read_back(dataclasses.replace(ours, modules=worn))


# ---- the page


def test_an_svg_has_its_true_size_and_its_code_reads() -> None:
    page = svg_page(labels.svg(label(7)))
    assert (page.width_mm, page.height_mm) == (64, 34)
    assert page.codes() == [label(7).code.text]
    edges = [(x, y, x + width, y + height) for x, y, width, height in page.bars]
    dark_mm = max(edge[2] for edge in edges) - min(edge[0] for edge in edges)
    assert dark_mm == pytest.approx(33 * 41 / 49, abs=0.01)
    assert min(min(edge[:2]) for edge in edges) == pytest.approx(0.5 + 4 * 33 / 49, abs=0.01)


def test_a_single_plate_as_pdf_has_its_true_size() -> None:
    (page,) = pdf_pages(sheet.single(label(7)))
    assert (round(page.width_mm, 3), round(page.height_mm, 3)) == (64, 34)
    assert page.codes() == [label(7).code.text]


def test_a_sheet_holds_24_plates_and_every_code_on_it_reads() -> None:
    made = [label(serial) for serial in range(50)]
    pages = pdf_pages(sheet.sheets(made))
    assert [(round(page.width_mm, 3), round(page.height_mm, 3)) for page in pages] == [(210, 297)] * 3
    read = [page.codes() for page in pages]
    assert [len(page) for page in read] == [24, 24, 2]
    assert [text for page in read for text in page] == [one.code.text for one in made]
    left = [round(min(bar[0] for bar in page.bars), 2) for page in pages]
    assert left == [round(9 + 0.5 + 4 * 33 / 49, 2)] * 3


def test_the_same_plates_give_the_same_file() -> None:
    assert sheet.sheets([label(1), label(2)]) == sheet.sheets([label(1), label(2)])


def test_the_tail_number_is_seven_millimetres_high_and_the_domain_stands_in_clear() -> None:
    lines = label(1).lines()
    tail = next(line for line in lines if line.text == label(1).plate[-4:])
    assert tail.fitted_mm * 0.71 == pytest.approx(7)
    assert "网址只认 wg.example" in [line.text for line in lines]
    assert "ZX7-315  热线 400-000-0000" in [line.text for line in lines]
    assert f"410506 A 000000 {label(1).plate[-4:]}" in [line.text for line in lines]


def test_long_words_stay_on_the_plate_and_apart() -> None:
    wordy = Imprint(
        "https://welding-permits.emergency.anyang.gov.cn",
        "安阳市焊接与热切割作业安全监管服务平台",
        "0372-5000000 转 8000",
    )
    for made in (
        label(1),
        label(2, wordy, "MILLERMATIC 350P Plus 数字化脉冲气保焊机"),
        label(3, Imprint(IMPRINT.public_url, "x", "")),
    ):
        lines = made.lines()
        for line in lines:
            right = line.x_mm if line.anchor == "end" else line.x_mm + line.width_mm
            assert right <= 63.01, line.text
            assert 0 < line.y_mm < 34
            assert line.fitted_mm > 1, line.text
        below = lines[3:]
        for above, under in pairwise(below):
            assert under.y_mm - above.y_mm >= 0.9 * under.fitted_mm, under.text


# ---- over HTTP


async def ask(town: Town, method: str, path: str, body: Any = None, scope: str = "platform") -> httpx.Response:
    return await town.http.request(method, f"/api/v1{path}", json=body, headers=await town.officer(scope, RIGHTS))


async def test_one_plate_leads_to_its_machine_and_says_that_we_printed_it(town: Town) -> None:
    number = await town.machine(model='A<&>"1')
    drawn = await ask(town, "GET", f"/machines/{number}/plate.svg")
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.headers["content-disposition"] == f'inline; filename="{number}.svg"'
    assert "default-src 'none'" in drawn.headers["content-security-policy"]
    assert "A&lt;&amp;&gt;" in drawn.text
    (found,) = svg_page(drawn.text).codes()
    assert found == address(town, number)
    verified = await town.http.get(f"/api/v1/plates/{number}", params=httpx.URL(found).params)
    assert verified.json()["printed_by_us"] is True
    paper = await ask(town, "GET", f"/machines/{number}/plate.pdf")
    assert paper.headers["content-type"] == "application/pdf"
    assert [page.codes() for page in pdf_pages(paper.content)] == [[address(town, number)]]
    trace = "SELECT subject, detail->>'plates' FROM weld.audit WHERE action = 'plates.printed'"
    assert town.database.rows(trace) == [(number, "1")] * 2


async def test_a_sheet_is_of_these_or_of_an_enterprise_or_of_a_division(town: Town) -> None:
    credit, enterprise = town.database.rows("SELECT credit_code, id FROM weld.enterprise")[0]
    first, theirs, far = await town.machine(), await town.machine(enterprise=credit), await town.machine("37")
    for body, wanted in (
        ({"plates": [far, first, far]}, [far, first]),
        ({"enterprise": str(enterprise)}, [theirs]),
        ({"division": "41"}, sorted([first, theirs])),
    ):
        answer = await ask(town, "POST", "/plates/sheet", body)
        assert answer.status_code == 200, answer.text
        (page,) = pdf_pages(answer.content)
        assert page.codes() == [address(town, number) for number in wanted]


@pytest.mark.parametrize(
    "body", [{}, {"plates": []}, {"plates": ["x"]}, {"division": "41", "enterprise": str(uuid4())}, {"surprise": 1}]
)
async def test_a_sheet_of_something_unclear_is_refused(town: Town, body: Any) -> None:
    answer = await ask(town, "POST", "/plates/sheet", body)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")


async def test_more_plates_than_a_request_holds_are_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "MOST", 1)
    for _ in range(2):
        await town.machine()
    answer = await ask(town, "POST", "/plates/sheet", {"division": "41"})
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")


async def test_another_division_prints_nothing_not_even_a_part(town: Town) -> None:
    number, own = await town.machine(), await town.machine("37")
    shandong = "division:37"
    for method, path, body in (
        ("GET", f"/machines/{number}/plate.svg", None),
        ("GET", f"/machines/{number}/plate.pdf", None),
        ("POST", "/plates/sheet", {"plates": [own, number]}),
        ("POST", "/plates/sheet", {"division": "41"}),
    ):
        answer = await ask(town, method, path, body, shandong)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found"), path
    assert (await ask(town, "POST", "/plates/sheet", {"plates": [own]}, shandong)).status_code == 200
    assert town.database.rows("SELECT count(*) FROM weld.audit WHERE action = 'plates.printed'") == [(1,)]


async def test_a_code_that_reads_wrong_is_an_error_and_no_plate(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await town.machine()
    wrong = codes._picture(make("https://evil.example"))
    monkeypatch.setattr(codes, "_picture", lambda _code: wrong)
    answer = await ask(town, "GET", f"/machines/{number}/plate.svg")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")


async def test_drawing_holds_no_connection(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    number, drawing, go_on = await town.machine(), asyncio.Event(), asyncio.Event()
    officer, loop = await town.officer(rights=RIGHTS), asyncio.get_running_loop()

    def slow(*_rest: Any) -> list[Label]:
        loop.call_soon_threadsafe(drawing.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        return [label(1)]

    monkeypatch.setattr(printing, "labels", slow)
    asked = asyncio.create_task(town.http.get(f"/api/v1/machines/{number}/plate.svg", headers=officer))
    await asyncio.wait_for(drawing.wait(), 10)
    stats = town.parts.pool.get_stats()
    assert stats["pool_available"] == stats["pool_size"]
    go_on.set()
    assert (await asked).status_code == 200


# ---- from the command line


async def drawn(town: Town, out: Path, **asked: Any) -> int:
    settings = ApiSettings(public_url="https://wg.example")
    words = (town.database.url("api"), town.database.vault, settings, town.clock.now())
    return await command.draw(command.Asked(**asked), out, *words)


async def test_the_command_prints_an_enterprise_a_division_or_single_plates(town: Town, tmp_path: Path) -> None:
    credit = town.database.rows("SELECT credit_code FROM weld.enterprise")[0][0]
    first, theirs = await town.machine(), await town.machine(enterprise=credit)
    for asked, wanted in (
        ({"enterprise": credit}, [theirs]),
        ({"division": "41"}, [first, theirs]),
        ({"plates": [first]}, [first]),
    ):
        assert await drawn(town, tmp_path / "sheet.pdf", **asked) == len(wanted)
        (page,) = pdf_pages((tmp_path / "sheet.pdf").read_bytes())
        marks = [mark_of(town.database.vault, number) for number in wanted]
        assert page.codes() == [f"https://wg.example/m/{one}?k={k}" for one, k in zip(wanted, marks, strict=True)]
    assert await drawn(town, tmp_path / "one.svg", plates=[first]) == 1
    assert len(svg_page((tmp_path / "one.svg").read_text()).codes()) == 1


async def test_the_command_prints_all_or_nothing(town: Town, tmp_path: Path) -> None:
    first, unknown = await town.machine(), str(plate.make("410502", "A", 999))
    await town.machine()
    for name, asked in (
        ("a.pdf", {}),
        ("a.pdf", {"plates": [first], "division": "41"}),
        ("a.pdf", {"plates": [first, unknown]}),
        ("a.pdf", {"division": "37"}),
        ("a.pdf", {"enterprise": "x"}),
        ("a.svg", {"division": "41"}),
        ("a.png", {"plates": [first]}),
    ):
        with pytest.raises(command.AskedWronglyError):
            await drawn(town, tmp_path / name, **asked)
    assert list(tmp_path.iterdir()) == []
