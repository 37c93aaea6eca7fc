"""Workers and their certificates, for officers: masked, and reading a record leaves a trace.

A standing is judged by the dated rules as of today and stored nowhere, so a filter by it looks through the workers.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, encode, word
from api.papers import held, shown
from api.problems import RefusedError
from schemas import desk, http
from weld.core import mask
from weld.core.certificate import CertificateRules
from weld.core.standing import Standing, Stands, stands
from weld.store import access_rules, fields, workers
from weld.store.workers import ListedRow, PaperRow

router = APIRouter(tags=["people"])

Reader = Annotated[Caller, through(Officer("workers:read"))]

# One request looks through so many workers for a standing; then it answers with what it found, and with a cursor.
_LOOKED_AT_ONCE = 500
_LOOKS = 10


class Filter(BaseModel):
    """Which workers; a division stands for all below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$")] | None = None
    enterprise: UUID | None = None
    standing: Standing | None = None
    after: http.Cursor | None = None
    limit: Limit = 50


class _Known(NamedTuple):
    row: ListedRow
    papers: list[PaperRow]
    stands: Stands


@router.get("/workers")
async def list_workers(caller: Reader, asked: Annotated[Filter, Query()]) -> desk.WorkerList:
    """Workers in your scope, the newest first. Asked for a standing a page may be short: follow `next` until it is null."""
    found, following = await _search(caller, asked)
    detail = {"workers": len(found), "fields": "name, phone"}
    caller.leave_trace("people.listed", "workers", detail)
    return desk.WorkerList(workers=await _views(caller, found), next=encode(following) if following else None)


@router.get("/workers/{worker}")
async def read_worker(worker: UUID, caller: Reader) -> desk.WorkerDetail:
    """One worker with the certificates."""
    found = await _judged(caller, await workers.search(caller.conn, caller.now, worker=worker))
    if not found:
        raise RefusedError("not_found")
    known, vault = found[0], caller.parts.vault
    detail = {"fields": "name, phone, identity, certificate numbers"}
    caller.leave_trace("person.read", str(worker), detail)
    return desk.WorkerDetail(
        worker=(await _views(caller, found))[0],
        identity=mask.mask_identity(vault.open(fields.WORKER_IDENTITY, worker, known.row.identity_sealed)),
        certificates=[_certificate(caller, known.row, paper) for paper in known.papers],
    )


async def _search(caller: Caller, asked: Filter) -> tuple[list[_Known], UUID | None]:
    """The workers of a page, and the one after whom more may follow."""
    found: list[_Known] = []
    after, size = _worker(asked.after), _LOOKED_AT_ONCE if asked.standing else asked.limit + 1
    for _ in range(_LOOKS):
        rows = await workers.search(
            caller.conn, caller.now, division=asked.division, enterprise=asked.enterprise, after=after, limit=size
        )
        for known in await _judged(caller, rows):
            if asked.standing in {None, known.stands.standing}:
                if len(found) == asked.limit:
                    return found, found[-1].row.id
                found.append(known)
        if len(rows) < size:
            return found, None
        after = rows[-1].id
    return found, after


async def _judged(caller: Caller, rows: Sequence[ListedRow]) -> list[_Known]:
    held: defaultdict[UUID, list[PaperRow]] = defaultdict(list)
    for paper in await workers.papers(caller.conn, [row.id for row in rows]):
        held[paper.worker].append(paper)
    return [_Known(row, held[row.id], _stands(caller, row, held[row.id])) for row in rows]


def _stands(caller: Caller, row: ListedRow, papers: Sequence[PaperRow]) -> Stands:
    return stands([held(paper) for paper in papers], row.today, _rules(caller, row))


def _rules(caller: Caller, row: ListedRow) -> CertificateRules:
    return access_rules.in_force(caller.parts.rules, row.today).certificates


async def _views(caller: Caller, found: Sequence[_Known]) -> list[desk.WorkerView]:
    vault = caller.parts.vault
    active = {row.worker: row for row in await workers.activity(caller.conn, [one.row.id for one in found])}
    return [
        desk.WorkerView(
            id=row.id,
            name=mask.mask_name(vault.open(fields.WORKER_NAME, row.id, row.name_sealed)),
            phone=mask.mask_phone(vault.open(fields.WORKER_PHONE, row.id, row.phone_sealed)),
            division=row.division,
            division_name=desk.Words(zh=row.division_zh, en=row.division_en),
            enterprise=row.enterprise,
            enterprise_name=row.enterprise_name,
            suspended_reason=row.suspended_reason,
            standing=how.standing,
            last_day=how.last_day,
            certificates=len(papers),
            last_opened_at=active[row.id].last_opened_at,
            open_session=active[row.id].open_session,
        )
        for row, papers, how in found
    ]


def _certificate(caller: Caller, worker: ListedRow, row: PaperRow) -> desk.CertificateRecord:
    view = shown(row, caller.parts.vault, _rules(caller, worker), worker.today)
    return desk.CertificateRecord(**view.model_dump(), checked_at=row.checked_at)


def _worker(cursor: str | None) -> UUID | None:
    text = word(cursor)
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise RefusedError("bad_request", detail="after: not a cursor of this list") from None
