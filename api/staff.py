"""Sign-in of officers at a screen: login, password (argon2id) and time-based code; the token is an HttpOnly cookie.

Every part is judged every time and one answer stands for all of them, also for logins that nobody has. Refuses to say which
part was wrong to anybody but the audit, and to try anything while a login is held.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from api import cookies
from api.caller import AnyCaller, Caller, Staff, through
from api.parts import parts_of
from api.problems import RefusedError, answer
from schemas import staff
from weld.core import password, secret, totp
from weld.store import fields, officers

router = APIRouter(tags=["staff"])

StaffCaller = Annotated[Caller, through(Staff())]


async def _turn(request: Request) -> AsyncIterator[None]:
    """Stands before the caller in the signature: whoever waits here holds no connection to the database."""
    async with parts_of(request).board.sign_ins.take():
        yield


Turn = Annotated[None, Depends(_turn, scope="function")]


@router.post("/staff/sign-in", response_model=staff.StaffMe)
async def staff_sign_in(
    _turn: Turn, given: staff.StaffSignIn, request: Request, response: Response, caller: AnyCaller
) -> staff.StaffMe | JSONResponse:
    """Sign in at a screen; the answer carries the cookie."""
    cookies.refuse_foreign(request)
    login_index = caller.parts.vault.index(fields.OFFICER_LOGIN, given.login)
    failures = await officers.try_once(caller.conn, login_index, caller.now)
    if failures is None:
        return answer(("sign_in_held",), caller.language, caller.request_id)
    officer = await _judged(caller, given)
    if officer is None:
        if held := password.hold(failures):
            await officers.hold(caller.conn, login_index, caller.now + held)
        return answer(("sign_in_wrong",), caller.language, caller.request_id)  # the try stays counted
    await officers.forgive(caller.conn, login_index)
    token_hash = await _sign_in(caller, officer, request, response)
    return await _me(caller, token_hash)


@router.get("/staff/me")
async def staff_me(caller: StaffCaller) -> staff.StaffMe:
    """Who is signed in at this screen."""
    return await _me(caller, caller.token_hash)


@router.delete("/staff/sign-in", status_code=204)
async def staff_sign_out(response: Response, caller: StaffCaller) -> None:
    """The cookie is worthless from now on."""
    await officers.sign_out(caller.conn, caller.token_hash, caller.now)
    cookies.clear(response, caller.parts.settings, cookies.STAFF)
    subject = caller.actor.removeprefix("officer:")
    caller.leave_trace("staff.signed_out", subject, {})


async def _judged(caller: Caller, given: staff.StaffSignIn) -> UUID | None:
    """The officer, where all three parts are right; the code's time step is then used up."""
    found = await officers.find(caller.conn, caller.parts.vault, given.login)
    stored = password.DECOY if found is None else found.password_hash
    password_fits = await asyncio.to_thread(password.fits, stored, given.password)
    step = None if found is None else totp.fitting_step(found.totp_secret, given.code, caller.now)
    if (
        found is not None
        and password_fits
        and step is not None
        and not found.disabled
        and await officers.use_step(caller.conn, found.id, step)
    ):
        return found.id
    # A password that fits beside a code that does not is what whoever reads the audit must see.
    words = {"password": password_fits, "code": step is not None}
    subject = "unknown" if found is None else str(found.id)
    caller.leave_trace("staff.sign_in_wrong", subject, words)
    return None


async def _sign_in(caller: Caller, officer: UUID, request: Request, response: Response) -> bytes:
    settings, token = caller.parts.settings, secrets.token_urlsafe(32)
    token_hash, lasts_s = secret.key_hash(token), settings.api_staff_sign_in_lasts_s
    before = cookies.read(request, cookies.STAFF)
    if before is not None:  # the same screen again: what it held until now opens nothing any more
        await officers.sign_out(caller.conn, secret.key_hash(before), caller.now)
    await officers.sign_in(caller.conn, token_hash, officer, caller.now, caller.now + timedelta(seconds=lasts_s))
    cookies.put(response, settings, cookies.STAFF, token, lasts_s)
    caller.leave_trace("staff.signed_in", str(officer), {}, actor=f"officer:{officer}")
    return token_hash


async def _me(caller: Caller, token_hash: bytes) -> staff.StaffMe:
    row = await officers.profile(caller.conn, token_hash)
    if row is None:
        raise RefusedError("signed_out")
    return staff.StaffMe(
        officer=row.id,
        login=row.login,
        name=row.name,
        scope=row.scope,
        division=row.division,
        enterprise=row.enterprise,
        rights=row.rights,
        signed_in_until=row.expires_at,
    )
