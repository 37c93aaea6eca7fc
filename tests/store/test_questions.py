"""Two hundred thousand sessions and the alerts and machines around them: each question reads what it answers, and little more.

What a transaction read of a table is PostgreSQL's own count. The numbers of the whole store are `weldgate bench store`'s.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tests.database import Database, Server
from weld.store import alerts, questions
from weld.store.connect import Conn, Pool, pool, scoped
from weld.store.questions import WantedAlerts, WantedSessions

NOW = datetime.now(UTC)
# A page of 51, with everything that a plan may look at and leave.
FEW = 2500

# 31 provinces of 4 cities of 5 counties of 5 townships; 10,000 machines in counties, half of them in one province.
_TOWN = """
SET session_replication_role = replica;
SELECT setseed(0.7);
INSERT INTO weld.division (code, name_zh, name_en, path) SELECT p::text, p::text, p::text, p::text FROM generate_series(11, 41) p;
INSERT INTO weld.division (code, name_zh, name_en, parent, path)
SELECT p || lpad(c::text, 2, '0'), 'x', 'x', p, p || '/' || p || lpad(c::text, 2, '0')
FROM generate_series(11, 41) p, generate_series(1, 4) c;
INSERT INTO weld.division (code, name_zh, name_en, parent, path)
SELECT code || lpad(c::text, 2, '0'), 'x', 'x', code, path || '/' || code || lpad(c::text, 2, '0')
FROM weld.division, generate_series(1, 5) c WHERE length(code) = 4;
INSERT INTO weld.division (code, name_zh, name_en, parent, path)
SELECT code || lpad(c::text, 3, '0'), 'x', 'x', code, path || '/' || code || lpad(c::text, 3, '0')
FROM weld.division, generate_series(1, 5) c WHERE length(code) = 6;
CREATE TEMP TABLE county AS
SELECT code, row_number() OVER (ORDER BY code DESC) - 1 AS n FROM weld.division WHERE length(code) = 6;
INSERT INTO weld.enterprise (id, name, credit_code, division)
SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'e' || i, lpad(i::text, 18, '0'), code
FROM generate_series(0, 499) i JOIN county ON n = i;
INSERT INTO weld.chip (chip, shard, model) SELECT 'CHIP' || lpad(i::text, 6, '0'), '00', 'm' FROM generate_series(1, 10000) i;
INSERT INTO weld.machine (plate, chip, division, enterprise, maker, model, serial, created_at)
SELECT 'P' || lpad(i::text, 16, '0'), 'CHIP' || lpad(i::text, 6, '0'), c.code,
    ('00000000-0000-0000-0000-' || lpad((i % 500)::text, 12, '0'))::uuid, 'a', 'b', i, now() - (i % 400) * interval '1 day'
FROM generate_series(1, 10000) i JOIN county c ON n = CASE WHEN i % 2 = 0 THEN i % 20 ELSE i % 620 END;
INSERT INTO weld.binding (chip, plate, since) SELECT chip, plate, now() - interval '500 days' FROM weld.machine;
INSERT INTO weld.session (id, chip, chip_no, plate, division, enterprise, site, worker, opened_at, closed_at, state, updated_at)
SELECT gen_random_uuid(), m.chip, c.chip_no, m.plate, m.division, m.enterprise,
    CASE WHEN c.chip_no % 100 = 0 THEN ('00000000-0000-0000-0001-' || lpad((c.chip_no % 1000)::text, 12, '0'))::uuid END,
    ('00000000-0000-0000-0002-' || lpad(((c.chip_no * 7 + g) % 4000)::text, 12, '0'))::uuid, o.at,
    CASE WHEN g = 1 AND c.chip_no % 50 = 0 THEN NULL WHEN g = 2 AND c.chip_no % 500 = 0 THEN o.at + interval '30 days'
        ELSE o.at + interval '1 hour' END,
    CASE WHEN g = 1 AND c.chip_no % 50 = 0 THEN 'open' WHEN g = 3 AND c.chip_no % 40 = 0 THEN 'inferred' ELSE 'closed' END, now()
FROM weld.machine m JOIN weld.chip c USING (chip) CROSS JOIN generate_series(1, 20) g
CROSS JOIN LATERAL (SELECT now() - random() * interval '365 days' - g * interval '1 second' AS at) o;
INSERT INTO weld.alert (id, code, level, subject, episode, plate, division, enterprise, since, last_at, evidence, raised_by,
    raised_at, state, closed_at, closed_by, outcome)
