"""What a worker is told about his personal data, and that he agreed to it.

Asked, and no condition of anything: the check of a licence rests on the law. Each agreement is kept with its version. Refuses
versions that there are not.
"""

from datetime import date

from fastapi import APIRouter

from api.caller import AnyCaller, Caller, WorkerCaller
from api.problems import RefusedError
from schemas import http
from weld.store import consents, personal

router = APIRouter(tags=["me"])


@router.get("/consent")
async def read_consent(caller: AnyCaller) -> http.ConsentText:
    """The text on personal data that is in force."""
    return http.ConsentText(**_now(caller)._asdict())


@router.post("/me/consent", status_code=204)
async def agree_to_consent(given: http.Agreement, caller: WorkerCaller) -> None:
    """You have read this version and agree. Nothing depends on it."""
    known = {text.version for text in consents.shipped()}
    if caller.worker is None or given.version not in known or given.version > _now(caller).version:
        raise RefusedError("bad_request", detail="version: there is none such")
    await personal.agree(caller.conn, caller.worker, given.version, caller.now)
    caller.leave_trace("consent.given", str(caller.worker), {"version": given.version.isoformat()})


async def due(caller: Caller) -> date | None:
    """The version that the worker has not agreed to yet."""
    if caller.worker is None:
        return None
    version = _now(caller).version
    agreed = {day for day, _ in await personal.agreed(caller.conn, caller.worker)}
    return None if version in agreed else version


def _now(caller: Caller) -> consents.Text:
    return consents.newest(consents.shipped(), caller.now.date())
