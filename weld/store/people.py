"""Registers with something to hide: workers, certificates, webhook endpoints, officer keys.

Takes plain values, seals and indexes them here and nowhere else, so that no caller can forget to; officer keys are kept as
hashes only. Written by api only. Refuses to return personal fields: who may read one opens it with the vault, and says so
in the audit.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import InsufficientPrivilege
from psycopg.rows import class_row

from weld.core.act import entered
from weld.core.age import Group
from weld.core.certificate import Registered
from weld.core.ids import Division, Enterprise, Worker
from weld.store import fields
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.registers import Outcome
from weld.store.vault import Vault


class Person(NamedTuple):
    """A worker, in plain words."""

    id: Worker
    enterprise: Enterprise | None
    division: Division
    name: str
    identity: str
    phone: str
    retirement_group: Group | None = None
    last_work_on: date | None = None
    practical_test_on: date | None = None


class Certificate(NamedTuple):
    """A certificate, in plain words. `checked_at` is the time of the look-up in the issuer's register."""

    id: UUID
    worker: Worker
    kind: str
    number: str
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: Registered
    issuer: str
    checked_at: datetime | None
    clean_record: bool = False


class Endpoint(NamedTuple):
    """A webhook endpoint with its secret; `codes` None stands for every code, `state` None for what it is, or active."""

    id: UUID
    name: str
    url: str
    secret: str
    division: Division
    codes: list[str] | None
    department: UUID | None
    state: str | None


class OfficerKey(NamedTuple):
    """An officer's bearer key: only the hash of it."""

    id: UUID
    name: str
    key_hash: bytes
    scope: str
    rights: list[str]
    expires_at: datetime


class _Sealed(NamedTuple):
    id: UUID
    enterprise: Enterprise | None
    division: Division
    name_sealed: bytes
    identity_sealed: bytes
    phone_sealed: bytes
    retirement_group: Group | None
    last_work_on: date | None
    practical_test_on: date | None


class _SealedCertificate(NamedTuple):
    id: UUID
    worker: Worker
    kind: str
    number_sealed: bytes
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: Registered
    issuer: str
    clean_record: bool


class _SealedEndpoint(NamedTuple):
    id: UUID
    name: str
    url: str
    secret_sealed: bytes
    division: Division
    codes: list[str] | None
    department: UUID | None
    state: str


async def worker_of_identity(conn: Conn, vault: Vault, identity: str) -> Worker | None:
    """Who has this identity number."""
    found = await _find_worker(conn, vault, identity)
    return None if found is None else Worker(found.id)


async def worker_of_phone(conn: Conn, vault: Vault, phone: str) -> Worker | None:
    """Who signs in with this phone number."""
    words = {"phone_index": vault.index(fields.WORKER_PHONE, phone)}
    row = await (await conn.execute(query("worker_of_phone"), words)).fetchone()
    return None if row is None else Worker(row[0])


async def identity_of(conn: Conn, vault: Vault, worker: UUID) -> str | None:
    """The identity number of a worker, for comparing a certificate with; None where there is no such worker."""
    row = await (await conn.execute(query("worker_identity"), {"id": worker})).fetchone()
    return None if row is None else vault.open(fields.WORKER_IDENTITY, worker, row[0])


async def put_worker(conn: Conn, vault: Vault, person: Person) -> tuple[Outcome, Worker]:
    """Add or change the worker of this identity number; one that exists keeps its id, which is returned."""
    found = await _find_worker(conn, vault, person.identity)
    if found is not None:
        person = _with_what_is_known(person, found)
        if _is_fresh(vault, found) and _opened(vault, found) == person:
            return "unchanged", person.id
    changed = await conn.execute(query("worker_change" if found else "worker_add"), _sealed_words(vault, person))
    _refuse_guest(changed.rowcount)
    return "updated" if found else "created", person.id


def _with_what_is_known(person: Person, found: _Sealed) -> Person:
    """What an entry does not say stays as it is known: a list of names takes nobody's practical test away."""
    return person._replace(
        id=Worker(found.id),
        retirement_group=person.retirement_group or found.retirement_group,
        last_work_on=person.last_work_on or found.last_work_on,
        practical_test_on=person.practical_test_on or found.practical_test_on,
    )


def _refuse_guest(rows: int) -> None:
    """Whoever works here but belongs elsewhere is seen, not changed: row-level security then leaves the row alone."""
    if rows == 0:
        raise InsufficientPrivilege("seen here, and entered elsewhere")


async def _find_worker(conn: Conn, vault: Vault, identity: str) -> _Sealed | None:
    async with conn.cursor(row_factory=class_row(_Sealed)) as cursor:
        await cursor.execute(query("worker_find"), {"identity_index": vault.index(fields.WORKER_IDENTITY, identity)})
        return await cursor.fetchone()


def _sealed_words(vault: Vault, person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "enterprise": person.enterprise,
        "division": person.division,
        "name_sealed": vault.seal(fields.WORKER_NAME, person.id, person.name),
        "identity_sealed": vault.seal(fields.WORKER_IDENTITY, person.id, person.identity),
        "identity_index": vault.index(fields.WORKER_IDENTITY, person.identity),
        "phone_sealed": vault.seal(fields.WORKER_PHONE, person.id, person.phone),
        "phone_index": vault.index(fields.WORKER_PHONE, person.phone),
        "retirement_group": person.retirement_group,
        "last_work_on": person.last_work_on,
        "practical_test_on": person.practical_test_on,
    }


