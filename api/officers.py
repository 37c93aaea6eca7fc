"""Officers' accounts and roles: made without rights by one administrator, given roles by another.

What the system administrator makes or resets has no rights until the security administrator grants some: whoever hands out the
secret of an account can enter it, and must gain nothing by that. Refuses to let anybody change himself, and to take away the last
administrator of a kind.
"""

import os
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Fresh, Officer, through
from api.paging import Limit, encode, word
from api.parts import new_id
from api.problems import RefusedError
from api.registers import RegisterError, scope_of
from schemas import accounts as shapes
from schemas import http
from schemas.desk import Words
from schemas.registers import RoleName
from weld.core import roles, secret, totp
from weld.core.fault import Fault
from weld.store import accounts, departments
from weld.store.accounts import AccountRow
from weld.store.connect import DOUBLED

router = APIRouter(tags=["officers"])

Reader = Annotated[Caller, through(Officer("officers:read"))]
Writer = Annotated[Caller, through(Officer("officers:write"))]
Withdrawer = Annotated[Caller, through(Officer("roles:grant"))]
# What a screen left alone, or a stolen cookie, must not give away for good: accounts and rights. Closing them takes no proof.
Maker = Annotated[Caller, through(Fresh("officers:write"))]
Granter = Annotated[Caller, through(Fresh("roles:grant"))]


