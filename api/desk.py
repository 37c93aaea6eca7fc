"""What else an officer looks at: messages in quarantine and deliveries to endpoints. Refuses payloads and secrets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.paging import Limit, at_and_id, encode, number, page
from schemas import desk as shapes
from schemas import http
from weld.store import desk

router = APIRouter(tags=["desk"])


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    after: http.Cursor | None = None
    limit: Limit = 50


class QuarantineFilter(_Asked):
    """Which messages."""

    chip: Annotated[str, Query(pattern=r"^[A-Z0-9]{8,32}$")] | None = None


class DeliveryFilter(_Asked):
    """Which deliveries."""

    endpoint: UUID | None = None
    subject: Annotated[UUID, Query(description="The alert that they tell of")] | None = None
    state: shapes.DeliveryState | None = None


@router.get("/quarantine")
async def list_quarantine(
    caller: Annotated[Caller, through(Officer("quarantine:read"))], asked: Annotated[QuarantineFilter, Query()]
) -> shapes.QuarantineList:
    """Messages that nobody could use, the newest first."""
    found = await desk.quarantine(caller.conn, chip=asked.chip, after=number(asked.after), limit=asked.limit + 1)
    rows, last = page(found, asked.limit)
    messages = [shapes.Quarantined(**row._asdict()) for row in rows]
    return shapes.QuarantineList(messages=messages, next=encode(last.id) if last else None)


@router.get("/deliveries")
async def list_deliveries(
    caller: Annotated[Caller, through(Officer("deliveries:read"))], asked: Annotated[DeliveryFilter, Query()]
) -> shapes.DeliveryList:
    """What left for endpoints in your scope, or waits to, the newest first."""
    found = await desk.deliveries(
        caller.conn,
        endpoint=asked.endpoint,
        subject=asked.subject,
        state=asked.state,
        after=at_and_id(asked.after),
        limit=asked.limit + 1,
    )
    rows, last = page(found, asked.limit)
    deliveries = [shapes.Delivery(**row._asdict()) for row in rows]
    return shapes.DeliveryList(deliveries=deliveries, next=encode(last.created_at, last.id) if last else None)
