"""Retention: a rule for every table, old rows go in small steps, what the law asks to keep stays, and half a rule is refused."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.api.test_endpoints import delivery, endpoint
from tests.api.test_imports import bring, row, table
from tests.api.town import Town, founded, rows_of
from tests.database import Database
from weld.store import maintenance, partitions, retention
from weld.store.retention import RetentionError

RULES = retention.load()[-1]
SHIPPED = retention.SHIPPED.read_text()


def tables(database: Database) -> set[str]:
    rows = database.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'weld'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    return {name for (name,) in rows}


def forget(town: Town, days: float) -> dict[str, int]:
    with psycopg.connect(town.database.url("owner"), autocommit=True) as conn:
        return maintenance.forget(conn, town.clock.now() + timedelta(days=days), RULES)


def test_every_table_has_a_rule_and_every_rule_a_table(database: Database) -> None:
    assert tables(database) == set(RULES.tables)


def test_what_goes_by_age_has_a_query_and_what_is_kept_has_none() -> None:
    deleted = {*maintenance.QUERIES, *maintenance.WITH, *partitions.TABLES}
    assert deleted == {name for name, rule in RULES.tables.items() if rule.how != "keep"}
    for name, parent in maintenance.WITH.items():
        assert RULES.days(name) == RULES.days(parent)


def test_the_audit_and_the_evidence_are_kept_longer_than_the_law_asks() -> None:
    for name in ("audit", "session", "arc", "alert", "unlock_grant", "command"):
        assert RULES.tables[name].how == "keep"
    assert RULES.days("event") == 6 * 365
    assert RULES.days("refusal") >= 730
    assert RULES.person_held_days >= 730


def test_the_operations_page_names_every_table_that_loses_rows() -> None:
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    part = page[page.index("### Retention") : page.index("### The audit")]
    for name, rule in RULES.tables.items():
        if rule.how != "keep":
            line = next(line for line in part.splitlines() if f"`{name}`" in line)
            assert str(rule.days) in line, name


def codes_and_answers(town: Town, days: float) -> tuple[int, int]:
    done = forget(town, days)
    return done["sign_in_code"], done["idempotency"]


async def lived_in(town: Town) -> None:
    """A little of everything that goes by age."""
    welder, stranger = await town.welder(), await town.welder(papers=False)
    plate, away = await town.machine(), await town.machine(enterprise="91410502MA00000072")
    await town.unlock(stranger, plate)
    unlock = (await town.unlock(welder, away)).json()["id"]
    session = await town.contact_closes(unlock, away)
    await town.contact_opens(session, unlock, away)
    delivery(town, await endpoint(town), "delivered")
    delivery(town, await endpoint(town), "pending")
    town.database.rows("INSERT INTO weld.expansion (outbox_id) SELECT min(id) FROM weld.outbox")
    await bring(town, await town.officer(), table([row(1), row(2, phone="7")]))
    values = "SELECT gen_random_uuid(), id, 'phone', 'because', now() FROM weld.worker LIMIT 1"
    town.database.rows(f"INSERT INTO weld.reveal (officer, worker, field, reason, at) {values}")
    town.database.rows("INSERT INTO weld.change (plate, state, at) VALUES ('x', 'locked', now())")
    town.database.rows("INSERT INTO weld.officer_wrong (address, at) VALUES ('10.0.0.1', now())")


async def test_after_years_everything_goes_that_may_and_nothing_that_must_not(database: Database) -> None:
    async with founded(database) as town:
        await lived_in(town)
        kept = {name: rows_of(database, name) for name, rule in RULES.tables.items() if rule.how == "keep"}
        assert sum(forget(town, 0).values()) == 0
        done = forget(town, 4000)
        gone = {"sign_in_code", "sign_in", "device", "idempotency", "import_chunk", "outbox", "delivery", "refusal"}
        gone |= {"guest", "reveal", "change", "officer_wrong"}
        # whose sign-in went with the device was counted there
        assert {name for name, rows in done.items() if rows} == gone
        assert {name: rows_of(database, name) for name in kept} == kept
        assert database.rows("SELECT state FROM weld.delivery") == [("pending",)]
        untold = database.rows(
            "SELECT count(*) FROM weld.outbox o WHERE EXISTS (SELECT FROM weld.expansion WHERE outbox_id = o.id)"
        )
        assert untold == [(0,)]
        assert database.rows("SELECT count(*) FROM weld.import_chunk WHERE sealed IS NOT NULL") == [(0,)]
        assert database.rows("SELECT state FROM weld.import") == [("stopped",)]
        assert kept["audit"] > 0
        assert kept["session"] == 1


async def test_codes_go_after_a_day_and_answers_after_seven(database: Database) -> None:
    async with founded(database) as town:
        await town.unlock(await town.welder(), await town.machine())
        assert codes_and_answers(town, 0.9) == (0, 0)
        assert codes_and_answers(town, 1.1) == (1, 0)
        assert codes_and_answers(town, 7.1) == (0, 1)


async def test_a_refusal_stays_for_two_years_to_the_day(database: Database) -> None:
    async with founded(database) as town:
        await town.unlock(await town.welder(papers=False), await town.machine())
        assert forget(town, 729.9)["refusal"] == 0
        assert forget(town, 730.1)["refusal"] == 1


def test_many_rows_go_in_small_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "_AT_ONCE", 10)
    statement = (
        "INSERT INTO weld.change (plate, state, at)"
        " SELECT 'x', 'locked', now() - interval '2 days' FROM generate_series(1, 35)"
    )
    database.rows(statement)
    now = database.rows("SELECT now()")[0][0]
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        assert maintenance.forget(conn, now, RULES)["change"] == 35
        database.rows(statement)
        monkeypatch.setattr(maintenance, "_TIMES", 2)
        assert maintenance.forget(conn, now, RULES)["change"] == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('sign_in = { how = "delete", days = 1', 'sign_in = { how = "delete", days = 0', "1 are the least"),
        ('"delete", days = 730, law_days = 730', '"delete", days = 30', "730 days are the least"),
        ("person_held_days = 730\nperson_law_days = 730", "person_held_days = 1\nperson_law_days = 1", "730 are the least"),
        ('audit = { how = "keep"', 'audit = { how = "delete", days = 9999', "audit: keep, or keep"),
        ('arc = { how = "keep"', 'arch = { how = "keep"', "these tables and no others"),
        ('"partition", days = 400, law_days = 180', '"partition", days = 35', "36 are the least"),
        ('how = "empty"', 'how = "burn"', "'burn' is none of"),
        ('change = { how = "delete", days = 1', 'change = { how = "delete"', "KeyError 'days'"),
        ("[[retention]]", "[[else]]", "TypeError"),
    ],
)  # fmt: skip
def test_a_file_that_keeps_too_short_or_names_too_little_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in SHIPPED
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED.replace(old, new, 1))
    with pytest.raises(RetentionError, match=said):
        retention.load(own)


def test_a_file_may_keep_longer(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(SHIPPED.replace('change = { how = "delete", days = 1', 'change = { how = "delete", days = 9', 1))
    assert retention.load(own)[-1].days("change") == 9
