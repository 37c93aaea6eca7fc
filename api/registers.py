"""Entering things into the registers: check every number and reference, seal what is personal, store.

One function a kind, used by the HTTP routes and by `weldgate seed` alike. Each checks everything before it writes anything
and raises RegisterError with all that is wrong. Refuses to repeat personal numbers in what it says.
"""

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas import registers as shapes
from weld.core import address, identity, password, plate, roles, secret, totp
from weld.core.catalogue import ALERTS
from weld.core.fault import Fault
from weld.core.ids import Chip, Division, Enterprise, Plate, Shard, Worker, uuid7
from weld.core.law import Language
from weld.core.rights import RIGHTS
from weld.core.shard import shard_of
from weld.store import accounts, departments, divisions, officers, people, registers
from weld.store.connect import Conn
from weld.store.registers import Outcome
from weld.store.vault import Vault

Kind = Literal[
    "division", "enterprise", "site", "chip", "machine", "worker", "certificate", "endpoint", "officer_key", "officer"
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every entry needs: the vault, the time, and into how many shards chips are divided."""

    vault: Vault
    now: datetime
    shards: int = 64

    def new_id(self) -> UUID:
        """A UUIDv7 of now."""
        return uuid7(self.now, os.urandom(10))


class Entered(NamedTuple):
    """What became of an entry. `name` is never personal; the secrets are there once, when they were made here."""

    outcome: Outcome
    name: str
    id: UUID | None = None
    secret: str | None = None
    totp_secret: str | None = None


class Problem(NamedTuple):
    """What is wrong with one field and what to do; `refers` names what the entry points to and is not there."""

    field: str
    text: str
    refers: tuple[Kind, str] | None = None
    zh: str = ""


class RegisterError(Exception):
    """An entry was refused; nothing of it was written."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.text}" for problem in problems))
        self.problems = problems

    def in_language(self, language: Language) -> str:
        """The same list of `field: text`; English stands in where there is no Chinese."""
        if language == "en":
            return str(self)
        return "; ".join(f"{problem.field}: {problem.zh or problem.text}" for problem in self.problems)


def told(kind: Kind, entry: shapes.Shape, entered: Entered) -> tuple[str, str, dict[str, Any]]:
    """Action, subject and detail for the audit: rights in full; a login may be somebody's name, his account's id is not."""
    detail: dict[str, Any] = {"outcome": entered.outcome}
    if isinstance(entry, shapes.Officer):
        detail |= {"scope": entry.scope, "roles": sorted(entry.roles)}
    if isinstance(entry, shapes.OfficerKey):
        detail |= {"scope": entry.scope, "rights": sorted(entry.rights)}
    return f"register.{kind}", str(entered.id) if kind == "officer" else entered.name, detail


async def put_division(conn: Conn, _desk: Desk, entry: shapes.Division) -> Entered:
    """Add or change a division. Its parent is fixed, as scopes and histories name its path."""
    check = _Check(conn)
    check.zone(entry.zone)
    parent = None if entry.parent is None else await check.division(entry.parent, "parent")
    found = await registers.find_division(conn, entry.code)
    if found is not None and found.parent != entry.parent:
        check.say("parent", f"is {found.parent} for life: a division that moves gets a new code")
    check.done()
    path = entry.code if parent is None else f"{parent.path}/{entry.code}"
    words = entry.model_dump() | {"path": path}
    return Entered(await registers.put_division(conn, registers.DivisionRow(**words)), entry.code)


async def put_enterprise(conn: Conn, desk: Desk, entry: shapes.Enterprise) -> Entered:
    """Add or change an enterprise."""
    check = _Check(conn)
    code = identity.normal(entry.credit_code)
    check.number("credit_code", identity.credit_fault(code))
    await check.division(entry.division)
    check.done()
    row = registers.EnterpriseRow(Enterprise(desk.new_id()), entry.name, code, Division(entry.division))
    outcome, enterprise = await registers.put_enterprise(conn, row)
    return Entered(outcome, code, enterprise)


async def put_site(conn: Conn, desk: Desk, entry: shapes.Site) -> Entered:
    """Add or change a site of an enterprise, by its name."""
    check = _Check(conn)
    await check.division(entry.division)
    enterprise = await check.enterprise(entry.enterprise)
    check.done()
    words: dict[str, Any] = entry.model_dump() | {"id": desk.new_id(), "enterprise": enterprise}
    outcome, site = await registers.put_site(conn, registers.SiteRow(**words))
    return Entered(outcome, entry.name, site)


