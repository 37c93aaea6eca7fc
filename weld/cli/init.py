"""`weldgate init`: sets up a new installation: its public address, the root of its divisions, its first three administrators.

Asked for line by line (a wrong answer at once again), or read from a TOML file. Each administrator gets a secret that opens once,
with which he sets a password of his own: no password is ever given to this command. A second time it makes nobody: with --again
only those who have not enrolled yet get a fresh secret, so that whoever may run it takes over no account. Refuses generic logins,
and one person twice.
"""

import asyncio
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import typer
from pydantic import ValidationError

from api.registers import Desk, RegisterError, put_division
from api.screens import PAGES
from api.settings import ApiSettings
from schemas import registers as shapes
from weld.cli.as_api import as_api
from weld.cli.division_files import names
from weld.core import secret, totp
from weld.core.gazetteer import Named
from weld.core.roles import KINDS, Role
from weld.store import accounts, audit
from weld.store.audit import Trace
from weld.store.connect import DOUBLED, Conn, pool, scoped
from weld.store.vault import Vault

OFFICES: Final[Mapping[str, Role]] = {
    "system": "system_administrator",
    "security": "security_administrator",
    "audit": "audit_administrator",
}
REFUSED, SET_UP_ALREADY = 1, 3
_APART = (
    "三员须为三人，账号各用各的 / the three administrators are three different people, each with a login of his own"
)
Ask = Callable[
    [str, str | None, Callable[[str], str | None]], str
]  # question, what is offered, why an answer does not do
# Without digits and marks: admin01 and sys.admin name nobody either.
_GENERIC = frozenset(
    {"admin", "administrator", "root", "system", "security", "audit", "test", "user", "guest", "demo", "weldgate"}
    | {"sysadmin", "secadmin", "auditadmin", "sysadm", "secadm", "auditadm", "auditor", "guanliyuan", "ceshi", "xitong"}
)
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")
_LOGIN = re.compile(r"[a-z0-9._-]{2,40}")


class InitError(Exception):
    """Nothing was set up; `faults` holds a line for each thing to correct."""

    def __init__(self, *faults: str, code: int = REFUSED) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
        self.code = code


@dataclass(frozen=True, slots=True)
class Person:
    """One of the three."""

    office: str
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be set up."""

    public_url: str
    division: shapes.Division
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """Whose secret this is; it is told once."""

    person: Person
    secret: str


def run(file: Path | None, *, again: bool) -> int:
    """Set up, and print what the three are to be handed; 0, or why not: 1 refused, 3 set up already."""
    try:
        plan, made = _carried_out(None if file is None else read(file), again=again)
    except InitError as error:
        print("weldgate init:", *error.faults, sep="\n  ", file=sys.stderr)
        return error.code
    except (RuntimeError, ValueError, OSError, psycopg.OperationalError) as error:
        print(f"weldgate init: {error}", file=sys.stderr)
        return REFUSED
    print(_farewell(plan, made), file=sys.stderr)
    for one in made:
        print(json.dumps(_told(plan, one), ensure_ascii=False))
    return 0


def _carried_out(plan: Plan | None, *, again: bool) -> tuple[Plan, list[Made]]:
    if plan is None and not sys.stdin.isatty():
        raise InitError("nobody is there to be asked: give --file")
    with as_api() as (url, vault):
        if plan is None:
            asyncio.run(refuse_second(url, again=again))  # before a dozen questions, not after
            plan = planned(asked(_prompt, names(ApiSettings().pages_folder or PAGES)))
            typer.confirm("照此设置？/ Set up like this?", default=True, abort=True, err=True)
        return plan, asyncio.run(set_up(url, vault, plan, datetime.now(UTC), again=again))


def read(file: Path) -> Plan:
    """The plan in a file; InitError with all that is wrong."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InitError(f"{file}: cannot be read: {error}") from None
    return planned(given)


