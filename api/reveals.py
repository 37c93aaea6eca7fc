"""One number of one worker in full, for an officer who says why.

The right `workers:reveal` and a fresh proof at a screen; so many in a window, counted in the database; who was shown what and why
is on record, the number is not. An authority also sees numbers of who works in its division as a guest, an enterprise only those
of its own people. Refuses reasons that hold a number or the person's name: the audit keeps them for ever.
"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.caller import Caller, FreshSelf, through
from api.problems import RefusedError, answer
from schemas import personal as shapes
from weld.core.personal import reason_fault
from weld.store import fields, personal, workers
from weld.store.workers import WorkerRow

router = APIRouter(tags=["people"])

Revealer = Annotated[Caller, through(FreshSelf("workers:reveal"))]


@router.post("/workers/{worker}/reveal", response_model=shapes.Revealed)
async def reveal_number(worker: UUID, asked: shapes.RevealRequest, caller: Revealer) -> shapes.Revealed | JSONResponse:
    """An identity number or a phone number in full. Needs a fresh proof and a reason; both the look and the reason are kept."""
    row, officer = await _whom(caller, worker), who(caller)
    window = timedelta(seconds=caller.parts.settings.api_reveals_window_s)
    if (
        await personal.reveals(caller.conn, officer, caller.now - window)
        >= caller.parts.settings.api_reveals_per_officer
    ):
        caller.leave_trace("person.reveal_refused", str(worker), {"field": asked.field, "why": "too_many_attempts"})
        return answer(
            ("too_many_attempts",),
            caller.language,
            caller.request_id,
            retry_after_s=caller.parts.settings.api_reveals_window_s,
        )
    vault = caller.parts.vault
    value = (
        vault.open(fields.WORKER_PHONE, worker, row.phone_sealed)
        if asked.field == "phone"
        else vault.open(fields.WORKER_IDENTITY, worker, row.identity_sealed)
    )
    check_reason(caller, asked.reason, worker, row)
    await personal.add_reveal(caller.conn, officer, worker, asked.field, asked.reason, caller.now)
    caller.leave_trace("person.revealed", str(worker), {"field": asked.field, "reason": asked.reason})
    return shapes.Revealed(field=asked.field, value=value)


async def _whom(caller: Caller, worker: UUID) -> WorkerRow:
    row = await workers.read(caller.conn, worker)
    if row is None:
        raise RefusedError("not_found")
    of_enterprise = caller.officer is None or caller.officer.scope.startswith("enterprise:")
    if of_enterprise and not await personal.is_own(caller.conn, worker):
        raise RefusedError("not_allowed", detail="an enterprise sees numbers of its own people only")
    return row


def who(caller: Caller) -> UUID:
    """The officer at the screen."""
    if caller.officer is None:
        raise RefusedError("not_allowed")
    return caller.officer.id


def check_reason(caller: Caller, reason: str, worker: UUID, row: WorkerRow) -> None:
    """RefusedError where a reason holds what must not stand in the audit."""
    if (fault := reason_fault(reason, in_plain(caller, worker, row))) is not None:
        raise RefusedError("bad_request", detail=fault.words.in_language(caller.language))


def in_plain(caller: Caller, worker: UUID, row: WorkerRow) -> list[str]:
    """Name, identity number and phone."""
    vault = caller.parts.vault
    return [
        vault.open(fields.WORKER_NAME, worker, row.name_sealed),
        vault.open(fields.WORKER_IDENTITY, worker, row.identity_sealed),
        vault.open(fields.WORKER_PHONE, worker, row.phone_sealed),
    ]