async def put_chip(conn: Conn, desk: Desk, entry: shapes.Chip) -> Entered:
    """Enrol or change a chip. Its shard is fixed for life."""
    check = _Check(conn)
    shard = Shard(entry.shard) if entry.shard else None
    found = await registers.find_chip(conn, entry.chip)
    if found is not None and shard not in (None, found.shard):
        check.say("shard", f"is {found.shard} for life: topics, certificates and histories name it")
    if found is None and shard is not None and int(shard, 16) >= desk.shards:
        check.say("shard", f"this platform has the shards 00 to {desk.shards - 1:02x}")
    check.done()
    kept = found.shard if found else shard or shard_of(entry.chip, desk.shards)
    key = None if entry.public_key is None else base64.b64decode(entry.public_key)
    row = registers.ChipRow(Chip(entry.chip), kept, entry.model, key, entry.profile)
    return Entered(await registers.put_chip(conn, row), entry.chip)


async def put_machine(conn: Conn, desk: Desk, entry: shapes.Machine) -> Entered:
    """Add or change a machine with its plate, given or made, and bind its chip where one is named."""
    check = _Check(conn)
    code = check.plate(entry)
    division = await check.place(entry)
    enterprise = await check.enterprise(entry.enterprise)
    if entry.chip is not None and await registers.find_chip(conn, entry.chip) is None:
        check.missing("chip", "chip", entry.chip, "is not enrolled: enter the chip first")
    site = None if entry.site is None or enterprise is None else await check.site(enterprise, entry.site)
    check.done()
    words = entry.model_dump(exclude={"plate", "plate_from", "chip"})
    words |= {"plate": code, "enterprise": enterprise, "site": site, "division": division}
    words["rated_a"] = None if entry.rated_a is None else round(entry.rated_a, 1)  # stored as a float of 4 bytes
    outcome = await registers.put_machine(conn, registers.MachineRow(**words))
    if entry.chip is not None:
        bound = await registers.bind(conn, entry.chip, code, desk.now)
        outcome = "updated" if outcome == "unchanged" and bound != "unchanged" else outcome
    return Entered(outcome, code)


async def put_worker(conn: Conn, desk: Desk, entry: shapes.Worker) -> Entered:
    """Add or change the worker of this identity number."""
    check = _Check(conn)
    number, phone = identity.normal(entry.identity), identity.normal_phone(entry.phone)
    check.number("identity", identity.identity_fault(number, desk.now.date()))
    check.number("phone", identity.phone_fault(phone))
    check.past("last_work_on", entry.last_work_on, desk.now)
    check.past("practical_test_on", entry.practical_test_on, desk.now)
    await check.division(entry.division)
    enterprise = await check.enterprise(entry.enterprise)
    holder = await people.worker_of_phone(conn, desk.vault, phone)
    if holder is not None and holder != await people.worker_of_identity(conn, desk.vault, number):
        text = "belongs to another worker: give that one another phone first"
        check.say("phone", text, "是另一名焊工的手机号：先改那一位的")
    check.done()
    person = people.Person(
        id=Worker(desk.new_id()),
        enterprise=enterprise,
        division=Division(entry.division),
        name=entry.name.strip(),
        identity=number,
        phone=phone,
        retirement_group=entry.retirement_group,
        last_work_on=entry.last_work_on,
        practical_test_on=entry.practical_test_on,
    )
    outcome, worker = await people.put_worker(conn, desk.vault, person)
    return Entered(outcome, str(worker), worker)


async def put_certificate(conn: Conn, desk: Desk, entry: shapes.Certificate) -> Entered:
    """Add or change a certificate of the worker with this identity number."""
    check = _Check(conn)
    holder_number, number = identity.normal(entry.identity), identity.normal(entry.number)
    worker = await people.worker_of_identity(conn, desk.vault, holder_number)
    if worker is None:
        text = "no worker has this identity number: enter the worker first"
        check.missing("identity", "worker", holder_number, text, "没有这个身份证号的焊工：先录入焊工")
    check.number("number", identity.certificate_fault(entry.kind, number, holder_number))
    known = await people.certificate_holder(conn, desk.vault, entry.kind, number, entry.item)
    if known is not None and known != worker:
        text = "is the certificate of another worker: compare it with the original"
        check.say("number", text, "是另一名焊工的证号：请对照原件")
    check.done()
    words: dict[str, Any] = entry.model_dump(exclude={"identity"})
    words |= {"id": desk.new_id(), "worker": worker, "number": number}
    words["checked_at"] = None if entry.status == "unverified" else desk.now
    outcome, certificate = await people.put_certificate(conn, desk.vault, people.Certificate(**words))
    return Entered(outcome, str(certificate), certificate)


