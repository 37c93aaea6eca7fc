"""The boot gate (P4): what a chip is told when it boots, and whether its boot message may enter the books.

Pure. Refuses signing and sending.
"""

from dataclasses import dataclass
from typing import Literal

from ingest.chip import Chip
from schemas.chip import BootUp
from schemas.signed import BootReply
from weld.core import intake
from weld.core.intake import Place


@dataclass(frozen=True, slots=True)
class Verdict:
    """The words of the reply; `again`: the very bytes of the earlier one; `enters`: the message is evidence."""

    enters: bool
    reply: BootReply | None
    again: bool = False
    reason: Literal["changed_key"] | None = None


def judge(chip: Chip, message: BootUp, content: int, received_ms: int, heartbeat_s: int) -> Verdict:
    """What becomes of a boot message of an enrolled chip.

    A late one of an earlier boot is plain evidence. Another one at or below the last known boot gets a floor: the chip's
    counter went back, and its evidence would be taken for repetitions.
    """
    known = chip.boot
    answered = chip.anchor(message.boot)
    if answered is not None and answered.hash == content:
        return Verdict(enters=True, reply=None, again=True)
    if message.late and message.boot < known:
        return Verdict(enters=True, reply=None)
    if message.boot < known:  # the same bytes once more (P13), or a counter that went back: only the store can tell
        return Verdict(enters=True, reply=None)
    if answered is not None and answered.hash is not None:
        return Verdict(
            enters=False, reply=_reply(chip, message, received_ms, heartbeat_s, floor=known + 1), reason="changed_key"
        )
    return Verdict(enters=True, reply=_reply(chip, message, received_ms, heartbeat_s, floor=None))


def below_floor(chip: Chip, message: BootUp, received_ms: int, heartbeat_s: int) -> BootReply | None:
    """The answer to a boot message of an earlier boot that is neither late nor missing: the chip must raise its counter."""
    known = chip.progress.boot
    if message.late or message.boot >= known or intake.place(chip.progress, message.boot, message.seq) is Place.LATE:
        return None
    return _reply(chip, message, received_ms, heartbeat_s, floor=known + 1)


def pending(name: str, message: BootUp, received_ms: int, heartbeat_s: int) -> BootReply:
    """The reply to a chip that nobody has enrolled: it waits, and its data is kept in quarantine."""
    return _words(name, message, "pending", received_ms - message.up, heartbeat_s, None)


def anchor_ms(chip: Chip, boot: int, up: int, received_ms: int) -> int:
    """When `up` was 0 in this boot: fixed at the first word of a boot, never changed (P16)."""
    known = chip.anchor(boot)
    return known.at_ms if known is not None else received_ms - up


def _reply(chip: Chip, message: BootUp, received_ms: int, heartbeat_s: int, floor: int | None) -> BootReply:
    status: Literal["accepted", "pending", "rejected"] = "accepted"
    if chip.rejected:
        status = "rejected"
    elif floor is not None:
        status = "pending"
    return _words(
        chip.chip, message, status, anchor_ms(chip, message.boot, message.up, received_ms), heartbeat_s, floor
    )


def _words(
    name: str,
    message: BootUp,
    status: Literal["accepted", "pending", "rejected"],
    anchor: int,
    heartbeat_s: int,
    floor: int | None,
) -> BootReply:
    return BootReply(
        aud=name,
        boot=message.boot,
        up=message.up,
        status=status,
        anchor=max(0, anchor),
        config_version=message.config_version,
        heartbeat_s=heartbeat_s,
        boot_floor=floor,
    )
