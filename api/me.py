"""What a worker sees of himself: who is signed in, the certificates, the sessions. Masked, and reading it leaves a trace."""

from datetime import UTC, date
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from api import consent
from api.caller import AnyDevice, Caller, WorkerCaller
from api.paging import Limit, at_and_id, encode, page
from api.papers import shown
from api.problems import RefusedError
from api.unlock_view import session
from schemas import http
from weld.core import mask
from weld.core.unlocking import LATE_WORD
from weld.store import access_rules, devices, fields, grants, registers, sessions, signins, workers
from weld.store.sessions import Wanted
from weld.store.workers import WorkerRow

router = APIRouter(tags=["me"])


class Page(BaseModel):
    """A page of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: http.Cursor | None = None
    limit: Limit = 50


@router.get("/me")
async def who_am_i(caller: AnyDevice) -> http.Me:
    """Who is signed in."""
    row = await _worker(caller)
    until = await signins.signed_in_until(caller.conn, caller.token_hash)
    unlock = await grants.live_of(caller.conn, row.id, caller.now - LATE_WORD)
    vault = caller.parts.vault
    caller.leave_trace("person.read", str(row.id), {"fields": "name, phone"})
    return http.Me(
        worker=row.id,
        name=mask.mask_name(vault.open(fields.WORKER_NAME, row.id, row.name_sealed)),
        phone=mask.mask_phone(vault.open(fields.WORKER_PHONE, row.id, row.phone_sealed)),
        division=row.division,
        enterprise=row.enterprise_name,
        suspended=row.suspended,
        signed_in_until=until or caller.now,
        unlock=unlock,
        good_from=caller.good_from,
        consent_due=None if caller.good_from else await consent.due(caller),
        devices_waiting=0 if caller.good_from else await devices.waiting(caller.conn, row.id, caller.now),
    )


@router.get("/me/certificates")
async def my_certificates(caller: WorkerCaller) -> http.CertificateList:
    """Your certificates and how they stand today."""
    row = await _worker(caller)
    held = await workers.certificates(caller.conn, row.id)
    today = await _today(caller, row.division)
    rules = access_rules.in_force(caller.parts.rules, today)
    caller.leave_trace("person.read", str(row.id), {"fields": "certificate numbers"})
    return http.CertificateList(
        certificates=[shown(one, caller.parts.vault, rules.certificates, today) for one in held]
    )


@router.get("/me/sessions")
async def my_sessions(caller: WorkerCaller, asked: Annotated[Page, Query()]) -> http.SessionList:
    """Your sessions, the newest first."""
    after = at_and_id(asked.after)
    found = await sessions.search(caller.conn, Wanted(worker=caller.worker), after=after, limit=asked.limit + 1)
    rows, last = page(found, asked.limit)
    following = encode(last.opened_at, last.id) if last else None
    caller.leave_trace("person.read", str(caller.worker), {"fields": "name", "sessions": len(rows)})
    return http.SessionList(sessions=[session(row, caller.parts.vault) for row in rows], next=following)


async def _worker(caller: Caller) -> WorkerRow:
    row = None if caller.worker is None else await workers.read(caller.conn, caller.worker)
    if row is None:
        raise RefusedError("signed_out")
    return row


async def _today(caller: Caller, code: str) -> date:
    division = await registers.find_division(caller.conn, code)
    return caller.now.astimezone(ZoneInfo(division.zone) if division else UTC).date()
