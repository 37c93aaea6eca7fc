"""The same key is the same request."""

from datetime import timedelta

import psycopg
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app import create_app
from tests.api.town import Town, rows_of


async def test_a_key_is_required(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    answer = await town.http.post("/api/v1/unlocks", json={"plate": code}, headers=welder.bearer)
    assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_key_missing")


async def test_the_same_key_gives_the_same_answer_also_for_a_refusal(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    first = await town.unlock(welder, code, "key-1")
    await town.paper(welder)  # even though it would be granted now
    again = await town.unlock(welder, code, "key-1")
    assert (first.status_code, again.status_code) == (403, 403)
    assert first.json() == again.json()
    assert rows_of(town.database, "refusal") == 1
    assert (await town.unlock(welder, code, "key-2")).status_code == 201


async def test_another_body_under_the_same_key_is_refused(town: Town) -> None:
    welder, code, other = await town.welder(), await town.machine(), await town.machine()
    await town.unlock(welder, code, "key-1")
    answer = await town.unlock(welder, other, "key-1")
    assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_key_reused")


async def test_two_workers_may_use_the_same_key(town: Town) -> None:
    one, other = await town.welder(), await town.welder()
    assert (await town.unlock(one, await town.machine(), "key-1")).status_code == 201
    assert (await town.unlock(other, await town.machine(), "key-1")).status_code == 201


async def test_an_answer_that_was_not_kept_leaves_the_key_free(town: Town) -> None:
    welder, code = await town.welder(papers=False), await town.machine()
    for _ in range(10):
        await town.unlock(welder, code)
    assert (await town.unlock(welder, code, "key-1")).status_code == 429
    town.clock.moved += timedelta(seconds=61)
    assert (await town.unlock(welder, code, "key-1")).status_code == 403


class _Witness:
    """Looks into the database, from outside, at the moment when the answer begins to leave."""

    def __init__(self, app: ASGIApp, town: Town) -> None:
        self._app = app
        self._town = town
        self.seen: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def look(message: Message) -> None:
            if message["type"] == "http.response.start":
                with psycopg.connect(self._town.database.admin_url) as conn:
                    row = conn.execute(
                        "SELECT (SELECT count(*) FROM weld.unlock_grant) + (SELECT count(*) FROM weld.refusal)"
                    )
                    self.seen.append(row.fetchall()[0][0])
            await send(message)

        await self._app(scope, receive, look)


async def test_what_is_answered_is_committed_before_the_answer_leaves(town: Town) -> None:
    welder, stranger, code = await town.welder(), await town.welder(papers=False), await town.machine()
    witness = _Witness(create_app(town.parts), town)
    async with AsyncClient(transport=ASGITransport(witness), base_url="http://api") as client:
        for person in (welder, stranger):
            headers = person.bearer | {"Idempotency-Key": "k"}
            await client.post("/api/v1/unlocks", json={"plate": code}, headers=headers)
    assert witness.seen == [1, 2]
