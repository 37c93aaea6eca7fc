"""Enterprises: listed in scope, entered with a checked credit code (GB 32100), renamed and moved; their sites.

Refuses to delete: machines, workers and years of records name an enterprise. And refuses a second one of the same credit code.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, encode, word
from api.problems import RefusedError
from api.registers import Desk, RegisterError, put_enterprise
from schemas import accounts as shapes
from schemas import desk, http, registers
from weld.core import identity
from weld.core.law import Words
from weld.store import enterprises
from weld.store.enterprises import EnterpriseRow, SiteRow
from weld.store.registers import CLASHES, find_enterprise

router = APIRouter(tags=["enterprises"])

Reader = Annotated[Caller, through(Officer("enterprises:read"))]
Writer = Annotated[Caller, through(Officer("enterprises:write"))]


class Filter(BaseModel):
    """Which enterprises; a division stands for all below it, `name` for a part of the name or a whole credit code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Query(min_length=1, max_length=100)] | None = None
    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$")] | None = None
    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/enterprises")
async def list_enterprises(caller: Reader, asked: Annotated[Filter, Query()]) -> shapes.EnterpriseList:
    """Enterprises in your scope, the newest first."""
    rows = await enterprises.search(
        caller.conn, name=asked.name, division=asked.division, after=_after(asked.after), limit=asked.limit + 1
    )
    page = rows[: asked.limit]
    following = encode(page[-1].id) if len(rows) > asked.limit else None
    return shapes.EnterpriseList(enterprises=[_view(row) for row in page], next=following)


@router.get("/enterprises/{enterprise}")
async def read_enterprise(enterprise: UUID, caller: Reader) -> shapes.EnterpriseView:
    """One enterprise."""
    return _view(await _found(caller, enterprise))


@router.get("/enterprises/{enterprise}/sites")
async def list_sites(enterprise: UUID, caller: Reader) -> shapes.SiteList:
    """The sites of one enterprise, those in use first."""
    await _found(caller, enterprise)
    return shapes.SiteList(sites=[_site(row) for row in await enterprises.sites(caller.conn, enterprise)])


@router.post("/enterprises", status_code=201)
async def make_enterprise(entry: shapes.EnterpriseNew, caller: Writer) -> shapes.EnterpriseView:
    """Enter an enterprise; a wrong credit code is told by the character."""
    if await find_enterprise(caller.conn, identity.normal(entry.credit_code)) is not None:
        words = Words("这家单位已经录入了", "this enterprise is entered already").in_language(caller.language)
        raise RefusedError("bad_request", detail=f"credit_code: {words}")
    return await _put(caller, registers.Enterprise(**entry.model_dump()))


@router.put("/enterprises/{enterprise}")
async def change_enterprise(enterprise: UUID, entry: shapes.EnterpriseChange, caller: Writer) -> shapes.EnterpriseView:
    """Another name or division."""
    row = await _found(caller, enterprise)
    return await _put(caller, registers.Enterprise(credit_code=row.credit_code, **entry.model_dump()))


async def _put(caller: Caller, entry: registers.Enterprise) -> shapes.EnterpriseView:
    try:
        entered = await put_enterprise(caller.conn, Desk(caller.parts.vault, caller.now), entry)
    except RegisterError as error:
        raise RefusedError("bad_request", detail=error.in_language(caller.language)) from None
    except CLASHES:
        raise RefusedError("not_allowed", detail="it lies outside your scope, or was entered this moment") from None
    view = _view((await enterprises.search(caller.conn, enterprise=entered.id))[0])
    if entered.outcome != "unchanged":
        words = {"outcome": entered.outcome}
        caller.leave_trace("register.enterprise", entered.name, words)
    return view


async def _found(caller: Caller, enterprise: UUID) -> EnterpriseRow:
    rows = await enterprises.search(caller.conn, enterprise=enterprise)
    if not rows:
        raise RefusedError("not_found")
    return rows[0]


def _after(cursor: str | None) -> UUID | None:
    text = word(cursor)
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise RefusedError("bad_request", detail="after: not a cursor of this list") from None


def _site(row: SiteRow) -> shapes.SiteView:
    words = row._asdict()
    return shapes.SiteView(division_name=desk.Words(zh=words.pop("division_zh"), en=words.pop("division_en")), **words)


def _view(row: EnterpriseRow) -> shapes.EnterpriseView:
    words = row._asdict()
    return shapes.EnterpriseView(
        division_name=desk.Words(zh=words.pop("division_zh"), en=words.pop("division_en")), **words
    )
