"""Records to take away: whole, typed, in scope, told to the audit; and when it cannot be whole, it is seen not to be."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pyarrow import parquet

from api import exports as routes
from tests.api.staff import seat
from tests.api.test_serve import Served, serving
from tests.api.town import Town
from tests.database import Database
from weld.core.records import Asked
from weld.store import exports

NOW = datetime.now(UTC).replace(microsecond=123456)
DAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
SPAN = {"since": (DAY - timedelta(days=5)).isoformat(), "until": (DAY + timedelta(days=1)).isoformat()}
FIRST = DAY - timedelta(days=3)


async def taken(town: Town, what: str, headers: dict[str, str], **words: Any) -> httpx.Response:
    return await town.http.get(f"/api/v1/exports/{what}", params=SPAN | words, headers=headers)


async def lines(town: Town, what: str, headers: dict[str, str], **words: Any) -> list[dict[str, str]]:
    answer = await taken(town, what, headers, **words)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


async def typed(town: Town, what: str, headers: dict[str, str], **words: Any) -> Any:
    answer = await taken(town, what, headers, format="parquet", **words)
    assert answer.status_code == 200, answer.text
    return parquet.read_table(io.BytesIO(answer.content))


def session(database: Database, plate: str, at: datetime, worker: UUID | None = None) -> str:
    found = str(uuid4())
    database.rows(
        "INSERT INTO weld.session (id, chip, chip_no, plate, division, worker, authorised, opened_at, closed_at, state,"
        " end_reason, contact_ms, arc_ms, energy_wh, peak_a, updated_at)"
        " SELECT %s, c.chip, c.chip_no, m.plate, m.division, %s, true, %s, %s, 'closed', 'worker', 60000, 1500, 12.25, 180.3,"
        " now() FROM weld.machine m JOIN weld.chip c ON c.chip = m.chip WHERE m.plate = %s",
        *(found, worker, at, at + timedelta(minutes=1), plate),
    )
    return found


def said(database: Database, plate: str, at: datetime, seq: int) -> None:
    database.rows(
        "INSERT INTO weld.telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms, current_a,"
        " peak_a, voltage_v, arc_ms, state, contact, energy_wh, mains, signal_dbm, lat, lon)"
        " SELECT c.chip_no, %s, 1, %s, now(), 'synced', 'no', 7, 5000, 4000, 1000, '{1.1,NULL,3.25}', '{2,2,2}', '{220,221,0.5}',"
        " '{0,900,1000}', 'arcing', 'closed', 0.1, true, -87, 36.1, 114.4"
        " FROM weld.machine m JOIN weld.chip c ON c.chip = m.chip WHERE m.plate = %s",
        *(at, seq, plate),
    )


def trail(town: Town) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (action, subject, detail)
        for action, subject, detail in town.database.rows(
            "SELECT action, subject, detail FROM weld.audit WHERE action LIKE 'export.%%' ORDER BY seq"
        )
    ]


async def test_sessions_leave_in_order_with_ids_for_people_and_times_with_their_zone(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer()
    second = session(town.database, code, FIRST + timedelta(hours=2), welder.id)
    first = session(town.database, code, FIRST, welder.id)
    session(town.database, code, DAY - timedelta(days=6), welder.id)
    answer = await taken(town, "sessions", officer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = f"weldgate-sessions-{DAY - timedelta(days=5):%Y%m%d}-{DAY + timedelta(days=1):%Y%m%d}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["session"] for row in rows] == [first, second]
    assert (rows[0]["worker"], rows[0]["plate"], rows[0]["arc_ms"]) == (str(welder.id), code, "1500")
    assert (rows[0]["opened_at"], rows[0]["peak_a"], rows[0]["grant"]) == (
        FIRST.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "180.3",
        "",
    )
    town.assert_nothing_personal(answer.text)


async def test_every_export_stands_in_the_audit_with_its_span_and_its_rows(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    session(town.database, code, FIRST)
    await taken(town, "sessions", officer, plate=code)
    begun, ended = trail(town)
    assert begun == ("export.begun", "sessions", SPAN | {"plate": code, "format": "csv"})
    assert ended == ("export.ended", "sessions", {"rows": 1, "complete": True})
    actors = town.database.rows("SELECT DISTINCT actor FROM weld.audit WHERE action LIKE 'export.%%'")
    assert len(actors) == 1
    assert actors[0][0].startswith("officer:")


async def test_parquet_keeps_every_type_and_every_unknown_sample(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    said(town.database, code, FIRST.replace(microsecond=123456), 1)
    table = await typed(town, "telemetry", officer, plate=code)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["at"] == "timestamp[us, tz=UTC]"
    assert types["current_a"] == "list<element: float>"
    assert types["arc_ms"] == "list<element: int32>"
    assert (types["seq"], types["signal_dbm"], types["mains"], types["lat_deg"]) == ("int64", "int16", "bool", "double")
    (row,) = table.to_pylist()
    assert row["at"] == FIRST.replace(microsecond=123456)
    assert (row["current_a"][1:], row["arc_ms"], row["plate"]) == ([None, 3.25], [0, 900, 1000], code)
    assert abs(row["current_a"][0] - 1.1) < 1e-7
    (line,) = await lines(town, "telemetry", officer, plate=code)
    assert json.loads(line["current_a"]) == [1.1, None, 3.25]
    assert (line["mains"], line["lat_deg"], line["signal_dbm"]) == ("true", "36.1", "-87")


async def test_nobody_takes_away_what_he_may_not_see(town: Town) -> None:
    code, shandong = await town.machine(), await town.officer("division:37")
    session(town.database, code, FIRST)
    said(town.database, code, FIRST, 1)
    rolled(town.database, code)
    for what in ("sessions", "telemetry", "machine_hour", "machine_day", "division_day", "enterprise_day"):
        words = {"plate": code} if what == "telemetry" else {}
        assert await lines(town, what, shandong, **words) == [], what
        assert len(await lines(town, what, await town.officer("division:4105"), **words)) == 1, what
    assert trail(town)[1] == ("export.ended", "sessions", {"rows": 0, "complete": True})


async def test_it_takes_the_right_to_export_and_the_right_to_read(town: Town) -> None:
    for rights in (["sessions:read", "machines:read"], ["records:export", "machines:read"]):
        answer = await taken(town, "sessions", await town.officer(rights=rights))
        assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
    assert (await taken(town, "machine_day", await town.officer(rights=rights))).status_code == 200
    assert (await taken(town, "sessions", await seat(town, "inspector", "division:41"))).status_code == 403
    assert [detail["rows"] for action, _, detail in trail(town) if action == "export.ended"] == [0]


def rolled(database: Database, plate: str, name: str = "=2+3", hours: int = 1) -> None:
    """An hour and a day of a machine, its division and an enterprise."""
    enterprise = database.rows("SELECT id FROM weld.enterprise")[0][0]
    database.rows("UPDATE weld.enterprise SET name = %s", name)
    for number in range(hours):
        at = FIRST + timedelta(hours=number)
        database.rows(
            "INSERT INTO weld.machine_hour (plate, hour, arc_ms, messages) VALUES (%s, %s, 700, 9)", plate, at
        )
    words = (plate, FIRST.date(), "410502", enterprise)
    database.rows(
        "INSERT INTO weld.machine_day (plate, day, division, enterprise, arc_ms) VALUES (%s, %s, %s, %s, 1400)", *words
    )
    for part in (-1, 4):
        sums = (FIRST.date(), part, 2**40)
        database.rows(
            "INSERT INTO weld.division_day (division, day, part, heard, arc_ms) VALUES ('410502', %s, %s, 3, %s)",
            *sums,
        )
        database.rows(
            "INSERT INTO weld.enterprise_day (enterprise, day, part, heard, arc_ms) VALUES (%s, %s, %s, 3, %s)",
            enterprise,
            *sums,
        )


async def test_rollups_of_all_kinds_with_the_parts_of_their_writers_added_up(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    rolled(town.database, code, hours=3)
    assert [row["hour"][11:16] for row in await lines(town, "machine_hour", officer)] == ["00:00", "01:00", "02:00"]
    (row,) = await lines(town, "machine_day", officer, division="4105")
    assert (row["plate"], row["day"], row["division"], row["arc_ms"]) == (code, f"{FIRST:%Y-%m-%d}", "410502", "1400")
    assert await lines(town, "machine_day", officer, division="37") == []
    (row,) = await lines(town, "division_day", officer)
    assert (row["division"], row["division_name"], row["heard"], row["arc_ms"]) == ("410502", "文峰区", "6", str(2**41))
    (typed_row,) = (await typed(town, "enterprise_day", officer)).to_pylist()
    assert (typed_row["arc_ms"], typed_row["day"]) == (2**41, FIRST.date())


async def test_a_name_that_a_spreadsheet_would_run_is_defused_and_numbers_stay_numbers(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    rolled(town.database, code, name='=HYPERLINK("http://x","y")')
    (row,) = await lines(town, "enterprise_day", officer)
    assert row["enterprise_name"] == '\'=HYPERLINK("http://x","y")'
    (exact,) = (await typed(town, "enterprise_day", officer)).to_pylist()
    assert exact["enterprise_name"] == '=HYPERLINK("http://x","y")'


async def test_a_mark_for_excel_stands_at_the_beginning_where_it_is_asked_for(town: Town) -> None:
    officer = await town.officer()
    assert (await taken(town, "machine_day", officer, bom="true")).content.startswith(b"\xef\xbb\xbfplate,day,")
    assert (await taken(town, "machine_day", officer)).content.startswith(b"plate,day,")


@pytest.mark.parametrize(
    ("what", "words", "why"),
    [
        ("sessions", {"until": SPAN["since"]}, "since, until"),
        ("division_day", {"plate": "410502A000000001H"}, "plate"),
        ("telemetry", {}, "one day"),
        ("sessions", {"since": "2026-01-01T00:00:00"}, "since"),
        ("secrets", {}, "what"),
    ],
)
async def test_what_cannot_be_given_is_refused_at_once(town: Town, what: str, words: dict[str, str], why: str) -> None:
    answer = await taken(town, what, await town.officer(), **words)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")
    assert why in answer.json()["detail"]
    assert trail(town) == []


async def test_pages_of_any_size_give_every_row_once_and_in_order(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    code, officer = await town.machine(), await town.officer()
    for number in range(7):
        session(town.database, code, FIRST + timedelta(minutes=number // 3))
        said(town.database, code, FIRST + timedelta(seconds=number // 5), number)
    rolled(town.database, code, hours=7)
    whole = {what: await lines(town, what, officer, plate=code) for what in ("sessions", "telemetry", "machine_hour")}
    assert {len(rows) for rows in whole.values()} == {7}
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(exports, "PAGE_ROWS", size)
        for what, rows in whole.items():
            assert await lines(town, what, officer, plate=code) == rows, (what, size)


async def test_more_machines_than_one_look_takes_are_all_there(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_OWNERS", 2)
    codes, officer = [await town.machine() for _ in range(5)], await town.officer()
    for code in codes:
        said(town.database, code, DAY, 1)
        town.database.rows("INSERT INTO weld.machine_day (plate, day) VALUES (%s, %s)", code, DAY.date())
    day = {"since": DAY.isoformat(), "until": (DAY + timedelta(days=1)).isoformat()}
    for what in ("telemetry", "machine_day"):
        assert [row["plate"] for row in await lines(town, what, officer, **day)] == sorted(codes)


async def test_how_far_it_is_grows_to_the_end(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 2)
    for number in range(3):
        code = await town.machine()
        for minute in range(5):
            session(town.database, code, FIRST + timedelta(hours=number, minutes=minute))
            said(town.database, code, FIRST + timedelta(minutes=minute), minute)
        rolled(town.database, code, hours=3) if number == 0 else None
    for what in ("sessions", "telemetry", "machine_hour", "machine_day", "division_day", "enterprise_day"):
        asked = Asked(what, DAY - timedelta(days=5), DAY + timedelta(days=1))
        behind = [page.behind async for page in exports.pages(town.parts.pool, "platform", asked)]
        assert behind == sorted(behind), what
        assert behind[-1] == 1, what


class Slow:
    """Pages without end, and what they have seen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given = 0
        self.closed = False
        monkeypatch.setattr(exports, "pages", self.pages)

    async def pages(self, *_: object) -> AsyncIterator[exports.Page]:
        row = (NOW, *("x" * 40,) * 9, True, NOW, NOW, "closed", "worker", 0, 1, 2, 3, 0.5, 1.5, False, NOW)
        try:
            while True:
                self.given += 1
                yield exports.Page([row] * 500, 0.5)
                await asyncio.sleep(0.01)
        finally:
            self.closed = True