SELECT gen_random_uuid(), 'B02', 1 + g % 4, m.plate, g::text, m.plate, m.division, m.enterprise, t.at, t.at, '{}', 'ingest', t.at,
    s.state, CASE WHEN s.state = 'closed' THEN now() END, CASE WHEN s.state = 'closed' THEN 'x' END,
    CASE WHEN s.state = 'closed' THEN 'other' END
FROM weld.machine m CROSS JOIN generate_series(1, 5) g
CROSS JOIN LATERAL (SELECT now() - random() * interval '365 days' - g * interval '1 second' AS at) t
CROSS JOIN LATERAL (SELECT CASE WHEN g = 1 + m.serial::int % 40 THEN 'open' ELSE 'closed' END AS state) s;
INSERT INTO weld.machine_day (plate, day, arc_ms, covered_ms, messages, division, enterprise, peak_a)
SELECT plate, current_date - g, 1000, 2000, 30, division, enterprise, 200 FROM weld.machine, generate_series(0, 9) g;
INSERT INTO weld.machine_day (plate, day, arc_ms, covered_ms, messages, division, enterprise, peak_a)
SELECT 'P' || lpad('77', 16, '0'), current_date - g, 1000, 2000, 30, '41', NULL, 200 FROM generate_series(10, 364) g;
INSERT INTO weld.division_day (division, day, part, heard, arc_ms, sessions, messages)
SELECT code, current_date - g, p, 3, 1000, 5, 90 FROM county, generate_series(0, 364) g, generate_series(1, 2) p;
INSERT INTO weld.chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, fold, missing)
SELECT chip_no, chip, '00', 1, 1, 1, now(), '{}', CASE WHEN chip_no % 100 = 0 THEN 3 ELSE 0 END FROM weld.chip;
INSERT INTO weld.hole (chip_no, boot, from_seq, to_seq, why, at)
SELECT chip_no, 1, 1, 2, 'lost', now() - (chip_no % 300) * interval '1 day' FROM weld.chip;
"""


@pytest.fixture(scope="module")
def country(server: Server) -> Iterator[Database]:
    """A year of a country; read only."""
    with server.fresh_database() as fresh:
        with psycopg.connect(fresh.admin_url, autocommit=True) as conn:
            for statement in _TOWN.split(";\n"):
                if statement.strip():
                    conn.execute(statement.encode())
            conn.execute("VACUUM ANALYZE")
        yield fresh


@pytest.fixture
async def people(country: Database) -> AsyncIterator[Pool]:
    async with pool(country.url("api"), "test questions", 2) as connections:
        yield connections


async def read(conn: Conn, table: str) -> tuple[int, int]:
    """(scans through all of a table, rows of it that were looked at) in this transaction."""
    row = await (
        await conn.execute(
            "SELECT sum(seq_scan), sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE schemaname = 'weld' AND (relname = %s OR relname ~ ('^' || %s || '_[0-9]{8}$'))",
            (table, table),
        )
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def company(number: int) -> UUID:
    return UUID(f"00000000-0000-0000-0000-{number:012d}")


SCOPES = ["platform", "division:41", "division:41/4104/410405", "division:12/1203", f"enterprise:{company(7)}"]
ASKED = {
    "all": WantedSessions(),
    "a span long ago": WantedSessions(since=NOW - timedelta(days=201), until=NOW - timedelta(days=200)),
    "a machine": WantedSessions(plate="P0000000000000077"),
    "a worker": WantedSessions(worker=UUID("00000000-0000-0000-0002-000000000077")),
    "a company": WantedSessions(enterprise=company(7)),
    "a site": WantedSessions(site=UUID("00000000-0000-0000-0001-000000000100")),
    "a province": WantedSessions(division="41"),
    "a city": WantedSessions(division="1203"),
    "a county long ago": WantedSessions(
        division="410405", since=NOW - timedelta(days=201), until=NOW - timedelta(days=200)
    ),
    "a township of nobody": WantedSessions(division="120301001"),
    "open ones": WantedSessions(state="open"),
    "open ones of a city": WantedSessions(state="open", division="1203"),
    "those whose end nobody saw": WantedSessions(state="inferred"),
}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("asked", ASKED)
async def test_a_page_of_sessions_reads_no_table_through(people: Pool, scope: str, asked: str) -> None:
    async with scoped(people, scope) as conn:
        found = await questions.sessions(conn, ASKED[asked], limit=51)
        scans, rows = await read(conn, "session")
        counted = await _count(conn, ASKED[asked])
    assert (scans, rows <= FEW) == (0, True), (rows, len(found))
    assert len(found) == min(51, counted)
    assert [(row.opened_at, row.id) for row in found] == sorted(
        ((row.opened_at, row.id) for row in found), reverse=True
    )


async def _count(conn: Conn, asked: WantedSessions) -> int:
    """How many there are, said plainly."""
    row = await (
        await conn.execute(
            "SELECT count(*) FROM session s LEFT JOIN division d ON d.code = s.division"
            " WHERE (%(plate)s::text IS NULL OR plate = %(plate)s) AND (%(worker)s::uuid IS NULL OR worker = %(worker)s)"
            " AND (%(enterprise)s::uuid IS NULL OR enterprise = %(enterprise)s) AND (%(site)s::uuid IS NULL OR site = %(site)s)"
            " AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(division)s::text IS NULL OR '/' || d.path || '/' LIKE"
            " '%%/' || %(division)s || '/%%')"
            " AND (%(since)s::timestamptz IS NULL OR coalesce(closed_at, 'infinity') >= %(since)s)"
            " AND (%(until)s::timestamptz IS NULL OR opened_at < %(until)s)",
            asked._asdict(),
        )
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("asked", ["all", "a span long ago", "a city", "a county long ago", "a company"])
async def test_pages_of_sessions_together_are_the_whole(people: Pool, asked: str) -> None:
    async with scoped(people, "division:12") as conn:
        whole = await questions.sessions(conn, ASKED[asked], limit=10_000)
        pages, after = [], None
        while page := await questions.sessions(conn, ASKED[asked], after=after, limit=37):
            pages += [row.id for row in page]
            after = (page[-1].opened_at, page[-1].id)
        assert len(whole) == await _count(conn, ASKED[asked])
    assert pages == [row.id for row in whole]


async def test_a_span_has_the_sessions_that_began_long_before_it_and_went_on(people: Pool, country: Database) -> None:
    since, until = NOW - timedelta(days=100), NOW - timedelta(days=99)
    expected = country.rows(
        "SELECT id FROM weld.session WHERE opened_at < %s AND coalesce(closed_at, 'infinity') >= %s", until, since
    )
    old = country.rows(
        "SELECT count(*) FROM weld.session WHERE opened_at < %s AND coalesce(closed_at, 'infinity') >= %s",
        since - timedelta(days=9),
        since,
    )[0][0]
    assert old > 10
    async with scoped(people, "platform") as conn:
        found = await questions.sessions(conn, WantedSessions(since=since, until=until), limit=10_000)
    assert {row.id for row in found} == {row[0] for row in expected}


@pytest.mark.parametrize("scope", SCOPES)
async def test_the_queue_reads_no_alert_that_is_closed(people: Pool, country: Database, scope: str) -> None:
    async with scoped(people, scope) as conn:
        found = await questions.alert_queue(conn, WantedAlerts(), limit=51)
        counts = await alerts.waiting_counts(conn, WantedAlerts())
        scans, rows = await read(conn, "alert")
    waiting = country.rows("SELECT count(*) FROM weld.alert WHERE state <> 'closed'")[0][0]
    assert (scans, rows <= 2 * waiting + 200) == (0, True), (rows, waiting)
    assert len(found) == min(51, sum(count.open for count in counts))
    assert [(row.level, row.raised_at) for row in found] == sorted((row.level, row.raised_at) for row in found)
    after = (found[0].level, found[0].raised_at, found[0].id) if found else None
    async with scoped(people, scope) as conn:
        assert await questions.alert_queue(conn, WantedAlerts(), after=after, limit=50) == found[1:]


LISTED = [
    WantedAlerts(),
    WantedAlerts(division="41"),
    WantedAlerts(division="1203"),
    WantedAlerts(division="410405", level=2),
    WantedAlerts(plate="P0000000000000077"),
]


@pytest.mark.parametrize("scope", SCOPES[:4])
@pytest.mark.parametrize("wanted", LISTED)
async def test_a_page_of_alerts_reads_no_table_through(people: Pool, scope: str, wanted: WantedAlerts) -> None:
    async with scoped(people, scope) as conn:
        found = await alerts.search(conn, wanted, limit=51)
        scans, rows = await read(conn, "alert")
        whole = await alerts.search(conn, wanted, limit=100_000)
        row = await (
            await conn.execute(
                "SELECT count(*) FROM alert a LEFT JOIN division d ON d.code = a.division"
                " WHERE (%(plate)s::text IS NULL OR plate = %(plate)s) AND (%(level)s::int IS NULL OR a.level = %(level)s)"
                " AND (%(division)s::text IS NULL OR '/' || d.path || '/' LIKE '%%/' || %(division)s || '/%%')",
                wanted._asdict(),
            )
        ).fetchone()
        after = (found[0].raised_at, found[0].id) if found else None
        assert await alerts.search(conn, wanted, after=after, limit=50) == found[1:]
    assert (scans, rows <= FEW) == (0, True), rows
    assert row is not None
    assert len(whole) == row[0]
    assert found == whole[:51]


@pytest.mark.parametrize("scope", ["platform", "division:41", "division:41/4104"])
async def test_a_month_reads_two_months(people: Pool, scope: str) -> None:
    async with scoped(people, scope) as conn:
        found = await questions.division_month(conn, "4104", NOW.date())
        scans, rows = await read(conn, "division_day")
    assert found is not None
    assert (scans, rows <= 5 * 62 * 2) == (0, True), rows
    assert {part.code for part, _, _ in found.parts} == {"410401", "410402", "410403", "410404", "410405"}
    assert all(sums.heard == 5 * 2 * 3 for _, sums in found.days)
    assert len(found.days) == NOW.date().day
    assert found.total.messages == 5 * 2 * 90 * len(found.days) == sum(sums.messages for _, sums, _ in found.parts)


async def test_nobody_has_the_month_of_a_division_that_is_not_his(people: Pool) -> None:
    for scope in ("division:12", "division:41/4104/410405", f"enterprise:{company(7)}", "nobody"):
        async with scoped(people, scope) as conn:
            assert await questions.division_month(conn, "4104", NOW.date()) is None
            assert await questions.connection_rate(conn, "4104", NOW.date(), NOW.date() + timedelta(days=1)) is None


@pytest.mark.parametrize("scope", ["platform", "division:41"])
async def test_the_connection_rate_counts_machines_and_numbers(people: Pool, country: Database, scope: str) -> None:
    since, until = NOW.date() - timedelta(days=30), NOW.date()
    async with scoped(people, scope) as conn:
        found = await questions.connection_rate(conn, "41", since, until)
    assert found is not None
    mine = "FROM weld.machine m JOIN weld.chip c USING (chip)"
    there = "WHERE m.division LIKE '41%%'"
    for number, (day, heard, registered) in enumerate(found.days):
        assert day == since + timedelta(days=number)
        assert heard == 20 * 2 * 3
        assert (
            registered
            == country.rows(
                f"SELECT count(*) {mine} {there} AND (m.created_at AT TIME ZONE 'Asia/Shanghai')::date <= %s", day
            )[0][0]
        )
    lost, missing = country.rows(
        f"SELECT (SELECT sum(to_seq - from_seq + 1) FROM weld.hole h WHERE chip_no IN (SELECT chip_no {mine} {there})"
        " AND h.at >= %s AND h.at < %s),"
        f" (SELECT sum(missing) FROM weld.chip_state WHERE chip_no IN (SELECT chip_no {mine} {there}))",
        since,
        until,
    )[0]
    assert (found.total.lost, found.total.missing) == (lost, missing)
    assert (found.total.heard, found.total.messages) == (30 * 20 * 2 * 3, 30 * 20 * 2 * 90)
    assert found.total == type(found.total)(
        *(sum(column) for column in zip(*(one for _, one in found.parts), strict=True))
    )


@pytest.mark.parametrize("scope", ["platform", "division:41"])
async def test_a_year_of_a_machine_reads_its_days(people: Pool, scope: str) -> None:
    async with scoped(people, scope) as conn:
        plate = "P0000000000000078"
        found = await questions.timeline_year(conn, plate, NOW - timedelta(days=365), NOW)
        scans, rows = await read(conn, "machine_day")
        curve = await questions.current_curve(conn, plate, NOW - timedelta(days=365), NOW)
    assert found is not None
    assert curve is not None
    assert (scans, rows <= 400) == (0, True), rows
    assert len(found.steps) == 10
    assert len(found.silent) in {
        1,
        2,
    }  # the days before, and what is left of today where the zone's day is not the server's
    assert (curve.source, max(point.peak_a or 0 for point in curve.points)) == ("days", 200.0)
    assert len(found.alerts) == 5
