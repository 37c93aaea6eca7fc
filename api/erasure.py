"""The end of a person's data: for good, by the authority that he belongs to, with a fresh proof and a reason.

Evidence stays under an id that leads nowhere any more. Refuses while he works, while something about him is open and while the
law may still ask who it was (retention.toml), and says which.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.caller import Caller, FreshSelf, through
from api.problems import RefusedError
from api.reveals import check_reason, in_plain
from schemas import personal as shapes
from weld.core.personal import erase_faults
from weld.store import personal, retention, signins, workers

router = APIRouter(tags=["people"])

Eraser = Annotated[Caller, through(FreshSelf("workers:erase"))]


@router.post("/workers/{worker}/erase")
async def erase_worker(worker: UUID, asked: shapes.EraseRequest, caller: Eraser) -> shapes.Erased:
    """Erase a person's data for good. Needs a fresh proof and a reason; nothing brings them back."""
    # A start of his waits for this, and then finds nobody.
    if not await personal.is_own(caller.conn, worker) or not await workers.hold(caller.conn, worker):
        raise RefusedError("not_found")
    row = await workers.read(caller.conn, worker)
    if row is None:
        raise RefusedError("not_found")
    check_reason(caller, asked.reason, worker, row)
    await _nothing_holds(caller, worker)
    words = in_plain(caller, worker, row)
    if not await personal.erase(caller.conn, worker, caller.now, words):
        raise RefusedError("erasure_held")
    await signins.look_as(caller.conn, "platform")  # imports of every scope
    rows = await personal.forget_rows(caller.conn, caller.parts.vault, words[1:])
    caller.leave_trace("person.erased", str(worker), {"reason": asked.reason, "import_rows": rows})
    return shapes.Erased(worker=worker, erased_at=caller.now, import_rows=rows)


async def _nothing_holds(caller: Caller, worker: UUID) -> None:
    ties = await personal.ties(caller.conn, worker)
    if ties is None:
        raise RefusedError("not_found")
    rules = retention.in_force(retention.load(caller.parts.settings.retention), caller.now.date())
    faults = erase_faults(ties, caller.now, rules.person_held_days)
    if faults:
        between = "；" if caller.language == "zh" else "; "
        detail = between.join(fault.words.in_language(caller.language) for fault in faults)
        raise RefusedError("erasure_held", detail=detail)
