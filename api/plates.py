"""The public page of a plate: registered or not, locked or not, and whether a licensed worker is on it. Nothing personal."""

from typing import Literal

from fastapi import APIRouter

from api.caller import AnyCaller
from api.problems import RefusedError
from schemas import http
from weld.core import identity
from weld.core import plate as plates
from weld.store import machines
from weld.store.machines import PublicRow

router = APIRouter(tags=["public"])


@router.get("/plates/{plate}")
async def verify_plate(plate: str, caller: AnyCaller) -> http.PlateView:
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
    )


def _state(row: PublicRow) -> Literal["locked", "unlocked", "offline"]:
    if not row.online:
        return "offline"
    return "unlocked" if row.contact == "closed" else "locked"
