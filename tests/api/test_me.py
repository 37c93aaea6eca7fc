"""What a worker sees of himself: masked, with dates, and with a trace of the reading."""

from datetime import timedelta

from tests.api.town import Town


async def test_name_and_phone_are_masked(town: Town) -> None:
    welder = await town.welder()
    me = (await town.http.get("/api/v1/me", headers=welder.bearer)).json()
    assert (me["name"], me["phone"]) == ("王***", f"138****{welder.phone[-4:]}")
    assert (me["division"], me["enterprise"], me["suspended"]) == ("410502", None, False)


async def test_certificates_show_how_they_stand_today(town: Town) -> None:
    welder = await town.welder()
    today = town.clock.now().date()
    await town.paper(
        welder, item="钎焊作业", valid_from=today - timedelta(days=900), valid_to=today - timedelta(days=3)
    )
    held = (await town.http.get("/api/v1/me/certificates", headers=welder.bearer)).json()["certificates"]
    assert [(one["status"], one["usable"]) for one in held] == [("valid", True), ("expired", False)]
    assert held[0]["number"] == f"T41{'*' * 12}{welder.identity[-4:]}"
    assert held[0]["last_day"] == str(
        (today - timedelta(days=400)).replace(year=(today - timedelta(days=400)).year + 3)
    )


async def test_a_page_that_was_closed_finds_the_permission_that_is_live(town: Town) -> None:
    welder, other, code = await town.welder(), await town.welder(), await town.machine()

    async def live() -> list[str | None]:
        return [(await town.http.get("/api/v1/me", headers=who.bearer)).json()["unlock"] for who in (welder, other)]

    assert await live() == [None, None]
    unlock = (await town.unlock(welder, code)).json()
    assert await live() == [unlock["id"], None]
    session = await town.contact_closes(unlock["id"], code)
    town.clock.moved += timedelta(hours=2)
    assert await live() == [unlock["id"], None]
    await town.contact_opens(session, unlock["id"], code)
    assert await live() == [None, None]


async def test_a_permission_that_nobody_clicked_is_not_live(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    await town.unlock(welder, code)
    town.clock.moved += timedelta(minutes=1)
    assert (await town.http.get("/api/v1/me", headers=welder.bearer)).json()["unlock"] is None


async def test_reading_personal_data_leaves_a_trace(town: Town) -> None:
    welder = await town.welder()
    for path in ("/me", "/me/certificates", "/me/sessions"):
        await town.http.get(f"/api/v1{path}", headers=welder.bearer)
    assert (
        town.database.rows("SELECT actor, action, subject FROM weld.audit WHERE action LIKE 'person.%%'")
        == [(f"worker:{welder.id}", "person.read", str(welder.id))] * 3
    )


async def test_sessions_come_in_pages_without_a_double(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    for _ in range(5):
        session = await town.contact_closes(unlock["id"], code)
        await town.contact_opens(session, unlock["id"], code)
        town.clock.moved += timedelta(seconds=1)
    seen, after, more = [], "", True
    while more:
        page = (await town.http.get(f"/api/v1/me/sessions?limit=2{after}", headers=welder.bearer)).json()
        seen += [one["id"] for one in page["sessions"]]
        after, more = f"&after={page['next']}", page["next"] is not None
    assert len(seen) == len(set(seen)) == 5
    opened = town.database.rows("SELECT id::text FROM weld.session ORDER BY opened_at DESC")
    assert seen == [row[0] for row in opened]
