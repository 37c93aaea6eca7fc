"""Sign-in of workers: phone number, one-time code, token; for pages the token is a cookie. The device is bound with it.

The same answer and the same work for phones that nobody has. Refuses to store a code, a token or a phone number: only hashes
and the blind index.
"""

import hmac
import math
import secrets
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request, Response
from fastapi.responses import JSONResponse

from api import cookies
from api.caller import AnyCaller, AnyDevice, Caller
from api.devices import bound
from api.parts import new_id
from api.place import place_of
from api.problems import RefusedError, answer
from schemas import http
from weld.core import identity, pace, secret
from weld.core.reasons import ReasonCode
from weld.store import fields, signins

router = APIRouter(tags=["sign-in"])

# Codes are short, so a plain hash could be tried out in a moment: the vault's keyed index is used instead.
_CODE_FIELD = "sign_in.code"
# As long as browsers keep any cookie.
_DEVICE_KNOWN_S = 400 * 86400
_FREE_CODES = 2


@router.post("/sign-in/codes", status_code=202)
async def ask_for_code(
    asked: http.CodeRequest, request: Request, tasks: BackgroundTasks, caller: AnyCaller
) -> http.CodeSent:
    """Send a one-time code to a worker's phone."""
    phone = identity.normal_phone(asked.phone)
    if identity.phone_fault(phone) is not None:
        raise RefusedError("bad_request", detail="phone: not a mobile number of the mainland")
    address = place_of(request).address
    phone_index = caller.parts.vault.index(fields.WORKER_PHONE, phone)
    await _within_limits(caller, phone_index, address)
    code, number = f"{secrets.randbelow(1_000_000):06d}", new_id(caller.now)
    expires_at = caller.now + timedelta(seconds=caller.parts.settings.api_code_lasts_s)
    row = signins.CodeRow(number, phone_index, address, _hash(caller, number, code), caller.now, expires_at)
    if await signins.add_code(caller.conn, row):
        tasks.add_task(caller.parts.codes.send, phone, code, number)  # after the commit and after the answer
    return http.CodeSent(request=number, expires_at=expires_at)


@router.post("/sign-in", response_model=http.SignedIn)
async def sign_in(
    given: http.SignIn, request: Request, response: Response, caller: AnyCaller
) -> http.SignedIn | JSONResponse:
    """Trade a code for a token, in the body or as a cookie."""
    if given.cookie:
        cookies.refuse_foreign(request)
    tried = await signins.try_code(caller.conn, given.request)
    wrong = _wrong(caller, given, tried)
    if wrong is not None or tried is None or tried.worker is None:
        _trace_wrong(caller, given, tried)
        return answer((wrong or "code_wrong",), caller.language, caller.request_id)  # the try stays counted
    await signins.use_code(caller.conn, given.request, caller.now)
    token, lasts_s = secrets.token_urlsafe(32), caller.parts.settings.api_sign_in_lasts_s
    expires_at = caller.now + timedelta(seconds=lasts_s)
    shown = cookies.read(request, cookies.DEVICE) if given.cookie else given.device
    device, device_secret = await bound(caller, tried.worker, shown, place_of(request).browser)
    await signins.sign_in(caller.conn, secret.key_hash(token), tried.worker, device.id, caller.now, expires_at)
    caller.leave_trace("worker.signed_in", str(tried.worker), {}, actor=f"worker:{tried.worker}")
    if given.cookie:
        await _keep_in_page(caller, request, response, token, lasts_s)
        cookies.put(response, caller.parts.settings, cookies.DEVICE, device_secret, _DEVICE_KNOWN_S)
    return http.SignedIn(
        token=None if given.cookie else token,
        device=None if given.cookie else device_secret,
        worker=tried.worker,
        expires_at=expires_at,
        good_from=device.good_from if device.good_from > caller.now else None,
    )


@router.delete("/sign-in", status_code=204)
async def sign_out(response: Response, caller: AnyDevice) -> None:
    """The token is worthless from now on."""
    await signins.sign_out(caller.conn, caller.token_hash, caller.now)
    cookies.clear(response, caller.parts.settings, cookies.WORKER)
    caller.leave_trace("worker.signed_out", str(caller.worker), {})


async def _keep_in_page(caller: Caller, request: Request, response: Response, token: str, lasts_s: int) -> None:
    before = cookies.read(request, cookies.WORKER)
    if before is not None:  # the same phone again: what it held until now opens nothing any more
        await signins.sign_out(caller.conn, secret.key_hash(before), caller.now)
    cookies.put(response, caller.parts.settings, cookies.WORKER, token, lasts_s)


async def _within_limits(caller: Caller, phone_index: bytes, address: str) -> None:
    settings = caller.parts.settings
    since = caller.now - timedelta(seconds=settings.api_codes_window_s)
    for_phone, from_address = await signins.codes_asked(caller.conn, phone_index, address, since)
    if for_phone.codes >= settings.api_codes_per_phone or from_address.codes >= settings.api_codes_per_address:
        raise RefusedError("too_many_codes")
    free_from_address = max(_FREE_CODES, settings.api_codes_per_address // 2)
    left = max(_left(caller, for_phone, _FREE_CODES), _left(caller, from_address, free_from_address))
    if left > timedelta(0):
        raise RefusedError("too_many_codes", retry_after_s=math.ceil(left.total_seconds()))


def _left(caller: Caller, asked: signins.Asked, free: int) -> timedelta:
    """How long it still is until the next code."""
    wait = pace.wait_after(asked.unused, free, timedelta(seconds=caller.parts.settings.api_code_wait_s))
    return timedelta(0) if asked.last_at is None else asked.last_at + wait - caller.now


def _wrong(caller: Caller, given: http.SignIn, tried: signins.TriedRow | None) -> ReasonCode | None:
    """What is wrong with this code; a phone that nobody has looks like a wrong code."""
    if tried is None:
        return "code_wrong"
    if tried.expires_at <= caller.now or tried.tries > caller.parts.settings.api_code_tries:
        return "code_expired"
    fits = hmac.compare_digest(tried.code_hash, _hash(caller, given.request, given.code))
    return None if fits and tried.worker is not None else "code_wrong"


def _trace_wrong(caller: Caller, given: http.SignIn, tried: signins.TriedRow | None) -> None:
    """Tries that count; made-up codes and the hundredth try at one leave no trace: anybody could fill the audit with them."""
    if tried is not None and tried.tries <= caller.parts.settings.api_code_tries:
        subject = "unknown" if tried.worker is None else str(tried.worker)
        caller.leave_trace("worker.sign_in_wrong", subject, {"request": str(given.request)})


def _hash(caller: Caller, request: UUID, code: str) -> bytes:
    return caller.parts.vault.index(_CODE_FIELD, f"{request}:{code}")
