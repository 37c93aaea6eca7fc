"""The one error of the wire: why some bytes are not a message of ours.

Holds the closed list of reasons; refuses free text as a reason (free text goes into `detail`).
"""

from typing import Literal

BadReason = Literal["bad_topic", "oversized", "undecodable", "unknown_kind", "invalid", "bad_signature"]


class BadMessage(Exception):
    """Bytes that are not a message.

    `boot` and `seq` are given where the envelope could still be read, so that the message can be counted as
    "seen, in quarantine" instead of being asked for again and again.
    """

    def __init__(self, reason: BadReason, detail: str, boot: int | None = None, seq: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: BadReason = reason
        self.detail = detail
        self.boot = boot
        self.seq = seq
