"""What authorities do with certificates and workers over HTTP: verify, suspend, revoke, cancel, mark as suspected fake, restore.

Each act names its reason and stays on record with who did it; work that runs is judged again by recheck.py. An enterprise may
suspend its own workers and nothing else: it cannot make its own papers good. Refuses to repeat the reason in the audit, as
people write names into reasons.
"""

from collections import Counter
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api.caller import Caller, Officer, through
from api.problems import RefusedError
from schemas import desk
from weld.core import expiry
from weld.core.act import leads_to
from weld.core.certificate import Certificate
from weld.core.expiry import BUCKETS, Bucket
from weld.store import access_rules, acts, workers
from weld.store.acts import ActRow, GroupRow

router = APIRouter(tags=["people"])

Reader = Annotated[Caller, through(Officer("workers:read"))]
Actor = Annotated[Caller, through(Officer("workers:act"))]

# A group of certificates is nobody's certificate: it has no id.
_NO_ID = UUID(int=0)


class Where(BaseModel):
    """Which workers' certificates; a division stands for all below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    division: Annotated[str, Query(pattern=r"^[0-9]{2,12}$")] | None = None
    enterprise: UUID | None = None


@router.get("/certificates/expiry")
async def count_expiry(caller: Reader, asked: Annotated[Where, Query()]) -> desk.Expiry:
    """How many certificates in your scope end when. `not_in_force`: unverified or withdrawn, whatever their dates."""
    found: Counter[Bucket] = Counter()
    for group in await acts.groups(caller.conn, caller.now, asked.division, asked.enterprise):
        found[_bucket(caller, group)] += group.certificates
    return desk.Expiry(**{name: found[name] for name in BUCKETS})


@router.get("/certificates/{certificate}/acts")
async def list_acts(certificate: UUID, caller: Reader) -> desk.CertificateHistory:
    """What was done to a certificate, by whom and why; the newest first."""
    found = await _history(caller, certificate)
    caller.leave_trace("person.read", str(found.worker), {"fields": "acts on a certificate"})
    return found


@router.post("/certificates/{certificate}/acts", status_code=201)
async def act_on_certificate(certificate: UUID, asked: desk.ActRequest, caller: Actor) -> desk.CertificateHistory:
    """Verify, suspend, revoke, cancel, suspect, or restore to what it was before."""
    _authority_only(caller)
    known = await acts.read(caller.conn, certificate)
    if known is None:
        raise RefusedError("not_found")
    worker, _ = known
    await workers.hold(caller.conn, worker)
    held = await acts.hold(caller.conn, certificate)
    if held is None:
        raise RefusedError("not_found")
    state, before = held
    after = leads_to(asked.act, state, before)
    if after is None:
        raise RefusedError("already_ended", detail=f"{asked.act} is no way on from {state}")
    await acts.put(caller.conn, certificate, ActRow(caller.now, caller.actor, asked.act, state, after, asked.reason))
    words = {"worker": str(worker), "before": state, "after": after}
    caller.leave_trace(f"certificate.{asked.act}", str(certificate), words)
    return await _history(caller, certificate)


@router.post("/workers/{worker}/suspend")
async def suspend_worker(worker: UUID, asked: desk.BlockRequest, caller: Actor) -> desk.WorkerState:
    """Take a worker's right to start machines; work that runs locks after the arc."""
    return await _set(caller, worker, asked.reason, suspended=True)


@router.post("/workers/{worker}/restore")
async def restore_worker(worker: UUID, asked: desk.BlockRequest, caller: Actor) -> desk.WorkerState:
    """Give a worker the right to start machines back."""
    _authority_only(caller)
    return await _set(caller, worker, asked.reason, suspended=False)


async def _set(caller: Caller, worker: UUID, reason: str, *, suspended: bool) -> desk.WorkerState:
    found = await workers.search(caller.conn, caller.now, worker=worker)
    if not found or not await workers.hold(caller.conn, worker):
        raise RefusedError("not_found")
    if not await acts.suspend(caller.conn, worker, reason if suspended else None):
        raise RefusedError("already_ended", detail="it is so already")
    action = "worker.suspended" if suspended else "worker.restored"
    caller.leave_trace(action, str(worker), {})
    return desk.WorkerState(id=worker, suspended_reason=reason if suspended else None)


async def _history(caller: Caller, certificate: UUID) -> desk.CertificateHistory:
    known = await acts.read(caller.conn, certificate)
    if known is None:
        raise RefusedError("not_found")
    rows = await acts.history(caller.conn, certificate)
    return desk.CertificateHistory(
        certificate=certificate,
        worker=known[0],
        registered=known[1],
        acts=[desk.CertificateAct(**row._asdict()) for row in rows],
    )


def _authority_only(caller: Caller) -> None:
    if caller.officer is None or caller.officer.scope.startswith("enterprise:"):
        raise RefusedError("not_allowed", detail="this is for an authority, not for an enterprise")


def _bucket(caller: Caller, group: GroupRow) -> Bucket:
    rules = access_rules.in_force(caller.parts.rules, group.today).certificates
    alike = Certificate(
        id=_NO_ID,
        kind=group.kind,
        category="",
        item="",
        valid_from=group.valid_from,
        valid_to=group.valid_to,
        review_due=group.review_due,
        registered=group.status,
        clean_record=group.clean_record,
    )
    return expiry.bucket(alike, group.today, rules)
