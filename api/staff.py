"""Officers at a screen: sign-in by login, password (argon2id) and time-based code, who is signed in, and where else.

Whatever the way in, a sign-in begins here (`begin`); its token is an HttpOnly cookie. Refuses to show anybody the sign-ins of
somebody else.
"""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api import cookies, proof
from api.caller import AnyCaller, Caller, Staff, idle_of, through
from api.parts import new_id
from api.place import place_of
from api.problems import RefusedError, answer
from schemas import staff
from weld.core import secret
from weld.core.roles import rights_of
from weld.store import officers
from weld.store.connect import Conn

router = APIRouter(tags=["staff"])

StaffCaller = Annotated[Caller, through(Staff())]
Way = Literal["password", "passkey", "single_sign_on"]


@router.post("/staff/sign-in", response_model=staff.StaffMe)
async def staff_sign_in(
    _turn: proof.Turn, given: staff.StaffSignIn, request: Request, response: Response, caller: AnyCaller
) -> staff.StaffMe | JSONResponse:
    """Sign in at a screen; the answer carries the cookie."""
    cookies.refuse_foreign(request)
    parts = proof.Given(given.login, given.password, given.code)
    found = await proof.judged(caller, parts, place_of(request).address)
    if not isinstance(found, UUID):
        return answer((found,), caller.language, caller.request_id)  # the try stays counted
    return await profile(caller, await begin(caller, found, "password", request, response))


@router.get("/staff/me")
async def staff_me(caller: StaffCaller) -> staff.StaffMe:
    """Who is signed in at this screen."""
    return await profile(caller, here(caller))


@router.delete("/staff/sign-in", status_code=204)
async def staff_sign_out(response: Response, caller: StaffCaller) -> None:
    """The cookie is worthless from now on."""
    officer = mine(caller)
    await officers.end_sign_in(caller.conn, officer, here(caller), caller.now)
    cookies.clear(response, caller.parts.settings, cookies.STAFF)
    caller.leave_trace("staff.signed_out", str(officer), {})


@router.get("/staff/sign-ins")
async def list_staff_sign_ins(caller: StaffCaller) -> staff.StaffSignInList:
    """Where you are signed in."""
    rows = await officers.sign_ins(caller.conn, mine(caller), caller.now, idle_of(caller))
    return staff.StaffSignInList(
        sign_ins=[staff.StaffSignInView(**row._asdict(), here=row.id == caller.sign_in) for row in rows]
    )


@router.delete("/staff/sign-ins/{sign_in}", status_code=204)
async def end_staff_sign_in(sign_in: UUID, caller: StaffCaller) -> None:
    """End one of your sign-ins."""
    officer = mine(caller)
    if not await officers.end_sign_in(caller.conn, officer, sign_in, caller.now):
        raise RefusedError("not_found")
    words = {"sign_in": str(sign_in)}
    caller.leave_trace("staff.sign_in_ended", str(officer), words)


@router.delete("/staff/sign-ins", status_code=204)
async def end_all_staff_sign_ins(response: Response, caller: StaffCaller) -> None:
    """Log out everywhere, here as well."""
    officer = mine(caller)
    await officers.sign_out_everywhere(caller.conn, officer, caller.now)
    cookies.clear(response, caller.parts.settings, cookies.STAFF)
    caller.leave_trace("staff.signed_out_everywhere", str(officer), {})


async def begin(caller: Caller, officer: UUID, way: Way, request: Request, response: Response) -> UUID:
    """A sign-in of this officer at this browser, with a token of its own; what the browser held until now is over."""
    token, sign_in = secrets.token_urlsafe(32), new_id(caller.now)
    lasts_s = caller.parts.settings.api_staff_sign_in_lasts_s
    before = cookies.read(request, cookies.STAFF)
    if before is not None:
        await officers.sign_out(caller.conn, secret.key_hash(before), caller.now)
    until, place = caller.now + timedelta(seconds=lasts_s), place_of(request)
    row = officers.NewSignIn(sign_in, secret.key_hash(token), officer, way, place.address, place.browser, until)
    await officers.sign_in(caller.conn, row, caller.now)
    cookies.put(response, caller.parts.settings, cookies.STAFF, token, lasts_s)
    words = {} if way == "password" else {"way": way}
    caller.leave_trace("staff.signed_in", str(officer), words, actor=f"officer:{officer}")
    return sign_in


async def profile(caller: Caller, sign_in: UUID) -> staff.StaffMe:
    """Who is signed in there."""
    row = await officers.profile(caller.conn, sign_in)
    if row is None:
        raise RefusedError("signed_out")
    return staff.StaffMe(
        officer=row.id,
        login=row.login,
        name=row.name,
        scope=row.scope,
        division=row.division,
        enterprise=row.enterprise,
        department=row.department,
        roles=row.roles,
        way=row.way,
        rights=rights_of(row.roles),
        signed_in_until=row.expires_at,
        proven_until=_proven_until(caller, row.stepped_up_at),
    )


def mine(caller: Caller) -> UUID:
    """The officer who sits here."""
    if caller.officer is None:
        raise RefusedError("signed_out")
    return caller.officer.id


def here(caller: Caller) -> UUID:
    """His sign-in."""
    if caller.sign_in is None:
        raise RefusedError("signed_out")
    return caller.sign_in


async def login_of(conn: Conn, sign_in: UUID) -> str:
    """The login of whoever is signed in there."""
    row = await officers.profile(conn, sign_in)
    if row is None:
        raise RefusedError("signed_out")
    return row.login


def _proven_until(caller: Caller, at: datetime | None) -> datetime | None:
    until = None if at is None else at + timedelta(seconds=caller.parts.settings.api_step_up_lasts_s)
    return until if until is not None and until > caller.now else None