def planned(given: Mapping[str, Any]) -> Plan:
    """A checked plan; InitError with all that is wrong."""
    faults = [f"{name}: there is no such entry" for name in sorted(given.keys() - {"public_url", "division", *OFFICES})]
    address = str(given.get("public_url", ""))
    if (fault := _address_fault(address)) is not None:
        faults.append(f"public_url: {fault}")
    people = tuple(_person(office, given.get(office), faults) for office in OFFICES)
    told = [{getattr(person, field) for person in people} for field in ("login", "name")]
    if min(map(len, told)) < len(people):
        faults.append(_APART)
    division = _division(given.get("division"), faults)
    if faults or division is None:
        raise InitError(*faults)
    return Plan(address, division, people)


def _division(given: object, faults: list[str]) -> shapes.Division | None:
    if not isinstance(given, dict):
        faults.append("division: 缺少这一节 / is missing: code, name_zh, name_en")
        return None
    try:
        return shapes.Division.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults += [f"{'.'.join(map(str, ('division', *fault['loc'])))}: {fault['msg']}" for fault in found]
    return None


def _person(office: str, given: object, faults: list[str]) -> Person:
    words = given if isinstance(given, dict) else {}
    login, name = str(words.get("login", "")), str(words.get("name", "")).strip()
    if "password" in words:
        faults.append(
            f"{office}.password: is not taken here: each administrator sets his own, with the secret made for him"
        )
    beyond = sorted(words.keys() - {"login", "name", "password"})
    faults += [f"{office}.{field}: there is no such entry" for field in beyond]
    for field, fault in (("login", _login_fault(login)), ("name", _name_fault(name))):
        if fault is not None:
            faults.append(f"{office}.{field}: {fault}")
    return Person(office, login, name)


def _address_fault(address: str) -> str | None:
    if not _ADDRESS.fullmatch(address):
        return "写 https://域名，不带路径（仅本机可用 http） / must be https://NAME (http only on this machine) without a path"
    told = os.environ.get("WELDGATE_PUBLIC_URL", address)
    return None if told == address else f"与环境变量不一致 / WELDGATE_PUBLIC_URL says another one: {told}"


def _login_fault(login: str) -> str | None:
    if not _LOGIN.fullmatch(login):
        return "2 到 40 位小写字母、数字或 . _ - / 2 to 40 of a-z 0-9 . _ -"
    named = re.sub(r"[0-9._-]", "", login) not in _GENERIC
    return None if named else "不能用通用账号，要落实到人 / names nobody: take one that belongs to a person"


def _name_fault(name: str) -> str | None:
    return None if 1 <= len(name) <= 100 else "没有填，或者太长 / is missing or too long"


def asked(ask: Ask, known: Mapping[str, Named]) -> dict[str, Any]:
    """What `planned` takes, from a conversation; `known` are published divisions, whose names are offered."""
    told = os.environ.get("WELDGATE_PUBLIC_URL")
    given: dict[str, Any] = {"public_url": ask("对外网址 / Public address", told, _address_fault)}
    code = ask("顶层区划代码 / Code of the topmost division", "41", _code_fault)
    found = known.get(code, Named(code, "", ""))
    given["division"] = {
        "code": code,
        "name_zh": ask("区划名称 / Its Chinese name", found.name_zh or None, _name_fault),
        "name_en": ask("区划英文名 / Its English name", found.name_en or None, _name_fault),
    }
    for office, role in OFFICES.items():
        kind, others = KINDS[role].name, [given[one] for one in OFFICES if one in given]
        given[office] = {
            field: ask(f"{zh} / {en}", None, partial(_fault_of_one, field, others))
            for field, zh, en in (
                ("login", f"{kind.zh}账号", f"Login of the {kind.en}"),
                ("name", f"{kind.zh}姓名", f"Name of the {kind.en}"),
            )
        }
    return given


def _fault_of_one(field: str, others: Sequence[Mapping[str, str]], text: str) -> str | None:
    if text in {one[field] for one in others}:
        return _APART
    return _login_fault(text) if field == "login" else _name_fault(text)


def _code_fault(code: str) -> str | None:
    faults: list[str] = []
    _division({"code": code, "name_zh": "x", "name_en": "x"}, faults)
    return faults[0].removeprefix("division.code: ") if faults else None


def _prompt(question: str, default: str | None, fault_of: Callable[[str], str | None]) -> str:
    """One answer. Prompts go to stderr: stdout is for the secrets."""

    def checked(text: str) -> str:
        if (fault := fault_of(text.strip())) is not None:
            raise typer.BadParameter(fault)
        return text.strip()

    return str(typer.prompt(question, default=default, value_proc=checked, err=True))


