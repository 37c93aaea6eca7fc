"""Many workers and certificates at once: what people.py does for one, in a handful of statements for a thousand rows.

Finds what is known under the blind indexes, and writes what a plan (roster_plan.py) holds, sealed. Looks with the platform's eyes
at who has an identity number, a phone or a certificate, and at nothing else; writes with the eyes that it is given. Refuses to
judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.certificate import Registered
from weld.core.roster import Entry, Person
from weld.store import fields, signins
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.vault import Vault


class Row(NamedTuple):
    """One row of a roster with its blind indexes."""

    number: int
    entry: Entry
    identity: bytes
    phone: bytes
    paper: bytes | None


class Place(NamedTuple):
    """Where a worker belongs."""

    division: str
    enterprise: UUID | None


class KnownWorker(NamedTuple):
    """A worker who is in the register, still sealed."""

    id: UUID
    enterprise: UUID | None
    division: str
    identity_index: bytes
    name_sealed: bytes
    identity_sealed: bytes
    phone_sealed: bytes
    phone_index: bytes

    @property
    def place(self) -> Place:
        """Where he belongs now."""
        return Place(self.division, self.enterprise)


class KnownPaper(NamedTuple):
    """A certificate that is in the register, still sealed."""

    id: UUID
    worker: UUID
    kind: str
    number_index: bytes
    number_sealed: bytes
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: Registered
    issuer: str


class KnownEnterprise(NamedTuple):
    """An enterprise in scope."""

    id: UUID
    credit_code: str
    division: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the register has of what some rows name. `own` is the enterprise whose officer brought them."""

    workers: dict[bytes, KnownWorker]
    phones: dict[bytes, bytes]
    papers: dict[tuple[str, bytes, str], KnownPaper]
    divisions: frozenset[str]
    enterprises: dict[str, KnownEnterprise]
    own: KnownEnterprise | None
    in_scope: frozenset[Place]


class WorkerToPut(NamedTuple):
    """A worker as he shall be, in plain words."""

    id: UUID
    place: Place
    name: str
    identity: str
    identity_index: bytes
    phone: str
    phone_index: bytes


class PaperToPut(NamedTuple):
    """A certificate as it shall be, in plain words."""

    id: UUID
    worker: UUID
    kind: str
    number: str
    number_index: bytes
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: Registered
    issuer: str


Words = dict[str, Any]


class Sealed(NamedTuple):
    """What the four statements that write take."""

    new_workers: Words
    changed_workers: Words
    new_papers: Words
    changed_papers: Words


def indexed(vault: Vault, number: int, entry: Entry) -> Row:
    """A row with its blind indexes."""
    return Row(
        number,
        entry,
        vault.index(fields.WORKER_IDENTITY, entry.person.identity),
        vault.index(fields.WORKER_PHONE, entry.person.phone),
        None if entry.paper is None else vault.index(fields.CERTIFICATE_NUMBER, entry.paper.number),
    )


async def known(conn: Conn, scope: str, rows: Sequence[Row]) -> Known:
    """What the register has of what these rows name; afterwards the transaction sees what `scope` may see."""
    await signins.look_as(conn, "platform")
    workers = await _workers(conn, rows)
    phones = await _pairs(conn, "roster_phones", {"phones": [row.phone for row in rows]})
    papers = await _papers(conn, rows)
    await signins.look_as(conn, scope)
    kind, _, own = scope.partition(":")
    enterprises = await _enterprises(conn, rows, UUID(own) if kind == "enterprise" else None)
    by_code = {each.credit_code: each for each in enterprises}
    mine = next((each for each in enterprises if kind == "enterprise" and str(each.id) == own), None)
    wanted = {place for row in rows if (place := place_of(row.entry.person, by_code, mine)) is not None}
    codes = {"codes": list({place.division for place in wanted})}
    there = frozenset(code for (code,) in await (await conn.execute(query("roster_divisions"), codes)).fetchall())
    return Known(
        workers={worker.identity_index: worker for worker in workers},
        phones=dict(phones),
        papers={(paper.kind, paper.number_index, paper.item): paper for paper in papers},
        divisions=there,
        enterprises=by_code,
        own=mine,
        in_scope=await _in_scope(conn, scope, wanted | {worker.place for worker in workers}),
    )


