"""What everybody may know of this installation: its name, address, hotline, and who answers for its map."""

from fastapi import APIRouter

from api.caller import AnyCaller
from schemas import live

router = APIRouter(tags=["public"])


@router.get("/installation")
async def read_installation(caller: AnyCaller) -> live.InstallationView:
    """This installation."""
    settings = caller.parts.settings
    return live.InstallationView(
        name=settings.installation_name,
        public_url=settings.public_url,
        hotline=settings.hotline,
        demo=settings.demo,
        map=live.MapNote(owner=settings.map_owner, approval=settings.map_approval),
    )
