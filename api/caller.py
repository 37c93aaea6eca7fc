"""Who calls, and what a rule lets them do: every route declares one rule, and the rule opens the request's transaction.

Holds the doors: public, worker, officer, either of the latter two, and officers at a screen. Programs show a bearer, our own
pages a cookie; where both come the bearer counts. The transaction is committed before the answer leaves
(`scope="function"`), so nobody is told of something that did not happen. Refuses unnamed rules, and at a screen whatever is
dangerous without a fresh proof (Fresh, FreshStaff).
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from api import cookies
from api.parts import Parts, parts_of
from api.problems import RefusedError, language_of
from weld.core import secret
from weld.core.law import Language
from weld.store import audit, officers, signins
from weld.store.audit import Trace
from weld.store.connect import Conn, scoped
from weld.store.officers import SignedInRow
from weld.store.signins import OfficerRow

OFFICER_PREFIX = "wgk_"
_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="A worker's token, or an officer's key wgk_...; our own pages send cookies instead",
)
# Nothing in scope: whoever is not known yet sees only what the look-up of tokens and keys needs.
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Caller:
    """One request: its transaction, its time, and whose it is. `actor` is what the audit names.

    `officer` is there for an officer, with scope and rights; `at_screen` says that a sign-in brought him and not a key: then
    `sign_in` is that sign-in and `stepped_up_at` its last fresh proof. `renewed` is a token that his cookie gets. Of a worker
    `device` is where he signed in, and `good_from` until when it waits; None where it is good.
    `traces` go to the audit when all else is done, as others wait from there on.
    """

    conn: Conn
    parts: Parts
    now: datetime
    language: Language
    request_id: UUID
    actor: str
    worker: UUID | None = None
    token_hash: bytes = b""
    officer: OfficerRow | None = None
    at_screen: bool = False
    sign_in: UUID | None = None
    stepped_up_at: datetime | None = None
    renewed: tuple[str, str] | None = None
    device: UUID | None = None
    good_from: datetime | None = None
    traces: list[Trace] = field(default_factory=list)

    def leave_trace(self, action: str, subject: str, detail: dict[str, Any], *, actor: str | None = None) -> None:
        """A row for the audit, committed with the request or not at all; ids only, never personal data."""
        self.traces.append(Trace(self.now, actor or self.actor, action, subject, detail))


class Rule(ABC):
    """Base of the doors: a dependency that yields a Caller inside an open transaction."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, request: Request, _token: Annotated[object, Depends(_bearer)]) -> AsyncIterator[Caller]:
        parts = parts_of(request)
        async with scoped(parts.pool, _NOBODY) as conn:
            caller = await self.enter(nobody(request, parts, conn), request)
            yield caller
            await audit.append(conn, caller.traces)
        if caller.renewed is not None:  # only here is it committed: a cookie that nobody knows would sign out
            request.state.renewed = caller.renewed

    @abstractmethod
    async def enter(self, caller: Caller, request: Request) -> Caller:
        """The caller with the right eyes, or RefusedError."""


class Open:
    """Anybody, and no transaction: for routes that must answer while the database is away."""

    name = "open"

    def __call__(self) -> None:
        return None


class Public(Rule):
    """Anybody. Sees with the platform's eyes, so its queries must return nothing personal."""

    def __init__(self) -> None:
        super().__init__("public")

    async def enter(self, caller: Caller, request: Request) -> Caller:  # noqa: ARG002
        await signins.look_as(caller.conn, "platform")
        return caller


class SignedIn(Rule):
    """A worker with a token, shown as a bearer or by his page's cookie; sees what is his own.

    From a new device that waits he gets in nowhere, except where the route says so.
    """

    def __init__(self, *, while_waiting: bool = False) -> None:
        super().__init__("worker")
        self._while_waiting = while_waiting

    async def enter(self, caller: Caller, request: Request) -> Caller:
        return await _as_worker(caller, request, while_waiting=self._while_waiting)