async def put_endpoint(conn: Conn, desk: Desk, entry: shapes.Endpoint) -> Entered:
    """Add or change a webhook endpoint; a new one without a secret gets one, which is returned this once."""
    check = _Check(conn)
    parsed = address.parse(entry.url)
    check.number("url", parsed if isinstance(parsed, Fault) else None)
    check.number("secret", None if entry.secret is None else secret.webhook_secret_fault(entry.secret))
    for code in sorted(set(entry.codes or []) - ALERTS.keys()):
        check.say("codes", f"{code} is no alert code of this version")
    await check.division(entry.division)
    check.done()
    words: dict[str, Any] = entry.model_dump() | {"id": desk.new_id()}
    words["codes"] = None if entry.codes is None else sorted(set(entry.codes))
    words["secret"] = entry.secret or secret.webhook_secret(os.urandom(32))
    endpoint = people.Endpoint(**words)
    outcome, name = await people.put_endpoint(conn, desk.vault, endpoint, keep_secret=entry.secret is None)
    return Entered(outcome, entry.name, name, _once(outcome, entry.secret, endpoint.secret))


async def put_officer_key(conn: Conn, desk: Desk, entry: shapes.OfficerKey) -> Entered:
    """Add or change an officer key; a new one without a secret gets one, which is returned this once."""
    check = _Check(conn)
    scope = await check.scope(entry.scope)
    check.rights(entry.rights)
    check.number("rights", roles.key_fault(set(entry.rights) & set(RIGHTS)))
    check.done()
    made = entry.secret or secret.officer_key(os.urandom(32))
    key = people.OfficerKey(
        desk.new_id(), entry.name, secret.key_hash(made), scope, sorted(set(entry.rights)), entry.expires_at
    )
    outcome, name = await people.put_officer_key(conn, key, keep_hash=entry.secret is None)
    return Entered(outcome, entry.name, name, _once(outcome, entry.secret, made))


async def put_officer(conn: Conn, desk: Desk, entry: shapes.Officer) -> Entered:
    """Add or change an officer's account; what a new one lacks of password and TOTP secret is made and returned this once.

    For seed and demo, which act for the installation itself. Over HTTP an account is made without rights (api/officers.py).
    """
    check = _Check(conn)
    scope = await check.scope(entry.scope)
    for role in entry.roles:
        check.number("roles", roles.role_fault(role, scope))
    check.number("roles", roles.together_fault(entry.roles))
    check.done()
    found = await officers.find(conn, desk.vault, entry.login)
    chosen = entry.password or (password.made(os.urandom(15)) if found is None else None)
    totp_secret = entry.totp_secret or (totp.made(os.urandom(20)) if found is None else found.totp_secret)
    officer = officers.Officer(
        id=desk.new_id() if found is None else found.id,
        login=entry.login,
        name=entry.name,
        password_hash=await asyncio.to_thread(_password_hash, None if found is None else found.password_hash, chosen),
        totp_secret=totp_secret,
        disabled=entry.disabled,
    )
    outcome = await officers.put(conn, desk.vault, officer, desk.now)
    if await _give(conn, desk, officer.id, entry.roles, scope) and outcome == "unchanged":
        outcome = "updated"
    secrets = (_once(outcome, entry.password, chosen), _once(outcome, entry.totp_secret, totp_secret))
    return Entered(outcome, entry.login, officer.id, *secrets)


async def _give(conn: Conn, desk: Desk, officer: UUID, wanted: list[shapes.RoleName], scope: str) -> bool:
    """Make the account hold these roles over this scope and no others; whether that was news."""
    [row] = await accounts.search(conn, officer=officer)
    if set(row.roles) == set(wanted) and row.scope == scope:
        return False
    await accounts.withdraw(conn, officer, None, None, desk.now)
    for role in sorted(set(wanted)):
        await accounts.grant(conn, accounts.Grant(desk.new_id(), officer, role, scope, None), desk.now)
    return True


def _password_hash(kept: str | None, chosen: str | None) -> str:
    """What is kept where it fits the password that was chosen, or none was; else the hash of the new one."""
    if kept is not None and (chosen is None or password.fits(kept, chosen)):
        return kept
    return password.hashed(chosen or "", os.urandom(16))


def _once(outcome: Outcome, given: str | None, made: str | None) -> str | None:
    return made if outcome == "created" and given is None else None


