"""What travels on `down`: a signed word in its envelope, or an unsigned `resend`.

A resend needs no signature: the worst that a forged one can do is make a chip repeat what it has already said.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.bad import BadMessage
from schemas.chip import Boot, Seq
from schemas.decode import MAX_BYTES
from schemas.signed import KINDS, Signed, SigningKey

Jws = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", max_length=8192)]
SignedKind = Literal["ticket", "command", "boot_reply", "stored", "time"]


class SignedDown(Struct, frozen=True, kw_only=True):
    """One signed word; `kind` repeats what the signed header says, so that a chip need not try all."""

    kind: SignedKind
    jws: Jws


class Resend(Struct, frozen=True, kw_only=True, tag_field="kind", tag="resend"):
    """Publish this range of a boot again, as the same bytes (P14)."""

    boot: Boot
    from_seq: Seq
    to_seq: Seq


def encode_signed(words: Signed, key: SigningKey) -> bytes:
    """A signed word in its envelope, as JSON."""
    return msgspec.json.encode(SignedDown(kind=KINDS[type(words)][0], jws=key.sign(words)))  # type: ignore[arg-type]


def encode_resend(boot: int, from_seq: int, to_seq: int) -> bytes:
    """A resend as JSON."""
    return msgspec.json.encode(Resend(boot=boot, from_seq=from_seq, to_seq=to_seq))


def decode_down(payload: bytes) -> SignedDown | Resend:
    """What a chip finds on its `down` topic; raises only BadMessage."""
    if len(payload) > MAX_BYTES:
        raise BadMessage("oversized", f"{len(payload)} bytes")
    try:
        if b'"resend"' in payload[:32]:
            return msgspec.json.decode(payload, type=Resend)
        return msgspec.json.decode(payload, type=SignedDown)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("invalid", str(error)) from None
