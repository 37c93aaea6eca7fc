"""The registers over HTTP: one route a kind, the functions of api.registers.

Entering the same twice changes nothing, so a lost answer is asked for again by sending the same. Row-level security keeps
an officer inside his scope; what has no place of its own (divisions, chips) takes the scope of the platform. Refuses
accounts and keys: they have routes of their own.
"""

from typing import Annotated

from fastapi import APIRouter, Response

from api.caller import Caller, Fresh, Officer, through
from api.problems import RefusedError
from api.registers import PUTS, Desk, Kind, RegisterError, told
from schemas import registers as shapes
from weld.store.registers import CLASHES

router = APIRouter(prefix="/registers", tags=["registers"])

Writer = Annotated[Caller, through(Officer("registers:write"))]
Machines = Annotated[Caller, through(Officer("machines:write"))]
Enterprises = Annotated[Caller, through(Officer("enterprises:write"))]
# Who gets data sent: what a screen left alone, or a stolen cookie, must not give away for good.
Endpoints = Annotated[Caller, through(Fresh("endpoints:write"))]
Divisions = Annotated[Caller, through(Officer("divisions:write"))]


@router.post("/divisions")
async def enter_division(entry: shapes.Division, caller: Divisions, response: Response) -> shapes.Entered:
    """Add or change a division of the administration."""
    _platform_only(caller)
    return await _enter(caller, "division", entry, response)


@router.post("/enterprises")
async def enter_enterprise(entry: shapes.Enterprise, caller: Enterprises, response: Response) -> shapes.Entered:
    """Add or change an enterprise, by its credit code."""
    return await _enter(caller, "enterprise", entry, response)


@router.post("/sites")
async def enter_site(entry: shapes.Site, caller: Writer, response: Response) -> shapes.Entered:
    """Add or change a site of an enterprise, by its name: its kind of work is that of the machines on it."""
    return await _enter(caller, "site", entry, response)


@router.post("/chips")
async def enter_chip(entry: shapes.Chip, caller: Machines, response: Response) -> shapes.Entered:
    """Enrol or change a chip."""
    _platform_only(caller)
    return await _enter(caller, "chip", entry, response)


@router.post("/machines")
async def enter_machine(entry: shapes.Machine, caller: Machines, response: Response) -> shapes.Entered:
    """Add or change a machine, by its plate, and bind its chip."""
    return await _enter(caller, "machine", entry, response)


@router.post("/workers")
async def enter_worker(entry: shapes.Worker, caller: Writer, response: Response) -> shapes.Entered:
    """Add or change a worker, by the identity number."""
    return await _enter(caller, "worker", entry, response)


@router.post("/certificates")
async def enter_certificate(entry: shapes.Certificate, caller: Writer, response: Response) -> shapes.Entered:
    """Add or change a certificate, by kind, number and item. An enterprise's own entry has the status unverified; what was
    withdrawn stays so until it is restored."""
    if caller.officer is None or (caller.officer.scope.startswith("enterprise:") and entry.status != "unverified"):
        raise RefusedError("not_allowed", detail="status: an enterprise enters certificates as unverified")
    return await _enter(caller, "certificate", entry, response)


@router.post("/endpoints")
async def enter_endpoint(entry: shapes.Endpoint, caller: Endpoints, response: Response) -> shapes.Entered:
    """Add or change a webhook endpoint, by its name. The answer holds a new secret this once."""
    return await _enter(caller, "endpoint", entry, response)


async def _enter(caller: Caller, kind: Kind, entry: shapes.Shape, response: Response) -> shapes.Entered:
    desk = Desk(caller.parts.vault, caller.now, caller.parts.settings.shards)
    try:
        entered = await PUTS[kind](caller.conn, desk, entry)
    except RegisterError as error:
        raise RefusedError("bad_request", detail=error.in_language(caller.language)) from None
    except CLASHES:
        raise RefusedError("not_allowed", detail="it lies outside your scope, or was entered this moment") from None
    if entered.outcome != "unchanged":
        caller.leave_trace(*told(kind, entry, entered))
    response.status_code = 201 if entered.outcome == "created" else 200
    return shapes.Entered(**entered._asdict())


def _platform_only(caller: Caller) -> None:
    if caller.officer is None or caller.officer.scope != "platform":
        raise RefusedError("not_allowed", detail="this takes the scope of the platform")
