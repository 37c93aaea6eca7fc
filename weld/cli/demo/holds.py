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


class Holds:
    """One file for all chips; what belongs to chips that are not in this run stays in it for a later one."""

    def __init__(self, folder: Path, devices: Sequence[Device]) -> None:
        self._file = folder / _FILE
        self._devices = devices
        here = {device.identity.chip for device in devices}
        self._known = _read(self._file)
        self._elsewhere = {chip: hold for chip, hold in self._known.items() if chip not in here}
        self._written: dict[str, str] = {}

    def recall(self) -> None:
        """Before the chips start: each learns of the session that it held, and that it is over."""
        for device in self._devices:
            hold = self._known.get(device.identity.chip)
            if hold is not None:
                device.remember(replace(hold, ending="resume_expired"))

    async def keep(self) -> None:
        """Write down who holds what, whenever it has changed, until cancelled; once more at the end."""
        try:
            while True:
                self._write()
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            with suppress(OSError):
                self._write()

    def _write(self) -> None:
        held = {device.identity.chip: hold for device in self._devices if (hold := device.hold) is not None}
        sessions = {chip: hold.session for chip, hold in held.items()}
        if sessions != self._written:
            write_private(self._file, msgspec.json.encode(self._elsewhere | held))
            self._written = sessions


def _read(file: Path) -> dict[str, Hold]:
    """Nothing at the first start; nothing, too, of a file that was cut off: then a few machines stay in use for a while."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Hold])
    except (OSError, msgspec.DecodeError):
        return {}
