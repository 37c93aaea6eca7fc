"""A stolen dump and stolen logs: people come in by every door and work, and neither holds a number or a name in plain.

The logs are those of a process as it runs; a line that its filter had to refuse is a mistake as well.
"""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from tests.api.browser import account, browser, sign_in
from tests.api.staff import seat
from tests.api.test_imports import bring, confirm, row, table
from tests.api.test_registers import WORKER
from tests.api.town import GOOD, Town, Welder
from tests.dump import dump
from weld.core import mask
from weld.kit import log

REASON = "事故调查需要核对身份"


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What this process wrote, as the api is set up to write."""
    root, lines = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    log.configure("api", json=True)
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(lines)
    yield lines.getvalue
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def found(words: list[str], text: str) -> list[str]:
    """Which of these stand in a text, as they are or as JSON writes them."""
    return [word for word in words if word in text or json.dumps(word)[1:-1] in text]


async def through_every_door(town: Town) -> list[str]:
    """People by the registers and by an import, with everything that happens to people; what must not be seen of them."""
    key, regulator = await town.officer(), await seat(town, "division_regulator")
    entry = WORKER | {"name": "孙样例", "division": "410502"}
    await posted(town, "/registers/workers", key, entry)
    paper = GOOD | {"identity": entry["identity"], "number": f"T{entry['identity']}"}
    dates = {"valid_from": "2025-01-01", "valid_to": "2030-01-01"}
    await posted(town, "/registers/certificates", key, paper | dates)
    rows = [row(21), row(22, phone="7"), row(23, name="赵样例三")]
    imported = await bring(town, key, table(rows))
    before = dump(town.database)  # previewed: the rows wait in the database
    await confirm(town, key, imported["id"])
    waiting = await bring(town, key, table([row(24), row(25)]))
    words = [
        entry["name"],
        entry["identity"],
        entry["phone"],
        *(cell for each in rows for cell in each[:3]),
        "李样例24",
    ]
    words = [word for word in words if len(word) > 1]
    assert found(words, before) == []
    assert waiting["state"] == "previewed"

    worker = Welder(uuid4(), entry["identity"], entry["phone"], entry["name"], await town.sign_in(entry["phone"]))
    plate = await town.machine()
    unlock = await town.unlock(worker, plate)
    assert unlock.status_code == 201, unlock.text
    session = await town.contact_closes(unlock.json()["id"], plate)
    stranger = await town.welder(papers=False)
    await town.unlock(stranger, await town.machine())
    await town.contact_opens(session, unlock.json()["id"], plate)
    await look(town, regulator, words, worker)
    await stumble(town, key, regulator, entry)
    return [*words, *town.secrets]


async def look(town: Town, regulator: dict[str, str], words: list[str], worker: Welder) -> None:
    """What officers and the worker himself read; in full only by the doors that are for it."""
    listed = (await town.http.get("/api/v1/workers", headers=regulator)).json()["workers"]
    number = next(one["id"] for one in listed if one["name"] == mask.mask_name(worker.name))
    await posted(town, f"/workers/{number}/reveal", regulator, {"field": "phone", "reason": REASON})
    await posted(town, f"/workers/{number}/export", regulator, None)
    for path in ("", "/certificates", "/sessions", "/export"):
        answer = await town.http.get(f"/api/v1/me{path}", headers=worker.bearer)
        assert answer.status_code == 200, answer.text
        if path != "/export":
            assert found(words, answer.text) == []
    for path in ("/workers", f"/workers/{number}", "/sessions", "/alerts", "/imports"):
        answer = await town.http.get(f"/api/v1{path}", headers=regulator)
        assert found(words, answer.text) == [], path


async def stumble(town: Town, key: dict[str, str], regulator: dict[str, str], entry: dict[str, Any]) -> None:
    """What goes wrong, with numbers in the wrong places."""
    taken = entry | {"identity": "11010519491231002X"}
    mistakes: tuple[tuple[str, dict[str, str], Any], ...] = (
        ("/registers/workers", key, taken),  # another person with the phone of one who is there
        ("/registers/workers", key, entry | {"name": [entry["identity"]]}),
        ("/registers/workers", key, entry | {entry["identity"]: entry["phone"]}),
        ("/sign-in/codes", {}, {"phone": entry["phone"], entry["phone"]: 1}),
        (f"/workers/{entry['identity']}/reveal", regulator, {"field": "phone", "reason": REASON}),
        (f"/workers/{uuid4()}/erase", regulator, {"reason": entry["identity"] + entry["phone"]}),
        ("/unlocks", {}, {"plate": entry["identity"]}),
    )
    for path, headers, body in mistakes:
        answer = await town.http.post(f"/api/v1{path}", json=body, headers=headers)
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert found([entry["identity"], entry["phone"], entry["name"]], answer.text) == []
    headless = await bring(town, key, table([])[:3] + "".join(",".join(row(26)) + "\n").encode())
    assert headless["state"] == "stopped"
    who = await account(town, "stumbling")
    async with browser(town) as http:
        await sign_in(town, http, who)
        await http.post("/api/v1/staff/sign-in", json={"login": "x", "password": entry["phone"], "code": "000000"})


async def posted(town: Town, path: str, headers: dict[str, str], body: Any) -> httpx.Response:
    answer = await town.http.post(f"/api/v1{path}", json=body, headers=headers)
    assert answer.status_code < 300, (path, answer.text)
    return answer


async def test_neither_a_dump_nor_the_logs_hold_a_number_or_a_name_in_plain(
    logged: Callable[[], str], town: Town
) -> None:
    words = await through_every_door(town)
    stolen = dump(town.database)
    # the officer's own login and name are plain; what he types to get in is not
    assert found(words, stolen) == []
    lines = logged()
    assert "/workers/{worker}/reveal" in lines
    assert found([*words, log.REFUSED], lines) == []


def test_the_search_would_find_what_it_looks_for() -> None:
    assert found(["王样例", "1"], 'x "\\u738b\\u6837\\u4f8b"') == ["王样例"]
    assert found(["王样例"], "王样例") == ["王样例"]


@pytest.mark.parametrize(
    ("swap", "path", "body"),
    [
        ("SELECT name_sealed AS name_sealed", "", None),
        ("SELECT identity_sealed AS identity_sealed", "/reveal", {"field": "identity_number", "reason": REASON}),
        ("SELECT phone_sealed AS phone_sealed", "/reveal", {"field": "phone", "reason": REASON}),
        ("SELECT phone_sealed AS identity_sealed", "/reveal", {"field": "identity_number", "reason": REASON}),
    ],
)
async def test_a_ciphertext_that_was_moved_to_another_row_or_field_does_not_open(
    logged: Callable[[], str], town: Town, swap: str, path: str, body: Any
) -> None:
    victim, thief, regulator = await town.welder(), await town.welder(), await seat(town, "division_regulator")
    source, column = swap.removeprefix("SELECT ").split(" AS ")
    town.database.rows(
        f"UPDATE weld.worker SET {column} = (SELECT {source} FROM weld.worker WHERE id = %s) WHERE id = %s",
        victim.id,
        thief.id,
    )
    method = "GET" if body is None else "POST"
    answer = await town.http.request(method, f"/api/v1/workers/{thief.id}{path}", json=body, headers=regulator)
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    lines = logged()
    assert "does not open" in lines
    town.assert_nothing_personal(answer.text, lines)
