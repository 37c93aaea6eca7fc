"""A browser at one of our pages: it keeps cookies and says where its requests come from. And officers to sit at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from api.app import create_app
from schemas import registers as shapes
from tests.api.town import Town
from weld.core import totp
from weld.core.roles import KINDS, scope_kind

OURS = {"Sec-Fetch-Site": "same-origin"}
SIGN_IN = "/api/v1/staff/sign-in"


@asynccontextmanager
async def browser(
    town: Town, *, base: str = "http://api", headers: dict[str, str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with an empty jar that is at our page, unless told otherwise."""
    transport = httpx.ASGITransport(create_app(town.parts), client=("127.0.0.1", 5))
    async with httpx.AsyncClient(
        transport=transport, base_url=base, headers=OURS if headers is None else headers
    ) as http:
        yield http


@dataclass(frozen=True)
class Account:
    """An officer's account with all that it takes to sign in."""

    login: str
    password: str
    totp_secret: str

    def parts(self, town: Town, steps_off: int = 0) -> dict[str, str]:
        """The body of a sign-in now."""
        step = totp.step(town.clock.now()) + steps_off
        return {"login": self.login, "password": self.password, "code": totp.code(self.totp_secret, step)}


def role_with(rights: list[str], scope: str) -> str:
    """The role with the fewest rights that has these and is given over such a scope."""
    kinds = [(len(kind.rights), role) for role, kind in KINDS.items() if role != "integrator"
             and set(rights) <= kind.rights and scope_kind(scope) in kind.scopes]  # fmt: skip
    return min(kinds)[1]


async def account(town: Town, login: str = "chen", **words: Any) -> Account:
    """An officer of the platform unless told otherwise; by `roles`, or by the smallest role that has these `rights`."""
    fields: dict[str, Any] = {"name": "陈样例", "scope": "platform"} | words
    rights = fields.pop("rights", ["machines:read"])
    if "roles" not in fields:
        fields["roles"] = [role_with(rights, fields["scope"])]
    entered = await town.enter("officer", shapes.Officer(login=login, **fields))
    found = Account(login, entered.secret, entered.totp_secret)
    town.secrets += [found.password, found.totp_secret]
    return found


async def sign_in(town: Town, http: httpx.AsyncClient, who: Account) -> httpx.Response:
    """Sign in with the next code, as each opens once."""
    town.clock.moved += timedelta(seconds=30)
    answer = await http.post(SIGN_IN, json=who.parts(town))
    assert answer.status_code == 200, answer.text
    town.secrets.append(answer.headers["set-cookie"].partition("=")[2].partition(";")[0])
    return answer
