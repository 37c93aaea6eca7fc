"""Questions over long spans, over HTTP: a machine's year and its pages, its current, the queue of alerts, a month, the rate."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.town import Town

TODAY = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0)  # noon in Shanghai
DAY = TODAY - timedelta(days=2)
FAR = "division:37"


async def get(town: Town, path: str, headers: dict[str, str], expected: Any = 200, /, **params: Any) -> dict[str, Any]:
    answer = await town.http.get(f"/api/v1{path}", headers=headers, params=params)
    assert answer.status_code == expected, answer.text
    town.assert_nothing_personal(answer.text)
    found: dict[str, Any] = answer.json()
    return found


def spoke(town: Town, code: str, at: datetime, *peaks: float | None, seq: int = 1, late: str = "live") -> None:
    """Telemetry of ten seconds a sample that ends at `at`, and what it comes to in the rollups."""
    chip_no = town.database.rows(
        "SELECT c.chip_no FROM weld.chip c JOIN weld.machine m ON m.chip = c.chip WHERE m.plate = %s", code
    )[0][0]
    long, values = len(peaks) * 10_000, list(peaks)
    town.database.rows(
        "INSERT INTO weld.telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms,"
        " current_a, peak_a, voltage_v, arc_ms, state) VALUES (%s, %s, 1, %s, now(), 'synced', %s, 0, %s, 0, 10000, %s::real[],"
        " %s::real[], %s::real[], %s::int[], 'locked')",
        *(chip_no, at, seq, late, long, values, values, values, [0] * len(peaks)),
    )
    words = (
        code,
        at,
        long,
        long if late == "live" else 0,
        max((peak for peak in peaks if peak is not None), default=None),
    )
    for table, column, unit in (
        ("machine_hour", "hour", "date_trunc('hour', x.at, 'UTC')"),
        ("machine_day", "day", "(x.at AT TIME ZONE 'Asia/Shanghai')::date"),
    ):
        town.database.rows(
            f"INSERT INTO weld.{table} AS t (plate, {column}, covered_ms, online_ms, messages, peak_a)"
            f" SELECT x.plate, {unit}, x.covered, x.online, 1, x.peak FROM (SELECT %s::text, %s::timestamptz, %s::bigint,"
            f" %s::bigint, %s::real) AS x (plate, at, covered, online, peak) ON CONFLICT (plate, {column}) DO UPDATE SET"
            " covered_ms = t.covered_ms + excluded.covered_ms, online_ms = t.online_ms + excluded.online_ms,"
            " messages = t.messages + 1, peak_a = greatest(t.peak_a, excluded.peak_a)",
            *words,
        )


async def test_a_year_tells_days_silence_late_words_lost_numbers_and_alerts(town: Town) -> None:
    code, officer = await town.machine(), await town.officer("division:41")
    spoke(town, code, DAY, 0.0, 210.0)
    spoke(town, code, DAY + timedelta(days=1), 5.0, None, seq=2, late="chip")
    town.database.rows(
        "INSERT INTO weld.hole (chip_no, boot, from_seq, to_seq, why, at) SELECT chip_no, 1, 3, 9, 'lost', %s FROM weld.chip",
        DAY,
    )
    town.database.rows("UPDATE weld.chip_state SET missing = 4")
    stranger = await town.welder(papers=False)
    await town.unlock(stranger, code)
    year = await get(town, f"/machines/{code}/history", officer)
    told = [step for step in year["steps"] if step["messages"]]
    assert [(step["peak_a"], step["late_ms"]) for step in told] == [(210.0, 0), (5.0, 20_000)]
    first = datetime.fromisoformat(told[0]["since"])
    assert first.astimezone(UTC).hour == 16  # midnight in Shanghai
    assert first <= DAY < datetime.fromisoformat(told[0]["until"])
    assert next(gap["until"] for gap in year["silent"]) == told[0]["since"]
    assert [(lost["from_seq"], lost["to_seq"], lost["why"]) for lost in year["lost"]] == [(3, 9, "lost")]
    assert (year["missing"], year["zone"], year["by"]) == (4, "Asia/Shanghai", "day")
    assert len(year["alerts"]) == 1
    hours = await get(town, f"/machines/{code}/history", officer, by="hour")
    assert [step["covered_ms"] for step in hours["steps"] if step["messages"]] == [20_000, 20_000]
    await get(
        town, f"/machines/{code}/history", officer, 422, by="hour", since=(TODAY - timedelta(days=90)).isoformat()
    )


async def test_telemetry_and_events_come_page_by_page(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    for number in range(7):
        spoke(town, code, DAY + timedelta(minutes=number), float(number), seq=number)
    span = {"since": (DAY - timedelta(hours=1)).isoformat(), "until": TODAY.isoformat(), "limit": 3}
    found: list[int] = []
    page = await get(town, f"/machines/{code}/telemetry", officer, **span)
    while True:
        found += [point["seq"] for point in page["telemetry"]]
        if page["next"] is None:
            break
        page = await get(town, f"/machines/{code}/telemetry", officer, **span, after=page["next"])
    assert found == list(range(7))
    assert await get(town, f"/machines/{code}/events", officer, **span) == {"events": [], "next": None}
    for wrong in ("AAAA", "MjAyNg", "fHx8"):
        await get(town, f"/machines/{code}/telemetry", officer, 422, after=wrong)


async def test_the_current_is_drawn_at_every_zoom_with_its_peak(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    for number in range(40):
        spoke(town, code, DAY + timedelta(minutes=number), 20.0, 333.0 if number == 17 else 30.0, seq=number)
    for long, source in ((timedelta(hours=2), "samples"), (timedelta(days=30), "hours"), (timedelta(days=365), "days")):
        until = DAY + timedelta(hours=1)
        words = {"since": (until - long).isoformat(), "until": until.isoformat()}
        for points in (10, 1000):
            curve = await get(town, f"/machines/{code}/current", officer, points=points, **words)
            assert curve["source"] == source
            assert max(point["peak_a"] for point in curve["points"]) == 333.0
            assert sum(point["covered_ms"] for point in curve["points"]) == 800_000
    await get(town, f"/machines/{code}/current", officer, 422, points=9)


async def test_days_are_told_where_samples_and_hours_are_kept_no_longer(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    spoke(town, code, DAY, 222.0)
    for gone in ("telemetry", "machine_hour"):
        town.database.rows(f"DELETE FROM weld.{gone}")
    words = {"since": (DAY - timedelta(days=1)).isoformat(), "until": (DAY + timedelta(days=1)).isoformat()}
    for since in (DAY - timedelta(days=1), DAY - timedelta(days=30)):
        curve = await get(town, f"/machines/{code}/current", officer, **words | {"since": since.isoformat()})
        assert (curve["source"], [point["peak_a"] for point in curve["points"]]) == ("days", [222.0])
    year = await get(town, f"/machines/{code}/history", officer, by="hour", **words)
    assert (year["by"], [step["peak_a"] for step in year["steps"]], len(year["silent"])) == ("day", [222.0], 2)
    short = words | {"since": DAY.isoformat()}  # not a whole day: nobody knows
    assert (await get(town, f"/machines/{code}/current", officer, **short))["points"] == []


async def test_a_machine_out_of_scope_has_no_history(town: Town) -> None:
    code, foreign = await town.machine(), await town.officer(FAR)
    spoke(town, code, DAY, 1.0)
    for part in ("history", "telemetry", "events", "current"):
        await get(town, f"/machines/{code}/{part}", foreign, 404)


async def test_sessions_are_found_by_company_division_and_site(town: Town) -> None:
    officer, foreign = await town.officer(), await town.officer(FAR)
    company = town.database.rows("SELECT id FROM weld.enterprise")[0][0]
    site = uuid4()
    town.database.rows(
        "INSERT INTO weld.site (id, enterprise, name, division, work, since)"
        " VALUES (%s, %s, 's', '410502', 'ordinary', '2020-01-01')",
        *(site, company),
    )
    code = await town.machine(enterprise="91410502MA00000072")
    town.database.rows("UPDATE weld.machine SET site = %s WHERE plate = %s", site, code)
    welder = await town.welder(enterprise="91410502MA00000072")
    session = await town.contact_closes((await town.unlock(welder, code)).json()["id"], code)
    town.database.rows("UPDATE weld.machine SET site = NULL")  # it moved on; the session stays where it was
    for words in (
        {"site": site},
        {"enterprise": company},
        {"division": "41"},
        {"division": "410502"},
        {"state": "open"},
    ):
        found = await get(town, "/sessions", officer, **words)
        assert [(one["id"], one["site"]) for one in found["sessions"]] == [(str(session), str(site))], words
    for words in ({"site": uuid4()}, {"enterprise": uuid4()}, {"division": "37"}, {"state": "inferred"}):
        assert (await get(town, "/sessions", officer, **words))["sessions"] == []
    assert (await get(town, "/sessions", foreign, division="41"))["sessions"] == []


def alert(town: Town, code: str, level: int, hours: int, division: str = "410502", state: str = "open") -> UUID:
    number, at = uuid4(), TODAY - timedelta(hours=hours)
    town.database.rows(
        "INSERT INTO weld.alert (id, code, level, subject, episode, plate, division, since, last_at, evidence, raised_by,"
        " raised_at, state, closed_at, closed_by, outcome)"
        " VALUES (%s, 'B02', %s, %s, %s, %s, %s, %s, %s, '{}', 'ingest', %s, %s, %s, %s, %s)",
        *(number, level, code, str(number), code, division, at, at, at, state),
        *((at, "x", "other") if state == "closed" else (None, None, None)),
    )
    return number


async def test_the_queue_is_by_level_and_age_with_counts(town: Town) -> None:
    code, officer = await town.machine(), await town.officer()
    new, old, light = alert(town, code, 1, 1), alert(town, code, 1, 5), alert(town, code, 3, 9)
    far = alert(town, code, 2, 2, division="37")
    alert(town, code, 1, 8, state="closed")
    page = await get(town, "/alerts/queue", officer, limit=2)
    assert [one["id"] for one in page["alerts"]] == [str(old), str(new)]
    assert [(count["level"], count["open"], count["unsigned"]) for count in page["counts"]] == [
        (1, 2, 2),
        (2, 1, 1),
        (3, 1, 1),
    ]
    rest = await get(town, "/alerts/queue", officer, limit=2, after=page["next"])
    assert [one["id"] for one in rest["alerts"]] == [str(far), str(light)]
    assert (rest["counts"], rest["next"]) == (None, None)
    inside = await get(town, "/alerts/queue", officer, division="4105")
    assert [one["id"] for one in inside["alerts"]] == [str(old), str(new), str(light)]
    assert sum(count["open"] for count in inside["counts"]) == 3
    foreign = await get(town, "/alerts/queue", await town.officer(FAR), division="41")
    assert (foreign["alerts"], foreign["counts"]) == ([], [])
    await get(town, "/alerts/queue", officer, 422, after="AAAA")


def days(town: Town, division: str, day: str, heard: int, messages: int) -> None:
    for part in (1, 2):
        town.database.rows(
            "INSERT INTO weld.division_day (division, day, part, heard, messages, arc_ms) VALUES (%s, %s, %s, %s, %s, 5)",
            *(division, day, part, heard, messages),
        )


async def test_a_month_is_told_by_day_and_by_part_beside_the_month_before(town: Town) -> None:
    officer = await town.officer("division:41")
    days(town, "410502", "2026-03-01", 3, 100)
    days(town, "4105", "2026-03-02", 1, 10)
    days(town, "410502", "2026-02-28", 2, 50)
    days(town, "37", "2026-03-01", 9, 900)
    month = await get(town, "/divisions/month", officer, month="2026-03-15")
    assert (month["division"], month["month"], month["name"]["en"]) == ("41", "2026-03-01", "Henan")
    assert [(day["day"], day["sums"]["heard"]) for day in month["days"]] == [("2026-03-01", 6), ("2026-03-02", 2)]
    assert [(part["code"], part["sums"]["messages"], part["before"]["messages"]) for part in month["parts"]] == [
        ("4105", 220, 100)
    ]
    assert (month["total"]["messages"], month["before"]["messages"]) == (220, 100)
    city = await get(town, "/divisions/month", officer, division="4105", month="2026-03-01")
    assert [(part["code"], part["sums"]["messages"]) for part in city["parts"]] == [("4105", 20), ("410502", 200)]
    whole = await get(town, "/divisions/month", await town.officer(), month="2026-03-01")
    assert (whole["division"], [part["code"] for part in whole["parts"]]) == (None, ["37", "41"])
    await get(town, "/divisions/month", officer, 404, division="37")
    await get(town, "/divisions/month", await town.officer("division:4105"), 404, division="41")


async def test_the_connection_rate_is_machines_heard_of_machines_registered(town: Town) -> None:
    officer, code = await town.officer("division:41"), await town.machine()
    other = await town.machine()
    town.database.rows("UPDATE weld.machine SET created_at = '2026-03-02 03:00+00' WHERE plate = %s", other)
    town.database.rows("UPDATE weld.machine SET created_at = '2026-01-01' WHERE plate = %s", code)
    town.database.rows(
        "UPDATE weld.chip_state SET missing = 3 WHERE chip = (SELECT chip FROM weld.machine WHERE plate = %s)", code
    )
    town.database.rows(
        "INSERT INTO weld.hole (chip_no, boot, from_seq, to_seq, why, at)"
        " SELECT chip_no, 1, 1, 7, 'lost', '2026-03-01 12:00+00' FROM weld.chip ORDER BY chip_no LIMIT 1"
    )
    town.database.rows(
        "INSERT INTO weld.division_day (division, day, part, heard, messages) VALUES ('410502', '2026-03-01', 1, 1, 90)"
    )
    rate = await get(town, "/divisions/connection", officer, since="2026-03-01", until="2026-03-03")
    assert [(day["day"], day["heard"], day["registered"]) for day in rate["days"]] == [
        ("2026-03-01", 1, 1),
        ("2026-03-02", 0, 2),
    ]
    expected = {
        "heard": 1,
        "registered": 3,
        "rate": pytest.approx(1 / 3),
        "messages": 90,
        "lost": 7,
        "missing": 3,
        "complete": 0.9,
    }
    assert rate["total"] == expected
    assert [(part["code"], part["connected"]) for part in rate["parts"]] == [("4105", expected)]
    nothing = await get(town, "/divisions/connection", await town.officer(FAR))
    assert (nothing["total"]["rate"], nothing["total"]["complete"]) == (None, None)
    await get(town, "/divisions/connection", officer, 422, since="2020-01-01", until="2026-01-01")