def _opened(vault: Vault, found: _Sealed) -> Person:
    return Person(
        id=Worker(found.id),
        enterprise=found.enterprise,
        division=found.division,
        name=vault.open(fields.WORKER_NAME, found.id, found.name_sealed),
        identity=vault.open(fields.WORKER_IDENTITY, found.id, found.identity_sealed),
        phone=vault.open(fields.WORKER_PHONE, found.id, found.phone_sealed),
        retirement_group=found.retirement_group,
        last_work_on=found.last_work_on,
        practical_test_on=found.practical_test_on,
    )


def _is_fresh(vault: Vault, found: _Sealed) -> bool:
    # After a rotation of keys the next put seals again, even where nothing else has changed.
    return vault.is_current(fields.WORKER_IDENTITY, found.identity_sealed)


async def certificate_holder(conn: Conn, vault: Vault, kind: str, number: str, item: str) -> Worker | None:
    """Whose certificate this is, where it is known."""
    found = await _find_certificate(conn, vault, kind, number, item)
    return None if found is None else found.worker


async def put_certificate(conn: Conn, vault: Vault, paper: Certificate) -> tuple[Outcome, UUID]:
    """Add or change the certificate of this kind, number and item; one that exists keeps its id and its holder, and one that was
    withdrawn stays so: who may restore it does that by an act with a reason."""
    found = await _find_certificate(conn, vault, paper.kind, paper.number, paper.item)
    if found is not None:
        paper = paper._replace(id=found.id, worker=found.worker, status=entered(found.status, paper.status))
        if vault.is_current(fields.CERTIFICATE_NUMBER, found.number_sealed) and _same_paper(paper, found):
            return "unchanged", found.id
    words = paper._asdict() | {
        "number_sealed": vault.seal(fields.CERTIFICATE_NUMBER, paper.id, paper.number),
        "number_index": vault.index(fields.CERTIFICATE_NUMBER, paper.number),
    }
    changed = await conn.execute(query("certificate_change" if found else "certificate_add"), words)
    _refuse_guest(changed.rowcount)
    return "updated" if found else "created", paper.id


async def _find_certificate(conn: Conn, vault: Vault, kind: str, number: str, item: str) -> _SealedCertificate | None:
    words = {"kind": kind, "number_index": vault.index(fields.CERTIFICATE_NUMBER, number), "item": item}
    async with conn.cursor(row_factory=class_row(_SealedCertificate)) as cursor:
        await cursor.execute(query("certificate_find"), words)
        return await cursor.fetchone()


def _same_paper(paper: Certificate, found: _SealedCertificate) -> bool:
    # The number is what it was found by, and the time of a look-up that found nothing new is no change.
    kept = found._asdict() | {"number": paper.number, "checked_at": paper.checked_at}
    del kept["number_sealed"]
    return paper._asdict() == kept


async def put_endpoint(conn: Conn, vault: Vault, endpoint: Endpoint, *, keep_secret: bool) -> tuple[Outcome, UUID]:
    """Add or change the endpoint of this name; `keep_secret` leaves the secret of one that exists as it is."""
    found = await _find_endpoint(conn, endpoint.name)
    if found is not None:
        secret = vault.open(fields.ENDPOINT_SECRET, found.id, found.secret_sealed)
        endpoint = endpoint._replace(
            id=found.id, secret=secret if keep_secret else endpoint.secret, state=endpoint.state or found.state
        )
        kept = Endpoint(
            found.id, found.name, found.url, secret, found.division, found.codes, found.department, found.state
        )
        if vault.is_current(fields.ENDPOINT_SECRET, found.secret_sealed) and kept == endpoint:
            return "unchanged", found.id
    words = endpoint._asdict() | {
        "secret_sealed": vault.seal(fields.ENDPOINT_SECRET, endpoint.id, endpoint.secret),
        "state": endpoint.state or "active",
    }
    await conn.execute(query("endpoint_change" if found else "endpoint_add"), words)
    return "updated" if found else "created", endpoint.id


async def _find_endpoint(conn: Conn, name: str) -> _SealedEndpoint | None:
    async with conn.cursor(row_factory=class_row(_SealedEndpoint)) as cursor:
        await cursor.execute(query("endpoint_find"), {"name": name})
        return await cursor.fetchone()


async def put_officer_key(conn: Conn, key: OfficerKey, *, keep_hash: bool) -> tuple[Outcome, UUID]:
    """Add or change the officer key of this name; `keep_hash` leaves the key of one that exists as it is."""
    async with conn.cursor(row_factory=class_row(OfficerKey)) as cursor:
        await cursor.execute(query("officer_key_find"), {"name": key.name})
        found = await cursor.fetchone()
    if found is not None:
        key = key._replace(id=found.id, key_hash=found.key_hash if keep_hash else key.key_hash)
        if found == key:
            return "unchanged", found.id
    await conn.execute(query("officer_key_change" if found else "officer_key_add"), key._asdict())
    return "updated" if found else "created", key.id
