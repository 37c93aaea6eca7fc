"""A copy of all that is kept about one person: for the authority that he belongs to, and for himself.

Gathered with the platform's eyes, as his data may lie anywhere, after it is settled whose he is. An officer gives a fresh proof,
a worker has signed in just now. Leaves a trace. Refuses an enterprise: the copy tells where else somebody works.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from api.caller import Caller, FreshSelf, WorkerCaller, through
from api.problems import RefusedError
from schemas import personal as shapes
from schemas.http import Shape
from weld.store import fields, personal, signins
from weld.store.personal import Kept
from weld.store.vault import Vault

router = APIRouter(tags=["people"])

Exporter = Annotated[Caller, through(FreshSelf("workers:export"))]


@router.post("/workers/{worker}/export")
async def export_worker(worker: UUID, caller: Exporter) -> shapes.Copy:
    """All that is kept about one person, in full. Needs a fresh proof."""
    if not await personal.is_own(caller.conn, worker):
        raise RefusedError("not_found")
    return await _copy(caller, worker)


@router.get("/me/export")
async def export_me(caller: WorkerCaller) -> shapes.Copy:
    """All that is kept about you, in full, within minutes of your sign-in."""
    since = await signins.signed_in_since(caller.conn, caller.token_hash)
    within = timedelta(seconds=caller.parts.settings.api_own_copy_within_s)
    if caller.worker is None or since is None or caller.now - since > within:
        raise RefusedError("sign_in_again")
    return await _copy(caller, caller.worker)


async def _copy(caller: Caller, worker: UUID) -> shapes.Copy:
    await signins.look_as(caller.conn, "platform")
    kept = await personal.kept(caller.conn, worker)
    if not kept["person"]:
        raise RefusedError("not_found")
    vault = caller.parts.vault
    lists = {name: rows for name, rows in kept.items() if name not in {"person", "certificates"}}
    caller.leave_trace("person.exported", str(worker), {name: len(rows) for name, rows in lists.items()})
    return shapes.Copy(
        worker=worker,
        made_at=caller.now,
        complete=all(len(rows) < personal.MOST for rows in kept.values()),
        person=_person(vault, worker, kept["person"][0]),
        certificates=[_certificate(vault, row) for row in kept["certificates"]],
        **{name: _shapes(name, rows) for name, rows in lists.items()},
    )


_SHAPES: dict[str, type[Shape]] = {
    "certificate_acts": shapes.KeptAct,
    "sessions": shapes.KeptSession,
    "unlocks": shapes.KeptUnlock,
    "refusals": shapes.KeptRefusal,
    "alerts": shapes.KeptAlert,
    "devices": shapes.KeptDevice,
    "sign_ins": shapes.KeptSignIn,
    "consents": shapes.KeptConsent,
    "reveals": shapes.KeptReveal,
    "guest_places": shapes.KeptPlace,
}


def _shapes(name: str, rows: Sequence[Kept]) -> list[Any]:
    return [_SHAPES[name](**row) for row in rows]


def _person(vault: Vault, worker: UUID, row: Kept) -> shapes.KeptPerson:
    plain = {name: value for name, value in row.items() if name != "id" and not name.endswith("_sealed")}
    return shapes.KeptPerson(
        name=vault.open(fields.WORKER_NAME, worker, row["name_sealed"]),
        identity_number=vault.open(fields.WORKER_IDENTITY, worker, row["identity_sealed"]),
        phone=vault.open(fields.WORKER_PHONE, worker, row["phone_sealed"]),
        **plain,
    )


def _certificate(vault: Vault, row: Kept) -> shapes.KeptCertificate:
    plain = {name: value for name, value in row.items() if name != "number_sealed"}
    number = vault.open(fields.CERTIFICATE_NUMBER, row["id"], row["number_sealed"])
    return shapes.KeptCertificate(number=number, **plain)
