"""The issuer's register over HTTP, against a real server: slow, broken, wrong, redirecting; and no address but its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from api import issuer
from api.issuer import HttpRegister, RegisterAddressError, Round
from api.settings import ApiSettings
from tests.api.town import Town, Welder
from weld.core.issuer import Asked
from weld.store import issuers
from weld.store.connect import scoped


@dataclass
class Office:
    """A small register: what it answers, and what it was asked."""

    status: int = 200
    body: Any = field(default_factory=lambda: {"found": True, "status": "valid"})
    headers: str = ""
    slow_s: float = 0.0
    port: int = 0
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    open: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/certificates"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0)
        self.asked.append((head.splitlines()[0], head, json.loads(await reader.readexactly(length) or b"null")))
        with suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), self.slow_s)
        text = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(text)}\r\n{self.headers}\r\n".encode() + text)
        writer.close()


@asynccontextmanager
async def opened(**words: Any) -> AsyncIterator[Office]:
    office = Office(**words)
    async with await asyncio.start_server(office.serve, "127.0.0.1", 0) as server:
        office.port = server.sockets[0].getsockname()[1]
        yield office
        office.over.set()
        for writer in office.open:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def register(town: Town, office: Office, timeout_s: float = 20.0) -> HttpRegister:
    return HttpRegister(office.url, timeout_s, town.clock, key="register-key")


async def asked(town: Town, office: Office, timeout_s: float = 20.0) -> Any:
    return await register(town, office, timeout_s).ask(Asked("operation", "T1", "熔化焊接与热切割作业"))


def age(town: Town, days: int = 30) -> None:
    """The register was last asked so long ago."""
    town.database.rows("UPDATE weld.certificate SET checked_at = now() - make_interval(days => %s)", days)


def states(town: Town) -> list[tuple[Any, ...]]:
    return town.database.rows("SELECT status, checked_at > now() - interval '1 hour' FROM weld.certificate ORDER BY id")


async def test_a_question_goes_by_post_with_the_key_and_no_number_in_its_address(town: Town) -> None:
    async with opened() as office:
        found = await asked(town, office)
    assert (found.said, len(office.asked)) == ("valid", 1)
    line, head, body = office.asked[0]
    assert line == "POST /certificates HTTP/1.1"
    assert "authorization: bearer register-key" in head.lower()
    assert body == {"kind": "operation", "number": "T1", "item": "熔化焊接与热切割作业"}


@pytest.mark.parametrize(
    "words",
    [
        {"status": 500},
        {"status": 404, "body": {"found": False}},  # a wrong address is no word on anybody
        {"body": b"<html>"},
        {"body": {"found": True, "status": "good"}},
        {"body": b'{"found": true, "status": "valid", "pad": "' + b"x" * 20_000 + b'"}'},
        {"headers": "Content-Encoding: gzip\r\n", "body": b"\x1f\x8b"},
    ],
)
async def test_whatever_is_no_answer_is_none(town: Town, words: dict[str, Any]) -> None:
    async with opened(**words) as office:
        assert await asked(town, office) is None


async def test_a_slow_register_and_one_that_is_away_are_not_waited_for(town: Town) -> None:
    async with opened(slow_s=30.0) as office:
        started = asyncio.get_running_loop().time()
        assert await asked(town, office, timeout_s=0.5) is None
        assert asyncio.get_running_loop().time() - started < 15
    assert await asked(town, office) is None


async def test_no_address_is_followed_but_the_registers_own(town: Town) -> None:
    """Neither a redirect, nor the link of a certificate's QR code, whoever sends it."""
    async with opened() as elsewhere:
        for words in (
            {"status": 302, "headers": f"Location: {elsewhere.url}\r\n"},
            {"status": 307, "headers": f"Location: {elsewhere.url}\r\n"},
            {"body": {"found": True, "status": "valid", "url": elsewhere.url, "qr": elsewhere.url}},
        ):
            async with opened(**words) as office:
                await asked(town, office)
                welder = await town.welder(papers=False)
                number = f"{elsewhere.url}{len(words)}{words.get('status', 200)}"[-40:]
                await town.paper(welder, kind="construction", item="建筑焊工", number=number, status="unverified")
                await issuer.turn(town.parts, register(town, office))
                assert len(office.asked) == 2
        assert elsewhere.asked == []


