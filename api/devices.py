"""A worker's devices: bound at the sign-in, listed, allowed, removed; and the end of all sign-ins.

The first device is good at once. Another one starts nothing until a device that is good allows it, or a waiting time is over:
a second code would go to the same card, which is what a borrowed or copied phone number brings anyway, while the owner of a
broken phone only has to wait. The devices that are good are told of it meanwhile (`devices_waiting` of /me) and can remove it.
Refuses to store a device's secret: its hash only.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from api import cookies
from api.caller import AnyDevice, Caller, WorkerCaller
from api.parts import new_id
from api.problems import RefusedError
from schemas import http
from weld.core import secret
from weld.store import devices, signins
from weld.store.devices import Bound

router = APIRouter(tags=["me"])


@router.get("/me/devices")
async def my_devices(caller: WorkerCaller) -> http.DeviceList:
    """Your devices."""
    rows = await devices.of(caller.conn, _me(caller))
    return http.DeviceList(
        devices=[
            http.Device(**row._asdict(), waiting=row.good_from > caller.now, here=row.id == caller.device)
            for row in rows
        ]
    )


@router.post("/me/devices/{device}/allow", status_code=204)
async def allow_device(device: UUID, caller: WorkerCaller) -> None:
    """A new device of yours is good from now on."""
    if not await devices.allow(caller.conn, _me(caller), device, caller.now):
        raise RefusedError("not_found")
    caller.leave_trace("device.allowed", str(device), {})


@router.delete("/me/devices/{device}", status_code=204)
async def remove_device(device: UUID, caller: WorkerCaller) -> None:
    """A device that is no longer yours: it is signed out, and new should it come again."""
    if not await devices.remove(caller.conn, _me(caller), device, caller.now):
        raise RefusedError("not_found")
    await signins.sign_out_everywhere(caller.conn, _me(caller), caller.now, device)
    caller.leave_trace("device.removed", str(device), {})


@router.delete("/me/sign-ins", status_code=204)
async def sign_out_everywhere(response: Response, caller: AnyDevice) -> None:
    """Log out everywhere, here as well. Devices stay known. A device that waits logs out itself only."""
    only = caller.device if caller.good_from else None
    await signins.sign_out_everywhere(caller.conn, _me(caller), caller.now, only)
    cookies.clear(response, caller.parts.settings, cookies.WORKER)
    caller.leave_trace("worker.signed_out_everywhere", str(_me(caller)), {})


async def bound(caller: Caller, worker: UUID, shown: str | None, browser: str) -> tuple[Bound, str]:
    """The device that shows this secret, or a new one; and its secret."""
    await devices.lock(caller.conn, worker)
    known = await devices.find(caller.conn, worker, secret.key_hash(shown)) if shown else None
    if known is not None and shown is not None:
        await devices.seen(caller.conn, known.id, browser, caller.now)
        return known, shown
    shared = shown is not None and await devices.sharable(caller.conn, worker, secret.key_hash(shown))
    made = shown if shared and shown is not None else secrets.token_urlsafe(32)
    later = caller.now + timedelta(seconds=caller.parts.settings.api_device_wait_s)
    words = (new_id(caller.now), worker, secret.key_hash(made), browser, caller.now, later)
    device = await devices.add(caller.conn, *words)
    waits = device.good_from > caller.now
    caller.leave_trace("device.bound", str(device.id), {"waits": waits}, actor=f"worker:{worker}")
    return device, made


def _me(caller: Caller) -> UUID:
    if caller.worker is None:
        raise RefusedError("signed_out")
    return caller.worker
