"""Officers of every role, signed in: each a browser's cookie that opens what the role opens."""

from typing import Any

import httpx

from tests.api.browser import OURS, account, browser, sign_in
from tests.api.town import Town


async def seat(town: Town, role: str, scope: str = "platform", login: str | None = None) -> dict[str, str]:
    """The headers of an officer with this one role, at a screen of ours."""
    who = await account(town, login or role.replace("_", "-"), roles=[role], scope=scope)
    async with browser(town) as http:
        await sign_in(town, http, who)
        return OURS | {"Cookie": f"wg_staff={http.cookies['wg_staff']}"}


async def ask(town: Town, seat: dict[str, str], method: str, path: str, body: Any = None) -> httpx.Response:
    """One request of this officer."""
    return await town.http.request(method, f"/api/v1{path}", json=body, headers=seat)
