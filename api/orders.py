"""Orders to machines that are no tickets: lock, end of a session, block. Each replaces the live command, none waits.

A lock raises the chip's counter, so that every ticket before it is worthless, and takes back a permission that has not
clicked yet. Refuses to replace a lock by anything weaker.
"""

from datetime import timedelta
from uuid import UUID

from api.caller import Caller
from api.parts import new_id
from api.problems import RefusedError
from api.scan import tidy
from weld.store import commands, grants, machines, pulse, sessions, signins
from weld.store.commands import CommandRow, GivenRow

# An arc that is burning gets this long (architecture.md 4.5); level 1 does not wait.
_GRACE_S = 60


async def lock(caller: Caller, plate: str, level: int, why: str) -> GivenRow:
    """Order the contact open, by authority."""
    if not await machines.hold(caller.conn, plate):
        raise RefusedError("not_found")
    # The machine is in this officer's scope; what hangs on it may still be from where it was before.
    await signins.look_as(caller.conn, "platform")
    machine = await machines.scanned(caller.conn, plate, caller.now)
    if machine is None or machine.chip is None:
        raise RefusedError("machine_not_chipped")
    await tidy(caller, plate)
    await commands.supersede(caller.conn, plate, "lock", caller.now)
    for ended in await grants.end_unclicked(caller.conn, plate, "locked", caller.now):
        await pulse.hint(caller.conn, f"grant:{ended}")
    counter = await commands.raise_counter(caller.conn, machine.chip)
    until = caller.now + timedelta(seconds=caller.parts.settings.api_lock_lasts_s)
    order = CommandRow(
        id=new_id(caller.now),
        kind="lock",
        chip=machine.chip,
        plate=plate,
        grant_id=None,
        session=None,
        level=level,
        grace_s=0 if level == 1 else _GRACE_S,
        counter=counter,
        by="authority",
        actor=caller.actor,
        why=why,
        created_at=caller.now,
        expires_at=until,
    )
    return await _give(caller, order)


async def end(caller: Caller, session: UUID) -> None:
    """End one's own open session; nothing where that is under way already, or a lock, which ends it too."""
    if caller.worker is None:
        raise RefusedError("signed_out")
    await signins.look_as(caller.conn, "platform")
    where = await sessions.where(caller.conn, session, caller.worker)
    if where is None or where[0] is None or not await machines.hold(caller.conn, where[0]):
        return
    plate, chip = where
    await tidy(caller, plate)
    live = await commands.live(caller.conn, plate)
    if live is not None and (live.kind == "lock" or live.session == session):
        return
    await commands.supersede(caller.conn, plate, "end", caller.now)
    await _give(caller, await _end_order(caller, plate, chip, session))
    await pulse.hint(caller.conn, f"session:{session}")


async def block(caller: Caller, plate: str, why: str, *, blocked: bool) -> None:
    """Take a machine out of use, or bring it back. It stops the next start; who must stop now is locked as well."""
    if not await machines.block(caller.conn, plate, why if blocked else None):
        raise RefusedError("not_found")
    action = "machine.blocked" if blocked else "machine.unblocked"
    caller.leave_trace(action, plate, {"reason": why})


async def _end_order(caller: Caller, plate: str, chip: str, session: UUID) -> CommandRow:
    return CommandRow(
        id=new_id(caller.now),
        kind="end",
        chip=chip,
        plate=plate,
        grant_id=None,
        session=session,
        level=2,
        grace_s=_GRACE_S,
        counter=await commands.counter(caller.conn, chip),
        by="worker",
        actor=caller.actor,
        why="end",
        created_at=caller.now,
        expires_at=caller.now + timedelta(seconds=caller.parts.settings.api_end_lasts_s),
    )


async def _give(caller: Caller, order: CommandRow) -> GivenRow:
    await commands.give(caller.conn, order)
    words = {"command": str(order.id), "level": order.level, "reason": order.why}
    caller.leave_trace(f"command.{order.kind}", order.plate, words)
    given = await commands.live(caller.conn, order.plate)
    if given is None:
        raise RefusedError("machine_locking")
    return given
