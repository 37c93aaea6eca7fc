"""The application: routes, border, errors in one shape. `create_app` puts it together from parts that are handed in.

Refuses a route without a rule, a documentation page, and cross-origin calls.
"""

from collections.abc import Iterator
from uuid import UUID

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api import (
    acts,
    alerts,
    audit_search,
    consent,
    copies,
    departments,
    desk,
    devices,
    divisions,
    endpoints,
    enrolment,
    enterprises,
    erasure,
    exports,
    health,
    history,
    imports,
    installation,
    keys,
    live,
    machines,
    me,
    officers,
    passkeys,
    people,
    plates,
    printing,
    register_routes,
    reveals,
    screens,
    sessions,
    sign_in,
    single_sign_on,
    staff,
    step_up,
    totals,
    unlocks,
)
from api.border import Border
from api.caller import rule_of, takes_proof
from api.parts import Parts
from api.problems import RefusedError, answer, language_of
from schemas import http
from weld.core.personal import holds_number
from weld.core.reasons import ReasonCode
from weld.store.commands import CommandCollisionError
from weld.store.connect import TRANSIENT

log = structlog.get_logger()

_ROUTERS = (
    sign_in, devices, staff, step_up, installation, plates, unlocks, sessions, me, live, machines, alerts, people, acts,
    endpoints, desk, divisions, printing, register_routes, imports, officers, enrolment, departments, enterprises, keys,
    audit_search, passkeys, single_sign_on, reveals, copies, erasure, consent, history, totals,
    exports,
)  # fmt: skip


def create_app(parts: Parts) -> FastAPI:
    """One api. Whoever runs it closes the pool and the board."""
    app = routes()
    app.state.parts = parts
    app.add_middleware(Border)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(CommandCollisionError, _collided)
    for error in TRANSIENT:
        app.add_exception_handler(error, _unavailable)
    return app


def routes() -> FastAPI:
    """The routes alone, without parts: enough for the OpenAPI document."""
    app = FastAPI(
        title="weldgate 焊码通",
        version="1",
        description="Licensing of electric welding machines: scan, unlock, record, alert.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: (
            route.name
        ),  # the function's name: what a generated client is called by
        responses={"4XX": {"model": http.Problem}, "5XX": {"model": http.Problem}},
    )
    for module in _ROUTERS:
        app.include_router(_declared(module.router), prefix="/api/v1")
    app.include_router(_declared(health.router))
    app.include_router(_declared(screens.router))  # last: it answers whatever is left
    return app


def rule_of_route(route: APIRoute) -> str:
    """The rule that a route declares; ValueError where it has none or several."""
    rules = {name for name in map(rule_of, _calls(route.dependant)) if name is not None}
    if len(rules) != 1:
        raise ValueError(f"{route.name} {route.path} declares {len(rules)} rules, not one")
    return rules.pop()


def _declared(router: APIRouter) -> APIRouter:
    """The document names the rule that the code enforces, because it comes from there."""
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route} is no route that can declare a rule")
        extra: dict[str, object] = {"x-rule": rule_of_route(route)}
        if any(takes_proof(one) for one in _calls(route.dependant)):
            extra["x-step-up"] = True
        route.openapi_extra = {**(route.openapi_extra or {}), **extra}
    return router


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _no(request: Request, *reasons: ReasonCode, detail: str | None = None, status: int | None = None) -> JSONResponse:
    request_id: UUID = request.state.request_id
    language = language_of(request.headers.get("accept-language"))
    return answer(reasons, language, request_id, detail=detail, status=status)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RefusedError):
        raise error
    request_id: UUID = request.state.request_id
    language = language_of(request.headers.get("accept-language"))
    return answer(
        error.reasons,
        language,
        request_id,
        detail=error.detail,
        status=error.status,
        retry_after_s=error.retry_after_s,
    )


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    """Where and what kind of mistake, never the value; nor the name of a field of the sender's own, if that is a number."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    words = [f"{'.'.join(map(_step, fault['loc']))}: {fault['type']}" for fault in faults[:20]]
    return _no(request, "bad_request", detail="; ".join(words) or None)


def _step(part: object) -> str:
    return "…" if holds_number(str(part)) else str(part)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """What the router says by itself: no such path, not this method, not readable."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return _no(request, "not_found")
    return _no(request, "bad_request", status=422 if status == 400 else status)


async def _collided(request: Request, _error: Exception) -> JSONResponse:
    log.info("command_collision")
    return _no(request, "machine_locking")


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("database_unavailable", error=type(error).__name__)
    return _no(request, "platform_unavailable")
