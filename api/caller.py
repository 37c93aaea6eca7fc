"""Who calls, and what a rule lets them do: every route declares one rule, and the rule opens the request's transaction.

Holds the three doors (public, worker, officer) and one that takes either of the latter two. The transaction is committed
before the answer leaves (`scope="function"`), so nobody is told of something that did not happen. Refuses unnamed rules.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from api.parts import Parts, parts_of
from api.problems import RefusedError, language_of
from weld.core import secret
from weld.core.law import Language
from weld.store import signins
from weld.store.connect import Conn, scoped

OFFICER_PREFIX = "wgk_"
_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="A worker's token, or an officer's key wgk_..."
)
# Nothing in scope: whoever is not known yet sees only what the look-up of tokens and keys needs.
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Caller:
    """One request: its transaction, its time, and whose it is. `actor` is what the audit names."""

    conn: Conn
    parts: Parts
    now: datetime
    language: Language
    request_id: UUID
    actor: str
    worker: UUID | None
    token_hash: bytes


class Rule(ABC):
    """Base of the doors: a dependency that yields a Caller inside an open transaction."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, request: Request, _token: Annotated[object, Depends(_bearer)]) -> AsyncIterator[Caller]:
        parts = parts_of(request)
        async with scoped(parts.pool, _NOBODY) as conn:
            caller = _nobody(request, parts, conn)
            yield await self.enter(caller, _bearer_of(request))

    @abstractmethod
    async def enter(self, caller: Caller, token: str | None) -> Caller:
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

    async def enter(self, caller: Caller, token: str | None) -> Caller:  # noqa: ARG002
        await signins.look_as(caller.conn, "platform")
        return caller


class SignedIn(Rule):
    """A worker with a token; sees what is his own."""

    def __init__(self) -> None:
        super().__init__("worker")

    async def enter(self, caller: Caller, token: str | None) -> Caller:
        return await _as_worker(caller, token)


class Officer(Rule):
    """The holder of a key with this right; sees the key's scope."""

    async def enter(self, caller: Caller, token: str | None) -> Caller:
        return await _as_officer(caller, token, self.name)


class SignedInOr(Rule):
    """A worker (sees his own) or an officer with this right (sees the key's scope)."""

    def __init__(self, right: str) -> None:
        super().__init__(f"worker|{right}")
        self._right = right

    async def enter(self, caller: Caller, token: str | None) -> Caller:
        if token is not None and token.startswith(OFFICER_PREFIX):
            return await _as_officer(caller, token, self._right)
        return await _as_worker(caller, token)


async def _as_worker(caller: Caller, token: str | None) -> Caller:
    token_hash = secret.key_hash(token or "")
    worker = await signins.signed_in(caller.conn, token_hash, caller.now)
    if worker is None:
        raise RefusedError("signed_out")
    await signins.look_as(caller.conn, f"worker:{worker}")
    return _known(caller, f"worker:{worker}", worker, token_hash)


async def _as_officer(caller: Caller, token: str | None, right: str) -> Caller:
    key_hash = secret.key_hash(token or "")
    officer = await signins.officer(caller.conn, key_hash, caller.now)
    if officer is None:
        raise RefusedError("signed_out")
    if right not in officer.rights:
        raise RefusedError("not_allowed", detail=f"this key lacks the right {right}")
    await signins.look_as(caller.conn, officer.scope)
    return _known(caller, f"officer:{officer.id}", None, key_hash)


def _nobody(request: Request, parts: Parts, conn: Conn) -> Caller:
    language = language_of(request.headers.get("accept-language"))
    request_id: UUID = request.state.request_id
    return Caller(conn, parts, parts.clock.now(), language, request_id, "public", None, b"")


def _known(caller: Caller, actor: str, worker: UUID | None, token_hash: bytes) -> Caller:
    return Caller(caller.conn, caller.parts, caller.now, caller.language, caller.request_id, actor, worker, token_hash)


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
