"""Keys of connected systems (integrators): made by the security administrator, shown once, ended within a year or at once.

A key holds a part of what such a system may do at all, over one scope. Refuses rights of administration, a name twice (also one
of a revoked key: the audit names it), and to show a key again.
"""

import os
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.caller import Caller, Fresh, Officer, through
from api.parts import new_id
from api.problems import RefusedError
from api.registers import RegisterError, scope_of
from schemas import accounts as shapes
from weld.core import roles, secret
from weld.store import keys, signins
from weld.store.keys import KeyRow

router = APIRouter(tags=["keys"])

Writer = Annotated[Caller, through(Officer("keys:write"))]
Maker = Annotated[Caller, through(Fresh("keys:write"))]

_LONGEST = timedelta(days=366)


@router.get("/keys")
async def list_keys(caller: Writer) -> shapes.KeyList:
    """All keys with their last use, revoked and expired ones too."""
    return shapes.KeyList(keys=[_view(row) for row in await keys.search(caller.conn)])


@router.post("/keys", status_code=201)
async def make_key(entry: shapes.KeyNew, caller: Maker) -> shapes.KeyMade:
    """Make a key. The answer holds it, this once."""
    if (fault := roles.key_fault(entry.rights)) is not None:
        raise RefusedError("bad_request", detail=f"rights: {fault.words.in_language(caller.language)}")
    if not caller.now < entry.expires_at <= caller.now + _LONGEST:
        raise RefusedError("bad_request", detail="expires_at: must lie within a year from now")
    made, number = secret.officer_key(os.urandom(32)), new_id(caller.now)
    scope, rights = await _scope(caller, entry.scope), sorted(set(entry.rights))
    by = caller.officer.id if caller.officer is not None and caller.at_screen else None
    key = keys.NewKey(number, entry.name, secret.key_hash(made), scope, rights, entry.expires_at, by)
    if not await keys.add(caller.conn, key, caller.now):
        raise RefusedError("bad_request", detail="name: is taken, perhaps by a key that was revoked")
    view = await _found(caller, number)
    words = {"scope": scope, "rights": rights, "expires_at": entry.expires_at.isoformat()}
    caller.leave_trace("key.made", str(number), words)
    return shapes.KeyMade(key=view, secret=made)


@router.post("/keys/{key}/revoke")
async def revoke_key(key: UUID, caller: Writer) -> shapes.KeyView:
    """This key opens nothing from now on, for ever."""
    before = await _found(caller, key)
    await signins.revoke_key(caller.conn, key, caller.now)
    view = await _found(caller, key)
    if before.revoked_at is None:
        caller.leave_trace("key.revoked", str(key), {})
    return view


async def _found(caller: Caller, key: UUID) -> shapes.KeyView:
    rows = await keys.search(caller.conn, key)
    if not rows:
        raise RefusedError("not_found")
    return _view(rows[0])


async def _scope(caller: Caller, text: str) -> str:
    try:
        return await scope_of(caller.conn, text)
    except RegisterError as error:
        raise RefusedError("bad_request", detail=str(error)) from None


def _view(row: KeyRow) -> shapes.KeyView:
    return shapes.KeyView(**row._asdict())
