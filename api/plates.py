"""The public page of a plate: registered or not, locked or not, and whether a licensed worker is on it. Nothing personal."""

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.caller import AnyCaller, Caller
from api.paper.code import mark_of
from api.problems import RefusedError
from schemas import http
from weld.core import identity
from weld.core import plate as plates
from weld.store import machines
from weld.store.machines import PublicRow

router = APIRouter(tags=["public"])

Mark = Annotated[str, Query(max_length=40, description="The check of a scanned plate, as its address carries it")]


@router.get("/plates/{plate}")
async def verify_plate(plate: str, caller: AnyCaller, k: Mark | None = None) -> http.PlateView:
    """Verify a machine by the number on its plate."""
    code = identity.normal(plate)
    if not plates.check(code):
        raise RefusedError("plate_check_failed")
    row = await machines.public(caller.conn, code)
    if row is None:
        raise RefusedError("unknown_plate")
    return http.PlateView(
        plate=row.plate,
        registered=True,
        maker=row.maker,
        model=row.model,
        rated_a=row.rated_a,
        division=row.division_en if caller.language == "en" else row.division_zh,
        chipped=row.chipped,
        blocked=row.blocked,
        state=_state(row),
        heard_at=row.heard_at,
        licensed_worker_on=row.licensed_now,
        printed_by_us=None if k is None else _ours(caller, code, k),
    )


def _ours(caller: Caller, code: str, k: str) -> bool:
    # It is no secret, but whoever copies this line may compare one.
    return hmac.compare_digest(mark_of(caller.parts.vault, code).encode(), k.upper().encode())


def _state(row: PublicRow) -> Literal["locked", "unlocked", "offline"]:
    if not row.online:
        return "offline"
    return "unlocked" if row.contact == "closed" else "locked"
