"""Webhook endpoints and single deliveries, for officers: how they fare, hold and resume, send once more.

Refuses to show an endpoint's secret.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.caller import Caller, Officer, through
from api.problems import RefusedError
from schemas import desk as shapes
from weld.store import desk, endpoints
from weld.store.endpoints import EndpointRow

router = APIRouter(tags=["desk"])

Reader = Annotated[Caller, through(Officer("deliveries:read"))]
Actor = Annotated[Caller, through(Officer("deliveries:act"))]


@router.get("/endpoints")
async def list_endpoints(caller: Reader) -> shapes.EndpointList:
    """The endpoints in your scope and how they fare. All that waits is counted; what arrived or died, of the last 30 days."""
    rows = await endpoints.search(caller.conn, caller.now)
    return shapes.EndpointList(endpoints=[_view(row) for row in rows])


@router.post("/endpoints/{endpoint}/state")
async def set_endpoint_state(endpoint: UUID, asked: shapes.EndpointState, caller: Actor) -> shapes.EndpointView:
    """Hold what is for an endpoint, or send again, also after it had said that it is no more."""
    before = await endpoints.set_state(caller.conn, endpoint, asked.state)
    if before is None:
        raise RefusedError("not_found")
    if before != asked.state:
        detail = {"before": before, "state": asked.state}
        caller.leave_trace("endpoint.state", str(endpoint), detail)
    return _view((await endpoints.search(caller.conn, caller.now, endpoint))[0])


@router.get("/deliveries/{delivery}")
async def read_delivery(delivery: UUID, caller: Reader) -> shapes.DeliveryDetail:
    """One delivery with its body and every attempt."""
    view, payload = await _found(caller, delivery), await endpoints.payload(caller.conn, delivery)
    attempts = [shapes.Attempt(**row._asdict()) for row in await endpoints.attempts(caller.conn, delivery)]
    return shapes.DeliveryDetail(delivery=view, payload=payload or "", attempts=attempts)


@router.post("/deliveries/{delivery}/resend", status_code=202)
async def resend_delivery(delivery: UUID, caller: Actor) -> shapes.Delivery:
    """Hand a dead or waiting delivery over once more, now. An endpoint that is held gets it when it is active again."""
    before = await _found(caller, delivery)
    if not await endpoints.resend(caller.conn, delivery):
        raise RefusedError("already_ended", detail=f"it is {before.state}")
    detail = {"before": before.state, "endpoint": str(before.endpoint)}
    caller.leave_trace("delivery.resent", str(delivery), detail)
    return await _found(caller, delivery)


async def _found(caller: Caller, delivery: UUID) -> shapes.Delivery:
    rows = await desk.deliveries(caller.conn, delivery=delivery)
    if not rows:
        raise RefusedError("not_found")
    return shapes.Delivery(**rows[0]._asdict())


def _view(row: EndpointRow) -> shapes.EndpointView:
    words = row._asdict()
    return shapes.EndpointView(
        division_name=shapes.Words(zh=words.pop("division_zh"), en=words.pop("division_en")), **words
    )
