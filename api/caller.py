"""Who calls, and what a rule lets them do: every route declares one rule, and the rule opens the request's transaction.

Holds the doors: public, worker, officer, either of the latter two, and officers at a screen. Programs show a bearer, our own
pages a cookie; where both come the bearer counts. The transaction is committed before the answer leaves
(`scope="function"`), so nobody is told of something that did not happen. Refuses unnamed rules.
"""

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

    `officer` is there for an officer, with scope and rights; `at_screen` says that a sign-in brought him and not a key.
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
            caller = await self.enter(_nobody(request, parts, conn), request)
            yield caller
            await audit.append(conn, caller.traces)

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
    """A worker with a token, shown as a bearer or by his page's cookie; sees what is his own."""

    def __init__(self) -> None:
        super().__init__("worker")

    async def enter(self, caller: Caller, request: Request) -> Caller:
        return await _as_worker(caller, request)


class Officer(Rule):
    """The holder of a key with this right, or an officer at a screen who has it; sees what is in scope."""

    async def enter(self, caller: Caller, request: Request) -> Caller:
        return await _as_officer(caller, request, self.name)


class OfficerFirst(Officer):
    """The same, for a body that is read afterwards: the transaction is over by then, and its connection given back."""

    async def __call__(self, request: Request, _token: Annotated[object, Depends(_bearer)]) -> AsyncIterator[Caller]:
        parts = parts_of(request)
        async with scoped(parts.pool, _NOBODY) as conn:
            known = await self.enter(_nobody(request, parts, conn), request)
        yield known


class Staff(Rule):
    """Any officer at a screen: for the sign-in itself. Keys have none."""

    def __init__(self) -> None:
        super().__init__("staff")

    async def enter(self, caller: Caller, request: Request) -> Caller:
        if _bearer_of(request) is not None:
            raise RefusedError("signed_out")
        return await _at_screen(caller, request)


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
        found = await officers.signed_in(conn, caller.token_hash, now, _idle(caller))
    else:
        found = await signins.officer(conn, caller.token_hash, now)
    return found is not None and found == caller.officer


async def _as_worker(caller: Caller, request: Request) -> Caller:
    token_hash = secret.key_hash(_bearer_of(request) or cookies.proven(request, cookies.WORKER) or "")
    worker = await signins.signed_in(caller.conn, token_hash, caller.now)
    if worker is None:
        raise RefusedError("signed_out")
    await signins.look_as(caller.conn, f"worker:{worker}")
    return replace(caller, actor=f"worker:{worker}", worker=worker, token_hash=token_hash)


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
    officer = await officers.signed_in(caller.conn, token_hash, caller.now, _idle(caller))
    known = await _known(caller, officer, token_hash, at_screen=True)
    await officers.seen(caller.conn, token_hash, caller.now, _idle(caller))
    return known


async def _known(caller: Caller, officer: OfficerRow | None, token_hash: bytes, *, at_screen: bool) -> Caller:
    if officer is None:
        raise RefusedError("signed_out")
    await signins.look_as(caller.conn, officer.scope)
    actor = f"officer:{officer.id}"
    return replace(caller, actor=actor, officer=officer, token_hash=token_hash, at_screen=at_screen)


def _idle(caller: Caller) -> timedelta:
    return timedelta(seconds=caller.parts.settings.api_staff_idle_s)


def _nobody(request: Request, parts: Parts, conn: Conn) -> Caller:
    language = language_of(request.headers.get("accept-language"))
    request_id: UUID = request.state.request_id
    return Caller(conn, parts, parts.clock.now(), language, request_id, "public")


def _bearer_of(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def rule_of(dependency: object) -> str | None:
    """The name of a rule, where a dependency is one."""
    return dependency.name if isinstance(dependency, Rule | Open) else None


def through(rule: Rule) -> object:
    """The dependency of a route: `caller: Annotated[Caller, through(Officer("alerts:read"))]`."""
    # function: the transaction ends, committed, before the first byte of the answer leaves
    return Depends(rule, scope="function")


AnyCaller = Annotated[Caller, through(Public())]
WorkerCaller = Annotated[Caller, through(SignedIn())]
