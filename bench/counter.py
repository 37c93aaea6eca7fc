"""A number that one process raises and another reads: eight bytes in a shared file. Refuses more than one writer."""

import mmap
import struct
from pathlib import Path

_NUMBER = struct.Struct("=Q")


class Counter:
    """`Counter(path).value`; the file is made where it is missing."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_NUMBER.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _NUMBER.size)

    @property
    def value(self) -> int:
        """The number now."""
        return int(_NUMBER.unpack_from(self._map)[0])

    @value.setter
    def value(self, number: int) -> None:
        _NUMBER.pack_into(self._map, 0, number)
