"""What the chips' flash holds of open sessions, kept between two runs of the demo.

A real chip's flash survives a loss of power; a simulated one dies with its process, and its machine would stay in use for the
platform until the ticket's end. So the next run tells each chip what it held, and the chip declares that session over.
Refuses to keep anything else of a chip.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from simulator.device import Device
from simulator.flash import Hold
from weld.cli.homes import write_private

_LOOK_EVERY_S = 2.0
_FILE = "holds.json"


def recall(folder: Path, devices: Sequence[Device]) -> None:
    """Before the chips start: each learns of the session that it held, and that it is over."""
    try:
        held = msgspec.json.decode((folder / _FILE).read_bytes(), type=dict[str, Hold])
    except (
        OSError,
        msgspec.DecodeError,
    ):  # the first start; or a file that was cut off: only a few machines stay in use
        return
    for device in devices:
        hold = held.get(device.identity.chip)
        if hold is not None:
            device.remember(replace(hold, ending="resume_expired"))


async def keep(folder: Path, devices: Sequence[Device]) -> None:
    """Write down who holds what, whenever it has changed, until cancelled; once more at the end."""
    written: dict[str, str] = {}
    try:
        while True:
            written = _write(folder, devices, written)
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        with suppress(OSError):
            _write(folder, devices, written)


def _write(folder: Path, devices: Sequence[Device], written: dict[str, str]) -> dict[str, str]:
    held = {device.identity.chip: hold for device in devices if (hold := device.hold) is not None}
    sessions = {chip: hold.session for chip, hold in held.items()}
    if sessions != written:
        write_private(folder / _FILE, msgspec.json.encode(held))
    return sessions