async def told(town: Town, seconds: float = 10) -> dict[str, Any]:
    """What the audit says of the end."""
    async with asyncio.timeout(seconds):
        while len(trail(town)) < 2:
            await asyncio.sleep(0.05)
    found = trail(town)[-1]
    assert found[0] == "export.ended"
    return found[2]


@asynccontextmanager
async def taking(town: Town, folder: Path) -> AsyncIterator[tuple[Served, httpx.AsyncClient, httpx.Response]]:
    """A real process, and an export that has begun to come."""
    officer = await town.officer()
    async with (
        serving(town, folder) as served,
        httpx.AsyncClient(base_url=served.address, timeout=20, headers=officer) as client,
        client.stream("GET", "/api/v1/exports/sessions", params=SPAN) as response,
    ):
        yield served, client, response


async def drain(response: httpx.Response) -> None:
    async for _ in response.aiter_bytes():
        pass


async def test_an_export_ends_when_the_client_leaves(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    async with taking(town, tmp_path) as (_, client, response):
        assert response.headers["transfer-encoding"] == "chunked"
        pieces = response.aiter_bytes()
        await anext(pieces)
        twice = await client.get("/api/v1/exports/sessions", params=SPAN)
        assert (twice.status_code, twice.json()["detail"]) == (429, "one export at a time")
        await response.aclose()
        ended = await told(town)
        assert slow.closed
        assert (ended["complete"], ended["rows"] > 0) == (False, True)
        given = slow.given
        await asyncio.sleep(0.2)
        assert slow.given == given


async def test_an_export_waits_for_a_client_that_does_not_read(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch)
    async with taking(town, tmp_path):
        await asyncio.sleep(2)
        given = slow.given
        await asyncio.sleep(1)
        assert slow.given <= given + 1, "it goes on reading from the database for nobody"


async def test_an_export_that_breaks_off_does_not_end_as_a_whole_one(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_LOOK_EVERY_S", 0.2)
    Slow(monkeypatch)
    async with taking(town, tmp_path) as (_, _, response):
        assert response.status_code == 200
        town.database.rows("UPDATE weld.officer_key SET revoked_at = now()")
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await drain(response)
        assert (await told(town))["complete"] is False


async def test_an_export_ends_with_the_process(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Slow(monkeypatch)
    async with taking(town, tmp_path) as (served, _, response):
        served.stop.set()
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await drain(response)
    assert (await told(town))["complete"] is False


async def test_only_so_many_exports_run_in_one_api(town: Town) -> None:
    board = town.parts.board
    board.exporting.update({"officer:1", "officer:2", "officer:3", "officer:4"})
    answer = await taken(town, "sessions", await town.officer())
    assert (answer.status_code, answer.json()["detail"]) == (429, "too many exports at once")
    board.exporting.clear()
    assert (await taken(town, "sessions", await town.officer())).status_code == 200
    assert board.exporting == set()