class Officer(Rule):
    """The holder of a key with this right, or an officer at a screen who has it; sees what is in scope."""

    async def enter(self, caller: Caller, request: Request) -> Caller:
        return await _as_officer(caller, request, self.name)


class OfficerFirst(Officer):
    """The same, for a body that is read afterwards: the transaction is over by then, and its connection given back."""

    async def __call__(self, request: Request, _token: Annotated[object, Depends(_bearer)]) -> AsyncIterator[Caller]:
        parts = parts_of(request)
        async with scoped(parts.pool, _NOBODY) as conn:
            known = await self.enter(nobody(request, parts, conn), request)
        if known.renewed is not None:
            request.state.renewed = known.renewed
        yield known


class Staff(Rule):
    """Any officer at a screen: for the sign-in itself. Keys have none."""

    def __init__(self) -> None:
        super().__init__("staff")

    async def enter(self, caller: Caller, request: Request) -> Caller:
        if _bearer_of(request) is not None:
            raise RefusedError("signed_out")
        return await _at_screen(caller, request)


class Fresh(Officer):
    """Like Officer, and whoever sits at a screen gave a proof within the last minutes: for what is dangerous.

    A key passes: it is nobody's screen left alone, and at a screen none is made without a fresh proof.
    """

    async def enter(self, caller: Caller, request: Request) -> Caller:
        known = await super().enter(caller, request)
        return _fresh(known) if known.at_screen else known


class FreshSelf(Fresh):
    """Like Fresh, and no key passes: for what shows or destroys a person in full."""

    async def enter(self, caller: Caller, request: Request) -> Caller:
        known = await super().enter(caller, request)
        if not known.at_screen:
            raise RefusedError("not_allowed", detail="this takes a person at a screen")
        return known


class FreshStaff(Staff):
    """Like Staff, with a proof of the last minutes."""

    async def enter(self, caller: Caller, request: Request) -> Caller:
        return _fresh(await super().enter(caller, request))


class SignedInOr(Rule):
    """A worker (sees his own) or an officer with this right (sees what is in scope)."""

    def __init__(self, right: str) -> None:
        super().__init__(f"worker|{right}")
        self._right = right

    async def enter(self, caller: Caller, request: Request) -> Caller:
        bearer = _bearer_of(request)
        if bearer is not None:
            is_key = bearer.startswith(OFFICER_PREFIX)
            return await (_as_officer(caller, request, self._right) if is_key else _as_worker(caller, request))
        if cookies.read(request, cookies.STAFF) is None:
            return await _as_worker(caller, request)
        try:
            return await _as_officer(caller, request, self._right)
        except RefusedError:
            # One browser may hold both cookies; the officer's counts unless it opens nothing here.
            if cookies.read(request, cookies.WORKER) is None:
                raise
            return await _as_worker(caller, request)


async def officer_still_in(conn: Conn, caller: Caller) -> bool:
    """Whether the key or the sign-in that this officer came with is still good for the same scope and rights.

    For streams, which outlive their request: they ask at every look. Asking is no activity: an idle screen is signed out.
    """
    now = caller.parts.clock.now()
    if caller.at_screen:
        found = None if caller.sign_in is None else await officers.still_in(conn, caller.sign_in, now, idle_of(caller))
    else:
        found = await signins.officer(conn, caller.token_hash, now)
    return found is not None and found == caller.officer


async def _as_worker(caller: Caller, request: Request, *, while_waiting: bool = False) -> Caller:
    token_hash = secret.key_hash(_bearer_of(request) or cookies.proven(request, cookies.WORKER) or "")
    found = await signins.signed_in(caller.conn, token_hash, caller.now)
    if found is None:
        raise RefusedError("signed_out")
    good_from = found.good_from if found.good_from > caller.now else None
    if good_from is not None and not while_waiting:
        raise RefusedError("device_waiting")
    await signins.look_as(caller.conn, f"worker:{found.worker}")
    known = replace(caller, actor=f"worker:{found.worker}", worker=found.worker, token_hash=token_hash)
    return replace(known, device=found.device, good_from=good_from)