Put = Callable[[Conn, Desk, Any], Awaitable[Entered]]
# In this order an entry never points to one of a later kind.
PUTS: Mapping[Kind, Put] = {
    "division": put_division,
    "enterprise": put_enterprise,
    "site": put_site,
    "chip": put_chip,
    "machine": put_machine,
    "worker": put_worker,
    "certificate": put_certificate,
    "endpoint": put_endpoint,
    "officer_key": put_officer_key,
    "officer": put_officer,
}


class _Check:
    """Collects what is wrong with one entry."""

    def __init__(self, conn: Conn) -> None:
        self._conn = conn
        self._problems: list[Problem] = []

    def done(self) -> None:
        """RegisterError where anything was wrong."""
        if self._problems:
            raise RegisterError(self._problems)

    def say(self, field: str, text: str, zh: str = "") -> None:
        """Something is wrong."""
        self._problems.append(Problem(field, text, zh=zh))

    def missing(self, field: str, kind: Kind, name: str, text: str, zh: str = "") -> None:
        """The entry points to something that is not there."""
        self._problems.append(Problem(field, text, (kind, name), zh))

    def number(self, field: str, fault: Fault | None) -> None:
        """A number with a fault in it."""
        if fault is not None:
            self.say(field, fault.text, fault.zh)

    def past(self, field: str, day: date | None, now: datetime) -> None:
        """A day that has been; one more than here may have begun elsewhere."""
        if day is not None and day > now.date() + timedelta(days=1):
            self.say(field, "lies in the future", "日期在今天以后")

    async def site(self, enterprise: UUID, name: str) -> UUID | None:
        """A site of this enterprise that must exist."""
        found = await registers.find_site(self._conn, enterprise, name)
        if found is None:
            text = f"the enterprise has no site {name}: enter it first"
            self.missing("site", "site", name, text, f"这家单位没有场所“{name}”：先录入场所")
        return None if found is None else found.id

    def rights(self, given: list[str]) -> None:
        """Rights that routes ask for."""
        for right in sorted(set(given) - set(RIGHTS)):
            self.say("rights", f"{right} is no right of this version: take from {', '.join(RIGHTS)}")

    def zone(self, name: str) -> None:
        """A time zone must be one that days can be counted in."""
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            self.say("zone", f"{name} is no time zone: take one such as Asia/Shanghai")

    def plate(self, entry: shapes.Machine) -> Plate:
        """The plate as given, checked, or made from its parts."""
        if entry.plate_from is not None:
            parts = entry.plate_from
            return plate.make(parts.division, parts.kind, parts.serial)
        code = identity.normal(entry.plate or "")
        self.number("plate", plate.fault(code))
        return Plate(code)

    async def division(self, code: str, field: str = "division") -> registers.DivisionRow | None:
        """A division that must exist."""
        found = await registers.find_division(self._conn, code)
        if found is None:
            text = f"there is no division {code}: enter it first"
            self.missing(field, "division", code, text, f"没有区划 {code}：先录入区划")
        return found

    async def place(self, entry: shapes.Machine) -> str | None:
        """The division of a machine: the one that is named, else the one on whose land it stands."""
        if entry.division is not None:
            await self.division(entry.division)
            return entry.division
        found = await divisions.at_point(self._conn, entry.lat or 0.0, entry.lon or 0.0)
        if found is None:
            self.say("division", "the place lies in no division whose area is known here: name the division")
        return found

    async def enterprise(self, given: str | None) -> Enterprise | None:
        """An enterprise that must exist where one is named."""
        if given is None:
            return None
        code = identity.normal(given)
        found = await registers.find_enterprise(self._conn, code)
        if found is None:
            text = f"there is no enterprise {code}: enter it first"
            self.missing("enterprise", "enterprise", code, text, f"没有信用代码为 {code} 的单位：先录入单位")
        return None if found is None else found.id

    async def scope(self, text: str) -> str:
        """A scope in the words of people (codes), turned into that of the tables (path, id)."""
        kind, _, code = text.partition(":")
        if kind == "division":
            division = await self.division(code, "scope")
            return f"division:{'' if division is None else division.path}"
        if kind == "enterprise":
            found = await registers.find_enterprise(self._conn, code)
            if found is None:
                self.missing("scope", "enterprise", code, f"there is no enterprise {code}: enter it first")
            return f"enterprise:{'' if found is None else found.id}"
        if kind == "department":
            rows = await departments.search(self._conn, UUID(code))
            if not rows:
                self.say("scope", "there is no such department: enter it first")
            return f"department:{rows[0].path if rows else ''}:{code}"
        return kind


async def scope_of(conn: Conn, text: str) -> str:
    """A scope in the words of people, turned into that of the tables; RegisterError where there is no such place."""
    check = _Check(conn)
    scope = await check.scope(text)
    check.done()
    return scope
