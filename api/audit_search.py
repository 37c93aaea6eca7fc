"""The audit, for the audit administrator: who did what to what, the newest first. Refuses to everybody else, and to change."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, Moment, encode, number, page
from schemas import accounts as shapes
from schemas import http
from weld.store import audit

router = APIRouter(tags=["audit"])

Word = Annotated[str, Query(min_length=1, max_length=100)]


class Filter(BaseModel):
    """Which rows; `action` is the beginning of one (officer. stands for all about officers)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Word | None = None
    action: Word | None = None
    subject: Word | None = None
    since: Moment | None = None
    until: Moment | None = None
    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/audit")
async def search_audit(
    caller: Annotated[Caller, through(Officer("audit:read"))], asked: Annotated[Filter, Query()]
) -> shapes.AuditList:
    """What was done, the newest first."""
    wanted = audit.Wanted(
        asked.actor, asked.action, asked.subject, asked.since, asked.until, number(asked.after), asked.limit + 1
    )
    rows, last = page(await audit.search(caller.conn, wanted), asked.limit)
    caller.leave_trace("audit.read", "audit", {"rows": len(rows)})
    following = None if last is None else encode(last.seq)
    return shapes.AuditList(rows=[shapes.AuditRow(**row._asdict()) for row in rows], next=following)
