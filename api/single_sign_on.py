"""Officers come in by a government's single sign-on, where their account is linked to a person there.

A link is made by the officer himself, signed in and with a fresh proof, or by an administrator for an account without roles. The
way there and back is bound to the browser where it began and ends once. No connection to the database is held while the provider
is asked. Such a sign-in counts as no fresh proof. Refuses to make accounts, and to link by name, mail or phone number.
"""

import re
import secrets
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from api import cookies
from api.caller import AnyCaller, Caller, Fresh, FreshStaff, Officer, Open, nobody, through
from api.identity_provider import Asked, IdentityProviderError, Told, identity_provider
from api.parts import Parts, parts_of
from api.passkeys import possible
from api.place import place_of
from api.problems import RefusedError
from api.staff import StaffCaller, begin, here, mine
from schemas import passkeys as ways
from schemas import single_sign_on as shapes
from weld.core import id_token, secret
from weld.core.fault import Fault
from weld.store import accounts, audit, officers, single_sign_on
from weld.store.connect import scoped
from weld.store.single_sign_on import Errand, NewLink, TakenRow

router = APIRouter(tags=["staff"])
log = structlog.get_logger()

FreshCaller = Annotated[Caller, through(FreshStaff())]
Linker = Annotated[Caller, through(Fresh("officers:write"))]
Unlinker = Annotated[Caller, through(Officer("officers:write"))]

_CONSOLE: Final = "/console"
_GOOD_FOR: Final = timedelta(minutes=10)
_OPEN_FROM_ADDRESS: Final = 60
_OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]{0,500}")
_HAS_ROLES: Final = Fault(
    "roles",
    "the account holds roles: its owner links it himself, or they are withdrawn first",
    zh="账号已有角色：由本人绑定，或先收回角色",
)


async def _told_of(request: Request) -> Told | None:
    """Stands before the caller in the signature: whoever waits for the provider holds no connection to the database."""
    provider = identity_provider(parts_of(request))
    try:
        return None if provider is None else await provider.told()
    except IdentityProviderError as error:
        log.warning("single_sign_on_failed", at="begin", why=str(error))
        return None


Known = Annotated[Told | None, Depends(_told_of, scope="function")]


@router.get("/staff/sign-in/ways")
async def sign_in_ways(caller: AnyCaller) -> ways.SignInWays:
    """How officers may sign in here, besides login, password and code."""
    return ways.SignInWays(passkeys=possible(caller.parts.settings), single_sign_on=_name(caller.parts))


@router.post("/staff/sign-in/single-sign-on")
async def begin_single_sign_on(
    told: Known, given: shapes.Begin, request: Request, response: Response, caller: AnyCaller
) -> shapes.GoThere:
    """Begin a sign-in at the single sign-on."""
    return await _go(caller, told, request, response, given.back_to, None)


@router.post("/staff/single-sign-on/link")
async def link_single_sign_on(told: Known, request: Request, response: Response, caller: FreshCaller) -> shapes.GoThere:
    """Begin to link your account to whoever you are at the single sign-on."""
    return await _go(caller, told, request, response, "/security", mine(caller))


@router.get("/staff/single-sign-on")
async def read_single_sign_on(caller: StaffCaller) -> shapes.Linked:
    """Whether your account is linked."""
    row = await single_sign_on.link_of(caller.conn, caller.parts.settings.sso_issuer, mine(caller))
    since, by_owner = (None, False) if row is None else row
    return shapes.Linked(name=_name(caller.parts), since=since, by_owner=by_owner)


@router.delete("/staff/single-sign-on/link", status_code=204)
async def unlink_single_sign_on(caller: FreshCaller) -> None:
    """Nobody opens your account that way any more."""
    await _unlink(caller, mine(caller))


@router.post("/staff/single-sign-on/sign-out")
async def sign_out_single_sign_on(told: Known, response: Response, caller: StaffCaller) -> shapes.SignedOut:
    """Sign out here; the answer says where the browser signs out there."""
    officer, provider = mine(caller), identity_provider(caller.parts)
    await officers.end_sign_in(caller.conn, officer, here(caller), caller.now)
    cookies.clear(response, caller.parts.settings, cookies.STAFF)
    caller.leave_trace("staff.signed_out", str(officer), {})
    return shapes.SignedOut(url=None if told is None or provider is None else provider.way_out(told))


@router.post("/officers/{officer}/single-sign-on", status_code=204)
async def link_officer(officer: UUID, given: shapes.Link, caller: Linker) -> None:
    """Link an account that has no roles yet to a person at the single sign-on.

    As with the secret of a new account: whoever could come in by it must gain nothing. With roles its owner links it himself.
    """
    row, issuer = await accounts.held(caller.conn, officer), caller.parts.settings.sso_issuer
    if row is None or not issuer:
        raise RefusedError("not_found")
    if row.roles:
        raise RefusedError("not_allowed", detail=_HAS_ROLES.words.in_language(caller.language))
    if not await single_sign_on.link(caller.conn, NewLink(issuer, given.subject, officer, mine(caller)), caller.now):
        raise RefusedError("single_sign_on_refused", detail="the account or the person is linked already")
    caller.leave_trace("single_sign_on.linked", str(officer), {})


