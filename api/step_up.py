"""The fresh proof that dangerous actions take: password and time-based code once more; by passkey see passkeys.py.

The screen gets another token with it, so that a cookie that was copied before has no part in the proof. Refuses a proof of
anybody but the officer who sits there.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api import cookies, proof
from api.caller import Caller
from api.place import place_of
from api.problems import answer
from api.staff import StaffCaller, here, login_of, mine
from schemas import staff
from weld.core import secret
from weld.store import officers

router = APIRouter(tags=["staff"])


@router.post("/staff/step-up", response_model=staff.Proven)
async def step_up(
    _turn: proof.Turn, given: staff.StepUp, request: Request, response: Response, caller: StaffCaller
) -> staff.Proven | JSONResponse:
    """Give a fresh proof by password and code; the answer carries another cookie."""
    login = await login_of(caller.conn, here(caller))
    found = await proof.judged(caller, proof.Given(login, given.password, given.code), place_of(request).address)
    if not isinstance(found, UUID) or found != mine(caller):
        reason = "sign_in_wrong" if isinstance(found, UUID) else found
        # 403: the screen stays signed in, only this step is refused
        status = 403 if reason == "sign_in_wrong" else None
        return answer((reason,), caller.language, caller.request_id, status=status)
    return await proven(caller, response, "password")


async def proven(caller: Caller, response: Response, way: str) -> staff.Proven:
    """This screen has given a fresh proof."""
    settings, token = caller.parts.settings, secrets.token_urlsafe(32)
    grace = timedelta(seconds=settings.api_staff_grace_s)
    await officers.step_up(caller.conn, here(caller), secret.key_hash(token), caller.now, grace)
    row = await officers.profile(caller.conn, here(caller))
    lasts = timedelta(0) if row is None else row.expires_at - caller.now
    cookies.put(response, settings, cookies.STAFF, token, int(lasts.total_seconds()))
    caller.leave_trace("staff.stepped_up", str(mine(caller)), {"way": way})
    return staff.Proven(until=caller.now + timedelta(seconds=settings.api_step_up_lasts_s))
