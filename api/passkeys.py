"""Officers' passkeys (WebAuthn): add, list, rename, remove; sign in with one, or give a fresh proof.

A passkey takes the place of all three parts, so it must verify its user itself. It is bound to the host of the public address,
origin and counter are checked, and what it signs opens once. Refuses passkeys where browsers do (the public address is no name,
or no secure one), and to add or remove one without a fresh proof.
"""

import ipaddress
import json
import secrets
import struct
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from cbor2 import CBORDecodeError
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api import cookies
from api.caller import AnyCaller, Caller, FreshStaff, through
from api.parts import new_id
from api.place import place_of
from api.problems import RefusedError, answer
from api.proof import too_many_from
from api.settings import ApiSettings
from api.staff import StaffCaller, begin, here, login_of, mine, profile
from api.step_up import proven
from schemas import passkeys as shapes
from schemas import staff
from weld.store import officers, passkeys
from weld.store.passkeys import Purpose

router = APIRouter(tags=["staff"])

FreshCaller = Annotated[Caller, through(FreshStaff())]

_GOOD_FOR = timedelta(minutes=5)
_OPEN_FROM_ADDRESS = 60
_MOST = 20
# What the library raises of what it cannot read: its own, and those of the decoders below it.
_MALFORMED = (WebAuthnException, CBORDecodeError, ValueError, LookupError, TypeError, struct.error)
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


@router.get("/staff/passkeys")
async def list_passkeys(caller: StaffCaller) -> shapes.PasskeyList:
    """Your passkeys."""
    rows = await passkeys.of(caller.conn, mine(caller))
    views = [shapes.Passkey(id=row.id, name=row.name, created_at=row.created_at, used_at=row.used_at) for row in rows]
    return shapes.PasskeyList(possible=possible(caller.parts.settings), passkeys=views)


@router.post("/staff/passkeys/options")
async def passkey_options(request: Request, caller: FreshCaller) -> shapes.ToSign:
    """What a new passkey is to sign."""
    number, challenge = await _challenge(caller, request, "register", mine(caller))
    settings, login = caller.parts.settings, await login_of(caller.conn, here(caller))
    known = await _with_room(caller)
    options = webauthn.generate_registration_options(
        rp_id=_host(settings),
        rp_name=settings.installation_name,
        user_id=mine(caller).bytes,
        user_name=login,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential) for row in known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return shapes.ToSign(challenge=number, options=json.loads(webauthn.options_to_json(options)))


