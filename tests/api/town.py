"""A small town for tests of the api: divisions, enterprises, machines with chips, workers with papers, officers with keys.

Entered through the same functions as `weldgate seed`. What chips would report is written by ingest's own functions, under
ingest's role.
"""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg

from api.app import create_app
from api.board import Board
from api.parts import Parts
from api.registers import PUTS, Desk, Kind
from api.settings import ApiSettings
from schemas import registers as shapes
from tests.database import Database
from weld.core import identity, plate
from weld.core.rights import BUSINESS_RIGHTS
from weld.store import access_rules, reported
from weld.store.connect import connect, pool, scoped

GOOD: dict[str, Any] = {
    "kind": "operation",
    "category": "焊接与热切割作业",
    "item": "熔化焊接与热切割作业",
    "issuer": "河南省应急管理厅",
}
ALL_RIGHTS = list(BUSINESS_RIGHTS)


class TownClock:
    """The real time, moved by what a test says."""

    def __init__(self) -> None:
        self.moved = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def monotonic(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        del seconds


class Postbox:
    """A code provider that keeps what it was given to carry."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, UUID]] = []

    async def send(self, phone: str, code: str, request: UUID) -> None:
        self.sent.append((phone, code, request))


@dataclass
class Welder:
    """A worker and the secrets that must not be seen anywhere."""

    id: UUID
    identity: str
    phone: str
    name: str
    token: str = ""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Town:
    """One api with its database, and hands to furnish it."""

    database: Database
    parts: Parts
    http: httpx.AsyncClient
    clock: TownClock
    postbox: Postbox
    count: int = 0
    secrets: list[str] = field(default_factory=list)

    async def enter(self, kind: Kind, entry: Any) -> Any:
        """One entry into the registers."""
        async with scoped(self.parts.pool, "platform") as conn:
            return await PUTS[kind](conn, Desk(self.database.vault, self.clock.now()), entry)

    async def machine(self, division: str = "410502", *, online: bool = True, **words: Any) -> str:
        """A machine with a chip that is online; its plate."""
        self.count += 1
        chip, code = f"CHIP{self.count:06d}", plate.make("410502", "A", self.count)
        await self.enter("chip", shapes.Chip(chip=chip, model="WG1", profile=0))
        fields: dict[str, Any] = {
            "maker": "样例",
            "model": "ZX7-315",
            "serial": str(self.count),
            "rated_a": 315.0,
        } | words
        await self.enter("machine", shapes.Machine(plate=code, division=division, chip=chip, **fields))
        self.hear(code, online=online)
        return code

    def hear(self, code: str, **said: Any) -> None:
        """What the chip of this machine said last."""
        words = {"online": True, "state": "locked", "contact": "open"} | said
        self.database.rows(
            "INSERT INTO weld.chip_state (chip_no, chip, shard, rules_version, boot, seq, received_at, fold, online, state,"
            " contact, nonce) SELECT chip_no, chip, shard, 1, 1, 1, %s, '{}', %s, %s, %s, 'nonce-nonce-nonce-1' FROM weld.chip"
            " WHERE chip = (SELECT chip FROM weld.machine WHERE plate = %s) ON CONFLICT (chip_no) DO UPDATE SET"
            " online = excluded.online, state = excluded.state, contact = excluded.contact, received_at = excluded.received_at",
            *(self.clock.now(), words["online"], words["state"], words["contact"], code),
        )

    async def welder(self, *, papers: bool = True, enterprise: str | None = None, **words: Any) -> Welder:
        """A worker, signed in, with a good operation certificate unless told otherwise."""
        self.count += 1
        first = f"410502{words.get('birth', '19880601')}{self.count:03d}"
        number, phone = first + identity.identity_check(first), f"138{self.count:08d}"
        name = f"王样例{self.count}"
        entry = shapes.Worker(name=name, identity=number, phone=phone, enterprise=enterprise, division="410502")
        welder = Welder((await self.enter("worker", entry)).id, number, phone, name)
        self.secrets += [number, phone, name, "T" + number]
        if papers:
            await self.paper(welder)
        welder.token = await self.sign_in(phone)
        return welder

    async def paper(self, welder: Welder, **words: Any) -> UUID:
        """A certificate of this worker."""
        today = self.clock.now().date()
        dates = {"valid_from": today - timedelta(days=400), "valid_to": today + timedelta(days=1000)}
        entry = GOOD | dates | {"identity": welder.identity, "number": f"T{welder.identity}"} | words
        found: UUID = (await self.enter("certificate", shapes.Certificate(**entry))).id
        return found

    async def sign_in(self, phone: str) -> str:
        """A token, by the way that a worker takes."""
        asked = await self.http.post("/api/v1/sign-in/codes", json={"phone": phone})
        assert asked.status_code == 202, asked.text
        _, code, request = self.postbox.sent[-1]
        answer = await self.http.post("/api/v1/sign-in", json={"request": str(request), "code": code})
        assert answer.status_code == 200, answer.text
        self.secrets.append(code)
        token: str = answer.json()["token"]
        return token

    async def officer(
        self, scope: str = "platform", rights: list[str] | None = None, days: float = 1
    ) -> dict[str, str]:
        """The bearer of a new key."""
        self.count += 1
        key = "wgk_" + secrets.token_urlsafe(32)
        until = self.clock.now() + timedelta(days=days)
        entry = shapes.OfficerKey(
            name=f"key {self.count}",
            scope=scope,
            rights=ALL_RIGHTS if rights is None else rights,
            expires_at=until,
            secret=key,
        )
        await self.enter("officer_key", entry)
        return {"Authorization": f"Bearer {key}"}

    async def unlock(self, welder: Welder, code: str, key: str | None = None, **headers: str) -> httpx.Response:
        """A scan."""
        sent = welder.bearer | {"Idempotency-Key": key or str(uuid4())} | headers
        return await self.http.post("/api/v1/unlocks", json={"plate": code}, headers=sent)

    async def contact_closes(self, unlock: str, code: str) -> UUID:
        """What ingest does when the chip reports the contact closed under this ticket; the session."""
        session, now = uuid4(), self.clock.now()
        chip, chip_no = self.database.rows(
            "SELECT c.chip, c.chip_no FROM weld.machine m JOIN weld.chip c ON c.chip = m.chip WHERE m.plate = %s", code
        )[0]
        async with self.ingest() as conn:
            row = self._session(session, chip, chip_no, UUID(unlock), now, None)
            await reported.put_sessions(conn, [row], now)
            await reported.notify(conn, "weld_fact", f"grant:{unlock}")
        self.hear(code, state="unlocked", contact="closed")
        return session

    async def contact_opens(self, session: UUID, unlock: str, code: str, reason: str = "worker") -> None:
        """What ingest does when the chip reports the contact open and the session over."""
        now = self.clock.now()
        chip, chip_no, opened_at = self.database.rows(
            "SELECT chip, chip_no, opened_at FROM weld.session WHERE id = %s", session
        )[0]
        async with self.ingest() as conn:
            row = self._session(session, chip, chip_no, UUID(unlock), opened_at, now)._replace(
                end_reason=reason, arc_ms=20_000
            )
            await reported.put_sessions(conn, [row], now)
            await reported.notify(conn, "weld_fact", f"session:{session}")
        self.hear(code)

    @staticmethod
    def _session(
        session: UUID, chip: str, chip_no: int, ticket: UUID, opened_at: datetime, closed_at: datetime | None
    ) -> reported.SessionRow:
        return reported.SessionRow(
            id=session,
            chip=chip,
            chip_no=chip_no,
            ticket=ticket,
            authorised=True,
            opened_at=opened_at,
            ends_at=opened_at + timedelta(hours=4),
            closed_at=closed_at,
            end_reason=None,
            state="open" if closed_at is None else "closed",
            resumed=0,
            contact_ms=0,
            covered_ms=0,
            arc_ms=0,
            energy_wh=0.0,
            peak_a=None,
            historical=False,
        )

    @asynccontextmanager
    async def ingest(self) -> AsyncIterator[Any]:
        """A transaction of ingest."""
        conn = await connect(self.database.url("ingest"), "test ingest")
        try:
            async with conn.transaction():
                yield conn
        finally:
            await conn.close()

    def assert_nothing_personal(self, *texts: str) -> None:
        """None of the numbers and names of this town's workers in any of these."""
        for text in texts:
            found = [secret for secret in self.secrets if secret in text or json.dumps(secret)[1:-1] in text]
            assert not found, text


@asynccontextmanager
async def founded(database: Database, **changed: Any) -> AsyncIterator[Town]:
    """A town with two divisions, an enterprise each, and an api on top."""
    unless_told = {"api_stream_poll_s": 0.2, "api_device_wait_s": 0}
    settings = ApiSettings(api_codes_per_address=1000, **(unless_told | changed))
    clock, postbox = TownClock(), Postbox()
    async with pool(database.url("api"), "test api", 12) as connections:
        rules = access_rules.load()
        parts = Parts(connections, database.vault, clock, postbox, settings, rules, Board())
        transport = httpx.ASGITransport(create_app(parts), client=("127.0.0.1", 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
            town = Town(database, parts, http, clock, postbox)
            await _furnish(town)
            yield town


async def _furnish(town: Town) -> None:
    for code, zh, en, parent in (
        ("41", "河南省", "Henan", None),
        ("4105", "安阳市", "Anyang", "41"),
        ("410502", "文峰区", "Wenfeng", "4105"),
        ("37", "山东省", "Shandong", None),
    ):
        await town.enter("division", shapes.Division(code=code, name_zh=zh, name_en=en, parent=parent))
    await town.enter(
        "enterprise", shapes.Enterprise(name="样例钢构厂", credit_code="91410502MA00000072", division="410502")
    )


def rows_of(database: Database, table: str) -> int:
    """How many rows a table has."""
    with psycopg.connect(database.admin_url) as conn:
        found = conn.execute(f"SELECT count(*) FROM weld.{table}".encode()).fetchone()
    assert found is not None
    count: int = found[0]
    return count


def day(text: str) -> date:
    return date.fromisoformat(text)
