"""The proof that somebody is an officer by password and time-based code, for the sign-in and for dangerous actions alike.

Every part is judged every time and one answer stands for all of them, also for logins that nobody has. Tries are counted by
login and by address, before they are judged. Refuses to say which part was wrong to anybody but the audit.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Request

from api.caller import Caller
from api.parts import parts_of
from weld.core import password, totp
from weld.core.reasons import ReasonCode
from weld.store import fields, officers


async def _turn(request: Request) -> AsyncIterator[None]:
    """Stands before the caller in the signature: whoever waits here holds no connection to the database."""
    async with parts_of(request).board.sign_ins.take():
        yield


Turn = Annotated[None, Depends(_turn, scope="function")]


class Given(NamedTuple):
    """What somebody says of himself."""

    login: str
    password: str
    code: str


async def judged(caller: Caller, given: Given, address: str) -> UUID | ReasonCode:
    """The officer, where all three parts are right; else why not. The try stays counted if the transaction is committed."""
    if await too_many_from(caller, address):
        return "too_many_attempts"
    login_index = caller.parts.vault.index(fields.OFFICER_LOGIN, given.login)
    failures = await officers.try_once(caller.conn, login_index, caller.now)
    if failures is None:
        return "sign_in_held"
    officer = await _fitting(caller, given)
    if officer is None:
        await officers.add_wrong(caller.conn, address, caller.now)
        if held := password.hold(failures):
            await officers.hold(caller.conn, login_index, caller.now + held)
        return "sign_in_wrong"
    await officers.forgive(caller.conn, login_index)
    return officer


async def too_many_from(caller: Caller, address: str) -> bool:
    """Whether so many wrong tries came from this address that no more are judged; whoever guesses tries many logins."""
    settings = caller.parts.settings
    since = caller.now - timedelta(seconds=settings.api_staff_wrong_window_s)
    return await officers.wrong_from(caller.conn, address, since) >= settings.api_staff_wrong_per_address


async def _fitting(caller: Caller, given: Given) -> UUID | None:
    """The officer, where all three parts are right; the code's time step is then used up."""
    found = await officers.find(caller.conn, caller.parts.vault, given.login)
    stored = password.DECOY if found is None else found.password_hash
    password_fits = await asyncio.to_thread(password.fits, stored, given.password)
    step = None if found is None else totp.fitting_step(found.totp_secret, given.code, caller.now)
    if (
        found is not None
        and password_fits
        and step is not None
        and not found.disabled
        and await officers.use_step(caller.conn, found.id, step)
    ):
        return found.id
    # A password that fits beside a code that does not is what whoever reads the audit must see.
    words = {"password": password_fits, "code": step is not None}
    subject = "unknown" if found is None else str(found.id)
    caller.leave_trace("staff.sign_in_wrong", subject, words)
    return None