async def refuse_second(url: str, *, again: bool) -> None:
    """InitError where this installation is set up already, unless secrets are to be made again."""
    async with pool(url, "init", size=1) as connections, scoped(connections, "platform") as conn:
        _refuse_second(await accounts.administrators(conn), again=again)


def _refuse_second(known: Sequence[accounts.Administrator], *, again: bool) -> None:
    if known and not again:
        who = "已设置过 / this installation is set up already; --again makes fresh secrets for those who have not enrolled"
        raise InitError(who, code=SET_UP_ALREADY)


async def set_up(url: str, vault: Vault, plan: Plan, now: datetime, *, again: bool) -> list[Made]:
    """Enter the plan as a whole or not at all (`url` is that of the role api); the secrets that were made."""
    async with pool(url, "init", size=1) as connections, scoped(connections, "platform") as conn:
        await accounts.hold_administrators(conn)
        known = await accounts.administrators(conn)
        _refuse_second(known, again=again)
        desk = Desk(vault, now)
        made, traces = await (_renew(conn, plan, known, now) if known else _begin(conn, desk, plan))
        await audit.append(conn, traces)
    return made


async def _begin(conn: Conn, desk: Desk, plan: Plan) -> tuple[list[Made], list[Trace]]:
    try:
        await put_division(conn, desk, plan.division)
    except RegisterError as error:
        raise InitError(*(f"division.{problem.field}: {problem.text}" for problem in error.problems)) from None
    made, traces = [], []
    for person in plan.people:
        one, number, role = Made(person, secret.enrolment(os.urandom(32))), desk.new_id(), OFFICES[person.office]
        account = accounts.NewAccount(
            number, person.login, person.name, None, None, totp.made(os.urandom(20)), secret.key_hash(one.secret)
        )
        try:
            await accounts.add(conn, desk.vault, account, desk.now)
        except DOUBLED:
            raise InitError(f"{person.office}.login: {person.login} is an account already: take another") from None
        await accounts.grant(conn, accounts.Grant(desk.new_id(), number, role, "platform", None), desk.now)
        traces.append(Trace(desk.now, "installation", "installation.set_up", str(number), {"role": role}))
        made.append(one)
    return made, traces


async def _renew(
    conn: Conn, plan: Plan, known: list[accounts.Administrator], now: datetime
) -> tuple[list[Made], list[Trace]]:
    """Fresh secrets for those of the plan who hold their office and have never enrolled; everybody else stays as he is."""
    held = {(one.login, one.role): one for one in known}
    strangers = [one for one in plan.people if (one.login, OFFICES[one.office]) not in held]
    if strangers:
        faults = [f"{one.office}.login: {one.login} does not hold this office" for one in strangers]
        raise InitError(*faults, code=SET_UP_ALREADY)
    made, traces = [], []
    for person in plan.people:
        one = held[person.login, OFFICES[person.office]]
        if one.waiting:
            made.append(Made(person, secret.enrolment(os.urandom(32))))
            await accounts.offer(conn, one.id, secret.key_hash(made[-1].secret), now)
            traces.append(Trace(now, "installation", "installation.secret_renewed", str(one.id), {}))
    return made, traces


def _told(plan: Plan, made: Made) -> dict[str, str]:
    return {
        "office": OFFICES[made.person.office],
        "login": made.person.login,
        "enrolment_secret": made.secret,
        "enrolment_url": f"{plan.public_url}/console/enrol#{made.secret}",
    }


def _farewell(plan: Plan, made: list[Made]) -> str:
    days = accounts.ENROLMENT_LASTS.days
    lines = [
        f"{len(made)} secrets follow on stdout, each once: hand every person his own. They open for {days} days.",
        f"下面每行是一位管理员的一次性口令，只显示这一次，请分别当面交给本人，{days} 天内有效。",
        f"Every process must be told: WELDGATE_PUBLIC_URL={plan.public_url}",
    ]
    return "\n".join(lines if made else ["nothing to do: all three have enrolled / 三位管理员都已启用，无需操作"])
