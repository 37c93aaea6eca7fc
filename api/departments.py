"""Departments of divisions: who answers for which alerts. Seen in scope; entered by the system administrator.

Refuses to move a department to another division: scopes name it. It is made anew there.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.caller import Caller, Officer, through
from api.parts import new_id
from api.problems import RefusedError
from schemas import accounts as shapes
from schemas.desk import Words
from weld.core.catalogue import ALERTS
from weld.store import departments, registers
from weld.store.departments import Department, DepartmentRow

router = APIRouter(tags=["departments"])

Reader = Annotated[Caller, through(Officer("enterprises:read"))]
Writer = Annotated[Caller, through(Officer("departments:write"))]


@router.get("/departments")
async def list_departments(caller: Reader) -> shapes.DepartmentList:
    """The departments in your scope."""
    return await _list(caller)


@router.get("/departments/all")
async def list_all_departments(caller: Writer) -> shapes.DepartmentList:
    """All departments, for whoever enters them."""
    return await _list(caller)


@router.post("/departments", status_code=201)
async def enter_department(entry: shapes.DepartmentNew, caller: Writer) -> shapes.DepartmentView:
    """Enter a department."""
    _check(entry.codes)
    if await registers.find_division(caller.conn, entry.division) is None:
        raise RefusedError("bad_request", detail=f"division: there is no division {entry.division}: enter it first")
    number = new_id(caller.now)
    department = Department(number, entry.name, entry.kind, entry.division, entry.contact, _codes(entry.codes))
    try:
        await departments.add(caller.conn, department, caller.now)
    except departments.TAKEN:
        raise RefusedError("bad_request", detail="name: is taken in this division") from None
    view = await _found(caller, number)
    _record(caller, "department.entered", number)
    return view


@router.put("/departments/{department}")
async def change_department(department: UUID, entry: shapes.DepartmentChange, caller: Writer) -> shapes.DepartmentView:
    """Another name, kind, contact or choice of alerts; counts from the next request of its officers on."""
    _check(entry.codes)
    try:
        known = await departments.change(
            caller.conn, Department(department, entry.name, entry.kind, "", entry.contact, _codes(entry.codes))
        )
    except departments.TAKEN:
        raise RefusedError("bad_request", detail="name: is taken in this division") from None
    if not known:
        raise RefusedError("not_found")
    view = await _found(caller, department)
    _record(caller, "department.changed", department)
    return view


@router.delete("/departments/{department}", status_code=204)
async def remove_department(department: UUID, caller: Writer) -> None:
    """Remove a department that no officer and no endpoint belongs to."""
    try:
        known = await departments.remove(caller.conn, department)
    except departments.IN_USE:
        raise RefusedError("not_allowed", detail="officers or endpoints belong to it: move them first") from None
    if not known:
        raise RefusedError("not_found")
    _record(caller, "department.removed", department)


async def _list(caller: Caller) -> shapes.DepartmentList:
    return shapes.DepartmentList(departments=[_view(row) for row in await departments.search(caller.conn)])


async def _found(caller: Caller, department: UUID) -> shapes.DepartmentView:
    return _view((await departments.search(caller.conn, department))[0])


def _record(caller: Caller, action: str, department: UUID) -> None:
    caller.leave_trace(action, str(department), {})


def _check(codes: list[str] | None) -> None:
    unknown = sorted(set(codes or []) - ALERTS.keys())
    if unknown:
        raise RefusedError("bad_request", detail=f"codes: no alert codes of this version: {', '.join(unknown)}")


def _codes(codes: list[str] | None) -> list[str] | None:
    return None if codes is None else sorted(set(codes))


def _view(row: DepartmentRow) -> shapes.DepartmentView:
    words = row._asdict()
    del words["path"]
    return shapes.DepartmentView(division_name=Words(zh=words.pop("division_zh"), en=words.pop("division_en")), **words)