@router.delete("/officers/{officer}/single-sign-on", status_code=204)
async def unlink_officer(officer: UUID, caller: Unlinker) -> None:
    """Nobody opens this account that way any more."""
    await _unlink(caller, officer)


@router.get("/staff/single-sign-on/back", status_code=303, response_class=RedirectResponse)
async def come_back(
    asked: Annotated[shapes.Back, Query()], request: Request, _rule: Annotated[None, Depends(Open())]
) -> RedirectResponse:
    """Where the single sign-on sends the browser back to."""
    parts = parts_of(request)
    errand = await _taken(parts, asked, request)
    subject = None if errand is None or asked.code is None else await _subject(parts, asked.code, errand)
    response = None
    if errand is not None and subject is not None:
        response = await _let_in(parts, request, errand, subject)
    response = response or RedirectResponse(f"{_CONSOLE}{_lost(errand)}", 303)
    cookies.put(response, parts.settings, cookies.ERRAND, "", 0, same_site="lax")
    return response


async def _go(
    caller: Caller, told: Told | None, request: Request, response: Response, back_to: str, linking: UUID | None
) -> shapes.GoThere:
    cookies.refuse_foreign(request)
    provider, address = identity_provider(caller.parts), place_of(request).address
    if provider is None:
        raise RefusedError("not_found")
    if told is None:
        raise RefusedError("single_sign_on_refused", detail="the single sign-on does not answer", status=503)
    if await single_sign_on.open_errands(caller.conn, address, caller.now) >= _OPEN_FROM_ADDRESS:
        raise RefusedError("too_many_attempts")
    asked, browser = Asked(*(secrets.token_urlsafe(size) for size in (32, 32, 48))), secrets.token_urlsafe(32)
    errand = Errand(
        state_hash=secret.key_hash(asked.state),
        browser_hash=secret.key_hash(browser),
        nonce=asked.nonce,
        code_verifier=asked.code_verifier,
        back_to=back_to if _OWN_PATH.fullmatch(back_to) else "/",
        linking=linking,
        address=address,
        expires_at=caller.now + _GOOD_FOR,
    )
    await single_sign_on.begin(caller.conn, errand)
    lasts_s = int(_GOOD_FOR.total_seconds())
    cookies.put(response, caller.parts.settings, cookies.ERRAND, browser, lasts_s, same_site="lax")
    return shapes.GoThere(url=provider.address(told, asked, anew=linking is not None))


async def _taken(parts: Parts, asked: shapes.Back, request: Request) -> TakenRow | None:
    browser = cookies.read(request, cookies.ERRAND)
    if browser is None:
        return None
    async with scoped(parts.pool, "platform") as conn:
        hashes = secret.key_hash(asked.state), secret.key_hash(browser)
        return await single_sign_on.take(conn, *hashes, parts.clock.now())


async def _subject(parts: Parts, code: str, errand: TakenRow) -> str | None:
    """Who the provider says it is; None where it does not say so to us, now, and in answer to this errand."""
    provider = identity_provider(parts)
    if provider is None:
        return None
    try:
        claims = await provider.claims(await provider.told(), code, errand.code_verifier)
    except IdentityProviderError as error:
        log.warning("single_sign_on_failed", at="end", why=str(error))
        return None
    expected = id_token.Expected(provider.issuer, provider.client, errand.nonce)
    fault = id_token.fault(claims, expected, parts.clock.now())
    if fault is not None:
        log.warning("single_sign_on_failed", at="token", why=fault)
        return None
    return id_token.subject_of(claims)


async def _let_in(parts: Parts, request: Request, errand: TakenRow, subject: str) -> RedirectResponse | None:
    """The officer's account is linked to this person, or opened by him."""
    response, issuer = RedirectResponse(f"{_CONSOLE}{errand.back_to}", 303), parts.settings.sso_issuer
    async with scoped(parts.pool, "platform") as conn:
        caller = nobody(request, parts, conn)
        if errand.linking is not None:
            done = await _link(caller, NewLink(issuer, subject, errand.linking, errand.linking))
        elif (officer := await single_sign_on.linked(conn, issuer, subject)) is not None:
            done = True
            await begin(caller, officer, "single_sign_on", request, response)
        else:
            done = False
            caller.leave_trace("staff.single_sign_on_wrong", "unknown", {})
        await audit.append(conn, caller.traces)
    return response if done else None


async def _link(caller: Caller, new: NewLink) -> bool:
    if not await single_sign_on.hold_owner(caller.conn, new.officer, caller.now):
        return False  # signed out, disabled or reset in the meantime
    done = await single_sign_on.link(caller.conn, new, caller.now)
    if done:
        caller.leave_trace("single_sign_on.linked", str(new.officer), {}, actor=f"officer:{new.officer}")
    return done


async def _unlink(caller: Caller, officer: UUID) -> None:
    if not await single_sign_on.unlink(caller.conn, officer):
        raise RefusedError("not_found")
    caller.leave_trace("single_sign_on.unlinked", str(officer), {})


def _name(parts: Parts) -> str | None:
    return parts.settings.sso_name if parts.settings.sso_issuer else None


def _lost(errand: TakenRow | None) -> str:
    linking = errand is not None and errand.linking is not None
    return "/security?failed=single-sign-on" if linking else "/sign-in?failed=single-sign-on"
