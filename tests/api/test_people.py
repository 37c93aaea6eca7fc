"""Workers as an officer sees them: masked, judged as of today, within the scope, and with a trace."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from api import people
from tests.api.town import Town, Welder

RIGHTS = ["workers:read"]


async def asked(town: Town, query: str = "", scope: str = "platform") -> Any:
    answer = await town.http.get(f"/api/v1/workers{query}", headers=await town.officer(scope, RIGHTS))
    assert answer.status_code == 200, answer.text
    town.assert_nothing_personal(answer.text)
    return answer.json()


async def names(town: Town, query: str = "", scope: str = "platform") -> list[str]:
    return [one["id"] for one in (await asked(town, query, scope))["workers"]]


async def lapsed(town: Town) -> Welder:
    """A worker whose certificate ended a week ago."""
    welder, today = await town.welder(papers=False), town.clock.now().date()
    await town.paper(welder, valid_from=today - timedelta(days=700), valid_to=today - timedelta(days=7))
    return welder


async def test_the_list_shows_workers_masked_the_newest_first(town: Town) -> None:
    first, second = await town.welder(), await town.welder(papers=False)
    seen = (await asked(town))["workers"]
    assert [one["id"] for one in seen] == [str(second.id), str(first.id)]
    assert seen[1]["name"] == "王" + "*" * (len(first.name) - 1)
    assert seen[1]["phone"] == f"{first.phone[:3]}****{first.phone[-4:]}"
    assert seen[1]["division_name"] == {"zh": "文峰区", "en": "Wenfeng"}
    assert [(one["standing"], one["certificates"]) for one in seen] == [("none", 0), ("usable", 1)]


async def test_the_standing_is_that_of_today_and_can_be_asked_for(town: Town) -> None:
    today = town.clock.now().date()
    good, old, nothing = await town.welder(), await lapsed(town), await town.welder(papers=False)
    soon = await town.welder(papers=False)
    await town.paper(soon, valid_from=today - timedelta(days=300), valid_to=today + timedelta(days=30))
    revoked = await town.welder(papers=False)
    await town.paper(revoked, status="revoked")
    for standing, worker in (
        ("usable", good),
        ("expired", old),
        ("none", nothing),
        ("expiring", soon),
        ("unusable", revoked),
    ):
        assert await names(town, f"?standing={standing}") == [str(worker.id)], standing
    town.clock.moved = timedelta(days=31)
    assert set(await names(town, "?standing=expired")) == {str(old.id), str(soon.id)}


async def test_pages_hold_every_worker_once_also_under_a_rare_standing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "_LOOKED_AT_ONCE", 2)
    monkeypatch.setattr(people, "_LOOKS", 1)
    everybody = [await lapsed(town) if number in {0, 4} else await town.welder() for number in range(5)]
    newest_first = [str(one.id) for one in reversed(everybody)]
    for query, wanted in (("limit=2", newest_first), ("limit=1&standing=expired", [newest_first[0], newest_first[4]])):
        seen: list[str] = []
        page = await asked(town, f"?{query}")
        while page["next"] is not None:
            seen += [one["id"] for one in page["workers"]]
            page = await asked(town, f"?{query}&after={page['next']}")
        assert seen + [one["id"] for one in page["workers"]] == wanted, query


async def test_a_division_stands_for_all_below_it_and_an_enterprise_for_its_own(town: Town) -> None:
    credit, enterprise = town.database.rows("SELECT credit_code, id FROM weld.enterprise")[0]
    theirs, other = await town.welder(enterprise=credit), await town.welder()
    town.database.rows("UPDATE weld.worker SET division = '37' WHERE id = %s", other.id)
    assert await names(town, "?division=41") == [str(theirs.id)]
    assert await names(town, "?division=37") == [str(other.id)]
    assert await names(town, "?division=99") == []
    assert await names(town, f"?enterprise={enterprise}") == [str(theirs.id)]
    assert await names(town, f"?enterprise={uuid4()}") == []


async def test_a_record_shows_the_certificates_and_what_the_worker_does_now(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    session = await town.contact_closes(unlock["id"], code)
    answer = await town.http.get(f"/api/v1/workers/{welder.id}", headers=await town.officer(rights=RIGHTS))
    town.assert_nothing_personal(answer.text)
    detail = answer.json()
    assert detail["identity"] == f"410{'*' * 11}{welder.identity[-4:]}"
    assert (detail["worker"]["open_session"], detail["worker"]["standing"]) == (str(session), "usable")
    assert detail["worker"]["last_opened_at"] is not None
    paper = detail["certificates"][0]
    assert (paper["kind"], paper["status"], paper["usable"]) == ("operation", "valid", True)
    assert paper["number"] == f"T41{'*' * 12}{welder.identity[-4:]}"
    assert paper["last_day"] == detail["worker"]["last_day"]


async def test_reading_people_leaves_a_trace_without_their_names(town: Town) -> None:
    welder = await town.welder()
    await town.welder()
    officer = await town.officer(rights=RIGHTS)
    await town.http.get("/api/v1/workers", headers=officer)
    await town.http.get(f"/api/v1/workers/{welder.id}", headers=officer)
    rows = town.database.rows(
        "SELECT action, subject, detail FROM weld.audit WHERE actor LIKE 'officer:%%' ORDER BY seq"
    )
    assert [(action, subject) for action, subject, _ in rows] == [
        ("people.listed", "workers"),
        ("person.read", str(welder.id)),
    ]
    assert rows[0][2]["workers"] == 2
    town.assert_nothing_personal(str(rows))


async def test_another_division_sees_nobody(town: Town) -> None:
    welder = await town.welder()
    assert await names(town, scope="division:37") == []
    assert await names(town, scope="division:4105") == [str(welder.id)]
    answer = await town.http.get(f"/api/v1/workers/{welder.id}", headers=await town.officer("division:37", RIGHTS))
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert town.database.rows("SELECT count(*) FROM weld.audit WHERE action = 'person.read'") == [(0,)]


@pytest.mark.parametrize("query", ["standing=good", "after=AAAA", "after=bm90LWEtY3Vyc29y", "division=x", "surprise=1"])
async def test_questions_that_make_no_sense_are_refused(town: Town, query: str) -> None:
    answer = await town.http.get(f"/api/v1/workers?{query}", headers=await town.officer(rights=RIGHTS))
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")
