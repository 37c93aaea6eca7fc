"""The code on a plate: the address of its page as a QR code that keeps what it says when a third of it is gone.

Each code is read back as it is made, by another library than the one that made it. Refuses to hand out one that does not
say what it should, and one whose modules would be too small to scan off a dirty machine.
"""

from dataclasses import dataclass
from functools import cached_property

import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode

from weld.core import plate as plates
from weld.store.vault import Vault

QUIET = 4  # modules of white on every side (ISO/IEC 18004)
SIDE_MM = 33.0  # with the white
# 45 modules and the white on 33 mm: 0.62 mm each. H holds an address of 64 bytes there; a longer one stands in a lower level.
_LARGEST_VERSION = 7
_LEVELS = (ERROR_CORRECT_H, ERROR_CORRECT_Q, ERROR_CORRECT_M)
_PIXELS = 3  # a module, when a code is read back
_MARK_FIELD = "plate.code"


class BadCodeError(RuntimeError):
    """A code cannot be made, or does not read as what it was made of: nothing is printed."""


@dataclass(frozen=True)
class Code:
    """What a code says, and its dark modules by row, without the white around."""

    text: str
    modules: tuple[tuple[bool, ...], ...]

    @cached_property
    def module_mm(self) -> float:
        """The side of one module."""
        return SIDE_MM / (len(self.modules) + 2 * QUIET)

    @cached_property
    def bars(self) -> list[tuple[int, int, int]]:
        """Every run of dark modules as row, first column and length."""
        return [(y, x, length) for y, row in enumerate(self.modules) for x, length in _runs(row)]


def mark_of(vault: Vault, plate: str) -> str:
    """The mark that only this installation can put on this plate."""
    return plates.mark(vault.index(_MARK_FIELD, plate))


def make(text: str) -> Code:
    """The code of this text, read back."""
    for level in _LEVELS:
        made = QRCode(error_correction=level, border=0)
        made.add_data(text, optimize=0)
        try:
            version = made.best_fit()
        except (DataOverflowError, ValueError):
            continue
        if version <= _LARGEST_VERSION:
            made.make(fit=True)
            code = Code(text, tuple(tuple(map(bool, row)) for row in made.modules))
            read_back(code)
            return code
    raise BadCodeError(f"an address of {len(text.encode())} bytes is too long for a plate")


def read_back(code: Code) -> None:
    """BadCodeError unless the modules read as the text."""
    found = zxingcpp.read_barcodes(_picture(code), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    if [one.text for one in found] != [code.text]:
        raise BadCodeError(f"the code does not read as {code.text}")


def _picture(code: Code) -> Image.Image:
    side = len(code.modules) + 2 * QUIET
    pixels = bytearray(b"\xff" * side * side)
    for row, column, length in code.bars:
        start = (row + QUIET) * side + column + QUIET
        pixels[start : start + length] = bytes(length)
    small = Image.frombytes("L", (side, side), bytes(pixels))
    return small.resize((side * _PIXELS, side * _PIXELS), Image.Resampling.NEAREST)


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    runs, start = [], None
    for place, dark in enumerate((*row, False)):
        if dark and start is None:
            start = place
        elif not dark and start is not None:
            runs.append((start, place - start))
            start = None
    return runs