async def test_the_address_must_be_on_the_allow_list(town: Town) -> None:
    named: dict[str, Any] = {"register_url": "http://register.example/ask"}
    with pytest.raises(RegisterAddressError):
        issuer.register_of(ApiSettings(**named), town.clock)
    with pytest.raises(RegisterAddressError):
        issuer.register_of(ApiSettings(**named, register_hosts="example"), town.clock)
    assert issuer.register_of(ApiSettings(**named, register_hosts="a.example, register.example"), town.clock)
    assert issuer.register_of(ApiSettings(), town.clock) is None
    for wrong in ("file:///etc/passwd", "http://user@register.example/", "http://register.example/?number="):
        with pytest.raises(ValueError, match="register_url"):
            ApiSettings(register_url=wrong)


async def test_a_round_verifies_what_is_due_and_puts_what_changed_on_record(town: Town) -> None:
    first, second = await town.welder(papers=False), await town.welder()
    await town.paper(first, status="unverified")
    age(town)
    async with opened() as office:
        assert await issuer.turn(town.parts, register(town, office)) == Round(2, 2)
        assert await issuer.turn(town.parts, register(town, office)) == Round(0, 0)
    assert states(town) == [("verified", True), ("verified", True)]
    assert {body["number"] for _, _, body in office.asked} == {"T" + first.identity, "T" + second.identity}
    records = town.database.rows("SELECT actor, act, before, after, reason FROM weld.certificate_change")
    assert records == [("rule:register", "answer", "unverified", "verified", "valid")]
    town.assert_nothing_personal(str(town.database.rows("SELECT * FROM weld.register_answer")))


async def test_a_revocation_is_found_and_queues_the_work_that_runs(town: Town) -> None:
    welder: Welder = await town.welder()
    age(town)
    async with opened(body={"found": True, "status": "revoked"}) as office:
        await issuer.turn(town.parts, register(town, office))
    assert states(town) == [("revoked", True)]
    assert town.database.rows("SELECT worker FROM weld.recheck_due") == [(welder.id,)]


async def test_without_an_answer_nothing_changes_and_the_question_waits(town: Town) -> None:
    await town.welder()
    age(town)
    async with opened(status=500) as office:
        assert await issuer.turn(town.parts, register(town, office)) == Round(1, 0)
        assert await issuer.turn(town.parts, register(town, office)) == Round(0, 0)
        town.clock.moved += timedelta(hours=1, minutes=1)
        assert await issuer.turn(town.parts, register(town, office)) == Round(1, 0)
    assert states(town) == [("verified", False)]


async def test_an_answer_is_kept_for_a_day_and_marked_as_stale(town: Town) -> None:
    await town.welder()
    certificate = town.database.rows("SELECT id FROM weld.certificate")[0][0]
    async with scoped(town.parts.pool, "platform") as conn:
        row = await issuers.one(conn, certificate)
    assert row is not None
    async with opened() as office:
        fresh = await issuer.known(town.parts, register(town, office), row)
        office.status = 500
        town.clock.moved += timedelta(hours=23)
        kept = await issuer.known(town.parts, register(town, office), row)
        town.clock.moved += timedelta(hours=2)
        over = await issuer.known(town.parts, register(town, office), row)
    assert fresh is not None
    assert kept is not None
    assert (fresh.stale, kept.stale, kept.answer == fresh.answer, over) == (False, True, True, None)


async def test_a_register_that_knows_nobody_is_not_believed(town: Town) -> None:
    for _ in range(4):
        await town.welder()
    age(town)
    async with opened(body={"found": False}) as office:
        assert await issuer.turn(town.parts, register(town, office)) == Round(4, 0)
    assert {state for state, _ in states(town)} == {"verified"}