class Filter(BaseModel):
    """Which page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/roles")
async def list_roles(caller: Reader) -> shapes.RoleList:  # noqa: ARG001
    """Every role that an account can hold, with its rights and the scopes over which it is given."""
    kinds = [(role, kind) for role, kind in roles.KINDS.items() if role != "integrator"]
    return shapes.RoleList(
        roles=[
            shapes.RoleKind(
                role=role,
                name=Words(zh=kind.name.zh, en=kind.name.en),
                rights=sorted(kind.rights),
                scopes=sorted(kind.scopes),
            )
            for role, kind in kinds
        ]
    )


@router.get("/officers")
async def list_officers(caller: Reader, asked: Annotated[Filter, Query()]) -> shapes.OfficerList:
    """Accounts by login, with what they hold."""
    rows = await accounts.search(caller.conn, after=word(asked.after), limit=asked.limit + 1)
    page = rows[: asked.limit]
    following = encode(page[-1].login) if len(rows) > asked.limit else None
    return shapes.OfficerList(officers=[_view(row) for row in page], next=following)


@router.get("/officers/{officer}")
async def read_officer(officer: UUID, caller: Reader) -> shapes.OfficerView:
    """One account."""
    return await _shown(caller, officer)


@router.post("/officers", status_code=201)
async def make_officer(entry: shapes.OfficerNew, caller: Maker) -> shapes.OfficerMade:
    """Make an account without rights. The answer holds the secret by which its owner sets password and second factor."""
    await _department(caller, entry.department)
    made, number = _secret(), new_id(caller.now)
    account = accounts.NewAccount(
        number, entry.login, entry.name, entry.department, _self(caller), _factor(), secret.key_hash(made)
    )
    try:
        await accounts.add(caller.conn, caller.parts.vault, account, caller.now)
    except DOUBLED:
        raise RefusedError("bad_request", detail="login: is taken") from None
    view = await _shown(caller, number)
    _record(caller, "officer.made", number, {"department": str(entry.department or "")})
    return _made(caller, view, made)


@router.put("/officers/{officer}")
async def change_officer(officer: UUID, entry: shapes.OfficerChange, caller: Writer) -> shapes.OfficerView:
    """Another name or department. Who acts for a department stays in it until the roles are withdrawn."""
    row = await _held(caller, officer)
    if roles.scope_kind(row.scope or "") == "department" and entry.department != row.department:
        raise RefusedError("not_allowed", detail="department: withdraw the roles first, they are over this department")
    await _department(caller, entry.department)
    await accounts.change(caller.conn, officer, entry.name, entry.department)
    view = await _shown(caller, officer)
    _record(caller, "officer.changed", officer, {"department": str(entry.department or "")})
    return view


@router.post("/officers/{officer}/disable")
async def disable_officer(officer: UUID, caller: Writer) -> shapes.OfficerView:
    """Close an account at once, also where somebody sits at it. Roles stay, and open nothing."""
    row = await _may_lose(caller, officer)
    await accounts.disable(caller.conn, row.id, caller.now)
    view = await _shown(caller, officer)
    if row.disabled_at is None:
        _record(caller, "officer.disabled", officer, {})
    return view


@router.post("/officers/{officer}/enable")
async def enable_officer(officer: UUID, caller: Writer) -> shapes.OfficerView:
    """Open an account again, for whoever knows its password and holds its second factor."""
    row = await _held(caller, officer)
    if officer == _self(caller):
        raise _refused(caller, Fault("self", "nobody does this to himself", zh="不能对自己这样做"))
    await accounts.enable(caller.conn, row.id)
    view = await _shown(caller, officer)
    if row.disabled_at is not None:
        _record(caller, "officer.enabled", officer, {})
    return view


@router.post("/officers/{officer}/reset")
async def reset_officer(officer: UUID, caller: Maker) -> shapes.OfficerMade:
    """Password and second factor are void, all roles are withdrawn; the owner enrols anew with the secret in the answer."""
    row = await _may_lose(caller, officer)
    made = _secret()
    await accounts.withdraw(caller.conn, officer, None, _self(caller), caller.now)
    await accounts.reset(caller.conn, caller.parts.vault, officer, _factor(), secret.key_hash(made), caller.now)
    view = await _shown(caller, officer)
    _record(caller, "officer.reset", officer, {"withdrawn": row.roles})
    return _made(caller, view, made)


@router.post("/officers/{officer}/roles")
async def grant_role(officer: UUID, entry: shapes.RoleGrant, caller: Granter) -> shapes.OfficerView:
    """Give a role over a scope. All roles of one account have one scope; nobody grants to himself."""
    row, scope = await _held(caller, officer), await _scope(caller, entry.scope)
    if entry.role in row.roles and row.scope == scope:
        return _view(row)
    fault = roles.grant_fault(row.account, entry.role, scope, _self(caller)) or _of_department(row, scope)
    if fault is not None:
        raise _refused(caller, fault)
    given = accounts.Grant(new_id(caller.now), officer, entry.role, scope, _self(caller))
    try:
        await accounts.grant(caller.conn, given, caller.now)
    except accounts.APART:
        raise RefusedError("not_allowed", detail="somebody else granted at the same moment") from None
    view = await _shown(caller, officer)
    _record(caller, "role.granted", officer, {"role": entry.role, "scope": scope})
    return view


@router.delete("/officers/{officer}/roles/{role}")
async def withdraw_role(officer: UUID, role: RoleName, caller: Withdrawer) -> shapes.OfficerView:
    """Take a role back; it opens nothing from the next request on."""
    row = await _may_lose(caller, officer)
    if role not in row.roles:
        raise RefusedError("not_found")
    await accounts.withdraw(caller.conn, officer, role, _self(caller), caller.now)
    view = await _shown(caller, officer)
    _record(caller, "role.withdrawn", officer, {"role": role, "scope": row.scope})
    return view


async def _held(caller: Caller, officer: UUID) -> AccountRow:
    row = await accounts.held(caller.conn, officer)
    if row is None:
        raise RefusedError("not_found")
    return row


async def _may_lose(caller: Caller, officer: UUID) -> AccountRow:
    """The account, where the caller may take away what it is."""
    await accounts.hold_administrators(caller.conn)  # or two who go at once leave none
    row = await _held(caller, officer)
    others = await accounts.roles_of_others(caller.conn, officer)
    if (fault := roles.loss_fault(row.account, others, _self(caller))) is not None:
        raise _refused(caller, fault)
    return row


async def _shown(caller: Caller, officer: UUID) -> shapes.OfficerView:
    rows = await accounts.search(caller.conn, officer=officer)
    if not rows:
        raise RefusedError("not_found")
    return _view(rows[0])


async def _scope(caller: Caller, text: str) -> str:
    try:
        return await scope_of(caller.conn, text)
    except RegisterError as error:
        raise RefusedError("bad_request", detail=str(error)) from None


async def _department(caller: Caller, department: UUID | None) -> None:
    if department is not None and not await departments.search(caller.conn, department):
        raise RefusedError("bad_request", detail="department: there is none of this id")


def _of_department(row: AccountRow, scope: str) -> Fault | None:
    """Who acts for a department belongs to it."""
    if roles.scope_kind(scope) != "department" or scope.endswith(f":{row.department}"):
        return None
    return Fault("department", "the account does not belong to this department", zh="该账号不属于这个部门")


def _self(caller: Caller) -> UUID:
    if caller.officer is None or not caller.at_screen:  # no key holds a right that leads here
        raise RefusedError("not_allowed")
    return caller.officer.id


def _refused(caller: Caller, fault: Fault) -> RefusedError:
    return RefusedError("not_allowed", detail=fault.words.in_language(caller.language))


def _record(caller: Caller, action: str, officer: UUID, detail: dict[str, object]) -> None:
    caller.leave_trace(action, str(officer), detail)


def _secret() -> str:
    return secret.enrolment(os.urandom(32))


def _factor() -> str:
    return totp.made(os.urandom(20))


def _made(caller: Caller, view: shapes.OfficerView, made: str) -> shapes.OfficerMade:
    url = f"{caller.parts.settings.public_url}/console/enrol#{made}"
    return shapes.OfficerMade(officer=view, enrolment_secret=made, enrolment_url=url)


def _view(row: AccountRow) -> shapes.OfficerView:
    return shapes.OfficerView(**row._asdict())