async def _as_officer(caller: Caller, request: Request, right: str) -> Caller:
    bearer = _bearer_of(request)
    known = await (_at_screen(caller, request) if bearer is None else _with_key(caller, bearer))
    if known.officer is None or right not in known.officer.rights:
        raise RefusedError("not_allowed", detail=f"the right {right} is missing")
    return known


async def _with_key(caller: Caller, key: str) -> Caller:
    key_hash = secret.key_hash(key)
    officer = await signins.officer(caller.conn, key_hash, caller.now)
    return await _known(caller, officer, key_hash, at_screen=False)


async def _at_screen(caller: Caller, request: Request) -> Caller:
    token_hash = secret.key_hash(cookies.proven(request, cookies.STAFF) or "")
    found = await officers.signed_in(caller.conn, token_hash, caller.now, idle_of(caller))
    known = await _known(caller, None if found is None else found.officer, token_hash, at_screen=True)
    if found is None:
        raise RefusedError("signed_out")
    await officers.seen(caller.conn, found.sign_in, caller.now, idle_of(caller))
    renewed = await _renewed(caller, found)
    return replace(known, sign_in=found.sign_in, stepped_up_at=found.stepped_up_at, renewed=renewed)


async def _renewed(caller: Caller, found: SignedInRow) -> tuple[str, str] | None:
    """Another cookie for a screen whose token is old."""
    settings, token = caller.parts.settings, secrets.token_urlsafe(32)
    every, grace = timedelta(seconds=settings.api_staff_rotate_s), timedelta(seconds=settings.api_staff_grace_s)
    if caller.now - found.rotated_at < every or not await officers.rotate(
        caller.conn, found.sign_in, secret.key_hash(token), caller.now, older_than=every, grace=grace
    ):
        return None
    return cookies.written(settings, cookies.STAFF, token, int((found.expires_at - caller.now).total_seconds()))


def _fresh(caller: Caller) -> Caller:
    lasts = timedelta(seconds=caller.parts.settings.api_step_up_lasts_s)
    if caller.stepped_up_at is None or caller.now - caller.stepped_up_at > lasts:
        raise RefusedError("step_up_required")
    return caller


async def _known(caller: Caller, officer: OfficerRow | None, token_hash: bytes, *, at_screen: bool) -> Caller:
    if officer is None:
        raise RefusedError("signed_out")
    await signins.look_as(caller.conn, officer.scope)
    actor = f"officer:{officer.id}"
    return replace(caller, actor=actor, officer=officer, token_hash=token_hash, at_screen=at_screen)


def idle_of(caller: Caller) -> timedelta:
    """Without a request for this long a screen is signed out."""
    return timedelta(seconds=caller.parts.settings.api_staff_idle_s)


def nobody(request: Request, parts: Parts, conn: Conn) -> Caller:
    """Whoever is not known yet, in this transaction."""
    language = language_of(request.headers.get("accept-language"))
    request_id: UUID = request.state.request_id
    return Caller(conn, parts, parts.clock.now(), language, request_id, "public")


def _bearer_of(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def rule_of(dependency: object) -> str | None:
    """The name of a rule, where a dependency is one."""
    return dependency.name if isinstance(dependency, Rule | Open) else None


def takes_proof(dependency: object) -> bool:
    """Whether a rule asks for a fresh proof."""
    return isinstance(dependency, Fresh | FreshStaff)


def through(rule: Rule) -> object:
    """The dependency of a route: `caller: Annotated[Caller, through(Officer("alerts:read"))]`."""
    # function: the transaction ends, committed, before the first byte of the answer leaves
    return Depends(rule, scope="function")


AnyCaller = Annotated[Caller, through(Public())]
WorkerCaller = Annotated[Caller, through(SignedIn())]
AnyDevice = Annotated[Caller, through(SignedIn(while_waiting=True))]
