"""Enrolment: the owner of a new account, or of one that was reset, sets a password of his own and takes in the second factor.

The secret that was handed over opens once and for three days. Nobody but the owner ever knows the password. Refuses weak ones,
and pages of others.
"""

import asyncio
import os

from fastapi import APIRouter, Request

from api import cookies
from api.caller import AnyCaller, Caller
from api.problems import RefusedError
from api.proof import Turn
from schemas import accounts as shapes
from weld.core import passphrase, password, secret, totp
from weld.store import accounts
from weld.store.accounts import Enrolling

router = APIRouter(tags=["staff"])


@router.post("/staff/enrolment/look")
async def look_at_enrolment(asked: shapes.EnrolmentLook, request: Request, caller: AnyCaller) -> shapes.EnrolmentShown:
    """Whose account the secret opens, and the second factor to put into an authenticator."""
    cookies.refuse_foreign(request)
    found = await _found(caller, asked.secret)
    issuer = caller.parts.settings.installation_name
    return shapes.EnrolmentShown(
        login=found.login,
        name=found.name,
        totp_secret=found.totp_secret,
        totp_uri=totp.uri(found.totp_secret, found.login, issuer),
    )


@router.post("/staff/enrolment", status_code=204)
async def enrol(
    _turn: Turn,
    given: shapes.Enrolment,
    request: Request,
    caller: AnyCaller,
) -> None:
    """Set the password; the code shows that the authenticator works. Then sign in, with the next code."""
    cookies.refuse_foreign(request)
    found = await _found(caller, given.secret)
    if (fault := passphrase.password_fault(given.password, found.login)) is not None:
        raise RefusedError("bad_request", detail=f"password: {fault.words.in_language(caller.language)}")
    step = totp.fitting_step(found.totp_secret, given.code, caller.now)
    if step is None:
        raise RefusedError("code_wrong")
    if not await accounts.enrolled(caller.conn, found.id, secret.key_hash(given.secret)):
        raise RefusedError("not_found")
    hashed = await asyncio.to_thread(password.hashed, given.password, os.urandom(16))
    await accounts.set_proofs(caller.conn, caller.parts.vault, found.id, hashed, found.totp_secret, step)
    caller.leave_trace("officer.enrolled", str(found.id), {}, actor=f"officer:{found.id}")


async def _found(caller: Caller, given: str) -> Enrolling:
    found = await accounts.enrolling(caller.conn, caller.parts.vault, secret.key_hash(given), caller.now)
    if found is None:
        raise RefusedError("not_found", detail="this secret opens nothing: it was used, replaced, or is too old")
    return found
