"""MQTT on the wire as a row of whole packets, and the two faults of that level: a PUBLISH twice, two neighbours swapped.

The fixed header is the same in 3.1.1 and 5: a byte of kind and flags, then the remaining length in one to four bytes of seven
bits. Refuses to look further into a packet.
"""

import random

PUBLISH = 3


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The whole packets at the front of a buffer, and the rest. ValueError where the length cannot be one of MQTT."""
    packets, at = [], 0
    while (end := _end(buffer, at)) is not None:
        packets.append(buffer[at:end])
        at = end
    return packets, buffer[at:]


def kind(packet: bytes) -> int:
    """The kind of packet, PUBLISH = 3."""
    return packet[0] >> 4


def _end(buffer: bytes, at: int) -> int | None:
    """Where the packet that begins at `at` ends; None while that is not here yet."""
    length = 0
    for index in range(4):
        place = at + 1 + index
        if place >= len(buffer):
            return None
        length |= (buffer[place] & 0x7F) << 7 * index
        if buffer[place] < 0x80:
            end = place + 1 + length
            return end if end <= len(buffer) else None
    raise ValueError("a remaining length of more than four bytes")


class Shuffle:
    """One direction of one connection: says in which order, and how often, its packets go on.

    A PUBLISH that is to be swapped waits for the next one; anything else pushes it out, and so does `flush`, so that nothing
    waits for ever.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._rest = b""
        self._held: bytes | None = None
        self.duplicated = self.reordered = 0

    @property
    def holds(self) -> bool:
        """Whether a packet waits for its neighbour."""
        return self._held is not None

    def feed(self, data: bytes, duplicate: float, reorder: float) -> bytes:
        """What goes on now; the two are chances for each PUBLISH."""
        packets, self._rest = split(self._rest + data)
        return b"".join(part for packet in packets for part in self._pass(packet, duplicate, reorder))

    def flush(self) -> bytes:
        """The packet that waits, if one does."""
        held, self._held = self._held, None
        return held or b""

    def _pass(self, packet: bytes, duplicate: float, reorder: float) -> list[bytes]:
        if kind(packet) != PUBLISH:
            return [self.flush(), packet]
        copies = [packet]
        if self._dice.random() < duplicate:
            self.duplicated += 1
            copies.append(packet)
        if self._held is not None:
            self.reordered += 1
            return [*copies, self.flush()]
        if self._dice.random() < reorder:
            self._held = b"".join(copies)
            return []
        return copies