def place_of(person: Person, enterprises: Mapping[str, KnownEnterprise], own: KnownEnterprise | None) -> Place | None:
    """Where a row puts its worker: what it does not say is said by the enterprise; None where nobody says it."""
    enterprise = own if person.enterprise is None else enterprises.get(person.enterprise)
    division = person.division or (None if enterprise is None else enterprise.division)
    return None if division is None else Place(division, None if enterprise is None else enterprise.id)


def sealed_workers(vault: Vault, workers: Sequence[WorkerToPut]) -> Words:
    """Workers as the statements take them: a list a column."""
    return {
        "ids": [worker.id for worker in workers],
        "enterprises": [worker.place.enterprise for worker in workers],
        "divisions": [worker.place.division for worker in workers],
        "names": [vault.seal(fields.WORKER_NAME, worker.id, worker.name) for worker in workers],
        "identities": [vault.seal(fields.WORKER_IDENTITY, worker.id, worker.identity) for worker in workers],
        "identity_indexes": [worker.identity_index for worker in workers],
        "phones": [vault.seal(fields.WORKER_PHONE, worker.id, worker.phone) for worker in workers],
        "phone_indexes": [worker.phone_index for worker in workers],
    }


def sealed_papers(vault: Vault, papers: Sequence[PaperToPut]) -> Words:
    """Certificates as the statements take them: a list a column."""
    return {
        "ids": [paper.id for paper in papers],
        "workers": [paper.worker for paper in papers],
        "kinds": [paper.kind for paper in papers],
        "numbers": [vault.seal(fields.CERTIFICATE_NUMBER, paper.id, paper.number) for paper in papers],
        "indexes": [paper.number_index for paper in papers],
        "categories": [paper.category for paper in papers],
        "items": [paper.item for paper in papers],
        "firsts": [paper.valid_from for paper in papers],
        "lasts": [paper.valid_to for paper in papers],
        "reviews": [paper.review_due for paper in papers],
        "statuses": [paper.status for paper in papers],
        "issuers": [paper.issuer for paper in papers],
    }


async def put(conn: Conn, words: Sealed, at: datetime) -> None:
    """Write what there is to write, workers before their certificates."""
    for statement, columns in (
        ("roster_workers_add", words.new_workers),
        ("roster_workers_change", words.changed_workers),
        ("roster_papers_add", words.new_papers),
        ("roster_papers_change", words.changed_papers),
    ):
        if columns["ids"]:
            await conn.execute(query(statement), columns | {"at": at}, binary=True)


async def _workers(conn: Conn, rows: Sequence[Row]) -> list[KnownWorker]:
    async with conn.cursor(row_factory=class_row(KnownWorker)) as cursor:
        return await (
            await cursor.execute(query("roster_workers"), {"identities": [row.identity for row in rows]})
        ).fetchall()


async def _papers(conn: Conn, rows: Sequence[Row]) -> list[KnownPaper]:
    asked = {
        (row.entry.paper.kind, row.paper, row.entry.paper.item)
        for row in rows
        if row.entry.paper is not None and row.paper is not None
    }
    kinds, indexes, items = zip(*asked, strict=True) if asked else ((), (), ())
    words = {"kinds": list(kinds), "indexes": list(indexes), "items": list(items)}
    async with conn.cursor(row_factory=class_row(KnownPaper)) as cursor:
        return await (await cursor.execute(query("roster_papers"), words)).fetchall()


async def _enterprises(conn: Conn, rows: Sequence[Row], own: UUID | None) -> list[KnownEnterprise]:
    words = {"codes": [*{row.entry.person.enterprise for row in rows} - {None}], "own": own}
    async with conn.cursor(row_factory=class_row(KnownEnterprise)) as cursor:
        return await (await cursor.execute(query("roster_enterprises"), words)).fetchall()


async def _pairs(conn: Conn, statement: str, words: Words) -> list[tuple[bytes, bytes]]:
    return [(row[0], row[1]) for row in await (await conn.execute(query(statement), words)).fetchall()]


async def _in_scope(conn: Conn, scope: str, places: set[Place]) -> frozenset[Place]:
    if scope == "platform":
        return frozenset(places)
    ordered = list(places)
    words = {
        "divisions": [place.division for place in ordered],
        "enterprises": [place.enterprise for place in ordered],
    }
    rows = await (await conn.execute(query("roster_scope"), words)).fetchall()
    return frozenset(Place(division, enterprise) for division, enterprise in rows)