@router.post("/staff/passkeys", status_code=201, response_model=shapes.Passkey)
async def add_passkey(given: shapes.NewPasskey, caller: FreshCaller) -> shapes.Passkey | JSONResponse:
    """Add a passkey."""
    settings, officer = caller.parts.settings, mine(caller)
    await _with_room(caller)
    challenge = await passkeys.use_challenge(caller.conn, given.challenge, "register", officer, caller.now)
    if challenge is None:
        return _no(caller)
    try:
        made = webauthn.verify_registration_response(
            credential=given.credential.model_dump(),
            expected_challenge=challenge,
            expected_rp_id=_host(settings),
            expected_origin=_origin(settings),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except _MALFORMED:
        return _no(caller)
    row = passkeys.Passkey(
        new_id(caller.now), officer, made.credential_id, made.credential_public_key, made.sign_count, given.name
    )
    if not await passkeys.add(caller.conn, row, caller.now):
        return _no(caller)
    _leave_trace(caller, "passkey.added", row.id)
    return shapes.Passkey(id=row.id, name=row.name, created_at=caller.now, used_at=None)


@router.post("/staff/passkeys/{passkey}/name", status_code=204)
async def rename_passkey(passkey: UUID, given: shapes.Renamed, caller: StaffCaller) -> None:
    """Give a passkey another name."""
    if not await passkeys.rename(caller.conn, mine(caller), passkey, given.name):
        raise RefusedError("not_found")
    _leave_trace(caller, "passkey.renamed", passkey)


@router.delete("/staff/passkeys/{passkey}", status_code=204)
async def remove_passkey(passkey: UUID, caller: FreshCaller) -> None:
    """A passkey that opens nothing any more."""
    if not await passkeys.remove(caller.conn, mine(caller), passkey):
        raise RefusedError("not_found")
    _leave_trace(caller, "passkey.removed", passkey)


@router.post("/staff/sign-in/passkey/options")
async def passkey_sign_in_options(request: Request, caller: AnyCaller) -> shapes.ToSign:
    """What a passkey is to sign for a sign-in; whose it is shows with the signature."""
    return await _to_sign(caller, request, "sign_in", None)


@router.post("/staff/sign-in/passkey", response_model=staff.StaffMe)
async def passkey_sign_in(
    given: shapes.PasskeyProof, request: Request, response: Response, caller: AnyCaller
) -> staff.StaffMe | JSONResponse:
    """Sign in by passkey; the answer carries the cookie."""
    cookies.refuse_foreign(request)
    if await too_many_from(caller, place_of(request).address):
        return answer(("too_many_attempts",), caller.language, caller.request_id)
    officer = await _signed(caller, given, request, "sign_in", None)
    if officer is None:
        return _no(caller)
    return await profile(caller, await begin(caller, officer, "passkey", request, response))


@router.post("/staff/step-up/passkey/options")
async def passkey_step_up_options(request: Request, caller: StaffCaller) -> shapes.ToSign:
    """What a passkey is to sign for a fresh proof."""
    return await _to_sign(caller, request, "step_up", mine(caller))


@router.post("/staff/step-up/passkey", response_model=staff.Proven)
async def passkey_step_up(
    given: shapes.PasskeyProof, request: Request, response: Response, caller: StaffCaller
) -> staff.Proven | JSONResponse:
    """Give a fresh proof by passkey; the answer carries another cookie."""
    if await too_many_from(caller, place_of(request).address):
        return answer(("too_many_attempts",), caller.language, caller.request_id)
    if await _signed(caller, given, request, "step_up", mine(caller)) is None:
        return _no(caller)
    return await proven(caller, response, "passkey")


def possible(settings: ApiSettings) -> bool:
    """Whether the public address is a name, and a secure one: to any other no browser binds a passkey."""
    host = _host(settings)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return urlsplit(settings.public_url).scheme == "https" or f".{host}".endswith(".localhost")
    return False


async def _with_room(caller: Caller) -> list[passkeys.PasskeyRow]:
    """His passkeys, where there is room for one more."""
    known = await passkeys.of(caller.conn, mine(caller))
    if len(known) >= _MOST:
        raise RefusedError("bad_request", detail=f"nobody has more than {_MOST} passkeys")
    return known


async def _to_sign(caller: Caller, request: Request, purpose: Purpose, officer: UUID | None) -> shapes.ToSign:
    number, challenge = await _challenge(caller, request, purpose, officer)
    options = webauthn.generate_authentication_options(
        rp_id=_host(caller.parts.settings),
        challenge=challenge,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=row.credential)
            for row in (() if officer is None else await passkeys.of(caller.conn, officer))
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return shapes.ToSign(challenge=number, options=json.loads(webauthn.options_to_json(options)))


async def _challenge(caller: Caller, request: Request, purpose: Purpose, officer: UUID | None) -> tuple[UUID, bytes]:
    cookies.refuse_foreign(request)
    if not possible(caller.parts.settings):
        raise RefusedError("not_found", detail="the public address of this installation takes no passkeys")
    address = place_of(request).address
    if await passkeys.open_challenges(caller.conn, address, caller.now) >= _OPEN_FROM_ADDRESS:
        raise RefusedError("too_many_attempts")
    number, challenge = new_id(caller.now), secrets.token_bytes(32)
    row = passkeys.Challenge(number, purpose, officer, challenge, address, caller.now + _GOOD_FOR)
    await passkeys.add_challenge(caller.conn, row)
    return number, challenge


async def _signed(
    caller: Caller, given: shapes.PasskeyProof, request: Request, purpose: Purpose, officer: UUID | None
) -> UUID | None:
    """The officer whose passkey signed what it was to sign; whatever happens, that opens nothing more."""
    challenge = await passkeys.use_challenge(caller.conn, given.challenge, purpose, officer, caller.now)
    found = None if challenge is None else await passkeys.find(caller.conn, _bytes(given.credential.rawId))
    if challenge is not None and found is not None and not found.disabled and officer in {None, found.officer}:
        count = _fitting_count(caller.parts.settings, given.credential, challenge, found)
        if count is not None:
            await passkeys.used(caller.conn, found.id, count, caller.now)
            return found.officer
    await officers.add_wrong(caller.conn, place_of(request).address, caller.now)
    subject = "unknown" if found is None else str(found.officer)
    words = {} if found is None else {"passkey": str(found.id)}
    caller.leave_trace("staff.passkey_wrong", subject, words)
    return None


def _fitting_count(
    settings: ApiSettings, given: shapes.KnownCredential, challenge: bytes, found: passkeys.FoundRow
) -> int | None:
    """The passkey's new counter, where signature, origin, host, user and counter are right."""
    handle = given.response.userHandle
    if handle is not None and _bytes(handle) != found.officer.bytes:
        return None
    body: dict[str, Any] = given.model_dump(exclude_none=True)
    try:
        verified = webauthn.verify_authentication_response(
            credential=body,
            expected_challenge=challenge,
            expected_rp_id=_host(settings),
            expected_origin=_origin(settings),
            credential_public_key=found.public_key,
            credential_current_sign_count=found.sign_count,
            require_user_verification=True,
        )
    except _MALFORMED:
        return None
    return verified.new_sign_count


def _bytes(text: str) -> bytes:
    try:
        return base64url_to_bytes(text)
    except ValueError:
        return b""


def _host(settings: ApiSettings) -> str:
    return urlsplit(settings.public_url).hostname or ""


def _origin(settings: ApiSettings) -> str:
    """The public address as browsers write it: small letters, no port that goes without saying."""
    parts = urlsplit(settings.public_url)
    port = "" if parts.port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{_host(settings)}{port}"


def _no(caller: Caller) -> JSONResponse:
    return answer(("passkey_refused",), caller.language, caller.request_id)


def _leave_trace(caller: Caller, action: str, passkey: UUID) -> None:
    caller.leave_trace(action, str(mine(caller)), {"passkey": str(passkey)})
